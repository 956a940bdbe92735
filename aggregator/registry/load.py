"""The files become one registry or none: every mistake is found first, and nothing is loaded while there is one.

Reading makes no connection. Drivers are constructed here and nowhere else, behind their guard.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aggregator.registry.agency import Agency, AgencyFacts, CataloguePlace, City, Organisation, Registry, Service
from aggregator.registry.block import Surroundings, read_agency
from aggregator.registry.driver import ROOT, DriverBroken, Drivers, NoMailbox, Product, broken_at, constructed
from aggregator.registry.forwarding import MOST_BYTES, limited
from aggregator.registry.offer import Servers, read_organisation, read_service
from aggregator.registry.problems import Problem, RegistryRefused, errors_in
from aggregator.registry.secret import secret_files
from aggregator.registry.source import Source
from aggregator.registry.tree import Tree, name_of, read_tree
from aggregator.registry.trust import trust_files
from aggregator.resilience.breaker import BreakerChange
from aggregator.resilience.pipeline import Guarded, Meter
from aggregator.resilience.policy import Policy
from aggregator.resilience.share import Share
from aggregator.sdk.adapter import Declared
from aggregator.sdk.callback import Mailbox
from aggregator.sdk.clock import Chance, Clock
from aggregator.sdk.errors import NotAttempted
from aggregator.sdk.trust import Trust
from aggregator.sdk.wire import NoWire, Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What agencies are put together with. `make_wire` gets (agency id, policy, operations, trust)."""

    clock: Clock
    chance: Chance
    meter: Meter
    make_wire: Callable[[str, Policy, Mapping[str, Declared], Trust], Wire]
    on_breaker: Callable[[str, BreakerChange], None]
    mailbox: Callable[[str], Mailbox] = NoMailbox
    """Where an agency's calls wait for what it pushes, by agency id."""
    part: Share | None = None
    """This process' part of every agency's rate; None for a process that is alone."""


@dataclass(slots=True)
class Draft:
    """What the files say, before anything is made of it. Usable only when `problems` has no error."""

    tree: Tree
    city: City
    facts: dict[str, AgencyFacts]
    products: dict[str, Product]
    services: dict[str, Service]
    digest: str
    problems: list[Problem]
    folders: list[Path] = field(default_factory=list)
    organisations: dict[str, Organisation] = field(default_factory=dict)
    catalogue: CataloguePlace | None = None
    document_bytes: int = MOST_BYTES

    def refuse_errors(self) -> None:
        """Raises RegistryRefused if anything is wrong."""
        if errors_in(self.problems):
            raise RegistryRefused(self.problems)

    @property
    def watched(self) -> list[Path]:
        """Every file whose change may change the registry."""
        secrets = [file for entry in self.tree.agencies.values() for file in secret_files(entry.block, entry.source)]
        secrets += [file for entry in self.tree.agencies.values() for file in trust_files(entry.block, entry.source)]
        inside = [file for folder in self.folders for file in sorted(folder.rglob("*")) if _is_fact(file)]
        return [*self.tree.watched, *secrets, *inside]


class Disabled:
    """Stands where a disabled agency's driver would: nothing is constructed for it and nothing is called."""

    def __getattr__(self, name: str) -> Any:
        async def refuse(*_: object) -> None:
            raise NotAttempted("the agency is disabled in registry.toml")

        return refuse


def read(
    path: Path, *, env: Mapping[str, str], sandbox_urls: Mapping[str, str] | None = None, drivers: str = ROOT
) -> Draft:
    """Reads and checks everything but the drivers' constructors. Opens files, never sockets."""
    tree = read_tree(path)
    around = Surroundings(env, sandbox_urls or {}, Drivers(drivers))
    facts: dict[str, AgencyFacts] = {}
    products: dict[str, Product] = {}
    for name, entry in tree.agencies.items():
        agency, product = read_agency(name, entry, around)
        if agency is not None:
            facts[name] = agency
        if product is not None:
            products[name] = product
    manifests = {name: products[name].manifest if name in products else None for name in tree.agencies}
    groups = {name: read_organisation(name, entry, tree.agencies) for name, entry in tree.organisations.items()}
    organisations = {name: group for name, group in groups.items() if group is not None}
    servers = Servers(manifests, organisations)
    services = {name: read_service(name, entry, servers) for name, entry in tree.services.items()}
    sources = [*tree.sources, *around.drivers.sources]
    city, catalogue = _city(tree), _catalogue(tree)
    facts, document_bytes = limited(facts, tree.root)
    return Draft(
        tree,
        city,
        facts,
        products,
        {name: service for name, service in services.items() if service is not None},
        _digest(sources, around.sandbox_urls),
        _problems(sources),
        around.drivers.folders,
        organisations,
        catalogue,
        document_bytes,
    )


