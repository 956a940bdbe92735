"""Facts and registry become one catalogue: a citizen sees one service, whoever wrote which half of it.

An offered service without a fact of its own is an entry too, from what the registry says of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

from aggregator.discovery.catalogue.maturity import abilities, maturity
from aggregator.discovery.catalogue.model import (
    Catalogue,
    CatalogueFee,
    CatalogueFeeRow,
    Entry,
    Facts,
    StatutoryLimit,
)
from aggregator.registry.agency import AgencyFacts, Service

RECEIVED = "received"


@dataclass(frozen=True, slots=True)
class Offers:
    """What the registry offers: its services by id, and the agencies that do them."""

    services: Mapping[str, Service]
    agencies: Mapping[str, AgencyFacts]


def compose(facts: Facts, offers: Offers, registry_digest: str = "") -> Catalogue:
    """The catalogue of these facts and these offers. A dangling link is left out; `check` tells of it."""
    entries = {one.id: _joined(one, offers) for one in facts.entries.values()}
    other_ids = {
        one.same_as: one.id for one in entries.values() if one.same_as in offers.services and one.same_as not in entries
    }
    for service in offers.services.values():
        if service.id not in entries and service.id not in other_ids:
            entries[service.id] = _joined(_bare(service), offers)
    digest = sha256(f"{facts.digest}\0{registry_digest}".encode()).hexdigest()
    return Catalogue({id_: entries[id_] for id_ in sorted(entries)}, facts, other_ids, digest)


def links_of(entry: Entry) -> tuple[str, ...]:
    """The registry's ids an entry may be carried out by, its own first."""
    return tuple(dict.fromkeys(one for one in (entry.id, entry.same_as, *entry.parts) if one))


def _joined(entry: Entry, offers: Offers) -> Entry:
    offered = tuple(offers.services[id_] for id_ in links_of(entry) if id_ in offers.services)
    if not offered:
        return entry if entry.agency in offers.agencies else replace(entry, agency="")
    able = abilities(offered, offers.agencies)
    own = offered[0] if offered[0].id in {entry.id, entry.same_as} else None
    due = entry.fee is not None or (own is not None and own.fee is not None)
    joined = replace(
        entry,
        offered=offered,
        abilities=able,
        maturity=maturity(able, fee_due=due),
        agency=entry.agency if entry.agency in offers.agencies else offered[0].agencies[0],
    )
    return joined if own is None else _told_by(joined, own)


def _told_by(entry: Entry, service: Service) -> Entry:
    """Where the operator wrote a title or description in more languages, they are shown; facts keep their source."""
    return replace(
        entry,
        titles={**service.title, **entry.titles} if entry.id != service.id else {**entry.titles, **service.title},
        descriptions={**entry.descriptions, **service.description},
        unverified=tuple(sorted({*entry.unverified, *service.unverified})),
    )


def _bare(service: Service) -> Entry:
    limit = service.time_limit
    fee = service.fee
    rows = () if fee is None else tuple(CatalogueFeeRow(row.title, row.amount_paise) for row in fee.rows)
    return Entry(
        id=service.id,
        kind="complaint" if service.kind == "COMPLAINT" else "service",
        titles=service.title,
        descriptions=service.description,
        category=service.category,
        agency=service.agencies[0],
        fee=None if fee is None else CatalogueFee(fee.currency, rows),
        time_limit=None if limit is None else StatutoryLimit(limit.amount, limit.unit, RECEIVED),
        unverified=service.unverified,
        place="registry.toml",
    )


def known_offers(entries: Iterable[Entry]) -> set[str]:
    """Every id of the registry that some entry links to."""
    return {id_ for entry in entries for id_ in links_of(entry)}
