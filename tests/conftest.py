"""Stores for every test folder: `store` runs a test on both engines, `sqlite_store` on the small one.

PostgreSQL: the server of engines.py; a database per session, a schema per test.
"""

import asyncio
import contextlib
import gc
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web_app
from disk import small_disk
from engines import ADMIN_URL, asked_for_postgres, missing
from figures import figure, pytest_runtest_makereport
from patience import pytest_runtest_setup
from plans import PLANS, TABLES, watch
from xdist.scheduler import LoadFileScheduling

from aggregator.sdk.clock import SystemClock
from aggregator.store import Store, open_store
from aggregator.store.sqlite import SqliteStore

__all__ = ["figure", "pytest_runtest_makereport", "pytest_runtest_setup", "small_disk"]
StoreOpener = Callable[[str], Awaitable[Store]]


def pytest_collection_finish() -> None:
    """What was imported lives to the end: looking through it for rubbish was an eighth of the suite's time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)  # and once after each file


class ByCity(LoadFileScheduling):
    """A file goes to one process; files that share what takes long to make (a running city, evidence) go to one too."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return next((room for room in ("acceptance", "conformance") if f"/{room}/" in file), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByCity:
    return ByCity(config, log)


WHOLE_CITIES = ("chaos", "acceptance", "conformance", "contract")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Few tests that take long come first: begun last, one of them keeps a single core busy while the others wait."""
    items.sort(key=lambda item: not set(WHOLE_CITIES) & set(item.path.parts))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two to a core: a third of the suite's time is spent waiting for an agency that does not answer.

    Not more than eight: each reads all tests anew, and takes some 400 MB.
    """
    return min(8, 2 * (os.cpu_count() or 1))


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """aiohttp remembers how each handler was wrapped, and with it a thousand cities that are over."""
    if nextitem is None or nextitem.path != item.path:
        web_app._cached_build_middleware.cache_clear()
        gc.collect()


class TestDatabase:
    """A database of this session alone. A schema is emptied and lent again: making all tables takes a while."""

    __test__ = False

    def __init__(self, url: str) -> None:
        self.url = url
        self._tables: set[str] = set()
        self._seeded: set[str] = set()
        self._free: list[str] = []

    async def lend(self) -> str:
        """A schema with all tables, as the migrations leave them."""
        if self._free:
            return self._free.pop()
        schema = f"t_{secrets.token_hex(6)}"
        async with _connection(self.url) as connection:
            await connection.execute(f"create schema {schema}")
            store = open_store(self.schema_url(schema), clock=SystemClock())
            await store.open()
            await store.close()
            if not self._tables:
                await self._learn(connection, schema)
        return schema

    def schema_url(self, schema: str) -> str:
        return f"{self.url}?search_path={schema}"

    async def take_back(self, schema: str) -> None:
        """Whatever a test did, the next one finds the migrations' tables and rows; a spoilt schema is let go."""
        async with _connection(self.url) as connection:
            found = await self._names(connection, schema)
            if not self._tables <= found:
                return
            await connection.execute("set session_replication_role = replica")  # rows may go in any order
            reset = [f"drop table {schema}.{name} cascade" for name in found - self._tables]
            reset += [f"delete from {schema}.{name}" for name in self._tables]  # noqa: S608 - names from the catalogue
            reset += [f"insert into {schema}.{name} select * from seed_{name}" for name in self._seeded]  # noqa: S608
            await connection.execute(";".join(reset))
            self._free.append(schema)

    async def _learn(self, connection: Any, schema: str) -> None:
        self._tables = await self._names(connection, schema)
        for name in self._tables:
            if await connection.fetchval(f"select exists (select 1 from {schema}.{name})"):  # noqa: S608
                await connection.execute(f"create table seed_{name} as table {schema}.{name}")
                self._seeded.add(name)

    async def _names(self, connection: Any, schema: str) -> set[str]:
        rows = await connection.fetch("select tablename from pg_tables where schemaname = $1", schema)
        return {row["tablename"] for row in rows}


@contextlib.asynccontextmanager
async def _connection(url: str) -> AsyncIterator[Any]:
    asyncpg: Any = pytest.importorskip("asyncpg", reason="PostgreSQL needs the extra: pip install '.[postgres]'")
    connection = await asyncpg.connect(url, timeout=3)
    try:
        yield connection
    finally:
        await connection.close()


async def _admin(statement: str) -> None:
    async with _connection(ADMIN_URL) as connection:
        await connection.execute(statement)


@pytest.fixture(scope="session")
def postgres_database() -> Iterator[TestDatabase]:
    asked_for_postgres()
    name = f"aggregator_test_{os.getpid()}_{secrets.token_hex(3)}"
    try:
        asyncio.run(_admin(f"create database {name}"))
    except (OSError, TimeoutError):
        missing("no PostgreSQL server answers at AGGREGATOR_TEST_POSTGRES or 127.0.0.1:5432")
    yield TestDatabase(f"{ADMIN_URL.rsplit('/', 1)[0]}/{name}")
    asyncio.run(_admin(f"drop database {name} with (force)"))


@pytest.fixture
async def postgres_url(postgres_database: TestDatabase) -> AsyncIterator[str]:
    """The URL of a schema that holds what the migrations made and nothing else."""
    schema = await postgres_database.lend()
    yield postgres_database.schema_url(schema)
    await postgres_database.take_back(schema)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/data/city.db"


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    """An empty database of either engine."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="session")
def new_city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as the first start leaves it. Making all tables takes a while, copying them does not."""
    file = tmp_path_factory.mktemp("new") / "city.db"

    async def begun() -> None:
        store = open_store(f"sqlite:///{file}", clock=SystemClock())
        await store.open()
        await store.close()

    asyncio.run(begun())
    return file


def settled_in(url: str, new_city: Path) -> None:
    """Where nothing is yet, a new city's database."""
    file = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(new_city, file)


@pytest.fixture
async def opened(new_city: Path) -> AsyncIterator[StoreOpener]:
    """Opens stores and closes them all at the end. What our code asked of them must stay as quick in a full city."""
    stores: list[Store] = []

    async def opener(url: str) -> Store:
        settled_in(url, new_city)
        store = open_store(url, clock=SystemClock())
        await store.open()
        if isinstance(store, SqliteStore):
            watch(store, PLANS)
        stores.append(store)
        return store

    yield opener
    for store in reversed(stores):
        await store.close()
    assert not (slow := PLANS.judge(TABLES)), slow


@pytest.fixture
async def store(store_url: str, opened: StoreOpener) -> Store:
    """An open store with all tables, on both engines in turn."""
    return await opened(store_url)


@pytest.fixture
async def sqlite_store(sqlite_url: str, opened: StoreOpener) -> Store:
    return await opened(sqlite_url)
