"""One file, its values and where they stand; every mistake found in it is reported here, so none can lose its place."""

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any

from aggregator.registry.locate import Path, Positions, Spot, locate_json, locate_toml, syntax_spot
from aggregator.registry.problems import WARNING, Problem, meant

_SECRET = re.compile(r"secret|passw|token|credential|private|api_?key|(^|_)(key|pin|pwd)$", re.IGNORECASE)
_USERINFO = re.compile(r"://[^/\s\"']*@")
_SECTIONS = {"agencies": "agency", "services": "service"}


def shown(value: Any) -> str:
    """A value as it stands in a message: short, and quoted if it is text."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def secret_name(name: object) -> bool:
    """Whether a key of this name is likely to hold a secret, so that its line is not shown."""
    return isinstance(name, str) and bool(_SECRET.search(name))


def _nothing_hidden(_source: "Source") -> frozenset[int]:
    return frozenset()


@dataclass(slots=True)
class Source:
    """`name` is how the file is called in messages; `data` is empty for a file that could not be read."""

    name: str
    file: File
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    positions: Positions = field(default_factory=Positions)
    problems: list[Problem] = field(default_factory=list)
    secrets: Callable[["Source"], frozenset[int]] = _nothing_hidden
    """Finds the lines that are not shown; asked when there is a first mistake to show."""
    _hidden: frozenset[int] | None = None
    _refused: set[Path] = field(default_factory=set)

    def wrong(
        self, path: Path, message: str, *, on_key: bool = False, bare: bool = False, warning: bool = False
    ) -> None:
        """Reports a mistake at `path`; the message begins with the key's name unless it is `bare`."""
        spot = self.positions.key(path) if on_key else self.positions.value(path)
        if not warning:
            self._refused.add(path)
        self.report(spot, message if bare else f"{_name(path)} {message}", warning=warning)

    def warn(self, path: Path, message: str) -> None:
        self.wrong(path, message, on_key=True, warning=True)

    def unknown(self, path: Path, noun: str, word: str, known: Iterable[str]) -> None:
        self.wrong(path, f'unknown {noun} "{word}"{place(path[:-1])}.{meant(word, known)}', on_key=True, bare=True)

    def unknown_value(self, path: Path, noun: str, word: str, known: Iterable[str]) -> None:
        """As `unknown`, for a value that must name something: `driver = "vahn"`."""
        self.wrong(path, f'unknown {noun} "{word}".{meant(word, known)}', bare=True)

    def missing(self, path: Path, key: str) -> None:
        self.wrong(path, f'"{key}" is missing{place(path)}', on_key=True, bare=True)

    def written(self, path: Path) -> None:
        """A secret stands in the file itself. Says how to refer to it; neither value nor line is shown."""
        owner = f"{path[1]}_" if path[0] == "agencies" and len(path) > 2 else ""
        where = "" if "secrets" in path else " under secrets"
        variable = re.sub(r"[^A-Z0-9_]", "_", f"{owner}{_name(path)}".upper())
        self.wrong(path, f'is written in the file. Use {{ env = "{variable}" }}{where}')

    def report(self, spot: Spot, message: str, *, warning: bool = False) -> None:
        lines = self.text.split("\n")
        if self._hidden is None:
            self._hidden = self.secrets(self)
        secret = spot.line in self._hidden
        excerpt = "" if secret or spot.line > len(lines) else lines[spot.line - 1]
        severity = {"severity": WARNING} if warning else {}
        self.problems.append(
            Problem(self.name, spot.line, spot.column, message, excerpt, spot.width, secret=secret, **severity)
        )

    def has_errors_under(self, path: Path) -> bool:
        """Whether something in this table was refused, so that values built from it would not be sound."""
        return any(at[: len(path)] == path for at in self._refused)


def read_toml(file: File, name: str) -> Source:
    """Raises OSError for a file that is not there. A syntax error is a problem of the source, not an exception."""
    source = Source(name, file)
    if not _decode(source):
        return source
    try:
        source.data = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as exc:
        spot, reason = syntax_spot(exc, source.text)
        source.secrets = _guessed_secret_lines
        source.report(spot, f"not valid TOML: {reason[:1].lower()}{reason[1:]}")
        return source
    source.positions = locate_toml(source.text)
    source.secrets = _secret_lines
    return source


def read_json(file: File, name: str) -> Source:
    """As `read_toml`, for a JSON object."""
    source = Source(name, file)
    if not _decode(source):
        return source
    try:
        data = json.loads(source.text)
    except json.JSONDecodeError as exc:
        source.report(Spot(exc.lineno, exc.colno, 1, exc.lineno), f"not valid JSON: {exc.msg}")
        return source
    source.positions = locate_json(source.text)
    if isinstance(data, dict):
        source.data = data
    else:
        source.report(Spot(1, 1, 1, 1), "must be a JSON object")
    return source


def place(path: Path) -> str:
    """` in agency "rto" policy`: where a path is, in the operator's words."""
    names = [str(part) for part in path]
    if not names:
        return ""
    noun = _SECTIONS.get(names[0])
    if noun is None or len(names) < 2:
        return " in " + ".".join(names)
    return f' in {noun} "{names[1]}"' + (" " + ".".join(names[2:]) if len(names) > 2 else "")


def _name(path: Path) -> str:
    parts = list(path)
    while parts and isinstance(parts[-1], int):
        parts.pop()
    return str(parts[-1]) if parts else "the file"


def _decode(source: Source) -> bool:
    raw = source.file.read_bytes()
    try:
        source.text = raw.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as exc:
        line = raw.count(b"\n", 0, exc.start) + 1
        column = exc.start - (raw.rfind(b"\n", 0, exc.start) + 1) + 1
        source.report(Spot(line, column, 1, line), "not UTF-8")
        return False
    return True


def _secret_lines(source: Source) -> frozenset[int]:
    lines: set[int] = set()
    whole = source.text.split("\n")
    spots = source.positions.spots
    for path, spot in spots.values.items():
        texts = whole[spot.line - 1 : spot.end_line]
        named = any(secret_name(part) for part in path)
        header = path in spots.keys and spots.keys[path] == spot
        if (named and not header) or any(_USERINFO.search(text) for text in texts):
            lines.update(range(spot.line, spot.end_line + 1))
    return frozenset(lines)


def _guessed_secret_lines(source: Source) -> frozenset[int]:
    """Of a file that cannot be parsed: too many lines rather than too few."""
    hidden: set[int] = set()
    within = False
    for number, line in enumerate(source.text.split("\n"), 1):
        if line.lstrip().startswith("["):
            within = bool(_SECRET.search(line))
        if within or _SECRET.search(line.split("=")[0]) or "secret" in line.lower() or _USERINFO.search(line):
            hidden.add(number)
    return frozenset(hidden)
