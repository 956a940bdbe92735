"""What happens to a SQLite connection on whichever thread owns it: groups, savepoints, short reads, error words.

Plain sqlite3, synchronous, no event loop: a transaction that runs whole on one thread cannot be left open by a
cancelled task (SQ-2) nor mixed with another's (SQ-4). After any error SQLite may have rolled back by itself;
`in_transaction` is the only witness, so it is asked each time (SQ-9).
"""

import contextlib
import sqlite3
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from aggregator.store import seals
from aggregator.store.port import (
    Conflict,
    Damaged,
    Row,
    StatementRefused,
    StoreError,
    StoreUnavailable,
    Value,
    Work,
    checked,
)
from aggregator.store.writer import Done, Failed, Outcome

T = TypeVar("T")
INLINE_STEPS = 20_000  # virtual machine instructions: about a millisecond
_NAMES = tuple(str(number) for number in range(1, 256))
_OUR_MISTAKE = {
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_MISUSE,
    sqlite3.SQLITE_RANGE,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_TOOBIG,
}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
# What COMMIT may answer when it has certainly kept nothing; after anything else nobody knows.
_COMMIT_UNDONE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CONSTRAINT}
DRIVER_ERRORS = (sqlite3.Error, sqlite3.Warning, UnicodeError)


class InlineReader:
    """Reads on the caller's thread, and knows when to stop.

    The step counter belongs to the prepared statement and runs on from one execution to the next, so the first
    tick may be owed to earlier reads: the second one ends the statement.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ticks = 0
        connection.set_progress_handler(self._tick, INLINE_STEPS)

    def read(self, sql: str, values: dict[str, Value]) -> list[Row] | None:
        """The rows, or None when this needs a thread: too long, or locked by a checkpoint."""
        self._ticks = 0
        try:
            return fetch(self._connection, sql, values)
        except DRIVER_ERRORS as exc:
            if _code(exc) in {sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY}:
                return None
            raise translated(exc) from exc

    def close(self) -> None:
        self._connection.close()

    def _tick(self) -> int:
        self._ticks += 1
        return self._ticks > 1


class _Running:
    """`run` of one item; its first error dooms the item, as PostgreSQL would."""

    __slots__ = ("_connection", "failed")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.failed: StoreError | None = None

    async def __call__(self, sql: str, *args: Value) -> list[Row]:
        if self.failed is not None:
            raise self.failed
        try:
            return fetch(self._connection, sql, named(args))
        except StatementRefused as exc:
            self.failed = exc
            raise
        except DRIVER_ERRORS as exc:
            self.failed = translated(exc)
            raise self.failed from exc

    def verdict(self, value: Any) -> Done:
        if self.failed is not None:
            raise self.failed
        return Done(value)


def commit_group(connection: sqlite3.Connection, works: Sequence[Work[Any]]) -> list[Outcome]:
    """One outcome per work, all durable. Raises StoreUnavailable when the whole group is lost."""
    try:
        _rollback(connection)  # only after a ROLLBACK that failed is there anything to undo
        connection.execute("begin immediate")
        outcomes = [_item(connection, work) for work in works]
    except BaseException as exc:
        _rollback(connection)
        if isinstance(exc, sqlite3.Error):
            raise _lost(exc)(reason(exc)) from exc
        raise
    try:
        connection.execute("commit")
    except sqlite3.Error as exc:
        _rollback(connection)
        raise _lost(exc)(reason(exc), "none" if _code(exc) in _COMMIT_UNDONE else "unknown") from exc
    return outcomes


def _item(connection: sqlite3.Connection, work: Work[Any]) -> Outcome:
    connection.execute("savepoint item")
    run = _Running(connection)
    try:
        outcome = run.verdict(_finish(work(run)))
    except Exception as exc:
        if isinstance(exc, Damaged):
            raise  # nothing of a group that has met damage is kept
        if not connection.in_transaction:  # SQLite has rolled back by itself: disk full, I/O error
            raise StoreUnavailable("the database rolled the group back") from exc
        connection.execute("rollback to item")
        connection.execute("release item")
        return Failed(exc)
    connection.execute("release item")
    return outcome


def _finish(work: Awaitable[T]) -> T:
    """The value of a work that never has to wait: `run` answers at once on this thread."""
    steps = work.__await__()
    try:
        steps.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    steps.close()
    raise StatementRefused("a write awaited something other than run")


def connect(path: Path, *, busy_s: float, query_only: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=busy_s, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    try:
        connection.row_factory = sqlite3.Row
        mode = connection.execute("pragma journal_mode = wal").fetchone()[0]
        if mode != "wal":
            raise StoreUnavailable("this file system cannot hold a write-ahead log")  # noqa: TRY301 - read straight
        for pragma in (
            "synchronous = full", "foreign_keys = on", "journal_size_limit = 67108864", "cell_size_check = on",
        ):  # fmt: skip
            connection.execute(f"pragma {pragma}")
        if query_only:
            connection.execute("pragma query_only = on")
    except BaseException:
        connection.close()
        raise
    return connection


def named(args: Sequence[Value]) -> dict[str, Value]:
    """`$1` is a parameter called "1" to SQLite, so one SQL text serves both engines."""
    return dict(zip(_NAMES, checked(args), strict=False))


def fetch(connection: sqlite3.Connection, sql: str, values: dict[str, Value]) -> list[Row]:
    return connection.execute(sql, values).fetchall()


def _rollback(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("rollback")


def _code(exc: BaseException) -> int:
    """The primary result code; errors of the Python module itself count as our mistake."""
    return int(getattr(exc, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


def reason(exc: BaseException) -> str:
    return str(getattr(exc, "sqlite_errorname", type(exc).__name__))


def _lost(exc: sqlite3.Error) -> type[StoreUnavailable]:
    return Damaged if _code(exc) in _DAMAGED else StoreUnavailable


def translated(exc: BaseException) -> StoreError:
    """Our word for a driver's error. SQLite's texts name columns and keywords, never values."""
    code = _code(exc)
    if code == sqlite3.SQLITE_CONSTRAINT:
        return Conflict(str(exc))
    if code in _DAMAGED or seals.SAID in str(exc):
        return Damaged("a row is not what was written" if code not in _DAMAGED else reason(exc))
    if code in _OUR_MISTAKE:
        return StatementRefused(f"{reason(exc)}: {exc}" if isinstance(exc, sqlite3.Error) else reason(exc))
    return StoreUnavailable(reason(exc))
