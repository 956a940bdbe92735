"""A reader of the feed can stop anywhere and misses nothing, whoever commits late (libraries: PG-2)."""

import asyncio
import json

import pytest

from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.feed.stream import StalePosition, Stream
from aggregator.sdk.clock import ManualClock, SystemClock
from aggregator.store import Run, Store


def event(n: int) -> NewEvent:
    return NewEvent(type="case.accepted", at=ManualClock().now(), case_id=f"case_{n}")


async def write(store: Store, n: int) -> None:
    async def put(run: Run) -> None:
        await events.append(run, [event(n), event(n)])

    await store.write(put)


async def test_pg2_many_writers_leave_no_gap_a_reader_could_fall_into(store: Store) -> None:
    stream = Stream(store, SystemClock())
    seen: list[str] = []
    done = asyncio.Event()

    async def read() -> None:
        position = None
        while len(seen) < 400:
            batch = [json.loads(line)["id"] for line in await stream.batch(after=position, limit=7, timeout_s=5)]
            seen.extend(batch)
            position = batch[-1] if batch else position
        done.set()

    reader = asyncio.create_task(read())
    await asyncio.gather(*(write(store, n) for n in range(200)))
    stream.wake("")
    await asyncio.wait_for(done.wait(), 10)
    await reader
    assert [events.seq_of(position) for position in seen] == list(range(1, 401))


async def test_pg2_numbers_given_out_of_commit_order_are_skipped_for_ever(postgres_url: str) -> None:
    """The control: a sequence instead of the counter row."""
    asyncpg = pytest.importorskip("asyncpg", reason="PostgreSQL needs the extra: pip install '.[postgres]'")
    slow, fast = await asyncpg.connect(postgres_url), await asyncpg.connect(postgres_url)
    try:
        await slow.execute("create table log (seq bigserial primary key, who text)")
        late = slow.transaction()
        await late.start()
        await slow.execute("insert into log (who) values ('slow')")
        await fast.execute("insert into log (who) values ('fast')")
        position = await fast.fetchval("select max(seq) from log")
        await late.commit()
        rest = await fast.fetch("select who from log where seq > $1", position)
        assert [row["who"] for row in rest] == [], "the late committer was never seen"
    finally:
        await slow.close()
        await fast.close()


async def test_an_event_of_a_write_that_failed_was_never_numbered(store: Store) -> None:
    async def fail(run: Run) -> None:
        await events.append(run, [event(1)])
        raise RuntimeError("the business did not happen")

    with pytest.raises(RuntimeError):
        await store.write(fail)
    await write(store, 2)
    stream = Stream(store, ManualClock())
    batch = await stream.batch(after=None)
    assert [json.loads(line)["sequence"] for line in batch] == ["0000000000001", "0000000000002"]


async def test_a_quiet_feed_answers_empty_when_the_time_is_over_and_strangers_positions_are_refused(
    store: Store,
) -> None:
    stream = Stream(store, SystemClock())
    assert await stream.batch(after=None, timeout_s=0.05) == []
    with pytest.raises(StalePosition):
        await stream.batch(after="0000000000009-deadbeef")


async def test_a_waiting_reader_is_woken_by_the_next_event(store: Store) -> None:
    stream = Stream(store, SystemClock())
    waiting = asyncio.create_task(stream.batch(after=None, timeout_s=10))
    await asyncio.sleep(0.01)
    await write(store, 1)
    stream.wake("case_1")
    assert len(await asyncio.wait_for(waiting, 5)) == 2
