"""The writer's task alone, with a database that does what the test tells it."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from aggregator.sdk.clock import ManualClock
from aggregator.store import StoreUnavailable
from aggregator.store.writer import GROUP, Done, GroupWriter, Outcome


class SlowDatabase:
    """Commits a group when `flush` is set; `trouble` is raised instead."""

    def __init__(self) -> None:
        self.flush = asyncio.Event()
        self.sizes: list[int] = []
        self.trouble: Exception | None = None

    async def commit(self, works: Sequence[Any]) -> Sequence[Outcome]:
        self.sizes.append(len(works))
        await self.flush.wait()
        if self.trouble is not None:
            raise self.trouble
        return [Done(work) for work in works]


@pytest.fixture
def database() -> SlowDatabase:
    return SlowDatabase()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def writer(database: SlowDatabase, clock: ManualClock):
    writer = GroupWriter(database.commit, clock, bound=1_000)
    writer.start()
    yield writer
    database.flush.set()
    await writer.close(within_s=1, interrupt=lambda: None)


async def queued(writer: GroupWriter, many: int) -> list[asyncio.Task[Any]]:
    tasks = [asyncio.create_task(writer.write(number)) for number in range(many)]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_sq6_what_waits_while_a_commit_runs_shares_the_next_one(writer, database):
    first = await queued(writer, 1)
    rest = await queued(writer, 600)
    database.flush.set()
    assert await asyncio.gather(*first, *rest) == [0, *range(600)]
    assert database.sizes == [1, GROUP, GROUP, 600 - 2 * GROUP]


async def test_a_write_alone_waits_for_nobody(writer, database):
    database.flush.set()
    assert await writer.write(5) == 5
    assert database.sizes == [1]


async def test_readiness_fails_when_the_oldest_write_waits_longer_than_five_seconds(writer, database, clock):
    tasks = await queued(writer, 3)
    clock.advance(5)
    assert writer.health().ready
    clock.advance(0.1)
    assert (writer.health().queue, writer.health().ready) == (3, False)
    database.flush.set()
    await asyncio.gather(*tasks)
    assert writer.health().ready


async def test_the_queue_has_a_bound_that_is_reached_and_left_again(writer, database):
    tasks = await queued(writer, 1) + await queued(writer, 1_000)
    overflow = await queued(writer, 1)
    with pytest.raises(StoreUnavailable, match="too many writes") as caught:
        await asyncio.wait_for(overflow[0], 2)
    assert caught.value.effect == "none"
    database.flush.set()
    await asyncio.gather(*tasks)
    assert await writer.write(7) == 7


@pytest.mark.parametrize(
    ("trouble", "effect", "durable"),
    [
        (StoreUnavailable("full"), "none", True),
        (StoreUnavailable("fsync", "unknown"), "unknown", False),
        (MemoryError(), "unknown", False),
    ],
)
async def test_a_lost_group_is_told_to_everyone_and_the_next_one_succeeds(writer, database, trouble, effect, durable):
    database.trouble = trouble
    database.flush.set()
    answers = await asyncio.gather(*await queued(writer, 20), return_exceptions=True)
    assert {(type(answer), answer.effect) for answer in answers} == {(StoreUnavailable, effect)}
    assert (writer.health().durable, writer.health().ready, bool(writer.health().last_error)) == (
        durable,
        durable,
        True,
    )
    database.trouble = None
    assert await writer.write(1) == 1
    assert (writer.health().durable, writer.health().last_error) == (True, "")


async def test_a_store_that_goes_away_and_comes_back_is_told_once_each_to_whoever_reads_the_log(
    writer, database, clock, caplog
):
    database.flush.set()
    database.trouble = StoreUnavailable("database or disk is full")
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await writer.write(1)
        clock.advance(2)
    database.trouble = None
    await writer.write(1)
    await writer.write(1)
    told = [(one.message, vars(one).get("why", vars(one).get("away_s"))) for one in caplog.records]
    assert told == [("store.away", "database or disk is full"), ("store.back", 6.0)]


async def test_sq5_closing_a_writer_whose_database_hangs_ends_and_refuses_the_rest(database, clock):
    writer = GroupWriter(database.commit, clock)
    writer.start()
    running = await queued(writer, 2)
    waiting = await queued(writer, 300)

    def interrupt() -> None:
        database.trouble = StoreUnavailable("interrupted")
        database.flush.set()

    await asyncio.wait_for(writer.close(within_s=0.05, interrupt=interrupt), 2)
    answers = await asyncio.gather(*running, *waiting, return_exceptions=True)
    assert {answer.why for answer in answers} == {"interrupted", "the store is closed"}


async def test_a_store_in_trouble_recovers_without_being_sent_work(writer, database, monkeypatch):
    monkeypatch.setattr("aggregator.store.writer.PROBE_S", 0.01)
    database.trouble = StoreUnavailable("fsync", "unknown")
    database.flush.set()
    await asyncio.gather(*await queued(writer, 1), return_exceptions=True)
    async with asyncio.timeout(2):
        while len(database.sizes) < 4:  # noqa: ASYNC110 - it tries again and again
            await asyncio.sleep(0.005)
    assert not writer.health().ready
    database.trouble = None
    async with asyncio.timeout(2):
        while not writer.health().ready:  # noqa: ASYNC110 - and then once with success
            await asyncio.sleep(0.005)
    tries = len(database.sizes)
    await asyncio.sleep(0.05)
    assert len(database.sizes) == tries, "a healthy store is left alone"


async def test_callers_that_left_do_not_disturb_the_loss_of_their_group(writer, database):
    tasks = await queued(writer, 10)
    for task in tasks[:5]:
        task.cancel()
    database.trouble = StoreUnavailable("gone")
    database.flush.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [asyncio.CancelledError] * 5 + [StoreUnavailable] * 5


async def test_a_loop_torn_down_without_close_leaves_no_caller_waiting(database, clock):
    writer = GroupWriter(database.commit, clock)
    writer.start()
    tasks = await queued(writer, 300)
    for task in asyncio.all_tasks():
        if task.get_name() == "store-writer":
            task.cancel()
    answers = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 2)
    assert {type(answer) for answer in answers} == {StoreUnavailable}
