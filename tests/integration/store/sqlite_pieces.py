"""What the traps of SQLite have in common: rows, and a process that lives elsewhere."""

import sqlite3
from collections.abc import Iterator

import pytest

from aggregator.store import Run, Store


def insert(number: int, text: str = "streetlight"):
    async def write(run: Run) -> int:
        await run("insert into submission (id, text) values ($1, $2)", number, text)
        return number

    return write


async def count(store: Store) -> int:
    return (await store.read("select count(*) as n from submission"))[0]["n"]


def file_of(url: str) -> str:
    return url.removeprefix("sqlite:///")


@pytest.fixture
def other_process(sqlite_ledger: Store, sqlite_url: str) -> Iterator[sqlite3.Connection]:
    """A connection that knows nothing of the store, as another process would have."""
    connection = sqlite3.connect(file_of(sqlite_url), timeout=0.2, isolation_level=None)
    yield connection
    connection.close()
