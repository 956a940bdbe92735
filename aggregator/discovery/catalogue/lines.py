"""Entries stand in JSON Lines: one entry, one line. A broken line breaks one entry, a diff names one entry, and the
line's number costs nothing; TOML of this size breaks as a whole (docs/decisions/060-facts-in-lines.md).

Mistakes are found with the registry's own shapes, so that file, line, column and wording are as everywhere.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from aggregator.registry.locate import Spot, locate_json
from aggregator.registry.problems import Problem
from aggregator.registry.shape import Table
from aggregator.registry.source import Source

_DECODER = msgspec.json.Decoder()


@dataclass(slots=True)
class Line:
    """One line of a file: its object, and a source that reports mistakes at their place in the file."""

    number: int
    data: Mapping[str, Any]
    source: Source
    shape: Table

    @property
    def place(self) -> str:
        return f"{self.source.name}:{self.number}"

    def problems(self) -> list[Problem]:
        """Mistakes and warnings, with the line's own number."""
        return [replace(one, line=self.number) for one in self.source.problems]


class Lines:
    """A file of lines. `problems` holds what could not be read at all; the lines hold their own."""

    def __init__(self, file: Path, name: str, shape: Table) -> None:
        self.name = name
        self.raw = file.read_bytes()
        self.problems: list[Problem] = []
        self._file = file
        self._shape = shape

    def __iter__(self) -> Iterator[Line]:
        """Every line that holds an object of the right shape or a wrong one; blank lines are left out."""
        for number, raw in enumerate(self.raw.split(b"\n"), 1):
            if raw.strip():
                line = self._read(number, raw.rstrip(b"\r"))
                if line is not None:
                    yield line

    def _read(self, number: int, raw: bytes) -> Line | None:
        try:
            data = _DECODER.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            self.problems.append(self._unreadable(number, raw, exc))
            return None
        source = Source(self.name, self._file)
        if not isinstance(data, dict):
            self.problems.append(Problem(self.name, number, 1, "must be a JSON object"))
            return None
        self._shape.check(data, (), source)
        if source.problems:
            source = _placed(source, raw)
            self._shape.check(data, (), source)
        return Line(number, data, source, self._shape)

    def _unreadable(self, number: int, raw: bytes, exc: Exception) -> Problem:
        try:
            json.loads(raw.decode())
        except json.JSONDecodeError as why:
            return Problem(self.name, number, why.colno, f"not valid JSON: {why.msg}", why.doc)
        except UnicodeDecodeError as why:
            return Problem(self.name, number, why.start + 1, "not UTF-8")
        return Problem(self.name, number, 1, f"not valid JSON: {exc}")


def placed(line: Line) -> Source:
    """The line's source, able to say where in the line a key stands. Made only when there is something to say."""
    if not line.source.text:
        raw = line.source.file.read_bytes().split(b"\n")[line.number - 1]
        line.source.text = raw.decode().rstrip("\r")
        line.source.positions = locate_json(line.source.text)
    return line.source


def _placed(source: Source, raw: bytes) -> Source:
    text = raw.decode()
    return Source(source.name, source.file, text=text, positions=locate_json(text))


def spot_of(line: int) -> Spot:
    return Spot(line, 1, 1, line)
