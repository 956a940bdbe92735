"""What happens on one PostgreSQL session: groups with savepoints, the words for its errors, the locks it holds.

A group costs `begin`, one `release; savepoint` per item and one `commit`; everything odd ends the session, for a
new one is the only state worth trusting. One group at a time is written, over all servers of a database: nearly all
of them number an event and wait for that row anyway, and who waits before the first row is in nobody's deadlock
(docs/decisions/103). No text of the server leaves this module: its DETAIL quotes values.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

import asyncpg

from aggregator.sdk.clock import Clock
from aggregator.store.port import (
    Conflict,
    Damaged,
    Row,
    StatementRefused,
    StoreError,
    StoreUnavailable,
    Value,
    Work,
    WorkerHeld,
    checked,
)
from aggregator.store.writer import Done, Failed, Outcome

CONNECT_S = 5.0
STATEMENT_S = 10.0
GROUP_S = 30.0
LEAVE_S = 4.0
ALONE_TRIES = 3
SESSION = {
    "application_name": "aggregator",
    "synchronous_commit": "on",
    "statement_timeout": f"{STATEMENT_S:.0f}s",
    "lock_timeout": "5s",
    # A frozen server in the middle of a group keeps all others waiting for so long.
    "idle_in_transaction_session_timeout": "5s",
    # A killed worker's statement must not run on and keep its locks: by default the server looks only at the end.
    "client_connection_check_interval": "1s",
    # A frozen peer is noticed in a minute, and its locks with it.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
UNLIMITED = {"statement_timeout": "0", "lock_timeout": "0", "idle_in_transaction_session_timeout": "0"}
TROUBLE = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,  # which TimeoutError is
    UnicodeError,
)
# SQLSTATE classes: connection, resources, operator, system, lock not available, rollback, corrupt, limits.
_AWAY = ("08", "53", "57", "58", "55", "40", "XX", "F0", "54")
_COMMIT_UNKNOWN = ("08", "57", "58", "XX")
_AGAIN = {"40001", "40P01"}
_READ_ONLY = "25006"
_DAMAGED = {"XX001", "XX002"}  # a page whose checksum is wrong, an index that contradicts its table
_OLD_PLAN = (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)  # another worker has migrated


def lock_number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


_BEGIN = f"begin; select pg_advisory_xact_lock({lock_number('aggregator writing')}); savepoint item"


class SessionLocks:
    """Advisory locks of workers on one session kept for life; looked at without being taken."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._names: set[str] = set()
        self._connection: Any = None
        self._turn = asyncio.Lock()  # one session, one question at a time

    async def take(self, worker_id: str) -> None:
        """Holds the lock from now on; on a new session the locks of the old one too. Raises WorkerHeld."""
        async with self._turn:
            await self._take(worker_id)

    async def _take(self, worker_id: str) -> None:
        fresh = self._connection is None or self._connection.is_closed()
        if fresh:
            self._connection = await connect(self._url, SESSION | {"idle_session_timeout": "0"})
        try:
            for name in sorted(self._names | {worker_id}) if fresh else [worker_id]:
                await self._lock(name)
        except BaseException:
            if fresh:  # half the locks would look like all of them
                self._connection.terminate()
            raise
        self._names.add(worker_id)

    async def _lock(self, name: str) -> None:
        for _ in range(20):
            if await self._connection.fetchval("select pg_try_advisory_lock($1)", lock_number(name)):
                return
            await self._clock.sleep(0.05)  # a server notices a dead session only after a moment
        raise WorkerHeld(f"worker {name} is already running")

    async def renew(self) -> None:
        """Claims again what was held by a session that died. Raises StoreUnavailable when another was faster."""
        if self._names and self._connection.is_closed():
            try:
                await self.take(min(self._names))
            except WorkerHeld as exc:
                raise StoreUnavailable("another process holds this worker's lock") from exc

    async def release(self) -> None:
        self._names.clear()
        await let_go(self._connection)


class Again(StoreUnavailable):
    """Nothing was kept and nothing is wrong with the work: a deadlock's victim, or a plan older than the tables."""


class Gone(StoreUnavailable):
    """The session itself ended; a read may be repeated on another."""


class TakesNoWrites(StoreUnavailable):
    """A replica not yet promoted, or somebody's switch (a provider sets it when a disk fills): the session is left."""


