"""Browsing: which entries fit the asked facets, in which order, and how many there would be of each.

The order is the ids' own, or that of a search: the words are somebody else's work, the list here takes ids in order.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aggregator.discovery.catalogue.model import Catalogue, Entry

FACETS = ("kind", "category", "department", "life_event", "audience", "agency", "group", "maturity", "availability")
_VALUES: Mapping[str, Callable[[Entry], tuple[str, ...]]] = {
    "kind": lambda entry: (entry.case_kind,),
    "category": lambda entry: (entry.category,),
    "department": lambda entry: (entry.department,),
    "life_event": lambda entry: entry.life_events,
    "audience": lambda entry: entry.audiences,
    "agency": lambda entry: tuple(dict.fromkeys((entry.responsible, *agencies_of(entry)))),
    "group": lambda entry: (entry.group,),
    "maturity": lambda entry: (entry.maturity,),
}


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One entry that fits the words. `matched` says where, as a word of the contract; `why` says it to the citizen."""

    id: str
    matched: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Searched:
    """What the words found, best first, and what to ask back when that is nothing or too much."""

    hits: Sequence[SearchHit]
    question: str = ""


class Search(Protocol):
    """Finds entries by words; `language` is the reader's. Bigger cities put a better one in its place."""

    async def __call__(self, catalogue: Catalogue, words: str, language: str) -> Searched: ...


@dataclass(frozen=True, slots=True)
class Now:
    """Which availability each agency's state gives, taken once for a whole list."""

    by_agency: Mapping[str, str]

    def of(self, entry: Entry) -> str:
        """The best of its agencies' states; NOT_ONLINE when none of them does it."""
        states = {self.by_agency[name] for name in agencies_of(entry) if name in self.by_agency}
        return next((state for state in AVAILABILITY if state in states), "NOT_ONLINE")


AVAILABILITY = ("AVAILABLE", "DEGRADED", "PLANNED_PAUSE", "DOWN", "CLOSED")
"""Best first. CLOSED: connected by the operator and switched off. NOT_ONLINE stands for everything else."""


def agencies_of(entry: Entry) -> tuple[str, ...]:
    """The registry's agencies that carry an entry out, its own service's first."""
    return tuple(dict.fromkeys(name for service in entry.offered for name in service.agencies))


def fitting(entries: Iterable[Entry], asked: Mapping[str, str], now: Now) -> list[Entry]:
    """The entries that have every asked value, in the order they came in."""
    plain = [(_VALUES[name], value) for name, value in asked.items() if name != "availability"]
    found = [entry for entry in entries if all(value in of(entry) for of, value in plain)]
    wanted = asked.get("availability")
    return found if wanted is None else [entry for entry in found if now.of(entry) == wanted]


def counted(entries: Iterable[Entry], names: Iterable[str], now: Now) -> dict[str, dict[str, int]]:
    """How many of the entries have each value of each facet, the most frequent first."""
    whole = list(entries)
    found: dict[str, dict[str, int]] = {}
    for name in names:
        counts: Counter[str] = Counter()
        for entry in whole:
            counts.update((now.of(entry),) if name == "availability" else _VALUES[name](entry))
        counts.pop("", None)
        found[name] = dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
    return found


async def containing(catalogue: Catalogue, words: str, language: str) -> Searched:  # noqa: ARG001 - as the port wants it
    """The plainest search: entries whose texts contain every word. Stands in where no better one is installed."""
    asked = words.casefold().split()
    hits = []
    for entry in catalogue.entries.values():
        matched = _contained(entry, asked)
        if matched:
            hits.append(SearchHit(entry.id, matched))
    return Searched(hits)


def _contained(entry: Entry, asked: list[str]) -> str:
    titles = list(entry.titles.values())
    places = (
        ("TITLE", titles),
        ("ID", [entry.id, entry.same_as]),
        ("DESCRIPTION", [*titles, *entry.descriptions.values(), *entry.aliases]),
    )
    for name, texts in places:
        text = " ".join(texts).casefold()
        if all(word in text for word in asked):
            return name
    return ""
