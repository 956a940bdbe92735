"""PostgreSQL: one connection writes groups with a savepoint per item; a read-only pool reads; one holds the locks.

Grouping pays here too: a commit costs a flush whether it carries one transaction or many. `release; savepoint`
travels as one message, so an item costs one round trip more than its own statements. After anything odd the
writing connection is thrown away and the next group makes a new one: a server that came back is found by
itself. A COMMIT whose answer was lost is effect "unknown"; callers look up by key, never insert blindly (PG-7).
The worker's lock lives on its own idle session: when that session is gone, it is claimed again *before* the
next group, so a process that lost its lock cannot write.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import asyncpg

from aggregator.sdk.clock import Clock, epoch_ms
from aggregator.store import migrate
from aggregator.store.locks import worker_name
from aggregator.store.port import Damaged, Row, Run, StoreHealth, StoreUnavailable, Value, Work, checked
from aggregator.store.postgres_once import PostgresOnce, made
from aggregator.store.postgres_session import (
    CONNECT_S,
    LEAVE_S,
    SESSION,
    STATEMENT_S,
    TROUBLE,
    UNLIMITED,
    Again,
    Gone,
    SessionLocks,
    alone,
    connect,
    halves,
    let_go,
    lock_number,
    reason,
    transaction,
    translated,
)
from aggregator.store.writer import Failed, GroupWriter, Keep, Outcome

T = TypeVar("T")
READERS = 6
_MIGRATION_LOCK = "aggregator schema"
_LOCK_SEEN = (
    "select 1 as held from pg_locks where locktype = 'advisory' and granted and objsubid = 1"
    " and database = (select oid from pg_database where datname = current_database())"
    " and classid::bigint = $1 and objid::bigint = $2"
)


class PostgresStore:
    """`url` is a DSN of libpq; a `search_path` in its query picks the schema."""

    engine = "postgres"
    skip_locked = "for update skip locked"
    # Of the log itself: pg_control_checkpoint() shows the old timeline until the promoted server's first checkpoint.
    lineage = (
        "select (select system_identifier from pg_control_system())::text || '/'"
        " || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as lineage"
    )

    def __init__(self, url: str, *, clock: Clock, readers: int = READERS) -> None:
        self._url = url
        self._clock = clock
        self._readers = readers
        self._pool: Any = None
        self._writing: Any = None
        self._writer = GroupWriter(self._commit, clock)
        self._locks = SessionLocks(url, clock)
        self._first: Work[None] | None = None
        self._once = PostgresOnce(url)

    async def open(self) -> None:
        try:
            await self._migrate()
            self._pool = await asyncpg.create_pool(
                self._url,
                min_size=0,
                max_size=self._readers,
                timeout=CONNECT_S,
                command_timeout=STATEMENT_S,
                max_inactive_connection_lifetime=300.0,
                statement_cache_size=512,
                reset=_nothing_to_reset,
                server_settings=SESSION | {"default_transaction_read_only": "on"},
            )
            self._writer.start()
        except BaseException as exc:
            await self.close()
            if isinstance(exc, TROUBLE):
                raise StoreUnavailable(f"cannot open the database: {reason(exc)}") from None
            raise

    async def _migrate(self) -> None:
        connection = await connect(self._url, SESSION | UNLIMITED, command_timeout_s=None)

        async def transact(work: Work[Any]) -> Any:
            outcome = (await transaction(connection, [work], within_s=None))[0]
            if isinstance(outcome, Failed):
                raise outcome.error
            return outcome.value

        try:
            lock = f"select pg_advisory_xact_lock({lock_number(_MIGRATION_LOCK)})"
            await migrate.migrate(transact, migrate.packaged(), lock=lock)
            await transact(partial(made, lock=lock, now_ms=epoch_ms(self._clock.now())))
        finally:
            await let_go(connection)

    async def close(self) -> None:
        await self._writer.close(within_s=LEAVE_S, interrupt=self._interrupt)
        await let_go(self._writing)
        await self._once.close()
        if self._pool is not None:
            pool, self._pool = self._pool, None
            try:
                await asyncio.wait_for(pool.close(), LEAVE_S)
            except TROUBLE:
                pool.terminate()
        await self._locks.release()

    def _interrupt(self) -> None:
        if self._writing is not None:
            self._writing.terminate()

    async def write(self, fn: Callable[[Run], Awaitable[T]]) -> T:
        return await self._writer.write(fn)

    async def read(self, sql: str, *args: Value, inline: bool = False) -> list[Row]:
        """As the interface says; a session found dead or outdated is replaced once, for a read may be repeated."""
        del inline  # there is no way to ask a server without waiting
        checked(args)
        try:
            return await self._read(sql, args)
        except (Gone, Again):
            return await self._read(sql, args)

    async def _read(self, sql: str, args: Sequence[Value]) -> list[Row]:
        if self._pool is None:
            raise StoreUnavailable("the store is closed")
        try:
            async with self._pool.acquire(timeout=CONNECT_S) as connection:
                rows: list[Row] = await connection.fetch(sql, *args)
                return rows
        except TROUBLE as exc:
            error = translated(exc)
            if isinstance(error, Damaged):
                self._writer.suspect(error.why)
            raise error from None

    async def _commit(self, works: Sequence[Work[Any]]) -> Sequence[Outcome]:
        connection = await self._writing_connection()
        outcomes = list(await transaction(connection, works))
        for place, outcome in enumerate(outcomes):
            if isinstance(outcome, Failed) and isinstance(outcome.error, Again):
                outcomes[place] = await alone(connection, works[place])
        return outcomes

    async def _writing_connection(self) -> Any:
        try:
            await self._locks.renew()
            if self._writing is None or self._writing.is_closed():
                self._writing = await self._session()
        except TROUBLE as exc:
            raise StoreUnavailable(reason(exc)) from None
        return self._writing

    async def _session(self) -> Any:
        """A writing session whose server has been looked at: it may be another one than before."""
        connection = await connect(self._url, SESSION)
        if self._first is not None:
            outcome = (await transaction(connection, [self._first]))[0]
            if isinstance(outcome, Failed):
                connection.terminate()
                raise StoreUnavailable("the server could not be compared with the watermark") from outcome.error
        if self._pool is not None:  # a reading session may hang on a server that is no longer the one
            await self._pool.expire_connections()
        return connection

    async def first_use(self, name: str, *, from_ms: int, until_ms: int, now_ms: int) -> bool:
        return await self._once.first_use(name, from_ms=from_ms, until_ms=until_ms, now_ms=now_ms)

    def beside(self, keep: Keep, first: Work[None]) -> None:
        self._writer.keep = keep
        self._first = first

    def health(self) -> StoreHealth:
        return self._writer.health()

    async def integrity_check(self) -> list[str]:
        found = []
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            rows = await self.read("select current_setting($1) as value", setting)
            if rows[0]["value"] == "off":
                found.append(f"{setting} is off: acknowledged writes can be lost at power failure")
        if (await self.read("select current_setting('data_checksums') as value"))[0]["value"] == "off":
            found.append("data_checksums is off: a bit that flips on the disk is believed. Run pg_checksums --enable")
        rows = await self.read("select indexrelid::regclass::text as name from pg_index where not indisvalid")
        return found + [f"index {row['name']} is not valid" for row in rows]

    async def claim_worker(self, worker_id: str) -> None:
        try:
            await self._locks.take(worker_name(worker_id))
        except TROUBLE as exc:
            raise translated(exc) from None

    async def worker_is_dead(self, worker_id: str) -> bool:
        rows = await self.read(_LOCK_SEEN, *halves(lock_number(worker_name(worker_id))))
        return not rows


async def _nothing_to_reset(_connection: Any) -> None:
    """A reading session keeps no state; the default costs every read a second round trip."""
