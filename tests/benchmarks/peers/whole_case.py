"""A city that is told over its standard input to live: so many whole cases, or so many seconds of rest.

A whole case: submitted, delivered, settled, read by its citizen (the case, the citizen's list, its history). What it
cost is this process's processor time and, with PostgreSQL, that of the server's sessions for it.
Arguments: data folder, the agencies' port, and the database's URL ("" for SQLite in the data folder).
"""

import asyncio
import itertools
import json
import sys
import time
from pathlib import Path

from aggregator.cases.desk import Key, NewCase
from aggregator.cli.serve import on_a_loop
from aggregator.settings import Settings
from aggregator.wiring import City, running

HERE = Path(__file__).parents[1]
sys.path.insert(0, str(HERE))

from bench_process import CPUCLOCK_SCHED  # noqa: E402 - the path comes first
from bench_questions import FORM  # noqa: E402

AT_ONCE = 8
PORTAL = "por_bench"
NUMBERS = itertools.count(time.time_ns())
_SESSIONS = "select pid from pg_stat_activity where datname = current_database() and application_name = 'aggregator'"


async def whole(city: City) -> None:
    """One case; its citizen has no other. Raises AssertionError when it did not go through."""
    mine = f"{next(NUMBERS)}"
    citizen = f"ctz_new{mine}"
    key = Key(PORTAL, citizen, "POST", "/v1/cases", mine, mine)
    opened = await city.desk.open(NewCase(PORTAL, citizen, "passport.fresh", None, FORM), key)
    case = await city.desk.settled(opened.record.id, 20.0)
    assert case.legs[0].effect == "done", case.status
    assert await city.desk.case(case.id, portal_id=PORTAL) is not None
    assert len(await city.desk.cases(portal_id=PORTAL, citizen_ids=[citizen], limit=20)) == 1
    assert await city.desk.history(case.id, portal_id=PORTAL)


async def many(city: City, count: int) -> None:
    left = iter(range(count))

    async def one_after_another() -> None:
        for _ in left:
            await whole(city)

    await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))


async def spent(city: City) -> dict[int, float]:
    """Seconds of processor time so far, by process; 0 is this one."""
    found = {0: time.process_time()}
    if city.store.engine == "postgres":
        for row in await city.store.read(_SESSIONS):
            found[row["pid"]] = time.clock_gettime((~int(row["pid"]) << 3) | CPUCLOCK_SCHED)
    return found


async def main(data: str, agencies: str, database: str) -> None:
    urls = dict.fromkeys(("passport", "rto"), f"http://127.0.0.1:{agencies}")
    env = {"AGGREGATOR_DATABASE": database} if database else {}
    settings = Settings.from_env(env, data_dir=Path(data), registry_path=HERE / "registry.toml", sandbox_urls=urls)
    async with running(settings) as city:
        say({"port": "0"})
        while line := await asyncio.to_thread(sys.stdin.readline):
            what, count = line.split()
            before = await spent(city)
            await (many(city, int(count)) if what == "cases" else asyncio.sleep(float(count)))
            after = await spent(city)
            used = sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())
            say({"cpu_us": used / float(count) * 1e6})


def say(told: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    on_a_loop(main(*sys.argv[1:4]))
