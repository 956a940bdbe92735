"""The simulator's ledger, not the product's own report, decides whether something was submitted twice.

SQLite with synchronous=FULL in the simulator's data folder: a row, and the state that goes with it, is on the disk
before anybody can see the effect, so `kill -9` loses nothing that was answered. Commits are grouped: one thread
takes whatever is waiting into one transaction, which carries several hundred writes a second on one core.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import orjson

T = TypeVar("T")
Job = tuple[Callable[[sqlite3.Connection], Any], "asyncio.Future[Any]"]
_LARGEST_GROUP = 512

_TABLES = """
create table if not exists ledger (
  seq integer primary key autoincrement, at text not null, operation text not null, our_ref text not null,
  natural_key text not null, acted integer not null, fault text not null, request_sha256 text not null,
  agency_ref text not null
);
create table if not exists state (
  kind text not null, key text not null, value text not null, place integer not null, primary key (kind, key)
);
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One write that arrived. `acted` is 0 when it was refused, lost, or repeated under a key."""

    at: str
    operation: str
    our_ref: str
    natural_key: str
    acted: int
    fault: str
    request_sha256: str
    agency_ref: str


_COLUMNS = tuple(field.name for field in fields(Row))
_INSERT = f"insert into ledger ({', '.join(_COLUMNS)}) values ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_DUPLICATES = (
    "select operation, natural_key, count(*) as times from ledger where acted = 1 "
    "group by operation, natural_key having count(*) > 1 order by min(seq)"
)


class Shelf(MutableMapping[str, Any]):
    """A durable dictionary of JSON values. Change a value by putting it again."""

    def __init__(self, kind: str, book: "Book") -> None:
        self._kind = kind
        self._book = book
        self._values: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._values[key] = value
        self._book.touched[(self._kind, key)] = orjson.dumps(value).decode()

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        self._book.touched[(self._kind, key)] = None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def load(self, key: str, value: Any) -> None:
        """A value that is on the disk already."""
        self._values[key] = value

    def forget(self) -> None:
        self._values.clear()


class Book:
    """Ledger and state of one simulator. All disk work happens in one thread of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)
        self._last: asyncio.Future[Any] | None = None
        self._shelves: dict[str, Shelf] = {}
        self._place = 0
        self.touched: dict[tuple[str, str], str | None] = {}

    async def open(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        rows = await self._ask(lambda db: db.execute("select kind, key, value, place from state order by place"))
        for kind, key, value, place in rows:
            self.shelf(kind).load(key, orjson.loads(value))
            self._place = place
        self.touched.clear()

    def shelf(self, kind: str) -> Shelf:
        return self._shelves.setdefault(kind, Shelf(kind, self))

    async def write(self, row: Row | None = None) -> None:
        """Returns when `row` and every state change made so far are on the disk."""
        changes, self.touched = self.touched, {}
        first = self._place
        self._place += len(changes)
        self._last = self._put(lambda db: _store(db, row, changes, first))
        await self._last

    async def settled(self) -> None:
        """Returns when nothing that is visible in memory is missing on the disk."""
        if self.touched:
            await self.write()
        elif self._last is not None and not self._last.done():
            await asyncio.shield(self._last)

    async def rows(self, operation: str, ref: str) -> list[dict[str, Any]]:
        names = ("seq", *_COLUMNS)
        sql = (
            f"select {', '.join(names)} from ledger where (?1 = '' or operation = ?1) "  # noqa: S608 - our names
            "and (?2 = '' or our_ref = ?2 or agency_ref = ?2) order by seq"
        )
        return [
            dict(zip(names, row, strict=True)) for row in await self._ask(lambda db: db.execute(sql, (operation, ref)))
        ]

    async def duplicates(self) -> list[dict[str, Any]]:
        names = ("operation", "natural_key", "times")
        return [dict(zip(names, row, strict=True)) for row in await self._ask(lambda db: db.execute(_DUPLICATES))]

    async def reset(self) -> None:
        self.touched.clear()
        for shelf in self._shelves.values():
            shelf.forget()
        await self._put(lambda db: (db.execute("delete from ledger"), db.execute("delete from state")))

    async def close(self) -> None:
        await self.settled()
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    async def _ask(self, query: Callable[[sqlite3.Connection], sqlite3.Cursor]) -> list[Any]:
        found: list[Any] = await self._put(lambda db: query(db).fetchall())
        return found

    def _put(self, run: Callable[[sqlite3.Connection], Any]) -> "asyncio.Future[Any]":
        done: asyncio.Future[Any] = self._loop.create_future()
        self._jobs.put((run, done))
        return done

    def _work(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, isolation_level=None)
        db.executescript("pragma journal_mode=WAL; pragma synchronous=FULL;" + _TABLES)
        while group := self._next_group():
            self._loop.call_soon_threadsafe(_deliver, _run(db, group))
        db.close()

    def _next_group(self) -> list[Job]:
        """What is waiting, oldest first; empty at the end."""
        job = self._jobs.get()
        group: list[Job] = []
        while job is not None:
            group.append(job)
            if len(group) == _LARGEST_GROUP or self._jobs.empty():
                return group
            job = self._jobs.get()
        if group:
            self._jobs.put(None)
        return group


def _run(db: sqlite3.Connection, group: list[Job]) -> list[tuple["asyncio.Future[Any]", Any]]:
    """One transaction. A disk that fails fails everybody in the group: nobody sees an effect without its row."""
    try:
        db.execute("begin immediate")
        results = [(done, run(db)) for run, done in group]
        db.execute("commit")
    except sqlite3.Error as exc:
        if db.in_transaction:
            db.execute("rollback")
        return [(done, exc) for _, done in group]
    return results


def _store(db: sqlite3.Connection, row: Row | None, changes: dict[tuple[str, str], str | None], first: int) -> None:
    if row is not None:
        db.execute(_INSERT, astuple(row))
    for place, ((kind, key), value) in enumerate(changes.items(), first + 1):
        if value is None:
            db.execute("delete from state where kind = ? and key = ?", (kind, key))
        else:
            db.execute(
                "insert into state (kind, key, value, place) values (?, ?, ?, ?) "
                "on conflict (kind, key) do update set value = excluded.value",
                (kind, key, value, place),
            )


def _deliver(results: list[tuple["asyncio.Future[Any]", Any]]) -> None:
    for done, result in results:
        if done.done():
            continue
        if isinstance(result, sqlite3.Error):
            done.set_exception(result)
        else:
            done.set_result(result)
