"""A wall clock set while a doubt waits only lengthens the wait (R23)."""

from typing import Any

import pytest
from doubt_steps import lost, op_of

from aggregator.cases.reconcile import Reconciliation
from aggregator.sdk.adapter import Class


async def settles_after_s(town: Any, case: Any) -> float:
    """True seconds until the lost application is sent again."""
    began, arrivals = town.clock.monotonic(), town.office.arrivals
    for _ in range(900):
        await town.pass_time(25)
        if town.office.arrivals > arrivals:
            return float(town.clock.monotonic() - began)
    raise AssertionError("never settled")


@pytest.mark.parametrize("jump_s", [86_400, -86_400, 3_600, -3_600, 6, -6])
async def test_a_wall_clock_set_during_the_wait_only_lengthens_it(town_of: Any, jump_s: float) -> None:
    town = await town_of(Class.QUERYABLE)
    straight = await settles_after_s(town, await lost(town))
    case = await lost(town)
    town.clock.advance(30)
    town.clock.jump_wall(jump_s)
    assert 30 + await settles_after_s(town, case) >= straight


async def test_the_control_a_settle_wait_on_the_wall_clock_alone_ends_early(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    straight = await settles_after_s(town, await lost(town))

    async def blind() -> bool:
        return False

    town.reconciliation._clock.was_set = blind
    await lost(town)
    town.clock.advance(30)
    town.clock.jump_wall(3_600)
    began = town.office.arrivals
    await town.pass_time(10)
    await town.pass_time(301)
    assert town.office.arrivals > began, "the control sends again after an hour that never passed"
    assert straight > 341


async def test_a_clock_that_was_set_while_nobody_ran_is_noticed_at_the_next_start(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await lost(town)
    await town.reconciliation._watch_clock()
    town.clock.jump_wall(3_600)
    again = Reconciliation(town.desktop, lambda: town.registry, town.desk._stream, town.delivery.nudge)
    await again._watch_clock()
    await again._settle_due()
    await town.pass_time(1)
    assert await town.state(case) == "IN_DOUBT"
    assert (await op_of(town, case)).ended_ms >= round(town.clock.now().timestamp() * 1000) - 5_000


async def test_a_clock_set_back_a_day_makes_no_key_younger_and_no_wait_a_day_longer(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    town.office.script = ["act then silence"]
    case = await town.apply()
    first = (await op_of(town, case)).first_sent_ms
    await town.reconciliation._watch_clock()
    town.clock.jump_wall(-86_400)
    await town.reconciliation._watch_clock()
    moved = await op_of(town, case)
    assert moved.first_sent_ms == first - 86_400_000
    await town.pass_time(10)
    assert await town.state(case) == "CONFIRMED"


async def test_small_corrections_of_the_clock_are_nobodys_business(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await lost(town)
    before = (await op_of(town, case)).ended_ms
    for _ in range(3):
        town.clock.jump_wall(1.0)
        await town.reconciliation._watch_clock()
    assert (await op_of(town, case)).ended_ms == before
