"""A citizen's words in, an answer out: grouped by what they want to do, or a question, or an honest "no such service".

The answer carries codes and facts, never sentences: the reader's language is known to the API alone. Nothing of what
was asked is kept here.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aggregator.discovery.search.index import Index
from aggregator.discovery.search.item import Item
from aggregator.discovery.search.meaning import Meanings
from aggregator.discovery.search.rank import Asked, Ranking, Scored, Weights, closeness, margin
from aggregator.discovery.search.reading import Read
from aggregator.discovery.search.script import words

LOOKED_AT = 60
CLOSE_IN_MEANING = 25
NEARLY = 0.07
"""Two best entries nearer than this share of the first's score: the citizen is asked which."""
FAR = 0.42
"""Entries below this share of the best one's score are not shown."""
RELATED, MOST_NEEDED = 5, 60
ENGLISH = 0.6
"""From this share of English words on a query is put to the model as it was written."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an entry is in the answer: the citizen's own words, how they were understood, and where they stood."""

    said: str
    how: str
    """EXACT, SOUND, SPELLING, ACRONYM, or MEANING."""
    place: str
    """TITLE, SAYING, KEYWORD, or MEANING."""
    name: str
    """The entry's name that matched."""


@dataclass(frozen=True, slots=True)
class Hit:
    item: Item
    intent: str
    score: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class Found:
    """`hits` best first. `between`: the two to choose from, when they nearly tie. `none`: nothing is good enough."""

    hits: tuple[Hit, ...] = ()
    between: tuple[Hit, ...] = ()
    related: tuple[Item, ...] = ()
    life_event: str = ""
    none: bool = False

    @property
    def groups(self) -> dict[str, tuple[Hit, ...]]:
        """Hits by what the citizen wants to do, the best hit's group first."""
        order = dict.fromkeys([hit.intent for hit in self.hits])
        return {intent: tuple(hit for hit in self.hits if hit.intent == intent) for intent in order}


class Search:
    """Asks an index, and the model where there is one. Immutable: a reload makes another."""

    def __init__(self, index: Index, meanings: Meanings | None = None, weights: Weights | None = None) -> None:
        self.index = index
        self.ranking = Ranking(index, weights)
        self.meanings = meanings
        self._english = _english(index)
        self._needed = _needed(index)

    def ask(self, text: str, most: int = 20) -> Found:
        """The answer to a citizen's words."""
        read = self.index.reader.query(text)
        scored = self.ranked(text, read)
        if not scored or not self._good(scored[0]):
            return Found(none=True)
        kept = [one for one in scored[:most] if one.score >= FAR * scored[0].score]
        hits = tuple(self._hit(one, read) for one in kept)
        event, related = self._related(hits)
        return Found(hits, _between(hits), related, event)

    def ranked(self, text: str, read: Read | None = None) -> list[Scored]:
        """Every entry worth considering, best first, by words and, where it is installed, by meaning."""
        read = read or self.index.reader.query(text)
        by_words = self.ranking.best(read, LOOKED_AT)
        if self.meanings is None or not read.slots:
            return by_words
        asked = self.ranking.asked(read)
        return self._fused(by_words, asked, self._put(text, read))

    def _fused(self, by_words: list[Scored], asked: Asked, text: str) -> list[Scored]:
        assert self.meanings is not None  # noqa: S101 - the caller has looked
        near, cosines = self.meanings.closest(text, CLOSE_IN_MEANING)
        seen = {one.number for one in by_words}
        share = self.ranking.weights.meaning
        both = [*by_words, *(self.ranking.score(number, asked) for number in near if number not in seen)]
        words_alone = by_words[0].sure if by_words else 0.0
        fused = [
            replace(
                one,
                score=(one.score + share * close * one.entry.standing) / (1 + share),
                sure=words_alone + self.ranking.weights.close * close,
                meaning=close,
            )
            for one in both
            for close in [closeness(float(cosines[one.number]))]
        ]
        return sorted(fused, key=lambda one: (-one.score, one.entry.item.id))

    def _put(self, text: str, read: Read) -> str:
        """The query as the model can read it: in the lexicon's English unless it is English already."""
        typed = words(text)
        english = sum(word in self._english for word in typed)
        return text if english >= ENGLISH * len(typed) else read.gloss or text

    def _good(self, best: Scored) -> bool:
        weights = self.ranking.weights
        return best.sure >= (weights.accept if self.meanings is None else weights.accept_meaning)

    def _hit(self, scored: Scored, read: Read) -> Hit:
        return Hit(scored.entry.item, scored.entry.intent, scored.score, _reason(scored, read))

    def _related(self, hits: Sequence[Hit]) -> tuple[str, tuple[Item, ...]]:
        """What else people in the same life event need."""
        event = next(iter(hits[0].item.life_events), "")
        if not event:
            return "", ()
        shown = {hit.item.id for hit in hits[:3]}
        events = set(hits[0].item.life_events)
        others = [item for item in self._needed.get(event, ()) if item.id not in shown]
        others.sort(key=lambda item: -len(events & set(item.life_events)))
        return event, tuple(others[:RELATED])


def _between(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    if len(hits) < 2 or margin(hits[0].score, hits[1].score) >= NEARLY:
        return ()
    return tuple(hits[:2])


def _reason(scored: Scored, read: Read) -> Reason:
    surface = scored.surface
    terms = {term for term, _ in surface.pairs} if surface is not None else set(scored.entry.terms)
    slots = [slot for slot in read.slots if terms & slot.terms.keys()]
    said = ", ".join(dict.fromkeys(slot.said for slot in slots))
    if not slots:
        return Reason("", "MEANING", "MEANING", scored.entry.item.titles.get("en", ""))
    how = max((slot.how for slot in slots), key=_HOW.index)
    if surface is None:
        return Reason(said, how, "KEYWORD", scored.entry.item.titles.get("en", ""))
    return Reason(said, how, surface.place, surface.text)


_HOW = ("", "EXACT", "ACRONYM", "SOUND", "SPELLING")


def _needed(index: Index) -> dict[str, list[Item]]:
    """Services by life event, curated ones first."""
    found: dict[str, list[Item]] = defaultdict(list)
    for entry in sorted(index.entries, key=lambda one: (-one.standing, one.item.id)):
        for event in entry.item.life_events if entry.item.kind == "service" else ():
            if len(found[event]) < MOST_NEEDED:
                found[event].append(entry.item)
    return dict(found)


def _english(index: Index) -> frozenset[str]:
    forms = [form for idea in index.reader.ideas.values() for form in idea.forms]
    ideas = (word for language, form in forms if language == "en" for word in form)
    titles = (word for entry in index.entries for word in words(entry.item.titles.get("en", "")))
    return frozenset([*ideas, *titles])