class _Running:
    """`run` of one item; its first error dooms the item, as the server itself would have it."""

    __slots__ = ("_connection", "failed")

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.failed: StoreError | None = None

    async def __call__(self, sql: str, *args: Value) -> list[Row]:
        if self.failed is not None:
            raise self.failed
        try:
            rows: list[Row] = await self._connection.fetch(sql, *checked(args))
        except StatementRefused as exc:
            self.failed = exc
            raise
        except TROUBLE as exc:
            self.failed = TakesNoWrites(reason(exc)) if _sqlstate(exc) == _READ_ONLY else translated(exc)
            raise self.failed from None
        return rows


async def transaction(
    connection: Any, works: Sequence[Work[Any]], *, within_s: float | None = GROUP_S
) -> Sequence[Outcome]:
    """One outcome per work, all durable. Raises StoreUnavailable when the whole group is lost."""
    try:
        async with asyncio.timeout(within_s):
            await connection.execute(_BEGIN)
            outcomes = [await _item(connection, work) for work in works]
    except BaseException as exc:
        connection.terminate()
        if isinstance(exc, TROUBLE):
            raise StoreUnavailable(reason(exc)) from None
        raise
    try:
        await connection.execute("release item; commit")
    except TROUBLE as exc:
        connection.terminate()
        raise StoreUnavailable(reason(exc), "unknown" if _commit_unknown(exc) else "none") from None
    except BaseException:
        connection.terminate()
        raise
    return outcomes


async def _item(connection: Any, work: Work[Any]) -> Outcome:
    run = _Running(connection)
    try:
        value = await work(run)
    except Exception as exc:  # noqa: BLE001 - it belongs to the caller who brought the work
        if isinstance(run.failed, TakesNoWrites):
            raise run.failed from None  # nobody's write will do better here: the group is lost, and so is the session
        # Fails when the transaction is gone, and so loses the group, as it must.
        await connection.execute("rollback to item")
        return Failed(run.failed or exc)
    if run.failed is not None:
        await connection.execute("rollback to item")
        return Failed(run.failed)
    await connection.execute("release item; savepoint item")
    return Done(value)


async def alone(connection: Any, work: Work[Any]) -> Outcome:
    for _ in range(ALONE_TRIES):
        try:
            outcome = (await transaction(connection, [work]))[0]
        except StoreUnavailable as exc:
            return Failed(exc)  # the group it came with is already durable: only this one failed
        if not (isinstance(outcome, Failed) and isinstance(outcome.error, Again)):
            break
    return outcome


async def connect(url: str, session: dict[str, str], *, command_timeout_s: float | None = STATEMENT_S) -> Any:
    """A session that may write; of several hosts in `url` the first that lets it. Raises TROUBLE."""
    return await asyncpg.connect(
        url,
        timeout=CONNECT_S,
        command_timeout=command_timeout_s,
        statement_cache_size=512,
        server_settings=session,
        target_session_attrs="read-write",
    )


async def let_go(connection: Any) -> None:
    if connection is not None and not connection.is_closed():
        try:
            await connection.close(timeout=LEAVE_S)
        except TROUBLE:
            connection.terminate()


def halves(number: int) -> tuple[int, int]:
    """The key as pg_locks shows it: two unsigned words."""
    return (number >> 32) & 0xFFFFFFFF, number & 0xFFFFFFFF


def _sqlstate(exc: BaseException) -> str:
    return str(getattr(exc, "sqlstate", None) or "")


def reason(exc: BaseException) -> str:
    return " ".join(filter(None, (type(exc).__name__, _sqlstate(exc))))


def _commit_unknown(exc: BaseException) -> bool:
    """A server that says ERROR to COMMIT has rolled back; silence and a server going down prove nothing."""
    state = _sqlstate(exc)
    return not state or state.startswith(_COMMIT_UNKNOWN)


def translated(exc: BaseException) -> StoreError:
    """Our word for a driver's error. Never chained: PostgreSQL's texts quote the values."""
    state = _sqlstate(exc)
    if state in _DAMAGED:
        return Damaged(reason(exc))
    if state.startswith("23"):
        return Conflict(str(getattr(exc, "constraint_name", None) or state))
    if state in _AGAIN or isinstance(exc, _OLD_PLAN):
        return Again(reason(exc))
    if _session_ended(exc, state):
        return Gone(reason(exc))
    if isinstance(exc, (TimeoutError, asyncpg.InternalClientError)) or state.startswith(_AWAY):
        return StoreUnavailable(reason(exc))
    return StatementRefused(reason(exc))


def _session_ended(exc: BaseException, state: str) -> bool:
    if isinstance(exc, asyncpg.InterfaceError):  # one class for a closed connection and for wrong arguments
        return "closed" in str(exc)
    return (isinstance(exc, OSError) and not isinstance(exc, TimeoutError)) or state.startswith(("08", "57P0"))
