"""What the traps of PostgreSQL have in common: a table of the city, and sessions that die."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from aggregator.store import Run, Store


@pytest.fixture
async def city(postgres_url, opened) -> Store:
    store = await opened(postgres_url)
    await store.write(created)
    return store


async def created(run: Run) -> None:
    await run("create table submission (id bigint primary key, text text not null)")


@pytest.fixture
async def somebody(city, postgres_url) -> AsyncIterator[asyncpg.Connection]:
    """Another program on the same tables."""
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


def insert(number: int):
    async def write(run: Run) -> int:
        await run("insert into submission (id, text) values ($1, 'streetlight')", number)
        return number

    return write


def rename(number: int, text: str):
    async def write(run: Run) -> str:
        await run("update submission set text = $2 where id = $1", number, text)
        return text

    return write


async def stored(store: Store) -> list[int]:
    return [row["id"] for row in await store.read("select id from submission order by id")]


async def kill_sessions(connection: asyncpg.Connection, like: str = "%") -> int:
    """What a crashing server does to every one of our sessions."""
    return await connection.fetchval(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid() and query like $1",
        like,
    )


async def nap(run: Run) -> None:
    await run("select pg_sleep(0.05)")
