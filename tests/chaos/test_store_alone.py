"""R15 and R19 at length: a server killed under load, a disk filled at fifty places. Minutes, so marked slow."""

import asyncio
import random
import time
from pathlib import Path

import pytest
from cluster import Cluster
from disk import fill
from figures import Figure
from patience import within

from aggregator.sdk.clock import SystemClock
from aggregator.store import Run, Store, StoreUnavailable, open_store
from aggregator.store.port import Work

pytestmark = pytest.mark.slow


def submit(key: str) -> Work[None]:
    async def write(run: Run) -> None:
        if await run("select 1 from submission where key = $1", key):
            return
        await run("insert into submission (key) values ($1)", key)

    return write


async def citizen(store: Store, name: int, told: list[str], stop: asyncio.Event) -> None:
    """Submits, and after a doubt looks by its key before it inserts again."""
    number = 0
    while not stop.is_set():
        key = f"{name}-{number}"
        try:
            await store.write(submit(key))
        except StoreUnavailable:
            await asyncio.sleep(0.02)
            continue
        told.append(key)
        number += 1


async def under_load(cluster: Cluster, kills: int) -> tuple[list[str], list[str], float]:
    """Keys told as stored, keys found, and the longest time to serve again after the server was back."""
    store = open_store(cluster.url, clock=SystemClock())
    await store.open()

    async def create(run: Run) -> None:
        await run("create table submission (key text not null)")

    await store.write(create)
    told: list[str] = []
    stop = asyncio.Event()
    citizens = [asyncio.create_task(citizen(store, name, told, stop)) for name in range(20)]
    slowest_s = 0.0
    for _ in range(kills):
        await asyncio.sleep(0.3)
        await asyncio.to_thread(cluster.kill)
        back, before = time.monotonic(), len(told)
        while len(told) == before:  # noqa: ASYNC110 - the citizens only note what they are told
            await asyncio.sleep(0.01)
        slowest_s = max(slowest_s, time.monotonic() - back)
    stop.set()
    await asyncio.gather(*citizens)
    found = [row["key"] for row in await store.read("select key from submission")]
    await store.close()
    return told, found, slowest_s


@pytest.mark.figure("R15", "the store alone")
async def test_r15_a_server_killed_under_load_loses_nothing_doubles_nothing_and_serves_again_soon(
    cluster: Cluster, figure: Figure
) -> None:
    told, found, slowest_s = await under_load(cluster, 20)
    assert not set(told) - set(found)
    assert len(found) == len(set(found))
    within(slowest_s, 3, "serving again, s")
    figure.measured(f"20 kills, {len(told)} writes: 0 lost, 0 doubled; serving again <= {slowest_s:.1f} s")


@pytest.mark.figure("R19", "the store alone")
async def test_r19_a_disk_filled_at_fifty_places_loses_nothing_acknowledged(small_disk: Path, figure: Figure) -> None:
    chance = random.Random(19)
    store = open_store(f"sqlite:///{small_disk}/city.db", clock=SystemClock())
    await store.open()

    async def create(run: Run) -> None:
        await run("create table submission (id bigint primary key, text text not null)")

    def insert(number: int) -> Work[int]:
        async def write(run: Run) -> int:
            await run("insert into submission (id, text) values ($1, $2)", number, "x" * 500)
            return number

        return write

    async def clear(run: Run) -> None:
        await run("delete from submission")

    await store.write(create)
    for place in range(50):
        await store.write(clear)
        ballast = fill(small_disk, chance.randrange(0, 200_000))
        answers = await asyncio.gather(*[store.write(insert(number)) for number in range(600)], return_exceptions=True)
        told = {answer for answer in answers if isinstance(answer, int)}
        refused = [answer for answer in answers if not isinstance(answer, int)]
        assert {type(answer) for answer in refused} <= {StoreUnavailable}
        rows = await store.read("select id from submission")
        assert {row["id"] for row in rows} == told, f"place {place}"
        ballast.unlink()
        assert await asyncio.wait_for(store.write(insert(10_000)), 5) == 10_000
        assert await store.integrity_check() == []
    figure.measured(
        "50 fillings: 0 acknowledged writes lost, writes again <= 5 s after, integrity 50 of 50", seeds="19"
    )
    await store.close()
