"""One `[agencies.x]` block, with its driver's manifest and the environment, becomes the facts of one agency."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from aggregator.registry.agency import AgencyFacts, Forwarding, Manifest, Option, Poll, Window
from aggregator.registry.driver import Drivers, Product
from aggregator.registry.forwarding import narrowed
from aggregator.registry.locate import Path
from aggregator.registry.manifest import is_type
from aggregator.registry.secret import resolved
from aggregator.registry.source import Source, secret_name, shown
from aggregator.registry.tighten import tightened
from aggregator.registry.tree import Entry
from aggregator.registry.trust import read_trust
from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import Declared, Settings, capabilities_of
from aggregator.sdk.trust import Trust

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a block is read in: the environment, and where the sandbox's simulators really listen."""

    env: Mapping[str, str]
    sandbox_urls: Mapping[str, str]
    drivers: Drivers


def read_agency(name: str, entry: Entry, around: Surroundings) -> tuple[AgencyFacts | None, Product | None]:
    """The agency's facts and driver, each None when it cannot be told. Mistakes are in the entry's source.

    The driver is given also for an agency with mistakes, so that those of its services are found in the same run.
    """
    block, path, source = entry.block, entry.path, entry.source
    _check_url(block, path, source)
    _check_windows(block, path, source)
    policy = _policy(block, path, source)
    product = _product(block, path, source, around.drivers)
    if product is None:
        return None, None
    settings = Settings(
        url=_url(name, block, around),
        options=_options(block, path, source, product.manifest),
        secrets=resolved(block, path, source, product.manifest, around.env),
    )
    operations = _operations(block, path, source, product)
    forwarding = narrowed(product.manifest, block, path, source)
    trust = read_trust(block, path, source)
    if source.has_errors_under(path):
        return None, product
    made = _facts(name, block, product, settings=settings, policy=policy, operations=operations, forwarding=forwarding)
    # A simulator in the agency's place has neither its key nor its authority.
    moved = settings.url != block["url"]
    return replace(made, trust=Trust() if moved else trust), product


def _facts(  # noqa: PLR0913 - it is where the parts come together
    name: str,
    block: Mapping[str, Any],
    product: Product,
    *,
    settings: Settings,
    policy: Policy,
    operations: Mapping[str, Declared],
    forwarding: Forwarding | None,
) -> AgencyFacts:
    return AgencyFacts(
        id=name,
        kind=block["kind"],
        driver=product.dotted,
        title=block["title"],
        enabled=block.get("enabled", True),
        livemode=not block.get("sandbox", False),
        settings=settings,
        policy=policy,
        operations=operations,
        manifest=product.manifest,
        capabilities=capabilities_of(product.cls),
        poll=Poll(**block.get("poll", {})),
        forwarding=forwarding,
        maintenance=tuple(Window(**row) for row in block.get("maintenance", ())),
    )


def _product(block: Mapping[str, Any], path: Path, source: Source, drivers: Drivers) -> Product | None:
    kind, driver = block.get("kind"), block.get("driver")
    named = all(isinstance(one, str) and one for one in (kind, driver))
    if not named or source.has_errors_under((*path, "kind")) or source.has_errors_under((*path, "driver")):
        return None
    return drivers.find(str(kind), str(driver), path, source)


def _url(name: str, block: Mapping[str, Any], around: Surroundings) -> str:
    moved = around.sandbox_urls.get(name) if block.get("sandbox") is True else None
    return str(moved or block.get("url", ""))


def _check_url(block: Mapping[str, Any], path: Path, source: Source) -> None:
    """An address no connection could be made to is refused here, not by the first citizen's call (AC-8)."""
    url, at = block.get("url"), (*path, "url")
    if not isinstance(url, str) or not url:
        return
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        source.wrong(at, "is not an address")
        return
    if "@" in parts.netloc:
        source.wrong(at, "holds a user name or password. Put them under secrets")
    elif parts.scheme not in {"http", "https"}:
        source.wrong(at, f"must begin with https:// or http://, got {shown(url)}")
    elif not host or any(letter.isspace() for letter in url):
        source.wrong(at, f"has no host to call, got {shown(url)}")
    elif parts.query or parts.fragment:
        source.wrong(at, "must be a base address, without ? or #")
    elif parts.scheme == "http" and block.get("sandbox") is not True and host not in _LOOPBACK:
        source.wrong(at, "is http: what citizens send can be read on the way", warning=True)


def _check_windows(block: Mapping[str, Any], path: Path, source: Source) -> None:
    given = block.get("maintenance")
    for index, row in enumerate(given if isinstance(given, list) else ()):
        at = (*path, "maintenance", index)
        whole = isinstance(row, Mapping) and {"begins", "ends"} <= set(row) and not source.has_errors_under(at)
        if whole and row["ends"] <= row["begins"]:
            source.wrong((*at, "ends"), "must be after begins")


def _policy(block: Mapping[str, Any], path: Path, source: Source) -> Policy:
    at = (*path, "policy")
    given = block.get("policy", {})
    if not isinstance(given, Mapping) or source.has_errors_under(at):
        return Policy()
    policy = Policy(**given)
    for field, message in policy.problems():
        # A contradiction may be between one number given and one left at its default: it points at the given one.
        near = (key for key in given if key in message or key.split("_")[0] == field.split("_")[0])
        place = field if field in given else next(near, None)
        bare = place != field or message.startswith("the ")
        text = f"{field} {message}" if bare and not message.startswith("the ") else message
        source.wrong((*at, place) if place else at, text, bare=bare)
    return policy


def _operations(block: Mapping[str, Any], path: Path, source: Source, product: Product) -> dict[str, Declared]:
    at = (*path, "operations")
    given = block.get("operations", {})
    made = dict(product.operations)
    for name, facts in given.items() if isinstance(given, Mapping) else ():
        if name not in made:
            source.unknown((*at, name), "operation", name, made)
        elif isinstance(facts, Mapping):
            made[name] = tightened(made[name], facts, (*at, name), source)
    return made


def _options(block: Mapping[str, Any], path: Path, source: Source, manifest: Manifest) -> dict[str, Any]:
    at = (*path, "options")
    given = block.get("options", {})
    if not isinstance(given, Mapping):
        source.wrong(at, f"must be a table, got {shown(given)}")
        return {}
    for name, value in given.items():
        if name in manifest.options:
            _check_option(manifest.options[name], value, (*at, name), source)
        elif secret_name(name) and isinstance(value, str):
            source.written((*at, name))
        else:
            source.unknown((*at, name), "option", name, manifest.options)
    for name, option in manifest.options.items():
        if option.required and option.default is None and name not in given:
            source.missing(at if given else path, f"options.{name}")
    defaults = {name: option.default for name, option in manifest.options.items() if option.default is not None}
    return {**defaults, **given}


def _check_option(option: Option, value: Any, path: Path, source: Source) -> None:
    if not is_type(value, option.type):
        source.wrong(path, f"must be of type {option.type}, got {shown(value)}")
    elif option.choices and value not in option.choices:
        source.wrong(path, f"must be one of {', '.join(map(shown, option.choices))}, got {shown(value)}")
