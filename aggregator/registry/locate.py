"""Where a key or value stands in a TOML or JSON text, because tomllib and json say what but never where.

The text has already been accepted by the real parser, so this scanner need not refuse anything: it only walks.
Lines and columns are counted from 1, in characters.
"""

import json
import re
import tomllib
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

Path = tuple[str | int, ...]

_SPACE = re.compile(r"[ \t]*")
_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_KEY = re.compile(r"[A-Za-z0-9_-]+|\"(?:\\.|[^\"\\])*\"|'[^']*'")
_TEXT = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})|\'\'\'.*?\'\'\'(?:\'{0,2})|"(?:\\.|[^"\\])*"|\'[^\']*\'', re.DOTALL
)
_PLAIN = re.compile(r"[^,\]}#\n]*[^,\]}#\s]")
_WHERE = re.compile(r"\(at line (\d+), column (\d+)\)")


@dataclass(frozen=True, slots=True)
class Spot:
    """A stretch of text: `width` is on its first line only; it may go on to `end_line`."""

    line: int
    column: int
    width: int
    end_line: int


@dataclass(slots=True)
class Spots:
    """Every key's and every value's spot by path. A table's value is its header."""

    keys: dict[Path, Spot] = field(default_factory=dict)
    values: dict[Path, Spot] = field(default_factory=dict)


class Positions:
    """Where things stand, looked for when somebody asks: a text without a mistake is never walked."""

    def __init__(self, walk: Callable[[], Spots] = Spots) -> None:
        self._walk = walk

    @cached_property
    def spots(self) -> Spots:
        return self._walk()

    def value(self, path: Path) -> Spot:
        """The spot of the value, or of the nearest table around it."""
        return self._nearest(path, self.spots.values, self.spots.keys)

    def key(self, path: Path) -> Spot:
        """The spot of the key, or of the nearest table around it."""
        return self._nearest(path, self.spots.keys, self.spots.values)

    def _nearest(self, path: Path, first: dict[Path, Spot], second: dict[Path, Spot]) -> Spot:
        for length in range(len(path), 0, -1):
            found = first.get(path[:length]) or second.get(path[:length])
            if found:
                return found
        return Spot(1, 1, 1, 1)


def locate_toml(text: str) -> Positions:
    """The positions in a text that tomllib has accepted, line ends made one character as tomllib does."""
    return Positions(lambda: _Scanner(text, "=").document())


def locate_json(text: str) -> Positions:
    """The positions in a text that json has accepted."""
    return Positions(lambda: _Scanner(text, ":").one_value())


def syntax_spot(error: tomllib.TOMLDecodeError, text: str) -> tuple[Spot, str]:
    """Where tomllib stopped, and why, without its own wording of the place."""
    message = str(error)
    at = _WHERE.search(message)
    lines = text.split("\n")
    reason = re.sub(r" \(at [^)]*\)$", "", message)
    if at:
        return Spot(int(at[1]), int(at[2]), 1, int(at[1])), reason
    last = max((n for n, line in enumerate(lines, 1) if line.strip()), default=1)
    return Spot(last, len(lines[last - 1]) + 1, 1, last), f"{reason}: the file ends too early"


class _Scanner:
    """`separator` is what stands between key and value: the one difference between TOML's tables and JSON's."""

    def __init__(self, text: str, separator: str) -> None:
        self.text = text
        self.separator = separator
        self.at = 0
        self.found = Spots()
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._lengths: dict[Path, int] = {}  # of arrays of tables

    def one_value(self) -> Spots:
        self.blank()
        self.value(())
        return self.found

    def document(self) -> Spots:
        base: Path = ()
        self.blank()
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                base = self._header()
            else:
                self._pair(base)
            self.blank()
        return self.found

    def blank(self) -> None:
        self._skip(_BLANK)

    def value(self, path: Path) -> None:
        start = self.at
        opened = self.text[start]
        if opened in "[{":
            self._nested(path, opened)
        elif opened in "\"'":
            self._skip(_TEXT)
        else:
            self._skip(_PLAIN)
        self.found.values[path] = self._spot(start, self.at)

    def _nested(self, path: Path, opened: str) -> None:
        closing = "]" if opened == "[" else "}"
        self.at += 1
        self.blank()
        index = 0
        while self.text[self.at] != closing:
            if opened == "[":
                self.value((*path, index))
                index += 1
            else:
                self._pair(path)
            self.blank()
            if self.text[self.at] == ",":
                self.at += 1
                self.blank()
        self.at += 1

    def _pair(self, base: Path) -> None:
        path = base
        for name, spot in self._dotted():
            path = (*path, name)
            self.found.keys.setdefault(path, spot)
        self.blank()
        self.at += len(self.separator)
        self.blank()
        self.value(path)

    def _header(self) -> Path:
        many = self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        self._skip(_SPACE)
        names = self._dotted()
        path: Path = ()
        for place, (name, spot) in enumerate(names):
            path = (*path, name)
            if many and place == len(names) - 1:
                self._lengths[path] = self._lengths.get(path, 0) + 1
            self.found.keys.setdefault(path, spot)
            self.found.values.setdefault(path, spot)
            if path in self._lengths:
                path = (*path, self._lengths[path] - 1)
                self.found.keys.setdefault(path, spot)
        self.found.values[path] = names[-1][1]
        self.at = self.text.index("]", self.at) + (2 if many else 1)
        return path

    def _dotted(self) -> list[tuple[str, Spot]]:
        names: list[tuple[str, Spot]] = []
        while match := _KEY.match(self.text, self.at):
            names.append((self._named(match[0]), self._spot(match.start(), match.end())))
            self.at = match.end()
            rest = re.compile(r"[ \t]*\.[ \t]*").match(self.text, self.at)
            if not rest:
                break
            self.at = rest.end()
        return names

    def _named(self, raw: str) -> str:
        if raw[0] == '"':
            read = json.loads(raw) if self.separator == ":" else tomllib.loads(f"k = {raw}")["k"]
            return str(read)
        return raw.strip("'")

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at + 1

    def _spot(self, start: int, end: int) -> Spot:
        line = bisect_right(self._starts, start)
        end_line = bisect_right(self._starts, max(start, end - 1))
        line_end = self.text.find("\n", start)
        stop = min(end, line_end) if line_end >= 0 else end
        return Spot(line, start - self._starts[line - 1] + 1, max(1, stop - start), end_line)