def check(path: Path, env: Mapping[str, str], *, drivers: str = ROOT) -> list[Problem]:
    """Every problem of the files, warnings too, drivers' constructors tried without a wire."""
    draft = read(path, env=env, drivers=drivers)
    return draft.problems + [
        problem for name in draft.facts if isinstance(problem := construct(draft, name, NoWire(), NoMailbox()), Problem)
    ]


def load(
    path: Path,
    parts: Parts,
    *,
    env: Mapping[str, str],
    sandbox_urls: Mapping[str, str] | None = None,
    drivers: str = ROOT,
) -> Registry:
    """The registry, ready to call. Raises RegistryRefused with all problems.

    Wires are made by `parts.make_wire` and are the caller's to close; `live.Live` does both.
    """
    draft = read(path, env=env, sandbox_urls=sandbox_urls, drivers=drivers)
    draft.refuse_errors()
    made = {
        name: construct(draft, name, wire_for(draft.facts[name], parts), parts.mailbox(name)) for name in draft.facts
    }
    refuse_broken(draft, made)
    agencies = {name: guarded(draft.facts[name], driver, parts) for name, driver in made.items()}
    return registry_of(draft, agencies)


def registry_of(draft: Draft, agencies: Mapping[str, Agency]) -> Registry:
    return Registry(
        draft.city, agencies, draft.services, draft.digest, draft.organisations, draft.catalogue, draft.document_bytes
    )


def wire_for(facts: AgencyFacts, parts: Parts) -> Wire:
    return parts.make_wire(facts.id, facts.policy, facts.operations, facts.trust) if facts.enabled else NoWire()


def construct(draft: Draft, name: str, wire: Wire, mailbox: Mailbox) -> Any:
    """The agency's driver, or the Problem that it does not start."""
    facts = draft.facts[name]
    if not facts.enabled:
        return Disabled()
    try:
        return constructed(draft.products[name].cls, facts, wire, mailbox)
    except DriverBroken as exc:
        entry = draft.tree.agencies[name]
        return broken_at(exc, entry.path, entry.source)


def refuse_broken(draft: Draft, made: Mapping[str, Any]) -> None:
    """Raises RegistryRefused for drivers that did not start."""
    broken = [one for one in made.values() if isinstance(one, Problem)]
    if broken:
        raise RegistryRefused([*draft.problems, *broken])


def guarded(facts: AgencyFacts, driver: object, parts: Parts, kept: Guarded | None = None) -> Agency:
    """The agency with its guard: `kept` from before a reload, or a new one around the driver."""
    guard = kept or Guarded(
        facts.id,
        driver,
        facts.operations,
        facts.policy,
        clock=parts.clock,
        chance=parts.chance,
        meter=parts.meter,
        on_breaker=partial(parts.on_breaker, facts.id),
        leave=facts.manifest.leave,
        part=parts.part,
    )
    if not facts.enabled:
        guard.halt("disabled in registry.toml")
    return Agency(**vars(facts), guarded=guard)


def _city(tree: Tree) -> City:
    name, zone = tree.city.get("name", ""), tree.city.get("timezone", "")
    if isinstance(zone, str) and zone:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            tree.root.wrong(("city", "timezone"), f'must be an IANA name such as Asia/Kolkata, got "{zone}"')
    return City(str(name), str(zone))


def _catalogue(tree: Tree) -> CataloguePlace | None:
    given = tree.root.data.get("catalogue")
    if not isinstance(given, Mapping) or not isinstance(given.get("folder"), str):
        return None
    folder = tree.root.file.parent / given["folder"]
    if not folder.is_dir():
        tree.root.wrong(("catalogue", "folder"), f"names {name_of(folder)}, which is no folder")
    return CataloguePlace(folder, str(given.get("broken", "skip")))


def _problems(sources: list[Source]) -> list[Problem]:
    """File by file as they were read, and down each file."""
    found = [sorted(source.problems, key=lambda one: (one.line, one.column)) for source in sources]
    return [problem for problems in found for problem in problems]


def _digest(sources: list[Source], urls: Mapping[str, str]) -> str:
    whole = sha256(repr(sorted(urls.items())).encode())
    for source in sources:
        whole.update(f"{source.name}\0{source.text}\0".encode())
    return whole.hexdigest()


def _is_fact(file: Path) -> bool:
    return file.name == "adapter.toml" or (file.suffix == ".json" and file.parent.name == "forms")
