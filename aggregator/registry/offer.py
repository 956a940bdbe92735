"""One `[services.x]` block and what its agencies' drivers offer become one service of the catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.registry.agency import PROOFS, Fee, FeeRow, Manifest, Offer, Organisation, Service, TimeLimit
from aggregator.registry.locate import Path
from aggregator.registry.source import Source
from aggregator.registry.tree import Entry


@dataclass(frozen=True, slots=True)
class Servers:
    """Who can serve: every agency's manifest by id (None: its driver cannot be told), and the organisations."""

    manifests: Mapping[str, Manifest | None]
    organisations: Mapping[str, Organisation]

    def expanded(self, name: str, offer: str) -> tuple[str, ...]:
        """The agency itself; of an organisation, the back ends that have this offer."""
        if name not in self.organisations:
            return (name,)
        return tuple(
            backend
            for backend in self.organisations[name].backends
            if (manifest := self.manifests.get(backend)) is None or offer in manifest.offers
        )


def read_organisation(name: str, entry: Entry, agencies: Mapping[str, Any]) -> Organisation | None:
    """The organisation; None when it has mistakes, which are in the entry's source."""
    block, path, source = entry.block, entry.path, entry.source
    given = block.get("backends")
    for index, backend in enumerate(given if isinstance(given, list) else []):
        if isinstance(backend, str) and backend not in agencies:
            source.unknown_value((*path, "backends", index), "agency", backend, agencies)
    if source.has_errors_under(path):
        return None
    return Organisation(name, block["kind"], block["title"], tuple(block["backends"]))


def read_service(name: str, entry: Entry, servers: Servers) -> Service | None:
    """The service; None when it has mistakes, which are in the entry's source."""
    block, path, source = entry.block, entry.path, entry.source
    agencies = _agencies(block, path, source, servers)
    offers = _offers(block, path, source, {name: servers.manifests[name] for name in agencies})
    if source.has_errors_under(path) or not offers:
        return None
    first, proofs = offers[0], _proofs(block, offers, path, source)
    if source.has_errors_under(path):
        return None
    return Service(
        id=name,
        title=block["title"],
        description=block["description"],
        kind=first.kind,
        agencies=agencies,
        offer=block["offer"],
        operation=first.operation,
        form=first.form,
        category=block["category"],
        documents=tuple(block.get("documents", ())),
        fee=_fee(block.get("fee"), first.form, (*path, "fee"), source),
        time_limit=_limit(block.get("time_limit")),
        source=block["source"],
        unverified=tuple(block.get("unverified", ())),
        proofs=proofs,
    )


def _proofs(block: Mapping[str, Any], offers: list[Offer], path: Path, source: Source) -> tuple[str, ...]:
    """What any agency of the service can do, narrowed to what the city wants; which one can what, its driver says."""
    able = tuple(proof for proof in PROOFS if any(proof in offer.proofs for offer in offers))
    wanted = block.get("proof")
    if wanted is None or wanted in able:
        return able if wanted is None else (wanted,)
    source.wrong(
        (*path, "proof"), f"is {wanted}, and the drivers of its agencies have only {' and '.join(able) or 'none'}"
    )
    return able


def _agencies(block: Mapping[str, Any], path: Path, source: Source, servers: Servers) -> tuple[str, ...]:
    given = block.get("agencies")
    named: list[Any] = given if isinstance(given, list) else []
    found: list[str] = []
    for index, agency in enumerate(named):
        at: Path = (*path, "agencies", index)
        if not isinstance(agency, str):
            continue
        if agency not in servers.manifests and agency not in servers.organisations:
            source.unknown_value(at, "agency", agency, [*servers.manifests, *servers.organisations])
        elif agency in named[:index]:
            source.wrong(at, f'names "{agency}" twice')
        elif not (serving := servers.expanded(agency, str(block.get("offer")))):
            source.wrong(at, f'none of its back ends offers "{block.get("offer")}"')
        else:
            found += [one for one in serving if one not in found]
    return tuple(found)


def _offers(
    block: Mapping[str, Any], path: Path, source: Source, manifests: Mapping[str, Manifest | None]
) -> list[Offer]:
    offers: list[Offer] = []
    wanted = block.get("offer")
    for manifest in manifests.values():
        if manifest is not None and isinstance(wanted, str):
            _add(offers, wanted, manifest, (*path, "offer"), source)
    return offers


def _add(offers: list[Offer], wanted: str, manifest: Manifest, path: Path, source: Source) -> None:
    offer = manifest.offers.get(wanted)
    if offer is None:
        source.unknown_value(path, f"offer of {manifest.kind}/{manifest.name}", wanted, manifest.offers)
    elif offers and (offer.kind, offer.operation, offer.form) != (offers[0].kind, offers[0].operation, offers[0].form):
        source.wrong(path, "differs between these agencies' drivers: one service has one kind, operation and form")
    else:
        offers.append(offer)


def _fee(given: Mapping[str, Any] | None, form: Mapping[str, Any], path: Path, source: Source) -> Fee | None:
    if given is None:
        return None
    fields = form.get("properties", {})
    rows = []
    for index, row in enumerate(given["rows"]):
        at: Path = (*path, "rows", index)
        when, per = row.get("when", {}), row.get("per", "")
        for name in when:
            if name not in fields:
                source.unknown_value((*at, "when"), "field of the form", name, fields)
        if per and fields.get(per, {}).get("type") != "integer":
            source.wrong((*at, "per"), f"must name a whole-number field of the form, got {per}")
        rows.append(FeeRow(row["title"], row["amount_paise"], when, per))
    return Fee(given.get("currency", "INR"), tuple(rows))


def _limit(given: Mapping[str, Any] | None) -> TimeLimit | None:
    return TimeLimit(given["amount"], given["unit"], given["start_event"]) if given else None
