"""SQ-1 to SQ-10: each trap of SQLite through aiosqlite is first shown to bite the naive way."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from disk import fill

from aggregator.sdk.clock import SystemClock
from aggregator.store import Run, StatementRefused, Store, StoreUnavailable, Work, open_store
from aggregator.store.sqlite import SqliteStore
from aggregator.store.sqlite_thread import INLINE_STEPS, InlineReader, commit_group, connect
from aggregator.store.writer import Outcome

LONG = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 150000) select max(i) as top from n"


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


class CountingStore(SqliteStore):
    commits = 0

    async def _commit(self, works: Sequence[Work[Any]]) -> Sequence[Outcome]:
        self.commits += 1
        return await super()._commit(works)


async def test_sq6_two_thousand_concurrent_submissions_need_about_eight_commits(sqlite_ledger, sqlite_url):
    store = CountingStore(file_of(sqlite_url), clock=SystemClock())
    await store.open()
    before = store.commits
    await asyncio.gather(*[store.write(insert(number)) for number in range(2_000)])
    assert store.commits - before <= 9
    await store.close()


def test_sq6_every_connection_flushes_at_commit_and_keeps_a_log(tmp_path):
    connection = connect(tmp_path / "x.db", busy_s=5)
    asked = {name: connection.execute(f"pragma {name}").fetchone()[0] for name in ("synchronous", "journal_mode")}
    assert asked == {"synchronous": 2, "journal_mode": "wal"}
    assert connection.execute("pragma foreign_keys").fetchone()[0] == 1
    connection.close()


def naive_group(connection: sqlite3.Connection) -> None:
    connection.execute("begin immediate")
    connection.execute("savepoint s")
    try:
        for number in range(10_000):
            connection.execute("insert into submission (id, text) values (?, ?)", (number, "x" * 4_000))
        connection.execute("release s")
    except sqlite3.Error:
        connection.execute("rollback to s")
        connection.execute("release s")
    connection.execute("commit")


def test_sq9_control_the_naive_writer_dies_on_a_full_disk(small_disk):
    connection = sqlite3.connect(small_disk / "x.db", isolation_level=None)
    connection.execute("create table submission (id bigint primary key, text text not null)")
    with pytest.raises(sqlite3.OperationalError, match="no such savepoint"):
        naive_group(connection)
    connection.close()


async def test_sq9_a_full_disk_acknowledges_nothing_keeps_nothing_and_heals_by_itself(small_disk, opened):
    store = await opened(f"sqlite:///{small_disk}/city.db")
    await store.write(create_submission)
    await store.write(insert(0))
    ballast = fill(small_disk)
    writes = [store.write(insert(number, "x" * 5_000)) for number in range(1, 101)]
    answers = await asyncio.wait_for(asyncio.gather(*writes, return_exceptions=True), 20)
    assert {(type(answer), answer.effect) for answer in answers} == {(StoreUnavailable, "none")}
    assert store.health().last_error
    assert await count(store) == 1, "reads go on"
    ballast.unlink()
    assert await asyncio.wait_for(store.write(insert(1_000)), 5) == 1_000
    assert await count(store) == 2
    assert store.health().ready
    assert await store.integrity_check() == []


async def test_sq9_a_transaction_larger_than_the_disk_loses_its_group_and_no_more(small_disk, opened):
    async def flood(run: Run) -> None:
        for number in range(10_000):
            await run("insert into submission (id, text) values ($1, $2)", number, "x" * 4_000)

    store = await opened(f"sqlite:///{small_disk}/city.db")
    await store.write(create_submission)
    answers = await asyncio.gather(store.write(flood), store.write(insert(20_000)), return_exceptions=True)
    assert isinstance(answers[0], StoreUnavailable)
    assert await asyncio.wait_for(store.write(insert(20_001)), 5) == 20_001
    stored = [row["id"] for row in await store.read("select id from submission order by id")]
    assert stored == ([20_000, 20_001] if answers[1] == 20_000 else [20_001])


async def create_submission(run: Run) -> None:
    await run("create table submission (id bigint primary key, text text not null)")


async def test_sq9_locked_by_another_process_is_an_error_after_a_while_and_then_fine_again(sqlite_url, other_process):
    store = SqliteStore(file_of(sqlite_url), clock=SystemClock(), busy_s=0.2)
    await store.open()
    other_process.execute("begin immediate")
    answers = await asyncio.gather(*[store.write(insert(number)) for number in range(5)], return_exceptions=True)
    assert {(answer.why, answer.effect) for answer in answers} == {("SQLITE_BUSY", "none")}
    other_process.execute("rollback")
    assert await store.write(insert(9)) == 9
    assert await count(store) == 1
    await store.close()


class FailingAt:
    """A connection one of whose statements meets an I/O error, before or after the real one is done."""

    def __init__(self, real: sqlite3.Connection, statement: str, code: int) -> None:
        self._real = real
        self._statement = statement
        self._code = code

    @property
    def in_transaction(self) -> bool:
        return self._real.in_transaction

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        if sql == self._statement:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode, error.sqlite_errorname = self._code, "SQLITE_IOERR_FSYNC"
            raise error
        return self._real.execute(sql, *args)


@pytest.mark.parametrize(
    ("statement", "code", "effect"),
    [
        ("begin immediate", sqlite3.SQLITE_IOERR_READ, "none"),
        ("commit", sqlite3.SQLITE_IOERR_FSYNC, "unknown"),
        ("commit", sqlite3.SQLITE_FULL, "none"),
        ("commit", sqlite3.SQLITE_BUSY, "none"),
        ("release item", sqlite3.SQLITE_IOERR_WRITE, "none"),
    ],
)
async def test_an_io_error_at_commit_leaves_durability_unknown_and_elsewhere_nothing(tmp_path, statement, code, effect):
    connection = connect(tmp_path / "x.db", busy_s=1)
    commit_group(connection, [create_submission])
    with pytest.raises(StoreUnavailable) as caught:
        commit_group(FailingAt(connection, statement, code), [insert(1)])
    assert caught.value.effect == effect
    assert not connection.in_transaction
    commit_group(connection, [insert(2)])
    assert [row["id"] for row in connection.execute("select id from submission")] == [2]
    connection.close()


async def test_a_rollback_that_failed_is_made_good_before_the_next_group(tmp_path):
    connection = connect(tmp_path / "x.db", busy_s=1)
    commit_group(connection, [create_submission])
    connection.execute("begin immediate")
    connection.execute("insert into submission (id, text) values (1, 'left over')")
    commit_group(connection, [insert(2)])
    assert [row["id"] for row in connection.execute("select id from submission")] == [2]
    connection.close()


async def test_a_write_that_waits_for_something_else_is_refused(sqlite_ledger):
    async def waits_for_the_agency(run: Run) -> None:
        await run("insert into submission (id, text) values (1, 'x')")
        await Pause()

    with pytest.raises(StatementRefused, match="other than run"):
        await sqlite_ledger.write(waits_for_the_agency)
    assert await count(sqlite_ledger) == 0


class Pause:
    def __await__(self):
        yield


async def test_sq10_short_reads_stay_inline_for_ever_and_long_ones_leave_by_themselves(tmp_path):
    reader = InlineReader(connect(tmp_path / "x.db", busy_s=0, query_only=True))
    for _ in range(INLINE_STEPS // 2):  # far more steps in all than one read may take
        assert reader.read("select cast($1 as bigint) as n", {"1": 5}) is not None
    assert reader.read(LONG, {}) is None
    assert reader.read("select 1 as n", {})[0]["n"] == 1
    reader.close()


async def test_sq10_a_long_inline_read_answers_from_a_thread_without_holding_up_the_loop(sqlite_ledger):
    reading = asyncio.create_task(sqlite_ledger.read(LONG, inline=True))
    turns = 0
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1
    assert reading.result()[0]["top"] == 150_000
    assert turns > 20


KILLED = """
import asyncio, sys
from aggregator.sdk.clock import SystemClock
from aggregator.store import open_store
async def main():
    store = open_store(sys.argv[1], clock=SystemClock())
    await store.open()
    async def create(run):
        await run("create table submission (id bigint primary key, text text not null)")
        await run("create table outbox (id bigint primary key)")
    await store.write(create)
    async def submit(number):
        async def write(run):
            await run("insert into submission (id, text) values ($1, $2)", number, "x" * 500)
            await run("insert into outbox (id) values ($1)", number)
        await store.write(write)
        print(number)
    async def citizen(first):
        for number in range(first, 10_000_000, 20):
            await submit(number)
    await asyncio.gather(*[citizen(first) for first in range(20)])
