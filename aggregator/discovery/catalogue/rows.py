"""Rows as they stand in the files, for commands that change or compare them; what shows them to citizens is `load`."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: `what` is added, removed or changed; for a change `key` says of which fact."""

    id: str
    what: str
    key: str = ""
    before: Any = None
    after: Any = None


def rows_of(file: Path) -> dict[str, Row]:
    """The rows of a file by id or day, in their order; none for a file that is not there. Raises ValueError."""
    if not file.is_file():
        return {}
    found: dict[str, Row] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            try:
                row = json.loads(line)
            except json.JSONDecodeError as exc:
                raise ValueError(f"{file}:{number}:{exc.colno}: not valid JSON: {exc.msg}") from exc
            found[str(row.get("id") or row.get("day"))] = row
    return found


def changes(before: Mapping[str, Row], after: Mapping[str, Row]) -> Iterator[Change]:
    """What differs, fact by fact, in order of id."""
    for id_ in sorted({*before, *after}):
        if id_ not in after:
            yield Change(id_, "removed")
        elif id_ not in before:
            yield Change(id_, "added")
        else:
            yield from _facts(id_, before[id_], after[id_])


def _facts(id_: str, before: Row, after: Row) -> Iterator[Change]:
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            yield Change(id_, "changed", key, before.get(key), after.get(key))
