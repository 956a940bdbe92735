"""What a text says: its words become ideas of the lexicon where they can, and stay words where they cannot.

Titles and queries are read by the same reader, so both meet in one vocabulary of terms. A title is read as it is
written; a query also by sound and with its slips mended. Longer names win: "street light" is not a light bill.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from aggregator.discovery.search.lexicon import Idea, Lexicon, Phrase
from aggregator.discovery.search.script import words
from aggregator.discovery.search.sound import sound, stem
from aggregator.discovery.search.spelling import Spelling

LONGEST = 5
"""Words in the longest name that is looked for."""
MOST_WORDS = 24
"""Of a query; what follows is not read."""
AS_WRITTEN, BY_SOUND, MENDED, SHORT = "EXACT", "SOUND", "SPELLING", "ACRONYM"
SHORT_KEY = 2
"""Letters of a key that are little proof of a word."""
_ALSO = 0.35
_WRITTEN, _SOUNDS, _SHORT_SOUND = 1.0, 0.92, 0.6


@dataclass(frozen=True, slots=True)
class Slot:
    """One thing a query says. `terms` are what it may mean, each with how sure that is (0 to 1)."""

    said: str
    terms: Mapping[str, float]
    how: str
    weight: float = 1.0
    """What the slot counts, before how rare its terms are."""
    role: str = "thing"


@dataclass(frozen=True, slots=True)
class Read:
    """A query, read. `gloss` says it in English, as far as the lexicon goes."""

    slots: tuple[Slot, ...] = ()
    gloss: str = ""
    fillers: int = 0


@dataclass(frozen=True, slots=True)
class _Said:
    """A word of a query. `maybe` are the known words it was perhaps meant to be, where it is none itself."""

    word: str
    typed: str
    how: str = AS_WRITTEN
    maybe: tuple[tuple[str, float], ...] = ()


@dataclass(slots=True)
class _Names:
    """Names by their words: idea names by phrase, and the phrases' first words."""

    by_phrase: dict[Phrase, list[str]] = field(default_factory=lambda: defaultdict(list))
    starts: set[str] = field(default_factory=set)

    def add(self, phrase: Phrase, idea: str) -> None:
        if idea not in self.by_phrase[phrase]:
            self.by_phrase[phrase].append(idea)
        self.starts.add(phrase[0])


