"""The catalogue in memory, ready to be asked: terms by entry, entries by term, and how rare each term is.

It is built from the loaded catalogue alone and never from a database, so SQLite and PostgreSQL cannot differ. A term's
entries are kept best first and cut at `MOST_ENTRIES`: a word that every entry has decides nothing, and a query must
not pay for reading all of them.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aggregator.discovery.search.item import INTENTS, Item
from aggregator.discovery.search.reading import Reader
from aggregator.discovery.search.script import words
from aggregator.discovery.search.sound import stem

MOST_ENTRIES = 180
TITLE, SAYING, KEYWORD, DESCRIPTION, CATEGORY, DEPARTMENT = 1.0, 0.9, 0.6, 0.3, 0.3, 0.15
MODIFIER = 0.8
_SURE = 0.6
"""From this weight on a term is what the entry is about, and counts as one of its own."""
COMPLAINT = 0.97
"""A service that mends something comes before the complaint about it: it has a time limit and an officer."""
_INTENT_OF = {
    "#pay": "PAY", "#renew": "RENEW", "#correct": "CORRECT", "#transfer": "CORRECT", "#shift": "CORRECT",
    "#track": "TRACK", "#view": "TRACK", "#complain": "COMPLAIN",
}  # fmt: skip


_Named = tuple[str, str, float, dict[str, float]]
"""A name of an entry: its text, its place, its trust, its terms."""
_Draft = tuple[Item, list[_Named], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Surface:
    """One name of an entry: its terms, their worth together, and how far a name of its kind is trusted."""

    text: str
    place: str
    pairs: tuple[tuple[str, float], ...]
    """Its terms, each with its share."""
    worth: float
    trust: float


@dataclass(frozen=True, slots=True)
class Entry:
    """An item, read. `terms` are all its terms with the weight of the best place they stand in."""

    item: Item
    terms: Mapping[str, float]
    surfaces: tuple[Surface, ...]
    intent: str
    standing: float
    """What is left of its score when all else is equal: 1 for what editors curated, less for catch-alls."""


class Index:
    """Immutable once built: a reload makes a new one beside it."""

    def __init__(self, items: Iterable[Item], reader: Reader) -> None:
        self.reader = reader
        listed = list(items)
        reader.learn({stem(word) for item in listed for text in _texts(item) for word in words(text)})
        drafts = [_draft(item, reader) for item in listed]
        self._rarity = _rarity(drafts)
        self.entries = [self._entry(*draft) for draft in drafts]
        self.by_term = self._postings()

    def rarity(self, term: str) -> float:
        """How much a term tells, 0 to 1; a term that no entry has tells everything."""
        return self._rarity.get(term, 1.0)

    def known(self, term: str) -> bool:
        return term in self._rarity

    def worth(self, term: str) -> float:
        return self.rarity(term) * self.reader.weight(term)

    def _entry(self, item: Item, named: list[_Named], rest: dict[str, float]) -> Entry:
        surfaces = tuple(
            Surface(text, place, tuple(terms.items()), self._size(terms), trust)
            for text, place, trust, terms in named
            if terms
        )
        terms = dict(rest)
        for surface in surfaces:
            for term, share in surface.pairs:
                terms[term] = max(terms.get(term, 0.0), share * surface.trust)
        return Entry(item, terms, surfaces, intent_of(item, surfaces), _standing(item))

    def _size(self, terms: Mapping[str, float]) -> float:
        """What a name says in all. What it does (renew, duplicate) counts in full here: who asks for a fitness
        certificate does not want the duplicate of one.
        """
        return sum(self.rarity(term) * max(self.reader.weight(term), MODIFIER) * share for term, share in terms.items())

    def _postings(self) -> dict[str, list[tuple[int, float]]]:
        found: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, entry in enumerate(self.entries):
            for term, weight in entry.terms.items():
                found[term].append((number, weight))
        length = [min((surface.worth for surface in entry.surfaces), default=9.0) for entry in self.entries]
        for term, entries in found.items():
            worth = [
                (-share * self.entries[number].standing, length[number], number, share) for number, share in entries
            ]
            found[term] = [(number, share) for _, _, number, share in sorted(worth)[:MOST_ENTRIES]]
        return dict(found)


def intent_of(item: Item, surfaces: tuple[Surface, ...]) -> str:
    """What the entry lets a citizen do; APPLY where its title says nothing else."""
    if item.kind == "complaint":
        return "COMPLAIN"
    title = surfaces[0].pairs if surfaces and surfaces[0].place == "TITLE" else ()
    wishes = {_INTENT_OF[term] for term, share in title if term in _INTENT_OF and share >= _SURE}
    return min(wishes - {"APPLY"}, key=INTENTS.index, default="APPLY")


def _draft(item: Item, reader: Reader) -> _Draft:
    named = [(text, "TITLE", TITLE, reader.title(text)) for text in item.titles.values()]
    named += [(text, "SAYING", SAYING, reader.title(text)) for text in item.sayings]
    rest: dict[str, float] = {}
    places = [(text, KEYWORD) for text in item.keywords]
    places += [(text, DESCRIPTION) for text in item.descriptions.values()]
    places += [(item.category.replace("_", " "), CATEGORY), (item.department, DEPARTMENT)]
    places += [(event.replace("_", " "), CATEGORY) for event in item.life_events]
    for text, weight in places:
        for term, share in reader.title(text).items():
            rest[term] = max(rest.get(term, 0.0), share * weight)
    return item, named, rest


def _rarity(drafts: Iterable[_Draft]) -> dict[str, float]:
    count: dict[str, int] = defaultdict(int)
    total = 0
    for _, named, rest in drafts:
        total += 1
        own = {term for _, _, _, terms in named for term, share in terms.items() if share >= _SURE}
        for term in own | rest.keys():
            count[term] += term in own
    most = math.log(1 + total)
    return {term: max(0.05, math.log(1 + total / (seen + 0.5)) / most) for term, seen in count.items()}


def _standing(item: Item) -> float:
    if item.catch_all:
        return 0.8
    curated = 1.0 if item.featured else 0.92
    return curated * (COMPLAINT if item.kind == "complaint" else 1.0)


def _texts(item: Item) -> Iterable[str]:
    yield from item.titles.values()
    yield from item.sayings
    yield from item.keywords
