"""Migrations are whole or absent; a worker's lock tells a late process from a dead one (outcomes section 8)."""

import asyncio
import contextlib
import signal
import sqlite3
import time

import pytest

from aggregator.sdk.clock import ManualClock
from aggregator.store import SchemaTooNew, StatementRefused, StoreUnavailable, WorkerHeld, open_store
from aggregator.store.migrate import in_order, migrate, migration, packaged

FIRST = migration("0001_first.sql", "create table streetlight (id bigint primary key);\n")
SECOND = migration("0002_second.sql", "create table half (id bigint);\ninsert into half (id) values (1);\nselct;\n")
MENDED = migration("0002_second.sql", "create table half (id bigint);\ninsert into half (id) values (1);\n")


@pytest.fixture
async def empty(store):
    """A store whose tables, for once, count for nothing."""

    async def forget(run):
        await run("delete from schema_version")

    await store.write(forget)
    return store


async def version(store) -> int:
    return (await store.read("select version from schema_version"))[0]["version"]


async def tables(store, *names: str) -> list[str]:
    found = []
    for name in names:
        with contextlib.suppress(StatementRefused):
            await store.read(f"select * from {name}")  # noqa: S608 - names of this file
            found.append(name)
    return found


async def test_the_packaged_tables_are_there_and_their_version_is_kept(store):
    assert await version(store) == packaged()[-1].number


async def test_steps_run_once_and_in_order(empty):
    assert await migrate(empty.write, [FIRST]) == 1
    assert await migrate(empty.write, [FIRST, MENDED]) == 2
    assert await migrate(empty.write, [FIRST, MENDED]) == 2
    assert len(await empty.read("select id from half")) == 1


async def test_a_step_that_fails_in_its_middle_leaves_the_version_before_it(empty):
    with pytest.raises(StatementRefused):
        await migrate(empty.write, [FIRST, SECOND])
    assert await version(empty) == 1
    assert await tables(empty, "streetlight", "half") == ["streetlight"]
    assert await migrate(empty.write, [FIRST, MENDED]) == 2


KILLED = """
import asyncio, sys
from aggregator.sdk.clock import SystemClock
from aggregator.store import migrate, open_store
steps = [*migrate.packaged(), migrate.migration("9001_half.sql", '''
create table half (id bigint);
insert into half (id) values (1);
insert into half (id) with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n;
''')]
migrate.packaged = lambda: steps
async def main():
    print("booting")
    await open_store(sys.argv[1], clock=SystemClock()).open()
asyncio.run(main())
"""


async def test_r21_a_program_killed_in_the_middle_of_a_step_leaves_a_bootable_database(start, store_url, opened):
    before = await opened(store_url)
    process = start(KILLED, store_url)
    async with asyncio.timeout(20):
        while not await half_done(process, before):  # noqa: ASYNC110 - another process cannot set our event
            await asyncio.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    store = await asyncio.wait_for(opened(store_url), 20)
    assert await version(store) == packaged()[-1].number
    assert await tables(store, "half") == []


async def half_done(process, store) -> bool:
    """True once the endless statement runs; it may be seen only from outside."""
    if store.engine == "postgres":
        return bool(
            await store.read(
                "select 1 from pg_stat_activity where query like 'insert into half%recursive%' and state = 'active'"
                " and pid <> pg_backend_pid() and datname = current_database()"
            )
        )
    path = (await store.read("pragma database_list"))[0]["file"]
    with contextlib.closing(sqlite3.connect(path, timeout=0)) as connection:
        try:
            connection.execute("begin immediate")
        except sqlite3.OperationalError:
            return process.poll() is None
    return False


async def test_several_workers_may_boot_at_once(store_url, opened):
    stores = await asyncio.gather(*[opened(store_url) for _ in range(4)])
    assert {await version(store) for store in stores} == {packaged()[-1].number}


async def test_a_database_of_a_newer_program_is_refused_with_what_to_do(store, opened, store_url):
    async def from_the_future(run):
        await run("update schema_version set version = 9999")

    await store.write(from_the_future)
    with pytest.raises(SchemaTooNew, match=r"is at schema version 9999, this program knows \d+: start the newer"):
        await opened(store_url)
    assert await version(store) == 9999


def test_statements_end_at_a_semicolon_that_ends_a_line():
    step = migration("0007_x.sql", "-- a comment;\nselect ';';  \n\nselect\n  2;\n-- the end\n")
    assert step.statements == ("select ';'", "select\n  2")


@pytest.mark.parametrize("name", ["1_x.sql", "0001.sql", "0001_x.txt", "0001_a b.sql"])
def test_a_migration_with_an_odd_name_is_refused(name):
    with pytest.raises(ValueError, match=r"a migration is called NNNN_words\.sql"):
        migration(name, "")


def test_two_steps_of_one_number_are_refused():
    with pytest.raises(ValueError, match=r"0002_second\.sql and 0002_second\.sql bear one number"):
        in_order([MENDED, FIRST, SECOND])


HOLDER = """
import asyncio, sys
from aggregator.sdk.clock import SystemClock
from aggregator.store import open_store
async def main():
    store = open_store(sys.argv[1], clock=SystemClock())
    await store.open()
    await store.claim_worker("w1")
    print("claimed")
    await asyncio.Event().wait()
asyncio.run(main())
"""


async def dead_within(store, worker_id: str, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not await store.worker_is_dead(worker_id):
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.02)
    return True


async def test_a_stopped_worker_keeps_its_lock_and_a_killed_one_loses_it(start, store, store_url):
    process = start(HOLDER, store_url)
    assert process.stdout.readline() == "claimed\n"
    assert not await store.worker_is_dead("w1")
    process.send_signal(signal.SIGSTOP)
    assert not await dead_within(store, "w1", 0.3), "late is not dead"
    with pytest.raises(WorkerHeld):
        await store.claim_worker("w1")
    process.send_signal(signal.SIGKILL)
    assert await dead_within(store, "w1", 5)
    await store.claim_worker("w1")
    assert not await store.worker_is_dead("w1")


async def test_a_worker_nobody_ever_was_is_dead_and_looking_does_not_wake_it(store):
    assert await store.worker_is_dead("w9")
    assert await store.worker_is_dead("w9")


async def test_claiming_twice_is_claiming_once_and_closing_lets_go(store, opened, store_url):
    await store.claim_worker("w1")
    await store.claim_worker("w1")
    await store.claim_worker("w2")
    other = await opened(store_url)
    assert not await other.worker_is_dead("w1")
    await store.close()
    assert await dead_within(other, "w1", 5)
    assert await other.worker_is_dead("w2")


async def test_looks_never_keep_a_worker_from_claiming(store, opened, store_url):
    other = await opened(store_url)

    async def look_about() -> None:
        for _ in range(200):
            await other.worker_is_dead("w1")

    looking = asyncio.create_task(look_about())
    await store.claim_worker("w1")
    await looking


@pytest.mark.parametrize("worker_id", ["", "../etc", "a/b", ".hidden", "x" * 65, "a\n", "ଓ"])
async def test_a_worker_id_must_be_able_to_be_a_file_name(store, worker_id):
    with pytest.raises(ValueError, match="a worker id is"):
        await store.claim_worker(worker_id)
    with pytest.raises(ValueError, match="a worker id is"):
        await store.worker_is_dead(worker_id)


async def test_a_server_that_is_not_there_is_unavailable():
    store = open_store("postgresql://postgres@127.0.0.1:1/nothing", clock=ManualClock())
    with pytest.raises(StoreUnavailable, match="cannot open the database"):
        await store.open()
