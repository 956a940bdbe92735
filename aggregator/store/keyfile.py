"""Citizens' keys lie in a file of their own, so that no backup of the database ever holds them.

A key that is destroyed here is gone for every copy of the database, older ones too. The file is small (a wrapped key
for each name of a citizen), is copied apart from the database and only ever in its newest state, and remembers whose
key was destroyed, so that a restored database can be told. Read where it is asked, without a thread: a look-up is a few
microseconds. New keys wait for the disk, so they come in batches, on a line of their own, from a thread.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

_TABLES = (
    "create table if not exists key (id text primary key, wrapped text not null) without rowid",
    "create table if not exists destroyed (id text primary key, at_ms integer not null) without rowid",
)
_BATCH = 5000
Rewrap = Callable[[str, str], str]
"""Id and wrapped key -> the key wrapped anew."""


class KeyFileRefused(Exception):
    """The file cannot be used; says which and what to do."""


class KeyFile:
    """The keys of one city. Safe for several processes of one host; on several, put it where all of them reach it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        if path.stat().st_mode & 0o077:
            raise KeyFileRefused(f"{path}: others may read it. Use: chmod 600 {path}")
        self._one_batch = threading.Lock()
        try:
            self._db, self._batches = _opened(path), _opened(path)
            for table in _TABLES:
                self._db.execute(table)
            # What a killed process left in the log. A server that is killed again and again after one commit each time
            # would begin no log anew, and each start would read a longer one.
            self._db.execute("pragma wal_checkpoint(passive)").fetchall()
        except sqlite3.Error as exc:
            raise KeyFileRefused(f"{path}: is no file of citizens' keys, or is damaged ({exc})") from exc

    def wrapped(self, key_id: str) -> str | None:
        row = self._db.execute("select wrapped from key where id = ?", (key_id,)).fetchone()
        return None if row is None else str(row[0])

    def keep(self, key_id: str, wrapped: str) -> str:
        """The first key kept under this id, which may be another process's."""
        self._db.execute("insert into key (id, wrapped) values (?, ?) on conflict (id) do nothing", (key_id, wrapped))
        return self.wrapped(key_id) or wrapped

    def keep_all(self, wrapped: Mapping[str, str]) -> None:
        """Many keys in one commit, from whichever thread; none for an id that has one, or whose key was destroyed."""
        with self._one_batch, _Whole(self._batches):
            self._batches.executemany(
                "insert into key (id, wrapped) select ?1, ?2 where not exists (select 1 from destroyed where id = ?1)"
                " on conflict (id) do nothing",
                wrapped.items(),
            )

    def destroy(self, key_ids: Iterable[str], at_ms: int) -> None:
        """All gone for good in one commit, remembered as gone. May be repeated."""
        with self._whole():
            for key_id in key_ids:
                self._db.execute("insert into destroyed values (?, ?) on conflict do nothing", (key_id, at_ms))
                self._db.execute("delete from key where id = ?", (key_id,))
        self._emptied()

    def drop(self, key_ids: Iterable[str]) -> None:
        """Gone for good and not remembered: keys of what nobody has a name for."""
        with self._whole():
            self._db.executemany("delete from key where id = ?", ((key_id,) for key_id in key_ids))
        self._emptied()

    def _emptied(self) -> None:
        with suppress(sqlite3.OperationalError):  # a reader may hold the log; the next one empties it
            self._db.execute("pragma wal_checkpoint(truncate)").fetchall()

    def was_destroyed(self, key_id: str) -> bool:
        return self._db.execute("select 1 from destroyed where id = ?", (key_id,)).fetchone() is not None

    def destroyed(self) -> Iterator[str]:
        """Whose keys were destroyed, oldest id first."""
        last = ""
        while rows := self._db.execute(
            "select id from destroyed where id > ? order by id limit ?", (last, _BATCH)
        ).fetchall():
            yield from (str(row[0]) for row in rows)
            last = rows[-1][0]

    def rewrap(self, anew: Rewrap, told: Callable[[int], None] = lambda _done: None) -> int:
        """Wraps every key anew, in pieces, while the city works; how many. Begun again, it starts over harmlessly."""
        done, last = 0, ""
        while rows := self._db.execute(
            "select id, wrapped from key where id > ? order by id limit ?", (last, _BATCH)
        ).fetchall():
            with self._whole():
                self._db.executemany(
                    "update key set wrapped = ? where id = ? and wrapped = ?",
                    [(anew(key_id, wrapped), key_id, wrapped) for key_id, wrapped in rows],
                )
            done, last = done + len(rows), rows[-1][0]
            told(done)
        return done

    def everything(self) -> Iterator[tuple[str, str]]:
        """Each key's id and its wrapped self."""
        return iter(self._db.execute("select id, wrapped from key"))

    def sample(self) -> tuple[str, str] | None:
        """Some key's id and its wrapped self, to try the vault's on; None where there is none."""
        row = self._db.execute("select id, wrapped from key limit 1").fetchone()
        return None if row is None else (str(row[0]), str(row[1]))

    def count(self) -> int:
        return int(self._db.execute("select count(*) from key").fetchone()[0])

    def close(self) -> None:
        self._db.close()
        self._batches.close()

    def _whole(self) -> "_Whole":
        return _Whole(self._db)


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)
    for pragma in ("journal_mode = wal", "synchronous = full", "secure_delete = on"):
        db.execute(f"pragma {pragma}").fetchall()
    return db


class _Whole:
    """One transaction, taken for writing at once."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("begin immediate")

    def __exit__(self, kind: object, *_: object) -> None:
        self._db.execute("commit" if kind is None else "rollback")
