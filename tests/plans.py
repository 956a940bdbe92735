"""A statement of ours may not look through a table that grows: its plan is asked for when a test first runs it.

Every store a test opens is watched here, so the statements judged are the ones the code really runs, all of them. Two
shapes of one mistake: a scan of a growing table, and a search by nothing but words there are few of (an agency, a
state), which is a scan of a fifth of it. An index that only holds what is open stays small and may be read whole.
Nothing is guessed by SQLite here: no statistics are kept, as in a city, so an empty store plans as a full one does.
"""

import re
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aggregator.store import migrate
from aggregator.store.sqlite import SqliteStore

AGGREGATOR = str(Path(__file__).parents[1] / "aggregator")
STORE = f"{AGGREGATOR}/store"
SMALL = frozenset({
    "agency_listed", "agency_switch", "audit_head", "audit_run", "code_turn", "event_counter", "forgotten",
    "money_file",
    "nominee_claim", "portal", "portal_issuer", "portal_key", "quarantine", "quarantine_left", "query_spent",
    "rate_part", "rate_turn",
    "schema_version", "setting", "worker",
})  # fmt: skip
"""Tables as long as the city has agencies, portals, processes, days, restarts or officers' hearings; others grow."""
FEW = frozenset({
    "action", "agency", "day", "kind", "name", "owner", "portal_id", "purpose", "route", "method", "sector", "side",
    "source", "state", "status", "withdraw",
})  # fmt: skip
"""Columns in which thousands of rows say the same."""
DUE = ("_ms", "_us", "day")
"""What falls due, grows old or was changed since: a range of these is what is asked for."""
_FROM = re.compile(
    r"\b(?:from|join|update|into)\s+(\w+)(?:\s+(?:as\s+)?(?!on\b|where\b|set\b|join\b|order\b)(\w+))?", re.IGNORECASE
)
_STEP = re.compile(r"(SCAN|SEARCH) (\S+)(?: USING (?:COVERING )?(?:INDEX (\S+)|INTEGER PRIMARY KEY))?(?: \((.*)\))?$")
_PAGE = re.compile(r"from (\w+) where ([^()]+) order by \w+(?: desc)? limit (?:\$\d+|1\b)")
_COLUMN = re.compile(r"(\w+) [=<>]+ \$\d+$")
_SEAL = re.compile(r"\bseal\b|pragma")
_EQUAL = re.compile(r"(\w+)=\?")
_RANGE = re.compile(r"(\w+)[<>]\??")


FINAL = re.compile(r"'(CONFIRMED|REJECTED|EXPIRED|CANCELLED|DONE|REFUSED|CLOSED|COMPLETED|WITHDRAWN|VERIFIED)'")
OPEN = re.compile(r"\bstate (?:= '|in \(')")
FORGIVEN = {
    "select 1 from citizen where state <> 'ERASED' limit 1": "once, at a start that finds no file of keys",
    "select * from access_record where +at_ms": "a page of a span: ids begin with the time, both ends are given",
    "select e.seq, e.at_ms, e.case_id, e.body, c.service_id": "a page of the log, for a report of a breach",
    "select id, state, created_ms from citizen where portal_id": "a page; merged records, passed over, are rare",
}
"""Statements, by how they begin, that may take their time, each with the reason."""


