"""What one running aggregator is told from outside, read once and frozen.

Environment variables name places and addresses; everything about agencies and services is registry.toml's. Secrets
are references here as there: the keys of the vault and of our signatures live in files only their owner can read.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

DATA_DIR = "data"
REGISTRY = "registry.toml"
HOST = "127.0.0.1"
PORT = 8080


class BadSetting(ValueError):
    """An environment variable has a value that cannot be used; the message names it and says what would be right."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`database_url`: `sqlite:///...` or `postgresql://...`. `sandbox_urls`: where simulators listen, by agency."""

    data_dir: Path
    registry_path: Path
    database_url: str
    host: str = HOST
    port: int = PORT
    base_url: str | None = None
    log_format: str = "json"
    log_level: str = "INFO"
    pages_portal: str = ""
    proxies: tuple[str, ...] = ()
    """Networks of our own proxies, whose word on a caller's address counts."""
    scanner: str = ""
    """`tcp://host:port` or `unix:///path` of a clamd; empty: none."""
    vault_key: Mapping[str, str] = field(default_factory=dict)
    watermark: tuple[Path, ...] = ()
    """Files outside the database that remember how far it had come; see aggregator/store/watermark.py."""
    checkpoints: tuple[Path, ...] = ()
    """Files outside the database that get each signed root of the log; see aggregator/feed/audit.py."""
    keys: Path = Path("data.keys")
    """The citizens' keys, outside the database and its backups; see aggregator/store/keyfile.py."""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    sandbox_urls: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_env(
        cls,
        env: Mapping[str, str],
        *,
        data_dir: Path | None = None,
        registry_path: Path | None = None,
        sandbox_urls: Mapping[str, str] | None = None,
    ) -> "Settings":
        """Settings from AGGREGATOR_* variables; arguments (the command line's) win over them.

        Raises BadSetting.
        """
        data = data_dir or Path(env.get("AGGREGATOR_DATA", DATA_DIR))
        return cls(
            data_dir=data,
            registry_path=registry_path or Path(env.get("AGGREGATOR_REGISTRY", REGISTRY)),
            database_url=env.get("AGGREGATOR_DATABASE", f"sqlite:///{data.resolve() / 'aggregator.db'}"),
            host=env.get("AGGREGATOR_HOST", HOST),
            port=_port(env.get("AGGREGATOR_PORT", str(PORT))),
            base_url=env.get("AGGREGATOR_BASE_URL"),
            scanner=env.get("AGGREGATOR_SCANNER", ""),
            pages_portal=env.get("AGGREGATOR_PAGES_PORTAL", ""),
            proxies=_networks(env.get("AGGREGATOR_TRUSTED_PROXIES", "")),
            log_format=_one_of(env, "AGGREGATOR_LOG", ("json", "text")),
            log_level=_one_of(env, "AGGREGATOR_LOG_LEVEL", ("INFO", "DEBUG", "WARNING", "ERROR")),
            vault_key=_vault_key(env, data),
            watermark=_beside(env, "AGGREGATOR_WATERMARK", data, ".mark"),
            keys=Path(env.get("AGGREGATOR_KEYS", data.resolve().with_name(data.resolve().name + ".keys"))),
            checkpoints=_beside(env, "AGGREGATOR_CHECKPOINTS", data, ".checkpoints"),
            env=env,
            sandbox_urls=sandbox_urls or {},
        )


def _vault_key(env: Mapping[str, str], data: Path) -> dict[str, str]:
    """The reference of the vault's key: AGGREGATOR_VAULT_KEY (Base64), a named file, or a file of the data folder."""
    if "AGGREGATOR_VAULT_KEY" in env:
        return {"env": "AGGREGATOR_VAULT_KEY"}
    return {"file": env.get("AGGREGATOR_VAULT_KEY_FILE", str(data / "vault.key"))}


def _beside(env: Mapping[str, str], name: str, data: Path, ending: str) -> tuple[Path, ...]:
    """Files, divided by `:`; unset, one beside the data folder, so that a copy put back over the folder does not put
    it back too.
    """
    named = env.get(name)
    if named is None:
        folder = data.resolve()
        return (folder.with_name(folder.name + ending),)
    places = tuple(Path(part.removeprefix("file:")) for part in named.split(os.pathsep) if part)
    if not places or any(not place.is_absolute() for place in places):
        raise BadSetting(f"{name} must be absolute paths of files, divided by ':', got {named!r}")
    return places


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise BadSetting(f"AGGREGATOR_PORT must be a port number from 0 to 65535, got {text!r}")
    return int(text)


def _networks(text: str) -> tuple[str, ...]:
    """Addresses and networks, divided by commas."""
    named = tuple(part.strip() for part in text.split(",") if part.strip())
    try:
        for one in named:
            ip_network(one)
    except ValueError as exc:
        raise BadSetting(f"AGGREGATOR_TRUSTED_PROXIES must be addresses or networks, 10.0.0.0/8: {exc}") from None
    return named


def _one_of(env: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = env.get(name, choices[0])
    if value not in choices:
        raise BadSetting(f"{name} must be one of {', '.join(choices)}, got {value!r}")
    return value
