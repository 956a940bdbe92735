"""How well an entry answers a query: what share of the query it covers, and how close one of its names comes.

Each part is between 0 and 1 and means the same for every query, so one threshold can say "no such service". The
numbers of `Weights` were tuned on half of the development queries and judged on the other half (docs/search.md).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from heapq import nlargest

from aggregator.discovery.search.index import Entry, Index, Surface
from aggregator.discovery.search.reading import Read, Slot

UNKNOWN = 0.65
"""What a word counts that neither lexicon nor catalogue knows: people tell stories around what they need."""
COSINE_LOW, COSINE_SPAN = 0.80, 0.12
ELSEWHERE = 1.3
"""What a thing counts that no agency of the city does: more than any word that a service may share with it."""
LIKELY = 0.5
NARROWED = 44
"""Entries that are looked at closely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    cover: float = 0.52
    """Share of the query that the entry has anywhere."""
    name: float = 0.48
    """Closeness of the entry's best name."""
    lean: float = 0.45
    """In a name's closeness: what the query's own size counts against the name's."""
    plain: float = 0.06
    """For an entry whose title says nothing that was not asked: the plain service comes before its special cases."""
    wish: float = 0.04
    """For doing what the query wants done."""
    meaning: float = 0.6
    """Of the embedding, where it is installed."""
    close: float = 0.20
    """What closeness in meaning adds to how sure the words alone are."""
    mass: float = 0.10
    """For how much was understood: two rare things found are surer than one common word found whole."""
    accept: float = 0.52
    """An entry less sure than this is no answer."""
    accept_meaning: float = 0.58
    """The same where the embedding takes part."""


@dataclass(frozen=True, slots=True)
class Scored:
    """An entry with its score, and what of it matched best."""

    entry: Entry
    number: int
    score: float
    cover: float
    name: float
    surface: Surface | None
    sure: float = 0.0
    """How sure it is that this answers the query at all; comparable between queries."""
    meaning: float = 0.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A query weighed. `where` gives per term the slots that may mean it, each with the worth of that meaning."""

    where: Mapping[str, list[tuple[int, float]]]
    sizes: tuple[float, ...]
    total: float
    wishes: frozenset[str]


class Ranking:
    """Scores of an index's entries. Never changes the index."""

    def __init__(self, index: Index, weights: Weights | None = None) -> None:
        self.index = index
        self.weights = weights or Weights()

    def best(self, read: Read, most: int = 20) -> list[Scored]:
        """The best entries by words alone, best first; entries that share no term are not in it."""
        asked = self.asked(read)
        if not asked.total:
            return []
        scored = [self.score(number, asked) for number in self._narrowed(asked)]
        scored.sort(key=lambda one: (-one.score, one.entry.item.id))
        return scored[:most]

    def asked(self, read: Read) -> Asked:
        """The query with the worth of everything in it."""
        sizes = []
        where: dict[str, list[tuple[int, float]]] = {}
        for place, slot in enumerate(read.slots):
            known = {term: sure for term, sure in slot.terms.items() if self.index.known(term)}
            worths = {term: sure * self.index.worth(term) for term, sure in known.items()}
            sizes.append(self._size(slot, worths))
            for term, worth in worths.items():
                where.setdefault(term, []).append((place, worth))
        return Asked(where, tuple(sizes), sum(sizes), self.wishes(read))

    def wishes(self, read: Read) -> frozenset[str]:
        """What the query wants done, as far as it says so."""
        meant = [term for slot in read.slots for term, sure in slot.terms.items() if sure > LIKELY]
        return frozenset(_WISHES[term] for term in meant if term in _WISHES)

    def score(self, number: int, asked: Asked) -> Scored:
        entry, weights, total = self.index.entries[number], self.weights, asked.total
        cover = _covered(asked, entry.terms) / total
        name, surface, lean, plain = 0.0, None, weights.lean, 0.0
        for one in entry.surfaces:
            shared = _shared(asked.where, one.pairs)
            if shared:
                close = one.trust * shared / (lean * total + (1 - lean) * one.worth)
                if close > name:
                    name, surface = close, one
                if one.place == "TITLE":
                    plain = max(plain, shared / one.worth)
        name = min(1.0, name)
        score = weights.cover * cover + weights.name * name + weights.plain * min(1.0, plain) * cover
        if entry.intent in asked.wishes:
            score += weights.wish
        score *= entry.standing
        return Scored(entry, number, score, cover, name, surface, score + weights.mass * cover * total)

    def _size(self, slot: Slot, worths: Mapping[str, float]) -> float:
        if slot.role == "elsewhere":
            return ELSEWHERE
        if not slot.terms:
            return UNKNOWN
        best = max(slot.terms.items(), key=lambda pair: pair[1])[0]
        return max([*worths.values(), self.index.rarity(best) * slot.weight])

    def _narrowed(self, asked: Asked) -> list[int]:
        """The entries worth a close look: those with most of the query's worth, by the terms' best entries."""
        found: dict[int, float] = {}
        for term, places in asked.where.items():
            worth, so_far = places[0][1], found.get
            for number, weight in self.index.by_term.get(term, ()):
                found[number] = so_far(number, 0.0) + worth * weight
        if len(found) <= NARROWED:
            return list(found)
        return nlargest(NARROWED, found, key=lambda number: (found[number], -number))


_WISHES = {
    "#pay": "PAY", "#renew": "RENEW", "#correct": "CORRECT", "#transfer": "CORRECT", "#track": "TRACK",
    "#complain": "COMPLAIN", "#broken": "COMPLAIN", "#none_there": "COMPLAIN", "#apply": "APPLY", "#new": "APPLY",
}  # fmt: skip


def _covered(asked: Asked, terms: Mapping[str, float]) -> float:
    """What of the query the terms say, each slot by the best of its meanings."""
    best: dict[int, float] = {}
    for term, places in asked.where.items():
        share = terms.get(term)
        if share is not None:
            for place, worth in places:
                if worth * share > best.get(place, 0.0):
                    best[place] = worth * share
    return sum(best.values())


def _shared(where: Mapping[str, list[tuple[int, float]]], pairs: tuple[tuple[str, float], ...]) -> float:
    """The same for one name of an entry, from the name's side: names are shorter than queries' meanings."""
    found = [(place, worth * share) for term, share in pairs if term in where for place, worth in where[term]]
    if len(found) < 2:
        return found[0][1] if found else 0.0
    best: dict[int, float] = {}
    for place, worth in found:
        if worth > best.get(place, 0.0):
            best[place] = worth
    return sum(best.values())


def closeness(cosine: float) -> float:
    """A cosine of the embedding as a share of 1: any two texts lie within a narrow band of it."""
    return max(0.0, min(1.0, (cosine - COSINE_LOW) / COSINE_SPAN))


def margin(first: float, second: float) -> float:
    """How clearly the first beats the second, 0 to 1."""
    return (first - second) / first if first > 0 and math.isfinite(first) else 0.0
