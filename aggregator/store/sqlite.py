"""SQLite: one connection writes, whole groups at a time, on its own thread; others read.

aiosqlite owns the threads and `Line` is the only class that knows it. Its public cursor calls are not used:
they hop threads once per statement (116 us a read against 52 with one hop) and would let a cancelled task
leave a transaction open (SQ-2). A whole group is one hop: BEGIN IMMEDIATE (SQ-1), a savepoint per item, one
COMMIT with synchronous=FULL. Reads by key may run inline on the event loop (6 to 11 us), on a connection that
gives up by itself when a statement turns out long. Rules for failures: docs/libraries.md 4.3.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from aggregator.sdk.clock import Clock
from aggregator.store import migrate
from aggregator.store.locks import FileLocks, worker_name
from aggregator.store.port import Row, Run, StoreHealth, StoreUnavailable, Value, Work, WorkerHeld
from aggregator.store.sqlite_thread import (
    DRIVER_ERRORS,
    InlineReader,
    commit_group,
    connect,
    fetch,
    integrity,
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
    """One connection on its own thread, which aiosqlite keeps. Must be closed: the thread is no daemon (SQ-5)."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._owner = aiosqlite.Connection(connect, iter_chunk_size=64)
        self.waiting = 0

    async def open(self) -> None:
        try:
            await self._owner
        except BaseException:
            # aiosqlite tells its thread to end and goes; the thread would then answer a loop that is gone.
            await asyncio.shield(asyncio.to_thread(self._owner._thread.join))  # noqa: SLF001 - see the class
            raise

    async def call(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The value of `work`, run on the connection's thread in one hop."""
        self.waiting += 1
        try:
            return await self._owner._execute(work, self._owner._conn)  # type: ignore[no-any-return, no-untyped-call]  # noqa: SLF001 - see the class
        finally:
            self.waiting -= 1

    def interrupt(self) -> None:
        self._owner._conn.interrupt()  # noqa: SLF001 - the public twin is a coroutine without need

    async def close(self) -> None:
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
        self._reading = [Line(partial(connect, self._path, busy_s=busy_s, query_only=True)) for _ in range(readers)]
        self._inline: InlineReader | None = None
        self._writer = GroupWriter(self._commit, clock)
        self._locks = FileLocks(self._path.parent)
        self._opened: list[Line] = []

    async def open(self) -> None:
        try:
            await self._connect_all()
            self._writer.start()
            await migrate.migrate(self.write, migrate.packaged())
        except BaseException as exc:
            await self.close()
            if isinstance(exc, (sqlite3.Error, OSError)):
                raise StoreUnavailable(f"cannot open the database: {reason(exc)}") from exc
            raise

    async def _connect_all(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        for line in (self._writing, *self._reading):
            await line.open()
            self._opened.append(line)
        self._inline = InlineReader(connect(self._path, busy_s=0, query_only=True))

    async def close(self) -> None:
        await self._writer.close(within_s=DRAIN_S, interrupt=self._writing.interrupt)
        if self._inline is not None:
            self._inline.close()
            self._inline = None
        # The writer's line last: the last connection to leave folds the log into the file.
        while self._opened:
            await self._opened.pop().close()
        self._locks.release()

    async def write(self, fn: Callable[[Run], Awaitable[T]]) -> T:
        return await self._writer.write(fn)

    async def _commit(self, works: Sequence[Work[Any]]) -> Sequence[Outcome]:
        return await self._writing.call(partial(commit_group, works=works))

    async def read(self, sql: str, *args: Value, inline: bool = False) -> list[Row]:
        if self._inline is None:
            raise StoreUnavailable("the store is closed")
        values = named(args)
        if inline:
            rows = self._inline.read(sql, values)
            if rows is not None:
                return rows
        return await self._ask(partial(fetch, sql=sql, values=values))

    async def _ask(self, work: Callable[[sqlite3.Connection], T]) -> T:
        line = min(self._reading, key=lambda reader: reader.waiting)
        try:
            return await line.call(work)
        except DRIVER_ERRORS as exc:
            raise translated(exc) from exc

    def beside(self, keep: Keep, first: Work[None]) -> None:
        del first  # nobody fails over from a file to another while it is open
        self._writer.keep = keep

    def health(self) -> StoreHealth:
        return self._writer.health()

    async def integrity_check(self) -> list[str]:
        return await self._ask(integrity)

    async def claim_worker(self, worker_id: str) -> None:
        worker_name(worker_id)
        for _ in range(20):
            if self._locks.take(worker_id):
                return
            await self._clock.sleep(0.05)  # somebody may only be looking
        raise WorkerHeld(f"worker {worker_id} is already running")

    async def worker_is_dead(self, worker_id: str) -> bool:
        return self._locks.free(worker_id)
