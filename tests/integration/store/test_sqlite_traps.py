"""The traps of SQLite, each with the code that falls into it: locks, cancelled tasks, threads (SQ-1 to SQ-5)."""

import asyncio
import sqlite3
import subprocess
import threading
import time
from typing import Any

import aiosqlite
import pytest
from sqlite_pieces import count, file_of, insert, other_process

from aggregator.sdk.clock import SystemClock
from aggregator.store import Run, StoreUnavailable, open_store

__all__ = ["other_process"]  # fixtures


async def test_sq1_control_begin_then_read_then_write_is_busy_at_once(other_process, sqlite_ledger):
    other_process.execute("pragma busy_timeout = 5000")
    other_process.execute("begin")
    other_process.execute("select count(*) from submission").fetchone()
    await sqlite_ledger.write(insert(1))
    started = time.perf_counter()
    with pytest.raises(sqlite3.OperationalError) as caught:
        other_process.execute("insert into submission (id, text) values (2, 'x')")
    assert caught.value.sqlite_errorname == "SQLITE_BUSY_SNAPSHOT"
    assert time.perf_counter() - started < 1, "busy_timeout did not help"
    other_process.execute("rollback")


async def test_sq1_a_write_that_reads_first_waits_for_the_other_process_and_succeeds(other_process, sqlite_ledger):
    async def read_then_write(run: Run) -> int:
        rows = await run("select coalesce(max(id), 0) + 1 as next from submission")
        await run("insert into submission (id, text) values ($1, 'ours')", rows[0]["next"])
        return rows[0]["next"]

    other_process.execute("begin immediate")
    other_process.execute("insert into submission (id, text) values (41, 'theirs')")
    writing = asyncio.create_task(sqlite_ledger.write(read_then_write))
    await asyncio.sleep(0.05)
    other_process.execute("commit")
    assert await writing == 42


async def naive_pair(connection: aiosqlite.Connection, number: int) -> None:
    await connection.execute("begin")
    await connection.execute("insert into submission (id, text) values (?, 'naive')", (number,))
    await asyncio.sleep(10)
    await connection.execute("commit")


async def cancelled(work: Any) -> None:
    task = asyncio.create_task(work)
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_sq2_control_a_cancelled_task_leaves_its_transaction_open_and_locks_everyone_out(
    sqlite_url, other_process
):
    async with aiosqlite.connect(file_of(sqlite_url), isolation_level=None) as naive:
        await cancelled(naive_pair(naive, 1))
        assert naive.in_transaction
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other_process.execute("insert into submission (id, text) values (2, 'x')")
        await naive.execute("rollback")


async def test_sq2_a_cancelled_caller_leaves_nothing_open(other_process, sqlite_ledger):
    writing = asyncio.create_task(sqlite_ledger.write(insert(1)))
    await asyncio.sleep(0)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    await sqlite_ledger.write(insert(2))
    other_process.execute("insert into submission (id, text) values (3, 'x')")
    assert await count(sqlite_ledger) == 3


async def test_sq3_control_cancelling_a_queued_statement_does_not_take_it_back(sqlite_url, sqlite_ledger):
    async with aiosqlite.connect(file_of(sqlite_url), isolation_level=None) as naive:
        task = asyncio.create_task(naive.execute_insert("insert into submission (id, text) values (1, 'ghost')"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await naive.execute_fetchall("select 1")  # the thread has come this far
    assert await count(sqlite_ledger) == 1, "the caller was told 'cancelled', the row is there"


async def test_sq3_a_submitted_write_is_carried_out_whole_even_when_its_caller_left(sqlite_ledger):
    writing = asyncio.create_task(sqlite_ledger.write(insert(1)))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await sqlite_ledger.write(insert(2))
    assert await count(sqlite_ledger) == 2


async def test_sq4_control_on_one_connection_another_tasks_row_vanishes_in_a_rollback(sqlite_url, sqlite_ledger):
    async with aiosqlite.connect(file_of(sqlite_url), isolation_level=None) as shared:
        await shared.execute("begin immediate")
        await shared.execute("insert into submission (id, text) values (1, 'task A')")
        await shared.execute("insert into submission (id, text) values (2, 'task B, told it is stored')")
        await shared.execute("rollback")  # task A changed its mind
    assert await count(sqlite_ledger) == 0


HANGING = """
import asyncio, sys
import aiosqlite
async def main():
    connection = await aiosqlite.connect(sys.argv[1])
    globals()["kept"] = connection
    print("done")
asyncio.run(main())
"""


CLOSING = """
import asyncio, sys
from aggregator.sdk.clock import SystemClock
from aggregator.store import open_store
async def main():
    store = open_store(sys.argv[1], clock=SystemClock())
    await store.open()
    await store.read("select 1")
    await store.close()
    print("done")
asyncio.run(main())
"""


def test_sq5_control_a_forgotten_connection_keeps_the_process_alive(start, tmp_path):
    process = start(HANGING, str(tmp_path / "x.db"))
    assert process.stdout.readline() == "done\n"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=1)


def test_sq5_a_closed_store_lets_the_process_end(start, store_url):
    process = start(CLOSING, store_url)
    assert process.stdout.readline() == "done\n"
    assert process.wait(timeout=5) == 0


async def test_sq5_an_open_that_is_cancelled_or_fails_leaves_no_thread_behind(tmp_path, sqlite_url):
    before = threading.active_count()
    for delay_s in (0, 0.001, 0.005, 0.02):
        store = open_store(sqlite_url, clock=SystemClock())
        opening = asyncio.create_task(store.open())
        await asyncio.sleep(delay_s)
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        await asyncio.wait_for(store.close(), 5)
    (tmp_path / "x.db").write_bytes(b"not a database" * 1_000)
    with pytest.raises(StoreUnavailable):
        await open_store(f"sqlite:///{tmp_path}/x.db", clock=SystemClock()).open()
    for _ in range(100):  # a thread that was told to end takes a moment; one that was forgotten stays
        helpers = [thread for thread in threading.enumerate() if thread.name.startswith("asyncio_")]
        if threading.active_count() - len(helpers) <= before:
            break
        await asyncio.sleep(0.05)
    assert threading.active_count() - len(helpers) <= before
