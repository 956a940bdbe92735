"""Where a column of a row lies in a SQLite file, so that a test can flip a bit in it as a tired disk would.

Leaf pages of tables, read as sqlite.org/fileformat2 says; what has moved to an overflow page is left out.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from aggregator.store import seals

Rows = dict[str, list[tuple[Any, ...]]]
PAGE = 4096
LEAF = 13
INTS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""Bytes of an integer by its serial type; 8 and 9 are 0 and 1 without any."""


@dataclass(frozen=True)
class Cell:
    """One value. `kind` is "text" or "int"; its bytes are `at` to `at + size`."""

    table: str
    column: str
    kind: str
    at: int
    size: int


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for n in range(9):
        byte = data[at + n]
        if n == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + n + 1
    raise AssertionError("a varint has nine bytes at most")


def cells(file: Path, tables: set[str]) -> list[Cell]:
    """Every plain value of those tables that takes bytes and lies in its leaf page."""
    data = file.read_bytes()
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
        columns = {
            table: [row[1] for row in connection.execute(f"pragma table_info({table})")] for table in sorted(tables)
        }
        roots = dict(connection.execute("select name, rootpage from sqlite_master where type = 'table'").fetchall())
    connection.close()
    return [
        cell
        for table in sorted(tables)
        for page in leaves(data, roots[table])
        for cell in page_cells(data, page, table, columns[table])
        if cell.column != "seal" and not cell.column.endswith("_sealed")
    ]


def leaves(data: bytes, number: int) -> Iterator[int]:
    """Where the leaf pages under this page begin."""
    start = (number - 1) * PAGE
    if data[start] == LEAF:
        yield start
        return
    for place in range(int.from_bytes(data[start + 3 : start + 5])):
        pointer = start + 12 + 2 * place
        cell = start + int.from_bytes(data[pointer : pointer + 2])
        yield from leaves(data, int.from_bytes(data[cell : cell + 4]))
    yield from leaves(data, int.from_bytes(data[start + 8 : start + 12]))


def page_cells(data: bytes, start: int, table: str, columns: list[str]) -> Iterator[Cell]:
    for place in range(int.from_bytes(data[start + 3 : start + 5])):
        pointer = start + 8 + 2 * place
        at = start + int.from_bytes(data[pointer : pointer + 2])
        size, at = varint(data, at)
        _, at = varint(data, at)
        yield from row_cells(data, at, at + local(size), table, columns)


def row_cells(data: bytes, at: int, ends: int, table: str, columns: list[str]) -> Iterator[Cell]:
    header, place = varint(data, at)
    value = at + header
    for column in columns:
        if place >= at + header:  # added after this row was written
            return
        kind, place = varint(data, place)
        size = INTS.get(kind, (kind - 12) // 2 if kind >= 12 else 0)
        if size and value + size <= ends:
            yield Cell(table, column, "text" if kind >= 13 else "int", value, size)
        value += size


def local(size: int) -> int:
    """How much of a row lies in its leaf page."""
    if size <= PAGE - 35:
        return size
    least = (PAGE - 12) * 32 // 255 - 23
    wanted = least + (size - least) % (PAGE - 4)
    return wanted if wanted <= PAGE - 35 else least


def flipped(data: bytes, cell: Cell, chance: Random) -> bytes:
    """One bit of that value is another; a text stays a text of plain letters, so that nothing else can tell."""
    changed = bytearray(data)
    place = cell.at + chance.randrange(cell.size)
    changed[place] ^= 1 << (0 if cell.kind == "text" else chance.randrange(7))
    return bytes(changed)


def believed(file: Path) -> Rows:
    """What plain SQLite answers: the seals switched off."""
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
        names = {table: ", ".join(columns) for table, columns in seals.tables_of(connection).items()}
        rows = {
            table: connection.execute(f"select {columns} from {table} order by rowid").fetchall()  # noqa: S608
            for table, columns in names.items()
        }
    connection.close()
    return rows


def plainly_sound(file: Path) -> bool:
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
        said: list[tuple[str]] = connection.execute("pragma integrity_check").fetchall()
    connection.close()
    return said == [("ok",)]
