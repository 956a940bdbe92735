"""The catalogue as a sheet, for people who edit in one: out with everything a cell can hold, in with what they changed.

What no cell can hold (fees, cases of a limit, sources, conditions) is not in the sheet and stays as it was.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from aggregator.registry.problems import Problem, meant

Row = dict[str, Any]
_WORDS = ("title", "description")
_LANGUAGES = ("en", "or", "hi")
_ONES = ("category", "department", "organisation", "group", "same_as", "expires")
_LISTS = ("life_events", "audience", "channels", "documents", "parts", "aliases", "unverified")
_KEYWORDS = ("en", "or", "hi", "ur")
COLUMNS = (
    "id",
    *(f"{name}_{language}" for name in _WORDS for language in _LANGUAGES),
    *_ONES,
    *_LISTS,
    *(f"keywords_{language}" for language in _KEYWORDS),
)
BETWEEN = "; "


def written(rows: Iterable[Row]) -> str:
    """The rows as CSV with a header; a list stands in one cell with `; ` between."""
    text = io.StringIO()
    sheet = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    sheet.writeheader()
    for row in rows:
        sheet.writerow(_cells(row))
    return text.getvalue()


def taken_over(text: str, name: str, rows: Iterable[Row]) -> tuple[list[Row], list[Problem]]:
    """The rows with what the sheet says, and every mistake in it; an emptied cell empties the fact.

    A line for an id that is not there is a mistake: a new entry needs its sources, which no cell holds.
    """
    known = {row["id"]: dict(row) for row in rows}
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    header = reader.fieldnames or []
    problems = [
        Problem(name, 1, place, f'unknown column "{column}".{meant(column, COLUMNS)}')
        for place, column in enumerate(header, 1)
        if column not in COLUMNS
    ]
    if "id" not in header:
        problems.append(Problem(name, 1, 1, 'the column "id" is missing'))
    seen: set[str] = set()
    for cells in reader if not problems else ():
        id_ = (cells["id"] or "").strip()
        wrong = _wrong(id_, cells, known, seen)
        if wrong:
            problems.append(Problem(name, reader.line_num, 1, wrong))
            continue
        seen.add(id_)
        known[id_] = _changed(known[id_], cells)
    return list(known.values()), problems


def _wrong(id_: str, cells: Mapping[str, Any], known: Mapping[str, Row], seen: set[str]) -> str:
    if None in cells or None in cells.values():
        return "has not as many cells as the header"
    if id_ not in known:
        return f'there is no entry "{id_}".{meant(id_, known)} A new one is begun in its .jsonl file, with its sources'
    return f'"{id_}" stands twice in the sheet' if id_ in seen else ""


def _cells(row: Row) -> dict[str, str]:
    cells = {"id": row["id"]}
    for name in _WORDS:
        cells |= {f"{name}_{language}": row.get(name, {}).get(language, "") for language in _LANGUAGES}
    cells |= {name: row.get(name, "") for name in _ONES}
    cells |= {name: BETWEEN.join(row.get(name, ())) for name in _LISTS}
    words = row.get("keywords", {})
    return cells | {f"keywords_{language}": BETWEEN.join(words.get(language, ())) for language in _KEYWORDS}


def _changed(row: Row, cells: Mapping[str, str]) -> Row:
    made = dict(row)
    for name in _WORDS:
        _set(made, name, _by_language(row.get(name, {}), name, cells, _LANGUAGES, lambda text: text))
    for name in _ONES:
        if name in cells:
            _set(made, name, cells[name].strip())
    for name in _LISTS:
        if name in cells:
            _set(made, name, _split(cells[name]))
    _set(made, "keywords", _by_language(row.get("keywords", {}), "keywords", cells, _KEYWORDS, _split))
    return made


def _by_language(
    before: Mapping[str, Any], name: str, cells: Mapping[str, str], languages: tuple[str, ...], read: Any
) -> Row:
    found = dict(before)
    for language in languages:
        cell = cells.get(f"{name}_{language}")
        if cell is not None:
            _set(found, language, read(cell.strip()))
    return found


def _split(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()]


def _set(row: Row, key: str, value: Any) -> None:
    if value:
        row[key] = value
    else:
        row.pop(key, None)
