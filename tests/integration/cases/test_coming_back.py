"""An agency that was away comes back to a schedule and not to a crowd (figure R10). Time is moved by hand."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from figures import Figure, sized

from aggregator.cases.desk import NewCase
from aggregator.cases.watchdog import unexplained
from aggregator.resilience.pipeline import Guarded, NullMeter
from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import Class
from aggregator.sdk.clock import SeededChance

TICK_S = 0.05


def agreed(town: Any, max_rps: float) -> None:
    """The office's agreed rate, and a guard that keeps it."""
    policy = Policy(max_rps=max_rps, max_concurrency=64, max_waiting=256, breaker_reset_s=5.0, breaker_reset_max_s=60.0)
    old = town.registry.agencies["office"]
    guard = Guarded(
        "office",
        old.guarded.driver,
        old.operations,
        policy,
        clock=town.clock,
        chance=SeededChance(3),
        meter=NullMeter(),
    )
    town.registry.agencies["office"] = replace(old, guarded=guard, policy=policy)


class Arrivals:
    """What the office saw, and when, by our monotonic clock."""

    def __init__(self, town: Any) -> None:
        self.at: list[float] = []
        self.refs: list[str] = []
        answer = town.office.answer

        def noted(path: str, query: str, body: Any) -> Any:
            if path == "/apply":
                self.at.append(town.clock.monotonic())
                self.refs.append(body["ref"])
            return answer(path, query, body)

        town.office.answer = noted

    def busiest_second(self) -> int:
        return max((sum(1 for other in self.at if at <= other < at + 1.0) for at in self.at), default=0)


async def open_one(town: Any, number: int) -> Any:
    new = NewCase("portal_1", "", "office.permit", None, {"name": f"Citizen {number}"})
    return (await town.desk.open(new, town.key(f"q{number}"))).record


async def backlog(town: Any, count: int) -> None:
    """Everybody applies while the office is away; half an hour passes."""
    town.office.down = True
    for start in range(0, count, 20):
        await asyncio.gather(*(open_one(town, n) for n in range(start, min(start + 20, count))))
        await town.quiet()
        town.clock.advance(0.02)
    for _ in range(30):
        town.clock.advance(60)
        await town.delivery._scan()
        await town.quiet()


async def drained(town: Any, arrivals: Arrivals, count: int, each_tick: Callable[[int], Any] | None = None) -> float:
    """The office is back: seconds until it has everything."""
    town.office.down = False
    began = None
    for tick in range(200_000):
        town.clock.advance(TICK_S)
        await town.delivery._scan()
        await town.quiet()
        if each_tick is not None:
            await each_tick(tick)
        if arrivals.at and began is None:
            began = arrivals.at[0]
        if len(arrivals.at) >= count:
            return float(arrivals.at[-1] - (began or 0.0))
    raise AssertionError(f"only {len(arrivals.at)} of {count} arrived")


async def oldest_first(town: Any, refs: list[str]) -> bool:
    rows = await town.store.read("select reference from operation order by created_ms, id")
    place = {row["reference"]: n for n, row in enumerate(rows)}
    order = [place[ref] for ref in refs]
    # Those of one instant go together; nobody goes a second before an older one.
    return all(late - early <= 20 for early, late in zip(sorted(order), order, strict=True))


