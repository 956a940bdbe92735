"""S16. PostgreSQL is killed: what was shown once before is not taken again, though nothing of it waited for a disk."""

import time

import pytest
from cluster import Cluster
from figures import Figure

from aggregator.sdk.clock import SystemClock
from aggregator.store import Store, open_store

LIFE_MS = 60_000


async def shown(store: Store, name: str, at_ms: int) -> bool:
    return await store.first_use(name, from_ms=at_ms - LIFE_MS, until_ms=at_ms + 2 * LIFE_MS, now_ms=at_ms)


@pytest.mark.slow
@pytest.mark.figure("S16", "bound tokens")
@pytest.mark.parametrize("by", ["a crash", "a replica"])
async def test_what_was_shown_before_it_is_refused_after(cluster: Cluster, by: str, figure: Figure) -> None:
    store = open_store(cluster.url, clock=SystemClock())
    await store.open()
    await store.write(lambda run: run("insert into worker (id, epoch, started_ms) values ('wrk_1', 1, 1)"))
    now = round(time.time() * 1000)
    names = [f"n{n}" for n in range(50)]
    replica = cluster.copy() if by == "a replica" else ""
    # A new city takes everything; this one's memory is as old as its first start.
    first = [await shown(store, name, now) for name in names]
    assert all(first)
    await store.close()
    if replica:
        cluster.die()
        cluster.promote(replica)
    else:
        cluster.kill()
    again = open_store(cluster.url, clock=SystemClock())
    await again.open()
    assert not any([await shown(again, name, now) for name in names])
    later = now + 4 * LIFE_MS
    assert await shown(again, "later", later)
    await again.close()
    figure.measured(f"{len(names)} proofs shown before {by} of the server: 0 taken after it")
