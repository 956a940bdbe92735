"""What counts once and ends within minutes is remembered without waiting for the disk; a gap in the memory is known.

A file beside the database, written and never flushed: the system keeps it when a process dies, whichever and how
hard. Only when the machine itself stops can some of it be lost. Then the file is begun anew, says since when it
remembers, and whatever may have been shown before that counts as shown. All processes of a host share it; while they
run, nobody may take it away.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aggregator.sdk.clock import Clock, epoch_ms
from aggregator.store.port import StoreUnavailable

MEMORY = "used_once_soon"
"""The table of a PostgreSQL city's memory: no backup has its rows."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TABLES = (
    "create table used (name text primary key, until_ms integer not null) without rowid",
    "create index used_by_end on used (until_ms)",
    "create table began (boot text not null, since_ms integer not null)",
)
_USE = (
    "insert into used (name, until_ms) select ?1, ?2 from began where since_ms < ?3 on conflict (name) do update"
    " set until_ms = excluded.until_ms where used.until_ms <= ?4 returning 1"
)
_FORGET = "delete from used where name in (select name from used where until_ms <= ? limit 200)"
_FORGET_EVERY = 100
_CHECKPOINT_PAGES = 100
_TRY_AGAIN_S, _TRIES = 0.002, 1000


class Once:
    """The memory of one SQLite city."""

    def __init__(self, database: Path, clock: Clock, boot: Path = BOOT_ID) -> None:
        self._path = database.with_name(database.name + ".once")
        self._clock = clock
        self._boot = _read(boot)
        self._db: sqlite3.Connection | None = None
        self._uses = 0

    def open(self, *, nothing_before: bool) -> None:
        """Goes on where another process of this boot is or was; `nothing_before` is sure where the city is new.

        Raises OSError, sqlite3.Error.
        """
        with self._alone():
            if not self._goes_on():
                for ending in ("", "-wal", "-shm"):
                    self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
                self._begin(0 if nothing_before else epoch_ms(self._clock.now()))
        self._db = self._connected()

    async def first_use(self, name: str, *, from_ms: int, until_ms: int, now_ms: int) -> bool:
        """As `Store.first_use` says."""
        for _ in range(_TRIES):
            try:
                return self._use(name, from_ms, until_ms, now_ms)
            except sqlite3.OperationalError as exc:
                if exc.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise StoreUnavailable(f"the memory of what counts once: {exc.sqlite_errorname}") from None
            except sqlite3.Error as exc:
                raise StoreUnavailable(f"the memory of what counts once: {type(exc).__name__}") from None
            await self._clock.sleep(_TRY_AGAIN_S)
        raise StoreUnavailable("the memory of what counts once is busy")

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _use(self, name: str, from_ms: int, until_ms: int, now_ms: int) -> bool:
        if self._db is None:
            raise StoreUnavailable("the store is closed")
        first = bool(self._db.execute(_USE, (name, until_ms, from_ms, now_ms)).fetchall())
        self._uses += 1
        if self._uses % _FORGET_EVERY == 0:
            self._db.execute(_FORGET, (now_ms,))
        return first

    def _goes_on(self) -> bool:
        """Whether the file is there and of this boot. One of another may hold anything, or be broken."""
        if not self._path.exists():
            return False
        with suppress(sqlite3.DatabaseError):
            db = self._connected()
            try:
                return [self._boot] == [row[0] for row in db.execute("select boot from began")]
            finally:
                db.close()
        return False

    def _begin(self, since_ms: int) -> None:
        self._path.touch(mode=0o600)
        db = self._connected()
        try:
            for table in _TABLES:
                db.execute(table)
            # Last: a file whose beginning was cut short has no boot, and is begun again.
            db.execute("insert into began values (?, ?)", (self._boot, since_ms))
        finally:
            db.close()

    def _connected(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None, timeout=0, check_same_thread=False)
        # Where nothing tells one boot from the next, the disk must be waited for after all.
        flushed = "off" if self._boot else "full"
        for pragma in ("journal_mode = wal", f"synchronous = {flushed}", f"wal_autocheckpoint = {_CHECKPOINT_PAGES}"):
            db.execute(f"pragma {pragma}").fetchall()
        return db

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two processes that start at once agree who begins the file."""
        lock = os.open(self._path.with_name(self._path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _read(boot: Path) -> str:
    try:
        return boot.read_text(encoding="ascii").strip()
    except OSError:
        return ""