def tables(without: Iterable[str] = ()) -> sqlite3.Connection:
    """An empty database as the migrations leave it, in memory; for a control, without some of its indexes."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.execute("create table schema_version (only_row bigint primary key, version bigint not null)")
    for step in migrate.packaged():
        for statement in step.statements:
            connection.execute(statement)
    for index in without:
        connection.execute(f"drop index {index}")
    return connection


@dataclass
class Plans:
    """The statements of ours that were run, each judged once: what is wrong with it and where it was first run."""

    wrong: dict[str, list[str]] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)

    def saw(self, sql: str, where: str) -> None:
        if not _SEAL.search(sql):  # the store's own look through all rows, in the background and on purpose
            self.where.setdefault(sql, where)

    def judge(self, connection: sqlite3.Connection) -> dict[str, list[str]]:
        """What is wrong with those that were not judged before."""
        fresh = {sql: offences(connection, sql) for sql in self.where.keys() - self.wrong.keys()}
        self.wrong |= fresh
        return {f"{self.where[sql]}: {sql}": steps for sql, steps in fresh.items() if steps and not _forgiven(sql)}


PLANS, TABLES = Plans(), tables()
"""Of this whole session, and what they are judged by."""


def _forgiven(sql: str) -> bool:
    return sql.startswith(tuple(FORGIVEN))


def watch(store: SqliteStore, plans: Plans) -> None:
    """From now on what our own code runs on this store is seen; what a test asks is not."""
    read, write = store.read, store.write

    async def seen_read(sql: str, *args: Any, inline: bool = False) -> Any:
        if sql not in plans.where and (where := _ours()):
            plans.saw(sql, where)
        return await read(sql, *args, inline=inline)

    async def seen_write(fn: Callable[[Any], Awaitable[Any]]) -> Any:
        made_by = _file_of(fn)

        async def inside(run: Any) -> Any:
            async def seen_run(sql: str, *args: Any) -> Any:
                if sql not in plans.where and (where := _ours() or made_by):
                    plans.saw(sql, where)
                return await run(sql, *args)

            return await fn(seen_run)

        return await write(inside)

    store.read, store.write = seen_read, seen_write  # type: ignore[method-assign]


def _ours() -> str:
    """The line of the aggregator's code that runs this statement; "" when the test does."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(STORE) or name == __file__:
            frame = frame.f_back
            continue
        return f"{name[len(AGGREGATOR) - 10 :]}:{frame.f_lineno}" if name.startswith(AGGREGATOR) else ""
    return ""


def _file_of(fn: Any) -> str:
    while hasattr(fn, "func"):  # a partial
        fn = fn.func
    code = getattr(fn, "__code__", None)
    name = code.co_filename if code is not None else ""
    return f"{name[len(AGGREGATOR) - 10 :]}:{code.co_firstlineno}" if name.startswith(AGGREGATOR) else ""


def offences(connection: sqlite3.Connection, sql: str) -> list[str]:
    """The steps of the plan that get longer as the city grows older."""
    if not sql.lstrip().lower().startswith(("select", "update", "delete", "insert", "with")):
        return []
    places = dict.fromkeys(re.findall(r"\$(\d+)", sql))
    try:
        steps = [row[3] for row in connection.execute(f"explain query plan {sql}", places)]
    except sqlite3.OperationalError as unknown:
        if "no such table" in str(unknown):
            return []  # a table that a test made
        raise
    tables = {name: table for table, alias in _FROM.findall(sql) for name in (table, alias) if name}
    partial = {row[0] for row in connection.execute("select name from sqlite_master where sql like '% where %'")}
    stays_open = bool(OPEN.search(sql)) and not FINAL.search(sql)
    long = [step for step in steps if _long(step, tables, partial, stays_open)]
    return [step for step in long if not _newest(step, sql) and not _page(step, sql)]


def _long(step: str, tables: dict[str, str], partial: Iterable[str], stays_open: bool) -> bool:
    found = _STEP.match(step)
    if found is None or tables.get(found[2], "") in SMALL | {""} or found[3] in partial:
        return False
    if found[1] == "SCAN":
        return True
    terms = found[4] or ""
    equal, ranged = set(_EQUAL.findall(terms)), {name for name in _RANGE.findall(terms) if name.endswith(DUE)}
    if stays_open and "state" in equal:
        return False
    return bool(terms) and not ranged and equal <= FEW  # a range of keys alone is the rest of the table


def _page(step: str, sql: str) -> bool:
    """A page in the order of an index that knows all of the question: it ends when the page is full."""
    page, found = _PAGE.search(sql), _STEP.match(step)
    if page is None or found is None or found[2] != page[1]:
        return False
    asked = [_COLUMN.match(term) for term in page[2].split(" and ")]
    terms = found[4] or ""
    return all(one is not None and one[1] in {*_EQUAL.findall(terms), *_RANGE.findall(terms)} for one in asked)


def _newest(step: str, sql: str) -> bool:
    """The newest row by the key: a scan that ends at its first row, and max(), which is a search without terms."""
    return "USING" in step and " limit 1" in sql and " where " not in sql
