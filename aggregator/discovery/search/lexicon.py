"""The editors' files: what things are called in each language, what people say per service, what letters stand for.

An idea has a name (`water`), forms in many languages, a weight, and a role. A wrong entry is reported with file and
line and left out; a file that cannot be read at all is reported too. Search then works with what is left, because a
typing slip in a synonym must not take a city's search away.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aggregator.discovery.search.script import words
from aggregator.registry.locate import Positions, Spot, locate_toml, syntax_spot

ROLES = frozenset({"thing", "action", "filler", "elsewhere"})
LANGUAGES = ("en", "or", "hi", "ur", "latn")
ACTION_WEIGHT = 0.55
FILES = ("words", "say", "acronyms", "unverified")
Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Idea:
    """One thing, action or filler, and every way to say it. `gloss` is its plain English name."""

    name: str
    role: str
    weight: float
    forms: tuple[tuple[str, Phrase], ...]
    """(language, words)."""
    also: tuple[str, ...] = ()

    @property
    def gloss(self) -> str:
        return next((" ".join(form) for language, form in self.forms if language == "en"), self.name)


@dataclass(frozen=True, slots=True)
class Slip:
    """An entry that was left out."""

    file: str
    line: int
    column: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.what}"


@dataclass(slots=True)
class Lexicon:
    """All that the editors' files say. `sayings` are by catalogue entry."""

    ideas: dict[str, Idea] = field(default_factory=dict)
    sayings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    acronyms: dict[str, Phrase] = field(default_factory=dict)
    slips: list[Slip] = field(default_factory=list)


def load(folder: Path) -> Lexicon:
    """The lexicon of a folder's *.toml, in order of their names; empty where there is no such folder."""
    lexicon = Lexicon()
    for file in sorted(folder.glob("*.toml")):
        _read(lexicon, file)
    for idea in lexicon.ideas.values():
        for wider in idea.also:
            if wider not in lexicon.ideas:
                lexicon.slips.append(Slip(idea.name, 1, 1, f"also names no idea: {wider}"))
    return lexicon


def _read(lexicon: Lexicon, file: Path) -> None:
    try:
        text = file.read_text("utf-8").replace("\r\n", "\n")
        facts = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        spot, why = syntax_spot(exc, text)
        lexicon.slips.append(Slip(file.name, spot.line, spot.column, f"the whole file is left out: {why}"))
        return
    except (OSError, UnicodeDecodeError) as exc:
        lexicon.slips.append(Slip(file.name, 1, 1, f"the whole file is left out: {type(exc).__name__}"))
        return
    _File(lexicon, file.name, locate_toml(text)).read(facts)


@dataclass(slots=True)
class _File:
    lexicon: Lexicon
    name: str
    positions: Positions

    def read(self, facts: Mapping[str, Any]) -> None:
        for key in facts.keys() - set(FILES):
            self.slip((key,), f"unknown table; one of {', '.join(FILES)}")
        for name, entry in facts.get("words", {}).items():
            self.idea(name, entry)
        for item, sayings in facts.get("say", {}).items():
            self.sayings(item, sayings)
        for letters, meaning in facts.get("acronyms", {}).items():
            if _texts(meaning):
                self.lexicon.acronyms[letters] = tuple(words(meaning))
            else:
                self.slip(("acronyms", letters), "an acronym stands for a text")

    def idea(self, name: str, entry: Any) -> None:
        path = ("words", name)
        if name in self.lexicon.ideas:
            self.slip(path, f"{name} is already an idea of another file; left out")
            return
        wrong = _wrong(entry)
        if wrong:
            self.slip(path, f"{wrong}; left out")
            return
        role = entry.get("role", "thing")
        forms = tuple((language, phrase) for language in LANGUAGES for phrase in _phrases(entry.get(language, "")))
        weight = float(entry.get("weight", ACTION_WEIGHT if role == "action" else 1.0))
        also = tuple(part.strip() for part in entry.get("also", "").split(",") if part.strip())
        self.lexicon.ideas[name] = Idea(name=name, role=role, weight=weight, forms=forms, also=also)

    def sayings(self, item: str, sayings: Any) -> None:
        if isinstance(sayings, list) and all(_texts(one) for one in sayings):
            self.lexicon.sayings[item] = self.lexicon.sayings.get(item, ()) + tuple(sayings)
        else:
            self.slip(("say", item), "a list of texts is needed; left out")

    def slip(self, path: tuple[str, ...], what: str) -> None:
        spot: Spot = self.positions.key(path)
        self.lexicon.slips.append(Slip(self.name, spot.line, spot.column, what))


def _wrong(entry: Any) -> str:
    """What is wrong with an idea; empty when nothing is."""
    if not isinstance(entry, dict):
        return "a table is needed"
    unknown = entry.keys() - {*LANGUAGES, "role", "weight", "also"}
    if unknown:
        return f"unknown: {', '.join(sorted(unknown))}"
    if entry.get("role", "thing") not in ROLES:
        return f"role is one of {', '.join(sorted(ROLES))}"
    if not all(isinstance(entry.get(name, ""), str) for name in (*LANGUAGES, "also")):
        return "forms are one text with commas"
    weight = entry.get("weight", 1.0)
    if not isinstance(weight, int | float) or not 0 < weight <= 2:
        return "weight is a number above 0, at most 2"
    return "" if any(entry.get(language) for language in LANGUAGES) else "no form in any language"


def _texts(value: Any) -> bool:
    return isinstance(value, str) and bool(words(value))


def _phrases(line: str) -> Iterable[Phrase]:
    return dict.fromkeys(phrase for part in line.split(",") if (phrase := tuple(words(part))))
