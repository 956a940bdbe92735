"""The whole SQLite file looked through: pages, indexes, references and every row's seal, by a process of its own.

SQLite's own check is one long call that cannot be interrupted, and seals are looked at in Python: inside the server
both would cost its citizens time. A child at the lowest priority costs a core that is idle, ends when it is told to,
and reads through a connection that can write nothing. `python -m aggregator.store.soundness FILE` prints what it found.
"""

import asyncio
import contextlib
import os
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from aggregator.store import seals
from aggregator.store.port import StoreUnavailable

WITHIN_S = 1_800.0
"""A file that takes longer than this is looked through by `aggregator backup --verify`, on a copy."""
_ENOUGH = 20
_IN_THE_WAY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
}


@dataclass(frozen=True, slots=True)
class Found:
    """`wrong`: a line each. `unsealed`: tables with rows nobody has sealed yet, and the last such row."""

    wrong: list[str] = field(default_factory=list)
    unsealed: dict[str, int] = field(default_factory=dict)


def look_through(connection: sqlite3.Connection) -> Found:
    """Everything that is wrong with this database. Raises sqlite3.Error when it cannot even be read."""
    pages = [str(row[0]) for row in connection.execute(f"pragma integrity_check({_ENOUGH})")]
    lost = connection.execute("pragma foreign_key_check").fetchmany(_ENOUGH)
    wrong = [text for text in pages if text != "ok"]
    wrong += [f"{row[0]} row {row[1]}: no {row[2]} it points to" for row in lost]
    return Found([*wrong, *seals.broken(connection)], seals.unsealed(connection))


def marker(file: Path) -> Path:
    """Lies beside a database that was found damaged, until a sound one is put in its place."""
    return file.with_name(file.name + ".damaged")


def known(file: Path) -> str:
    """What its marker says; "" where there is none."""
    try:
        return marker(file).read_text().strip() or "damaged"
    except FileNotFoundError:
        return ""


@contextlib.contextmanager
def opened(file: Path) -> Iterator[sqlite3.Connection]:
    """For reading alone."""
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, isolation_level=None, timeout=30)
    connection.text_factory = lambda text: text.decode(errors="replace")  # what is said of damage may be damaged
    try:
        yield connection
    finally:
        connection.close()


async def look_through_apart(file: Path) -> Found:
    """The same by a child process. Raises StoreUnavailable when the child could not finish; the file may be sound."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aggregator.store.soundness", str(file),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        told, _ = await asyncio.wait_for(child.communicate(), WITHIN_S)
    except TimeoutError:
        raise StoreUnavailable(f"the database was not looked through within {WITHIN_S:.0f} s") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        raise StoreUnavailable("the database could not be looked through")
    return Found(**orjson.loads(told))


def main() -> None:
    os.nice(19)
    found = _looked(Path(sys.argv[1]), tries=2)  # another program may change the tables under the first
    sys.stdout.buffer.write(orjson.dumps({"wrong": found.wrong, "unsealed": found.unsealed}))


def _looked(file: Path, tries: int) -> Found:
    """A file of ours that cannot be read is damaged, unless the machine is only busy, full or in the way."""
    try:
        with opened(file) as connection:
            return look_through(connection)
    except (sqlite3.Error, UnicodeError) as exc:  # SQLite's own words may quote what is no text
        if getattr(exc, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in _IN_THE_WAY:
            raise
        if tries > 1:
            return _looked(file, tries - 1)
        return Found([f"it cannot be read ({getattr(exc, 'sqlite_errorname', type(exc).__name__)})"])


if __name__ == "__main__":
    main()
