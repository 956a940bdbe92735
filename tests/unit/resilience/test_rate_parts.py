"""The rate of an agency over all processes (docs/decisions/101): in virtual time, in every order we could think of."""

import asyncio

import pytest
from rate_city import ALL, RATES, RateCity
from virtual_city import virtual_time

from aggregator.cases import rate_parts

AGREED = {name: max(1, int(rps)) for name, rps in RATES.items()}


def above(city):
    return {name: most for name, most in city.most.items() if most > AGREED[name]}


@virtual_time
async def test_the_control_each_for_itself_calls_twice_as_often():
    city = RateCity(1, naive=True)
    city.start(), city.start()
    await asyncio.sleep(10)
    assert all(city.most[name] >= 1.5 * agreed for name, agreed in AGREED.items()), city.most
    city.end()


@virtual_time
async def test_whoever_is_alone_has_all_of_it_at_once_and_writes_nothing_more():
    city = RateCity(2)
    server = city.start()
    await asyncio.sleep(2)
    assert server.in_force() == ALL
    commits = city.base.total_changes
    await asyncio.sleep(60)
    assert city.base.total_changes == commits
    city.end()


@pytest.mark.parametrize("count", [2, 3, 5])
@virtual_time
async def test_several_share_it_and_use_nearly_all_of_it(count):
    city = RateCity(3)
    for _ in range(count):
        city.start()
    await asyncio.sleep(20)
    assert city.whole()
    assert {server.in_force().width for server in city.living} == {ALL.width // count}
    before = {name: len(times) for name, times in city.began_at.items()}
    await asyncio.sleep(50)
    used = {name: len(times) - before[name] for name, times in city.began_at.items()}
    # Who waits in a queue gets the tokens of his own share alone: one process uses no more of the busy one's rate.
    least = {"slow": 18, "single": 45, "usual": 215, "busy": 380}
    assert all(used[name] >= most for name, most in least.items()), used
    assert not above(city)
    assert city.overlaps == []
    city.end()


@virtual_time
async def test_a_killed_ones_part_is_taken_within_seconds():
    city = RateCity(4)
    first, second, third = city.start(), city.start(), city.start()
    await asyncio.sleep(20)
    second.kill()
    await asyncio.sleep(rate_parts.LOOK_S * 2 + 2.0)
    assert city.whole()
    assert {first.in_force().width, third.in_force().width} == {ALL.width // 2}
    assert not above(city)
    assert city.overlaps == []
    city.end()


@virtual_time
async def test_a_frozen_ones_part_is_taken_and_it_wakes_without_a_crowd():
    city = RateCity(5)
    first, second = city.start(), city.start()
    await asyncio.sleep(20)
    first.freeze()
    await asyncio.sleep(rate_parts.AWAY_S + 4.0)
    assert second.in_force() == ALL
    first.thaw()
    await asyncio.sleep(10)
    assert city.whole()
    assert first.in_force().width == second.in_force().width
    assert not above(city)
    assert city.overlaps == []
    city.end()


@virtual_time
async def test_a_frozen_one_that_was_alone_does_not_keep_a_newcomer_out_for_ever():
    city = RateCity(6)
    first = city.start()
    await asyncio.sleep(5)
    first.freeze()
    second = city.start()
    await asyncio.sleep(rate_parts.AWAY_S + 4.0)
    assert second.in_force() == ALL
    first.thaw()
    await asyncio.sleep(10)
    assert city.whole()
    assert not above(city)
    assert city.overlaps == []
    city.end()


@virtual_time
async def test_without_the_database_one_alone_goes_on_and_several_stop():
    city = RateCity(7)
    first = city.start()
    await asyncio.sleep(5)
    first.cut = True
    await asyncio.sleep(30)
    assert first.in_force() == ALL
    first.cut = False
    second = city.start()
    await asyncio.sleep(10)
    first.cut = second.cut = True
    await asyncio.sleep(rate_parts.FRESH_S + 1.0)
    assert not first.in_force().width + second.in_force().width
    first.cut = second.cut = False
    await asyncio.sleep(5)
    assert city.whole()
    assert city.overlaps == []
    city.end()


@pytest.mark.parametrize("seed", range(2))
@virtual_time
async def test_whatever_happens_in_whatever_order_the_parts_never_overlap(seed):
    await a_hard_life(seed)


@pytest.mark.slow
@virtual_time
async def test_nor_in_thirty_other_orders():
    for seed in range(2, 32):
        await a_hard_life(seed)


async def a_hard_life(seed):
    city = RateCity(100 + seed)
    city.start()
    for _ in range(40):
        await asyncio.sleep(city.chance.random() * 4)
        happen(city, city.chance.random())
    for server in city.living:
        server.thaw()
        server.cut = False
    city.away = False
    city.start()
    await asyncio.sleep(2 * rate_parts.AWAY_S)
    assert city.whole()
    assert not above(city)
    assert city.overlaps == []
    city.end()


def happen(city, dice):
    """Something befalls somebody."""
    one = city.living[int(city.chance.random() * len(city.living))] if city.living else None
    if one is None or (dice < 0.25 and len(city.living) < 6):
        city.start()
    elif dice < 0.4 and not any(server.booting for server in city.living):
        one.kill()
    elif dice < 0.6:
        one.freeze()
    elif dice < 0.8:
        for server in city.living:
            server.thaw()
    elif city.away or any(server.parts._alone for server in city.living):
        city.away = not city.away  # one that is alone and the only one cut off would go on: see decision 101
    else:
        one.cut = not one.cut
