"""SQLite: one connection writes, whole groups at a time, on its own thread; others read.

aiosqlite owns the threads and `Line` is the only class that knows it. Its public cursor calls are not used:
they hop threads once per statement (116 us a read against 52 with one hop) and would let a cancelled task
leave a transaction open (SQ-2). A whole group is one hop: BEGIN IMMEDIATE (SQ-1), a savepoint per item, one
COMMIT with synchronous=FULL. Reads by key may run inline on the event loop (6 to 11 us), on a connection that
gives up by itself when a statement turns out long. Rules for failures: docs/libraries.md 4.3.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from aggregator.sdk.clock import Clock
from aggregator.store import migrate, seals, soundness
from aggregator.store.locks import FileLocks, worker_name
from aggregator.store.once import Once
from aggregator.store.port import Damaged, Row, Run, StoreHealth, StoreUnavailable, Value, Work, WorkerHeld
from aggregator.store.sqlite_thread import (
    DRIVER_ERRORS,
    InlineReader,
    commit_group,
    connect,
    fetch,
    named,
    reason,
    translated,
)
from aggregator.store.writer import GroupWriter, Keep, Outcome

T = TypeVar("T")
READERS = 3
BUSY_S = 5.0
DRAIN_S = 4.0  # with BUSY_S it stays below the ten seconds a stopping process is given


class Line:
    """One connection on its own thread, which aiosqlite keeps. Must be closed: the thread is no daemon (SQ-5).

    It opens at its first call, whoever is cancelled meanwhile: a city that is hardly read keeps no three threads.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._owner: aiosqlite.Connection | None = None
        self._opening: asyncio.Task[aiosqlite.Connection] | None = None
        self._closed = False
        self.waiting = 0

    async def open(self) -> aiosqlite.Connection:
        """Raises whatever `connect` raises; the next call tries again."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
        return await asyncio.shield(self._opening)

    async def _open(self) -> aiosqlite.Connection:
        owner = aiosqlite.Connection(self._connect, iter_chunk_size=64)
        try:
            await owner
        except BaseException:
            self._opening = None
            # aiosqlite tells its thread to end and goes; the thread would then answer a loop that is gone.
            await asyncio.shield(asyncio.to_thread(owner._thread.join))  # noqa: SLF001 - see the class
            raise
        self._owner = owner
        return owner

    async def call(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The value of `work`, run on the connection's thread in one hop."""
        self.waiting += 1
        try:
            owner = self._owner or await self.open()
            return await owner._execute(work, owner._conn)  # type: ignore[no-any-return, no-untyped-call]  # noqa: SLF001 - see the class
        finally:
            self.waiting -= 1

    def interrupt(self) -> None:
        if self._owner is not None:
            self._owner._conn.interrupt()  # noqa: SLF001 - the public twin is a coroutine without need

    async def close(self) -> None:
        self._closed = True
        if self._opening is not None:
            with contextlib.suppress(*DRIVER_ERRORS, StoreUnavailable):
                await self._opening
        if self._owner is not None:
            await self._owner.close()


