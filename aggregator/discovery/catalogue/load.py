"""A folder of facts becomes one reading or none, by rule and never by accident.

What entries lean on (vocabulary, ids) must be whole: a mistake there refuses everything. A mistake inside one line
costs that line alone, is told with file and line, and refuses everything where the city asked for it (`refuse`) or
where more than one line in twenty is broken: then it is not a slip, it is the wrong file.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from aggregator.discovery.catalogue.entries import read_entry
from aggregator.discovery.catalogue.lines import Line, Lines, placed
from aggregator.discovery.catalogue.model import Entry, EntryKind, Facts, Source, Vocabulary
from aggregator.discovery.catalogue.places import ActRule, Holiday, Locality, Office
from aggregator.discovery.catalogue.shapes import ENTRY, HOLIDAY, LOCALITY, OFFICE, RULE, SOURCE
from aggregator.discovery.catalogue.vocabulary import read_vocabulary
from aggregator.registry.problems import Problem, RegistryRefused, errors_in
from aggregator.registry.shape import Table
from aggregator.registry.tree import name_of

T = TypeVar("T")
VOCABULARY = "vocabulary.toml"
SERVICES, COMPLAINTS, SUPERSEDED = "services.jsonl", "complaints.jsonl", "superseded.jsonl"
OFFICES, LOCALITIES, HOLIDAYS, RULES = "offices.jsonl", "localities.jsonl", "holidays.jsonl", "rules.jsonl"
SOURCES = "sources.jsonl"
FILES = (VOCABULARY, SOURCES, SERVICES, COMPLAINTS, SUPERSEDED, OFFICES, LOCALITIES, HOLIDAYS, RULES)
BROKEN_PERCENT = 5
LAST_WARD = 67


@dataclass(slots=True)
class Reading:
    """Facts, and what was wrong with the files. `broken` counts lines that were left out."""

    facts: Facts
    problems: list[Problem] = field(default_factory=list)
    broken: int = 0
    lines: int = 0
    fatal: bool = False

    @property
    def too_many(self) -> bool:
        """Whether so many lines are broken that it is no slip."""
        return self.broken * 100 > self.lines * BROKEN_PERCENT

    def refuse(self, *, broken: str) -> None:
        """Raises RegistryRefused when the rule says so; `broken` is skip or refuse."""
        if self.fatal or self.too_many or (broken == "refuse" and errors_in(self.problems)):
            raise RegistryRefused(self.problems)


def read(folder: Path) -> Reading:
    """Everything of the folder, with every mistake. Never raises for what a file holds."""
    return _Reader(folder).reading()


class _Reader:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[str, str] = {}
        self._found = Reading(Facts())
        self._digest = sha256()

    def reading(self) -> Reading:
        words = self._vocabulary()
        sources = self._lines(SOURCES, SOURCE, lambda line: Source(**line.data))
        if self._found.fatal or self._found.broken:
            self._found.fatal = True
            return self._found
        words = replace(words, sources={one.id: one for one in sources})
        services = self._entries(SERVICES, "service", words)
        complaints = self._entries(COMPLAINTS, "complaint", words)
        superseded = self._entries(SUPERSEDED, "service", words)
        offices = self._lines(OFFICES, OFFICE, lambda line: _office(line, words))
        localities = self._lines(LOCALITIES, LOCALITY, _locality)
        holidays = self._lines(HOLIDAYS, HOLIDAY, lambda line: _holiday(line, words))
        rules = self._lines(RULES, RULE, lambda line: _rule(line, words))
        self._check_successors(superseded)
        self._found.facts = Facts(
            entries={one.id: one for one in sorted([*services, *complaints], key=lambda one: one.id)},
            superseded={one.id: one for one in superseded},
            vocabulary=words,
            offices={one.id: one for one in offices},
            wards=tuple(f"{number:02d}" for number in range(1, LAST_WARD + 1)),
            localities=tuple(localities),
            holidays=tuple(sorted(holidays, key=lambda one: one.day)),
            rules={one.id: one for one in rules},
            digest=self._digest.hexdigest(),
        )
        return self._found

    def _vocabulary(self) -> Vocabulary:
        file = self._folder / VOCABULARY
        try:
            words, source = read_vocabulary(file, name_of(file))
        except OSError as exc:
            self._cannot(file, exc)
            return Vocabulary()
        self._digest.update(source.text.encode())
        self._found.problems += source.problems
        self._found.fatal = bool(errors_in(source.problems))
        return words

    def _entries(self, name: str, kind: EntryKind, words: Vocabulary) -> list[Entry]:
        return self._lines(name, ENTRY, lambda line: read_entry(line, kind, words))

    def _lines(self, name: str, shape: Table, make: Callable[[Line], T | None]) -> list[T]:
        file = self._folder / name
        try:
            lines = Lines(file, name_of(file), shape)
        except OSError as exc:
            self._cannot(file, exc)
            return []
        self._digest.update(lines.raw)
        made: list[T] = []
        for line in lines:
            self._twice(line)
            one = None if errors_in(line.source.problems) else make(line)
            self._found.lines += 1
            self._found.problems += line.problems()
            if one is None or errors_in(line.source.problems):
                self._found.broken += 1
            else:
                made.append(one)
        self._found.problems += lines.problems
        self._found.broken += len(lines.problems)
        self._found.lines += len(lines.problems)
        return made

    def _twice(self, line: Line) -> None:
        """An id in two lines is refused whole: nobody can know which of them was meant."""
        id_ = line.data.get("id") or line.data.get("day")
        if not isinstance(id_, str):
            return
        if id_ in self._seen:
            placed(line).wrong(("id",), f'"{id_}" is also in {self._seen[id_]}', bare=True)
            self._found.fatal = True
        self._seen[id_] = line.place

    def _check_successors(self, superseded: list[Entry]) -> None:
        """A row that leads nowhere would hide a service: it refuses everything. A broken line is somewhere."""
        known = {id_ for id_, place in self._seen.items() if f"{SERVICES}:" in place}
        for one in superseded:
            lost = [name for name in one.superseded_by if name not in known]
            if lost or not one.superseded_by:
                file, _, line = one.place.rpartition(":")
                what = f'superseded_by names "{lost[0]}", which is no service' if lost else '"superseded_by" is missing'
                self._found.problems.append(Problem(file, int(line), 1, what))
                self._found.fatal = True

    def _cannot(self, file: Path, exc: OSError) -> None:
        reason = os.strerror(exc.errno or 0)
        self._found.problems.append(Problem(name_of(file), 1, 1, f"cannot be read: {reason}"))
        self._found.fatal = True


def _known(line: Line, key: str, table: str, known: Any) -> bool:
    if line.data[key] in known:
        return True
    placed(line).unknown_value((key,), f"word of [{table}]", line.data[key], known)
    return False


def _office(line: Line, words: Vocabulary) -> Office | None:
    row = line.data
    sound = _known(line, "organisation", "organisations", words.organisations)
    sound = _known(line, "source", "sources", words.sources) and sound
    if ("latitude" in row) != ("longitude" in row):
        placed(line).wrong((), "latitude and longitude are given together or not at all", bare=True)
        return None
    lists: dict[str, Any] = {key: tuple(row.get(key, ())) for key in ("wards", "unverified")}
    return Office(**{**row, **lists}, place=line.place) if sound else None


def _locality(line: Line) -> Locality:
    return Locality(line.data["id"], line.data["name"], line.data["city"], line.place)


def _holiday(line: Line, words: Vocabulary) -> Holiday | None:
    row = line.data
    try:
        day = date.fromisoformat(row["day"])
    except ValueError:
        placed(line).wrong(("day",), "is no day of the calendar")
        return None
    if not _known(line, "source", "sources", words.sources):
        return None
    return Holiday(day, row["title"], row["source"], row["verified"], row.get("moon_dependent", False), line.place)


def _rule(line: Line, words: Vocabulary) -> ActRule | None:
    return ActRule(**line.data) if _known(line, "source", "sources", words.sources) else None
