"""How much of the catalogue is known, in which language, how old, and how far it can be done with us."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from aggregator.discovery.catalogue.maturity import LADDER
from aggregator.discovery.catalogue.model import Catalogue, Entry

Line = tuple[str, int, int]
"""What is counted, how many have it, of how many."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Counts by heading, each a list of lines."""

    headings: dict[str, list[Line]]


def coverage_of(catalogue: Catalogue) -> Coverage:
    """Counts over the entries that stand; superseded rows are counted apart."""
    services, complaints = catalogue.services(), catalogue.complaint_types()
    every = [*services, *complaints]
    return Coverage(
        {
            "entries": [
                ("services", len(services), len(every)),
                ("complaint types", len(complaints), len(every)),
                ("superseded rows", len(catalogue.facts.superseded), len(catalogue.facts.superseded)),
            ],
            "facts of services": _facts(services),
            "titles of services": _titles(services),
            "titles of complaint types": _titles(complaints),
            "how far services go with us": [
                (rung, sum(one.maturity == rung for one in services), len(services)) for rung in LADDER
            ],
            "checked at the source": _verified(every),
        }
    )


def _facts(entries: list[Entry]) -> list[Line]:
    has = {
        "time limit": lambda one: one.time_limit is not None,
        "officer and appeal": lambda one: bool(one.officers.designated),
        "fee": lambda one: one.fee is not None or (one.own is not None and one.own.fee is not None),
        "documents": lambda one: bool(one.documents or (one.own is not None and one.own.documents)),
        "channels": lambda one: bool(one.channels),
        "eligibility": lambda one: bool(one.eligibility),
        "life events": lambda one: bool(one.life_events),
        "description": lambda one: bool(one.descriptions),
        "keywords": lambda one: bool(one.keywords),
    }
    return [(name, sum(map(test, entries)), len(entries)) for name, test in has.items()]


def _titles(entries: list[Entry]) -> list[Line]:
    lines: list[Line] = []
    for code, language in (("or", "Odia"), ("hi", "Hindi")):
        having = [one for one in entries if code in one.titles]
        native = sum(code not in one.unverified for one in having)
        lines += [(language, len(having), len(entries)), (f"{language}, from a native source", native, len(entries))]
    return lines


def _verified(entries: Iterable[Entry]) -> list[Line]:
    counts = Counter(one.verified for entry in entries for one in entry.provenance if not one.superseded_by)
    whole = sum(counts.values())
    return [(word, counts[word], whole) for word in ("yes", "partly", "no")]
