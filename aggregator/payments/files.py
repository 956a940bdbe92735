"""Files of gateways and billers: what they say they settled or recorded, line by line, kept as evidence.

One plain form for every side, as JSON or CSV; a gateway whose driver can fetch its settlement gives the same columns.
A file is read whole or not at all, and every mistake in it is told with its line. Nothing in it names a citizen.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson

from aggregator.sdk.clock import epoch_ms
from aggregator.store import Run

GATEWAY, BILLER = "gateway", "biller"
KINDS = {GATEWAY: ("payment", "refund"), BILLER: ("posting", "reversal")}
COLUMNS = ("kind", "reference", "number", "amount_paise", "fee_paise", "utr", "at")
NEEDED = ("kind", "number", "amount_paise")
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)
_SAFE = re.compile(r"[A-Za-z0-9._:/+-]{0,80}", re.ASCII)


class BadFile(ValueError):
    """The file cannot be used; `problems` says line by line why. Nothing of it was taken."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems[:3]))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `reference` is ours as the other side shows it back, `number` theirs; amounts in paise."""

    kind: str
    reference: str
    number: str
    amount_paise: int
    fee_paise: int = 0
    utr: str = ""
    at: str = ""

    @property
    def key(self) -> str:
        """The same fact told again in a later file is the same line."""
        return f"{self.kind}:{self.number}"


@dataclass(frozen=True, slots=True)
class Statement:
    """One file of one side for one day."""

    agency: str
    side: str
    day: str
    lines: tuple[Line, ...]
    sha256: str


def read_file(content: bytes, *, agency: str, side: str, day: str) -> Statement:
    """The statement in a file: JSON `{"lines": [...]}` or CSV with a heading. Raises BadFile."""
    problems: list[str] = []
    if not _is_day(day):
        problems.append(f"the day {day!r} is not like 2026-01-31")
    try:
        rows = list(_rows(content))
    except (ValueError, KeyError, TypeError, csv.Error):
        raise BadFile([*problems, 'it is neither JSON {"lines": [...]} nor CSV with a heading']) from None
    lines = [_line(row, place, side, problems) for place, row in rows]
    keys = [line.key for line in lines]
    problems += [f"{key} is there twice" for key in sorted({key for key in keys if keys.count(key) > 1})]
    if problems:
        raise BadFile(problems)
    return Statement(agency, side, day, tuple(lines), hashlib.sha256(content).hexdigest())


def side_of(content: bytes) -> str:
    """Whose file it is, by its first line's kind; a file nobody can read is the gateway's, and is refused as such."""
    try:
        first = next(iter(_rows(content)), ("", {}))[1]
    except (ValueError, KeyError, TypeError, csv.Error):
        return GATEWAY
    return BILLER if str(first.get("kind", "")).strip() in KINDS[BILLER] else GATEWAY


def statement_of(rows: Iterable[Mapping[str, str]], *, agency: str, side: str, day: str) -> Statement:
    """The statement in what a driver fetched. Raises BadFile."""
    return read_file(orjson.dumps({"lines": [dict(row) for row in rows]}), agency=agency, side=side, day=day)


def _rows(content: bytes) -> Iterable[tuple[str, Mapping[str, Any]]]:
    text = content.decode("utf-8-sig")
    if text.lstrip().startswith("{"):
        for n, row in enumerate(orjson.loads(text)["lines"], 1):
            yield f"line {n}", dict(row)
        return
    table = csv.DictReader(io.StringIO(text), strict=True)
    if not set(NEEDED) <= set(table.fieldnames or ()):
        raise ValueError("no heading")
    for row in table:
        yield f"line {table.line_num}", row


def _line(row: Mapping[str, Any], place: str, side: str, problems: list[str]) -> Line:
    found = {name: str(row.get(name) or "").strip() for name in COLUMNS}
    if found["kind"] not in KINDS[side]:
        problems.append(f"{place}: kind must be {' or '.join(KINDS[side])}, got {found['kind'][:20]!r}")
    if not found["number"]:
        problems.append(f"{place}: number is empty")
    for name in ("amount_paise", "fee_paise"):
        if not _NUMBER.fullmatch(found[name] or ("0" if name == "fee_paise" else "")):
            problems.append(f"{place}: {name} must be a whole number of paise")
            found[name] = "0"
    problems.extend(
        f"{place}: {name} has signs that no reference has"
        for name in ("reference", "number", "utr", "at")
        if not _SAFE.fullmatch(found[name])
    )
    return Line(
        found["kind"],
        found["reference"],
        found["number"],
        int(found["amount_paise"]),
        int(found["fee_paise"] or 0),
        found["utr"],
        found["at"],
    )


def _is_day(day: str) -> bool:
    try:
        return date.fromisoformat(day).isoformat() == day
    except ValueError:
        return False


async def keep(run: Run, statement: Statement, at: datetime) -> int:
    """Stores the file and its new lines; how many are new. The same file again adds nothing."""
    known = await run(
        "select lines from money_file where agency = $1 and side = $2 and day = $3 and sha256 = $4",
        statement.agency,
        statement.side,
        statement.day,
        statement.sha256,
    )
    if known:
        return 0
    await run(
        "insert into money_file (agency, side, day, sha256, lines, received_ms) values ($1, $2, $3, $4, $5, $6)",
        statement.agency,
        statement.side,
        statement.day,
        statement.sha256,
        len(statement.lines),
        epoch_ms(at),
    )
    return sum([await _keep_line(run, statement, line) for line in statement.lines])


async def _keep_line(run: Run, statement: Statement, line: Line) -> int:
    rows = await run(
        "insert into money_file_line (agency, line_key, side, day, kind, reference, number, amount_paise, fee_paise,"
        " utr, at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        " on conflict (agency, line_key) do nothing returning line_key",
        statement.agency,
        line.key,
        statement.side,
        statement.day,
        line.kind,
        line.reference,
        line.number,
        line.amount_paise,
        line.fee_paise,
        line.utr,
        line.at,
    )
    return len(rows)


async def received(run: Run, agency: str, side: str, day: str) -> bool:
    """Whether this side's file for this day, or a later one, has come: its cut-off for the day is past."""
    rows = await run(
        "select day from money_file where agency = $1 and side = $2 and day >= $3 limit 1", agency, side, day
    )
    return bool(rows)
