"""One disk for all processes of a city: the real SQL on a real SQLite in memory, and a commit that takes its time.

A write is durable at the instant of its COMMIT, some milliseconds after it was asked for and some before its caller
hears of it. A process killed in between has written, or has not, and never knows. The statements, savepoints, group
commits and translated errors are the product's own (`aggregator.store.sqlite_thread`, `aggregator.store.writer`).
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from aggregator.sdk.clock import Clock
from aggregator.store import StoreUnavailable, WorkerHeld, migrate
from aggregator.store.port import StoreHealth
from aggregator.store.sqlite_thread import DRIVER_ERRORS, commit_group, fetch, named, translated
from aggregator.store.writer import GroupWriter
from simulation.loop import FOREVER, Owner, VirtualLoop

_DOUBTS = "('IN_DOUBT', 'ABSENT_ONCE', 'ABSENT', 'PENDING', 'NEEDS_HUMAN')"
_DUE = {
    "deliver": "select min(next_action_ms) from operation where state = 'READY'",
    "reconcile": (
        f"select min(at) from (select min(next_action_ms) as at from operation where state in {_DOUBTS}"  # noqa: S608 - a constant
        " union all select min(age_due_ms) from operation where age_due_ms is not null"
        " union all select min(audit_due_ms) from operation where audit_due_ms is not null"
        " union all select 0 from operation where state = 'CONFIRMED' and withdraw = 1)"
    ),
    "track": "select min(poll_due_ms) from leg where poll_due_ms is not null",
    "inbox": "select min(next_ms) from inbox where state in ('NEW', 'ORPHAN')",
}
"""When each kind of scan would find something next, in the wall clock's milliseconds."""


class Platter:
    """The tables, made once per Python process by the product's own migrations and emptied for every seed."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=512)
        self.connection.row_factory = sqlite3.Row
        self._migrate()
        names = self.connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        self._tables = [row[0] for row in names if not row[0].startswith("sqlite_") and row[0] != "schema_version"]
        self._born = {name: self.connection.execute(f"select * from {name}").fetchall() for name in self._tables}  # noqa: S608 - names of our own tables

    def _migrate(self) -> None:
        async def transact(work: Any) -> Any:
            (outcome,) = commit_group(self.connection, [work])
            if hasattr(outcome, "error"):
                raise outcome.error
            return outcome.value

        made = migrate.migrate(transact, migrate.packaged())
        try:
            made.send(None)
        except StopIteration:
            return
        raise RuntimeError("a migration waited for something")

    def wipe(self) -> None:
        self.connection.execute("begin")
        for name in self._tables:
            self.connection.execute(f"delete from {name}")  # noqa: S608 - as above
            for row in self._born[name]:
                places = ", ".join("?" * len(row))
                self.connection.execute(f"insert into {name} values ({places})", tuple(row))  # noqa: S608 - as above
        self.connection.execute("commit")


class Disk:
    """The state that survives every crash, and the locks of living workers."""

    def __init__(self, platter: Platter, loop: VirtualLoop, random: Random, to_virtual: Callable[[int], float]) -> None:
        self.connection = platter.connection
        platter.wipe()
        self.loop = loop
        self.random = random
        self.full = 0.0
        """How likely a commit fails."""
        self.locks: dict[str, Owner] = {}
        self.commits = 0
        self.committed: Callable[[Owner], None] = _nothing
        """Told of every commit before its process hears of it."""
        self._to_virtual = to_virtual
        self._due_of: dict[str, tuple[int, int | None]] = {}
        self._sending_of: tuple[int, list[str]] = (-1, [])

    def next_due(self, scan: str) -> float:
        """When, in virtual time, such a scan would find something next."""
        if scan == "sweep":
            return self.loop.now if self._left_behind() else FOREVER
        known = self._due_of.get(scan)
        if known is None or known[0] != self.commits:
            known = self._due_of[scan] = (self.commits, self.connection.execute(_DUE[scan]).fetchone()[0])
        return FOREVER if known[1] is None else self._to_virtual(known[1])

    def _left_behind(self) -> bool:
        """Whether a sender's row may wait for a sweep: whoever sends it is dead, or lives and may have dropped it."""
        if self._sending_of[0] != self.commits:
            rows = self.connection.execute("select distinct worker from operation where state = 'SENDING'").fetchall()
            self._sending_of = (self.commits, [row[0] for row in rows])
        return any(self.free(worker) or not self.locks[worker].frozen for worker in self._sending_of[1])

    def free(self, worker_id: str) -> bool:
        holder = self.locks.get(worker_id)
        return holder is None or holder.dead

    def drop_locks(self, owner: Owner) -> None:
        """Its session at the database ended though it lives on."""
        for worker_id, holder in list(self.locks.items()):
            if holder is owner:
                del self.locks[worker_id]


def _nothing(_owner: Owner) -> None:
    """Nobody listens."""


class SimStore:
    """The store of one process; see `aggregator.store.port.Store`."""

    engine = "sqlite"
    skip_locked = ""

    def __init__(self, disk: Disk, owner: Owner, clock: Clock) -> None:
        self._disk, self._owner = disk, owner
        self._writer = GroupWriter(self._commit, clock)

    async def open(self) -> None:
        self._writer.start()

    async def close(self) -> None:
        await self._writer.close(within_s=4.0, interrupt=lambda: None)

    async def write(self, fn: Any) -> Any:
        return await self._writer.write(fn)

    async def _commit(self, works: Sequence[Any]) -> Sequence[Any]:
        disk = self._disk
        await asyncio.sleep(0.001 + disk.random.random() * 0.01)
        trouble = disk.full and disk.random.random() < disk.full
        if trouble and disk.random.random() < 0.5:
            raise StoreUnavailable("SQLITE_FULL", "none")
        outcomes = commit_group(disk.connection, works)
        disk.commits += 1
        disk.committed(self._owner)
        if trouble:
            raise StoreUnavailable("SQLITE_IOERR", "unknown")
        await asyncio.sleep(disk.random.random() * 0.004)
        return outcomes

    async def read(self, sql: str, *args: Any, inline: bool = False) -> list[Any]:
        if not inline:
            await asyncio.sleep(0)
        try:
            return fetch(self._disk.connection, sql, named(args))
        except DRIVER_ERRORS as error:
            raise translated(error) from error

    def health(self) -> StoreHealth:
        return self._writer.health()

    async def integrity_check(self) -> list[str]:
        return []

    async def claim_worker(self, worker_id: str) -> None:
        if not self._disk.free(worker_id):
            raise WorkerHeld(worker_id)
        self._disk.locks[worker_id] = self._owner

    async def worker_is_dead(self, worker_id: str) -> bool:
        await asyncio.sleep(0)
        return self._disk.free(worker_id)
