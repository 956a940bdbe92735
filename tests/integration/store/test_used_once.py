"""What counts once: for all processes, across their deaths, and never again after the machine's (S16).

The controls: a memory of one's own, which two processes do not share; and a memory that begins anew and says nothing
of it, which takes again what was shown before the power went.
"""

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aggregator.sdk.clock import SystemClock
from aggregator.store import StoreUnavailable
from aggregator.store.once import Once

LIFE_MS = 60_000
DIES = """
import asyncio, os, signal, sys
from aggregator.sdk.clock import SystemClock
from aggregator.store import open_store

async def main():
    store = open_store(sys.argv[1], clock=SystemClock())
    await store.open()
    now = int(sys.argv[2])
    for name in sys.argv[3:]:
        assert await store.first_use(name, from_ms=now - 60_000, until_ms=now + 120_000, now_ms=now)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def now_ms() -> int:
    return int(time.time() * 1000)


async def shown(store, name, made_ms=None):
    now = now_ms()
    made = now if made_ms is None else made_ms
    return await store.first_use(name, from_ms=made - LIFE_MS, until_ms=now + 2 * LIFE_MS, now_ms=now)


def memory_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///") + ".once")


def mode_of(file: Path) -> int:
    return file.stat().st_mode


async def begun_by(store):
    """A worker has been here: the city is not new any more."""
    await store.write(lambda run: run("insert into worker (id, epoch, started_ms) values ('wrk_1', 1, 1)"))


async def test_of_two_processes_one_is_the_first_and_two_memories_of_their_own_would_both_be(store_url, opened):
    one, other = await opened(store_url), await opened(store_url)
    names = [f"n{n}" for n in range(100)]
    got = await asyncio.gather(*(shown(store, name) for name in names for store in (one, other)))
    assert sum(got) == len(names)
    assert not any(await asyncio.gather(*(shown(store, name) for name in names for store in (one, other))))
    alone: list[set[str]] = [set(), set()]
    naive = [name not in seen and not seen.add(name) for name in names for seen in alone]
    assert sum(naive) == 2 * len(names)


async def test_a_process_that_is_killed_at_once_has_forgotten_nothing(store_url, opened):
    store = await opened(store_url)
    await begun_by(store)
    names = [f"n{n}" for n in range(20)]
    command = [sys.executable, "-c", DIES, store_url, str(now_ms()), *names]
    died = await asyncio.to_thread(subprocess.run, command, check=False, timeout=60)
    assert died.returncode == -signal.SIGKILL
    assert not any([await shown(store, name) for name in names])
    await store.close()
    assert not any([await shown(await opened(store_url), name) for name in names]), "nor after a restart of the others"


async def test_what_is_over_may_be_shown_again_and_is_let_go(store_url, opened):
    store = await opened(store_url)
    past = now_ms() - 10 * LIFE_MS
    assert await store.first_use("old", from_ms=past - LIFE_MS, until_ms=past + LIFE_MS, now_ms=past)
    assert await shown(store, "old")


def booted(path: Path, boot: str, *, nothing_before: bool = False) -> Once:
    told = path.with_name("boot_id")
    told.write_text(boot + "\n")
    once = Once(path, SystemClock(), told)
    once.open(nothing_before=nothing_before)
    return once


@pytest.mark.figure("S16", "bound tokens")
@pytest.mark.parametrize("left", ["as it was", "gone", "broken", "half begun"])
async def test_after_a_power_loss_nothing_from_before_is_taken_whatever_is_left_of_the_file(tmp_path, left, figure):
    path = tmp_path / "city.db"
    before = booted(path, "boot 1", nothing_before=True)
    assert await shown(before, "p", now_ms() - 1000)
    before.close()
    file = path.with_name("city.db.once")
    if left == "gone":
        file.unlink()
    elif left == "broken":
        file.write_bytes(b"SQLite format 3\x00" + bytes(5000))
    elif left == "half begun":
        file.write_bytes(b"")
    after = booted(path, "boot 2")
    assert not await shown(after, "p", now_ms() - 1000)
    assert not await shown(after, "q", now_ms() + LIFE_MS - 1000), "nor one whose clock was ahead"
    now = now_ms() + 2 * LIFE_MS  # as time goes on
    assert await after.first_use("r", from_ms=now - LIFE_MS, until_ms=now + LIFE_MS, now_ms=now)
    after.close()
    figure.measured("after a power loss every proof that may have been shown before it is refused, in all four cases")


@pytest.mark.figure("S16", "bound tokens")
async def test_a_memory_that_begins_anew_and_keeps_quiet_about_it_takes_it_again(tmp_path, figure):
    path = tmp_path / "city.db"
    before = booted(path, "boot 1", nothing_before=True)
    assert await shown(before, "p")
    before.close()
    naive = booted(path, "boot 2", nothing_before=True)
    assert await shown(naive, "p")
    naive.close()
    figure.control("a memory begun anew without saying since when: the same proof is taken again after a power loss")


async def test_a_city_of_yesterday_whose_file_is_gone_does_not_take_itself_for_new(sqlite_url, opened):
    store = await opened(sqlite_url)
    assert await shown(store, "p"), "a new city need not wait"
    await begun_by(store)
    await store.close()
    memory_of(sqlite_url).unlink()
    assert not await shown(await opened(sqlite_url), "p")


async def test_a_table_the_server_emptied_is_begun_anew_and_refuses_what_may_be_from_before(postgres_url, opened):
    """As PostgreSQL does with an unlogged table after a crash and on a replica; see tests/chaos for the real one."""
    store = await opened(postgres_url)
    assert await shown(store, "p")
    await store.write(lambda run: run("delete from used_once_soon"))
    assert not await shown(store, "p")
    now = now_ms() + 2 * LIFE_MS
    assert await store.first_use("p", from_ms=now - LIFE_MS, until_ms=now + LIFE_MS, now_ms=now)


async def test_the_file_is_nobody_elses_and_a_closed_store_says_so(sqlite_url, opened):
    store = await opened(sqlite_url)
    assert mode_of(memory_of(sqlite_url)) & 0o077 == 0
    await store.close()
    with pytest.raises(StoreUnavailable):
        await shown(store, "p")