async def test_a_backlog_drains_by_probe_then_ramp_oldest_first_and_never_above_the_rate(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    agreed(town, 20.0)
    await backlog(town, 80)
    assert await unexplained(town.store, town.clock) == [], "everybody waits with a reason and a time"
    arrivals = Arrivals(town)
    seconds = await drained(town, arrivals, 80)
    assert arrivals.busiest_second() <= 20
    first = [at for at in arrivals.at if at < arrivals.at[0] + 1.0]
    assert len(first) <= 3, "the first second is a probe and a step of the ramp"
    assert seconds <= 80 / 20 * 1.1 + 6, "the ramp costs some seconds once"
    assert await oldest_first(town, arrivals.refs)
    assert len(town.office.acted) == len(set(town.office.acted)) == 80


async def test_the_control_a_drain_without_a_limiter_meets_the_office_with_a_crowd(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    agreed(town, 10_000.0)
    await backlog(town, 80)
    arrivals = Arrivals(town)
    for gate in town.delivery._queue._gates.values():
        gate.shut_until, gate.opened_at = None, float("-inf")
    await town.store.write(lambda run: run("update operation set next_action_ms = 0"))
    town.clock.advance(300)
    await drained(town, arrivals, 80)
    assert arrivals.busiest_second() > 10 * 5, "ten times what an office with 5 a second agreed to"


async def test_the_backlog_waits_behind_people_at_the_counter(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    agreed(town, 20.0)
    await backlog(town, 60)
    arrivals = Arrivals(town)
    waits: list[float] = []

    async def somebody_comes(tick: int) -> None:
        if tick % 20 == 7 and len(waits) < 12:
            came = town.clock.monotonic()
            await open_one(town, 10_000 + tick)
            await town.quiet()
            waits.append(arrivals.at[-1] - came if arrivals.at else 0.0)

    await drained(town, arrivals, 72, somebody_comes)
    assert max(waits) <= 1.0, "nobody at the counter waits for the backlog"
    assert arrivals.busiest_second() <= 20


async def test_while_an_agency_is_away_nothing_is_tried_one_by_one(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    agreed(town, 20.0)
    town.office.down = True
    await asyncio.gather(*(open_one(town, n) for n in range(60)))
    await town.quiet()
    before = len(await town.store.read("select n from attempt"))
    for _ in range(60):
        town.clock.advance(60)
        await town.delivery._scan()
        await town.quiet()
    tried = len(await town.store.read("select n from attempt")) - before
    assert tried <= 75, "one probe a minute, whoever waits"
    case = (await town.desk.cases(portal_id="portal_1", limit=1))[0]
    assert case.legs[0].next_try_at is not None
    assert town.clock.now() - timedelta(seconds=60) <= case.legs[0].next_try_at
    assert case.status.value == "HELD"


async def test_what_grew_too_old_during_the_outage_is_a_persons_before_the_agency_is_back(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    agreed(town, 20.0)
    town.office.down = True
    case = await open_one(town, 1)
    await town.quiet()
    for _ in range(9):
        town.clock.advance(86_400)
        await town.delivery._scan()
        await town.quiet()
    assert await town.state(case) == "NEEDS_HUMAN"
    town.office.down = False
    for _ in range(5):
        town.clock.advance(60)
        await town.delivery._scan()
        await town.quiet()
    assert town.office.acted == []


async def test_what_has_its_own_end_is_over_when_that_has_passed(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    agreed(town, 20.0)
    town.office.down = True
    case = await open_one(town, 1)
    await town.quiet()
    end_ms = round(town.clock.now().timestamp() * 1000) + 3_600_000
    await town.store.write(lambda run: run("update operation set ends_ms = $1", end_ms))
    town.clock.advance(1800)
    await town.delivery._scan()
    await town.quiet()
    assert await town.state(case) == "READY"
    town.clock.advance(1900)
    await town.delivery._scan()
    await town.quiet()
    seen = await town.see(case)
    assert (await town.state(case), seen.legs[0].effect, seen.legs[0].text_key) == ("EXPIRED", "none", "state.expired")


@pytest.mark.slow
@pytest.mark.figure("R10")
async def test_r10_a_long_backlog_comes_back_as_agreed(town_of: Any, figure: Figure, store: Any) -> None:
    if store.engine != "sqlite":
        pytest.skip("the same schedule on PostgreSQL is proved by the shorter tests of this file")
    count, rate = sized(1_500, 10_000), 50.0
    town = await town_of(Class.KEYED)
    agreed(town, rate)
    await backlog(town, count)
    crowd = len(await town.store.read("select id from operation where state = 'READY'"))
    figure.control(f"drain without limiter: {crowd} at once, {crowd / rate:.0f}x max_rps in the first second")
    arrivals = Arrivals(town)
    seconds = await drained(town, arrivals, count)
    assert arrivals.busiest_second() <= rate
    assert await oldest_first(town, arrivals.refs)
    assert len(town.office.acted) == len(set(town.office.acted)) == count
    assert seconds <= count / rate * 1.1 + 6
    figure.measured(
        f"{count} waiting: busiest second {arrivals.busiest_second()} of {rate:.0f}, oldest first,"
        f" drained in {seconds / (count / rate):.2f}x backlog / max_rps, 0 doubled",
        seeds="1",
    )
