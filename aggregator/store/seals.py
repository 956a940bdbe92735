"""Every row of a SQLite database carries a checksum of itself, because SQLite believes any page that is well formed.

PostgreSQL seals its pages (`data_checksums`); SQLite does not, so a bit that flips on the disk would turn READY into
another word unseen. Here the writing connection seals each row it writes and looks at the seal of each row it changes,
by temporary triggers; the reading ones read through temporary views that look at the seal of each row read.
Statements know nothing of it. A lasting trigger takes the seal off a row that anybody else writes (an older program
beside this one, a person with `sqlite3`), and a row without a seal is believed until the next look-through seals it.
A seal counts the columns it covers: a column added later changes no seal. Source: docs/decisions/032.
"""

import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from aggregator.store.port import Run

Tables = Mapping[str, Sequence[str]]
"""The columns of each sealed table, without the seal."""
BATCH = 500
SAID = "user-defined function raised exception"
"""What SQLite says when a seal does not fit: no other function of ours is known to it."""
_LOW = 0xFFFFFFFF
_NAMES = (
    "select name from main.sqlite_master where type = 'table' and name not like 'sqlite%'"
    " and name <> 'event_counter'"  # the watermark outside the database watches over it, and each commit writes it
)


class Broken(ValueError):
    """A row is not what was written."""


def seal(*values: Any) -> int:
    """How many columns it covers, and their checksum. Raises TypeError for what no row of ours can hold."""
    return len(values) << 32 | zlib.crc32(orjson.dumps(values))


def fits(sealed: int | None, *values: Any) -> bool:
    """Whether the row is what was sealed. Raises for what cannot be a row.

    Believed is one that nobody sealed, and one that a newer program beside this sealed with a column unknown here.
    """
    if sealed is None or sealed >> 32 > len(values):
        return True
    return seal(*values[: sealed >> 32]) == sealed


def sound(sealed: int | None, *values: Any) -> int:
    """1. Raises Broken: a statement that meets such a row answers nothing."""
    if not fits(sealed, *values):
        raise Broken
    return 1


def know(connection: sqlite3.Connection) -> None:
    """Teaches the connection both words."""
    connection.create_function("row_seal", -1, seal, deterministic=True)
    connection.create_function("row_sound", -1, sound, deterministic=True)


def tables_of(connection: sqlite3.Connection) -> Tables:
    """The tables that have a column for the seal."""
    found = {}
    for (table,) in connection.execute(_NAMES).fetchall():
        columns = [str(row[1]) for row in connection.execute(f'pragma main.table_info("{table}")')]
        if "seal" in columns:
            found[str(table)] = [name for name in columns if name != "seal"]
    return found


async def add_columns(run: Run) -> None:
    """Room for the seal in every table that has none, and the trigger that takes it off. One transaction."""
    for row in await run(_NAMES):
        table = row["name"]
        if "seal" not in {column["name"] for column in await run(f'pragma main.table_info("{table}")')}:
            await run(f'alter table "{table}" add column seal bigint')
        off = f'update "{table}" set seal = null where rowid = new.rowid'  # noqa: S608 - our own names
        kept = f'(select seal from "{table}" where rowid = new.rowid)'  # noqa: S608 - our own names
        when = f'after update on "{table}" when new.seal is old.seal and {kept} is old.seal'
        await run(f'create trigger if not exists "unseal_{table}" {when} begin {off}; end')


def arm(connection: sqlite3.Connection, tables: Tables) -> None:
    """The writing connection seals what it writes, and looks at what was there before; a broken row ends the statement.

    SQLite promises no order among triggers: where the lasting one comes last and takes the seal off a row whose values
    have not changed, its own change of the seal brings `seal_changed` by again. Statements never name the seal, so one
    that changes it is a trigger's: the row it changes bears values and seal of two moments, and is not looked at.
    Two triggers for each table: each costs a start 50 microseconds.
    """
    know(connection)
    connection.execute("pragma recursive_triggers = off")
    for table, columns in tables.items():
        new, old = _of("new.", columns), _of("old.", columns)
        put = f'update "{table}" set seal = row_seal({new}) where rowid = new.rowid'  # noqa: S608 - our own names
        look = f"select case when new.seal is old.seal then row_sound(old.seal, {old}) end"
        changed = f'after update on main."{table}" when new.seal is old.seal or new.seal is null'
        anew = f"{put} and seal is not row_seal({new})"
        connection.execute(f'create temp trigger "seal_changed_{table}" {changed} begin {look}; {anew}; end')
        connection.execute(f'create temp trigger "seal_new_{table}" after insert on main."{table}" begin {put}; end')


def shade(connection: sqlite3.Connection, tables: Tables) -> None:
    """The reading connection finds a view under each table's name, which looks at the seals.

    The row is fetched a second time by its number: the planner may put constants of the statement in the place of
    columns, and may look before it has chosen (measured: a seal then breaks that is whole).
    """
    know(connection)
    connection.execute("pragma query_only = off")
    for table, columns in tables.items():
        connection.execute(
            f'create temp view "{table}" as select {_of("", columns)} from main."{table}" t where'  # noqa: S608 - our own names
            f' (select row_sound(s.seal, {_of("s.", columns)}) from main."{table}" s where s.rowid = t.rowid) is not 0'
        )
    connection.execute("pragma query_only = on")


def broken(connection: sqlite3.Connection) -> Iterator[str]:
    """Looks at every seal; a line for each table with a broken one. Never says what is in a row."""
    connection.create_function("row_fits", -1, fits, deterministic=True)
    tables = tables_of(connection)
    yield from _definitions_broken(connection, tables)
    for table, columns in tables.items():
        wrong = f'select count(*) from main."{table}" where not row_fits(seal, {_of("", columns)})'  # noqa: S608
        try:
            (count,) = connection.execute(wrong).fetchone()
        except sqlite3.OperationalError:  # what stands there is not even text
            count = "some"
        if count:
            yield f"{table}: {count} rows are not what was written"


def _definitions_broken(connection: sqlite3.Connection, tables: Tables) -> Iterator[str]:
    """The definitions are rows that bear no seal: read by us as text, and a trigger of ours stands beside each seal."""
    for (text,) in connection.execute("select name || ' ' || sql from main.sqlite_master where sql is not null"):
        if "\ufffd" in text:
            yield "a definition is no text"
    for (table,) in connection.execute("select tbl_name from main.sqlite_master where name = 'unseal_' || tbl_name"):
        if table not in tables:
            yield f"{table}: its definition has lost the seal"


def unsealed(connection: sqlite3.Connection) -> dict[str, int]:
    """The tables with rows that nobody sealed, and the highest number of such a row."""
    found = {}
    for table in tables_of(connection):
        (last,) = connection.execute(f'select max(rowid) from main."{table}" where seal is null').fetchone()  # noqa: S608
        if last is not None:
            found[table] = int(last)
    return found


async def seal_some(run: Run, table: str, after: int) -> int | None:
    """Seals the next rows of a table that nobody sealed, as they stand; the last one's number, None when done."""
    rows = await run(
        f'select rowid as n from "{table}" where rowid > $1 and seal is null order by rowid limit {BATCH}',  # noqa: S608
        after,
    )
    if not rows:
        return None
    last = int(rows[-1]["n"])
    await run(f'update "{table}" set seal = null where rowid > $1 and rowid <= $2 and seal is null', after, last)  # noqa: S608
    return last


def _of(row: str, columns: Sequence[str]) -> str:
    return ", ".join(f'{row}"{name}"' for name in columns)
