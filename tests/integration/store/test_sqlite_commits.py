"""What a commit of SQLite promises, on a full disk too and under kill -9 (SQ-6, SQ-9)."""

import asyncio
import signal
import sqlite3
from collections.abc import Sequence
from typing import Any

import pytest
from disk import fill
from sqlite_pieces import count, file_of, insert, other_process

from aggregator.sdk.clock import SystemClock
from aggregator.store import Run, StatementRefused, StoreUnavailable, Work
from aggregator.store.sqlite import SqliteStore
from aggregator.store.sqlite_thread import commit_group, connect
from aggregator.store.writer import Outcome

__all__ = ["other_process"]  # fixtures


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
