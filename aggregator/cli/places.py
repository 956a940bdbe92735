"""Where a city's files are: one data folder, one registry.toml, and the same options on every command."""

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path

from aggregator.cli.failure import BAD_USAGE, Failure
from aggregator.cli.simulated import Simulator
from aggregator.registry.load import Draft, read
from aggregator.sdk.clock import SystemClock
from aggregator.settings import BadSetting, Settings
from aggregator.store import open_store


def add_places(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("AGGREGATOR_DATA", "data")),
        help="folder of database and ledgers",
    )
    add_registry(parser)


def add_registry(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--registry",
        type=Path,
        default=Path(os.environ.get("AGGREGATOR_REGISTRY", "registry.toml")),
        help="the city's registry.toml",
    )


def data_dir_of(arguments: Namespace) -> Path:
    return Path(arguments.data)


def registry_of(arguments: Namespace) -> Path:
    return registry_file(Path(arguments.registry))


def registry_file(path: Path) -> Path:
    """The registry file, also when its folder was named. Raises Failure where there is none."""
    if path.is_dir():
        path /= "registry.toml"
    if not path.is_file():
        raise Failure(
            f"there is no {path}. Make one with `aggregator registry init DIR`, or name yours with --registry",
            BAD_USAGE,
        )
    return path


def settings_of(
    arguments: Namespace, sandbox_urls: Mapping[str, str] | None = None, sandbox_env: Mapping[str, str] | None = None
) -> Settings:
    """Settings from the environment and the command line. Raises Failure for a value that cannot be used.

    `sandbox_env`: what simulators made for us to use; the environment itself wins.
    """
    try:
        settings = Settings.from_env(
            {**(sandbox_env or {}), **os.environ},
            data_dir=data_dir_of(arguments),
            registry_path=registry_of(arguments),
            sandbox_urls=sandbox_urls,
        )
        open_store(settings.database_url, clock=SystemClock())
    except BadSetting as exc:
        raise Failure(str(exc), BAD_USAGE) from exc
    except ValueError as exc:
        raise Failure(f"AGGREGATOR_DATABASE cannot be used: {exc}", BAD_USAGE) from exc
    except ImportError as exc:
        raise Failure("PostgreSQL needs the extra `postgres`: install the package with it", BAD_USAGE) from exc
    return settings


def checked(path: Path) -> Draft:
    """What the registry's files say, without constructing a driver. Raises RegistryRefused with every mistake."""
    draft = read(path, env=os.environ)
    draft.refuse_errors()
    return draft


def simulators_of(arguments: Namespace) -> list[Simulator]:
    """The simulators of the enabled sandbox agencies. Raises Failure when the registry has none."""
    path = registry_of(arguments)
    found = [
        Simulator(facts.id, f"{facts.driver}.simulator", facts.settings.url)
        for facts in checked(path).facts.values()
        if facts.enabled and not facts.livemode
    ]
    if not found:
        raise Failure(f"{path} has no agency that is enabled and has sandbox = true", BAD_USAGE)
    return found