asyncio.run(main())
"""


@pytest.mark.parametrize("acknowledged_before", [1, 700])
async def test_kill_nine_loses_nothing_acknowledged_and_tears_no_submission(
    start, store_url, opened, acknowledged_before
):
    process = start(KILLED, store_url)
    acknowledged = [process.stdout.readline() for _ in range(acknowledged_before)]
    process.send_signal(signal.SIGKILL)
    acknowledged += process.stdout.read().splitlines(keepends=True)
    told = {int(line) for line in acknowledged if line.endswith("\n")}
    store = await opened(store_url)
    stored = {row["id"] for row in await store.read("select id from submission")}
    assert len(told) >= acknowledged_before
    assert told <= stored
    assert stored == {row["id"] for row in await store.read("select id from outbox")}
    assert [said for said in await store.integrity_check() if "data_checksums" not in said] == []


async def test_the_database_file_is_private(sqlite_ledger, sqlite_url):
    for suffix in ("", "-wal"):
        assert os.stat(file_of(sqlite_url) + suffix).st_mode & 0o077 == 0  # noqa: PTH116 - one call, no path


async def test_a_file_that_is_no_database_is_said_so(tmp_path, opened):
    (tmp_path / "x.db").write_bytes(b"not a database" * 1_000)
    with pytest.raises(StoreUnavailable, match="cannot open the database: SQLITE_NOTADB"):
        await opened(f"sqlite:///{tmp_path}/x.db")


def damage(path: Path) -> None:
    pages = bytearray(path.read_bytes())
    for page in range(len(pages) // 4096 // 2, len(pages) // 4096):
        pages[page * 4096 : page * 4096 + 64] = os.urandom(64)
    path.write_bytes(pages)


async def test_a_damaged_page_is_found_by_the_integrity_check(sqlite_ledger, sqlite_url, opened):
    await asyncio.gather(*[sqlite_ledger.write(insert(number, "x" * 900)) for number in range(300)])
    await sqlite_ledger.close()
    damage(Path(file_of(sqlite_url)))
    try:
        store = await opened(sqlite_url)  # where the damage is in what opening looks at, opening says so
        found = await store.integrity_check()
    except StoreUnavailable as exc:
        found = [exc.why]
    assert found