class SqliteStore:
    """`file` is created with mode 600 when it is missing, and its folder with it."""

    engine = "sqlite"
    skip_locked = ""
    lineage = ""

    def __init__(self, file: str | Path, *, clock: Clock, busy_s: float = BUSY_S, readers: int = READERS) -> None:
        self._path = Path(file).absolute()
        self._clock = clock
        self._writing = Line(partial(connect, self._path, busy_s=busy_s))
        self._reading = [Line(partial(self._connect_reader, busy_s)) for _ in range(readers)]
        self._tables: seals.Tables = {}
        self._inline: InlineReader | None = None
        self._writer = GroupWriter(self._commit, clock)
        self._locks = FileLocks(self._path.parent)
        self._once = Once(self._path, clock)
        self._writer.told_damage = self._remember

    async def open(self) -> None:
        try:
            self._refuse_damaged()
            await self._connect_writer()
            self._writer.start()
            await migrate.migrate(self.write, migrate.packaged())
            await self._seal()
            self._inline = InlineReader(self._connect_reader(busy_s=0))
            started = await self.read("select id from worker limit 1", inline=True)
            self._once.open(nothing_before=not started)
        except BaseException as exc:
            await self.close()
            if isinstance(exc, (sqlite3.Error, UnicodeError, OSError)):
                raise StoreUnavailable(f"cannot open the database: {reason(exc)}") from exc
            raise

    async def _connect_writer(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        await self._writing.open()

    def _connect_reader(self, busy_s: float) -> sqlite3.Connection:
        connection = connect(self._path, busy_s=busy_s, query_only=True)
        seals.shade(connection, self._tables)
        return connection

    async def _seal(self) -> None:
        """Rows are sealed from here on; a program that finds every table ready writes nothing."""
        await self.write(seals.add_columns)
        self._tables = await self._writing.call(seals.tables_of)
        await self._writing.call(partial(seals.arm, tables=self._tables))

    async def close(self) -> None:
        await self._writer.close(within_s=DRAIN_S, interrupt=self._writing.interrupt)
        self._once.close()
        if self._inline is not None:
            self._inline.close()
            self._inline = None
        # The writer's line last: the last connection to leave folds the log into the file.
        for line in (*self._reading, self._writing):
            await line.close()
        self._locks.release()

    async def write(self, fn: Callable[[Run], Awaitable[T]]) -> T:
        return await self._writer.write(fn)

    async def _commit(self, works: Sequence[Work[Any]]) -> Sequence[Outcome]:
        self._refuse_damaged()
        return await self._writing.call(partial(commit_group, works=works))

    async def read(self, sql: str, *args: Value, inline: bool = False) -> list[Row]:
        if self._inline is None:
            raise StoreUnavailable("the store is closed")
        values = named(args)
        try:
            if inline:
                rows = self._inline.read(sql, values)
                if rows is not None:
                    return rows
            return await self._ask(partial(fetch, sql=sql, values=values))
        except Damaged as exc:
            self._writer.suspect(exc.why)
            raise

    async def _ask(self, work: Callable[[sqlite3.Connection], T]) -> T:
        line = min(self._reading, key=lambda reader: reader.waiting)
        try:
            return await line.call(work)
        except DRIVER_ERRORS as exc:
            raise translated(exc) from exc

    async def first_use(self, name: str, *, from_ms: int, until_ms: int, now_ms: int) -> bool:
        return await self._once.first_use(name, from_ms=from_ms, until_ms=until_ms, now_ms=now_ms)

    def beside(self, keep: Keep, first: Work[None]) -> None:
        del first  # nobody fails over from a file to another while it is open
        self._writer.keep = keep

    def health(self) -> StoreHealth:
        return self._writer.health()

    async def integrity_check(self) -> list[str]:
        found = await soundness.look_through_apart(self._path)
        if found.wrong:
            self._writer.suspect(found.wrong[0])
        else:
            await self._seal_the_rest(found.unsealed)
        return found.wrong

    async def _seal_the_rest(self, unsealed: Mapping[str, int]) -> None:
        """What an older program wrote, batch by batch, as it stands."""
        for table, last in unsealed.items():
            after: int | None = 0
            while after is not None and after < last:
                after = await self.write(partial(seals.seal_some, table=table, after=after))

    def _remember(self, damage: str) -> None:
        """Known to every process of this host, and to the next one: nothing is sent until it was put right."""
        with contextlib.suppress(OSError):
            soundness.marker(self._path).write_text(f"{self._clock.now():%Y-%m-%d %H:%M:%S} UTC: {damage}\n")

    def _refuse_damaged(self) -> None:
        if damage := soundness.known(self._path):
            raise Damaged(f"the database was found damaged ({damage}); `aggregator doctor` says what to do")

    async def claim_worker(self, worker_id: str) -> None:
        worker_name(worker_id)
        for _ in range(20):
            if self._locks.take(worker_id):
                return
            await self._clock.sleep(0.05)  # somebody may only be looking
        raise WorkerHeld(f"worker {worker_id} is already running")

    async def worker_is_dead(self, worker_id: str) -> bool:
        return self._locks.free(worker_id)