class Reader:
    """Reads titles at once; reads queries after `learn` has shown it the catalogue's own words."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.ideas = lexicon.ideas
        self._acronyms = lexicon.acronyms
        self._names = _Names()
        self._fillers: set[str] = set()
        for idea in lexicon.ideas.values():
            for _, phrase in idea.forms:
                self._file(idea, tuple(stem(word) for word in phrase))
        self._by_sound = _Names()
        for phrase, names in self._names.by_phrase.items():
            for name in names:
                self._by_sound.add(tuple(sound(word) for word in phrase), name)
        self._spelling = Spelling(())

    def learn(self, known: Iterable[str]) -> None:
        """The words of the catalogue, beside the lexicon's: the only ones a slip is mended to."""
        own = {word for phrase in self._names.by_phrase for word in phrase} | self._fillers
        self._spelling = Spelling(own | set(known))

    def title(self, text: str) -> dict[str, float]:
        """The terms of a text of ours, each with its weight. What the city does is never a thing elsewhere."""
        found: dict[str, float] = {}
        for taken, names in self._written([stem(word) for word in words(text)]):
            ours = [f"#{name}" for name in names if self.ideas[name].role != "elsewhere"]
            for term in ours or [taken[0]]:
                found[term] = 1.0
                for wider in self._wider(term):
                    found.setdefault(wider, _ALSO)
        return found

    def knows(self, word: str) -> bool:
        """Whether lexicon or catalogue has the word exactly as it is written."""
        return self._spelling.has(stem(word))

    def weight(self, term: str) -> float:
        """What a term counts, before how rare it is."""
        idea = self.ideas.get(term[1:]) if term.startswith("#") else None
        return idea.weight if idea else 1.0

    def query(self, text: str) -> Read:
        """What somebody asks."""
        typed = [stem(word) for word in words(text)[:MOST_WORDS]]
        said = [_Said(part, word) for word in typed for part in self._acronyms.get(word, (word,))]
        said = [self._mended(one) for one in said]
        slots: list[Slot] = []
        gloss: list[str] = []
        fillers = at = 0
        while at < len(said):
            slot, taken = self._slot(said, at)
            at += taken
            if slot is None:
                fillers += 1
                continue
            slots.append(slot)
            gloss.append(self._gloss(slot))
        return Read(tuple(slots), " ".join(gloss), fillers)

    def _file(self, idea: Idea, phrase: Phrase) -> None:
        if idea.role == "filler" and len(phrase) == 1:
            self._fillers.add(phrase[0])
        elif idea.role != "filler":
            self._names.add(phrase, idea.name)

    def _written(self, typed: list[str]) -> Iterator[tuple[Phrase, list[str]]]:
        at = 0
        while at < len(typed):
            names, taken = self._longest(typed, at, self._names)
            if names or typed[at] not in self._fillers:
                yield tuple(typed[at : at + taken]), names
            at += taken

    def _longest(self, typed: list[str], at: int, names: _Names) -> tuple[list[str], int]:
        if typed[at] in names.starts:
            for length in range(min(LONGEST, len(typed) - at), 0, -1):
                found = names.by_phrase.get(tuple(typed[at : at + length]))
                if found:
                    return found, length
        return [], 1

    def _mended(self, said: "_Said") -> "_Said":
        """The word, or what it was surely meant to be; a phrase with a slip in it is then still a phrase."""
        if self._spelling.has(said.word):
            return said
        both = self._spelling.parts(said.word)
        if both:
            return _Said(said.word, said.typed, AS_WRITTEN, tuple((part, 0.9) for part in both))
        meant = self._spelling.meant(said.word)
        if not meant:
            return said
        heard = sound(meant[0][0]) == sound(said.word)
        return _Said(meant[0][0], said.typed, BY_SOUND if heard else MENDED, tuple(meant))

    def _slot(self, said: list["_Said"], at: int) -> tuple[Slot | None, int]:
        window = said[at : at + LONGEST]
        typed = [one.word for one in window]
        written, length = self._longest(typed, 0, self._names)
        sounds = [sound(word) for word in typed]
        heard, heard_length = self._longest(sounds, 0, self._by_sound)
        if heard_length > length:
            return self._named(window[:heard_length], dict.fromkeys(heard, _SOUNDS), BY_SOUND), heard_length
        if written and length > 1:
            return self._named(window[:length], dict.fromkeys(written, _WRITTEN), AS_WRITTEN), length
        return self._one(said[at], written, heard), 1

    def _one(self, said: "_Said", written: list[str], heard: list[str]) -> Slot | None:
        """The slot of a single word, by the surest of its readings; None for one that says nothing."""
        if said.maybe:
            return self._meant(said)
        if written:
            # The same letters may be another language's word: both are kept, the written one first.
            both = dict.fromkeys(heard, _SHORT_SOUND) | dict.fromkeys(written, _WRITTEN)
            return self._named([said], both, SHORT if said.word != said.typed else AS_WRITTEN)
        if said.word in self._fillers:
            return None
        if heard:
            if self._spelling.has(said.word):  # the catalogue's own word, which another one happens to sound like
                return Slot(said.typed, {said.word: 1.0} | {f"#{name}": _SHORT_SOUND for name in heard}, AS_WRITTEN)
            sure = _SOUNDS if len(sound(said.word)) > SHORT_KEY else _SHORT_SOUND
            return self._named([said], dict.fromkeys(heard, sure), BY_SOUND)
        return self._single(said)

    def _single(self, said: "_Said") -> Slot:
        """A word that no idea has: the catalogue's own, or unknown."""
        alike = self._spelling.alike(said.word)
        if said.word in alike:
            return Slot(said.typed, {said.word: 1.0}, AS_WRITTEN)
        return Slot(said.typed, dict.fromkeys(alike, _SOUNDS), BY_SOUND if alike else "")

    def _meant(self, said: "_Said") -> Slot | None:
        """The slot of a word that was mended: each candidate perhaps a name; None where the best is a filler."""
        best = said.maybe[0][0]
        if best in self._fillers and (best,) not in self._names.by_phrase:
            return None
        terms: dict[str, float] = {}
        for word, sure in said.maybe:
            names = self._names.by_phrase.get((word,), [])
            for term in [f"#{name}" for name in names] or [word]:
                terms[term] = max(terms.get(term, 0.0), sure)
        return self._widened(said.typed, terms, said.how)

    def _named(self, said: list["_Said"], names: Mapping[str, float], how: str) -> Slot:
        slips = [one for one in said if one.maybe]
        sure = min((one.maybe[0][1] for one in slips), default=1.0)
        text = " ".join(dict.fromkeys(one.typed for one in said))
        terms = {f"#{name}": sure * part for name, part in names.items()}
        return self._widened(text, terms, slips[0].how if slips else how)

    def _widened(self, said: str, terms: dict[str, float], how: str) -> Slot:
        best = max(terms, key=lambda term: (terms[term], term))
        weight = max((self.weight(term) for term, sure in terms.items() if sure == terms[best]), default=1.0)
        idea = self.ideas.get(best[1:]) if best.startswith("#") else None
        wide = dict(terms)
        for term, sure in terms.items():
            for wider in self._wider(term):
                wide.setdefault(wider, _ALSO * sure)
        return Slot(said, wide, how, weight, idea.role if idea else "thing")

    def _wider(self, term: str) -> Iterator[str]:
        idea = self.ideas.get(term[1:]) if term.startswith("#") else None
        return (f"#{name}" for name in idea.also if name in self.ideas) if idea else iter(())

    def _gloss(self, slot: Slot) -> str:
        best = max(slot.terms, key=lambda term: slot.terms[term], default=slot.said)
        return self.ideas[best[1:]].gloss if best.startswith("#") else best
