"""Places and rate at one agency: bounded, fair, and returned whatever happens (figure R7)."""

import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_city import LoopClock, virtual_time

from aggregator.resilience.bulkhead import Bulkhead
from aggregator.resilience.deadline import Deadline
from aggregator.resilience.policy import SHARES, Policy
from aggregator.resilience.rate import Rate
from aggregator.sdk.clock import ManualClock, SeededChance
from aggregator.sdk.errors import CircuitOpen, DeadlinePassed, NotAttempted, Saturated

SMALL = Policy(max_concurrency=2, max_waiting=3, max_wait_s=2.0, max_rps=1e6)


def bulkhead_of(policy=SMALL):
    clock = LoopClock()
    return Bulkhead(policy, Rate(policy, clock), clock)


async def enter(bulkhead, *, deadline_s=20.0, share="interactive", tag="rto/safe"):
    if not bulkhead.enter_now(share):
        await bulkhead.queue(share, Deadline(LoopClock(), deadline_s), tag)


async def visit(bulkhead, seconds, **how):
    await enter(bulkhead, **how)
    try:
        await asyncio.sleep(seconds)
    finally:
        bulkhead.leave()


def ends(tasks):
    return [type(task.exception()).__name__ if task.exception() else "ok" for task in tasks]


@virtual_time
async def test_two_talk_three_wait_and_the_sixth_is_told_at_once():
    bulkhead = bulkhead_of()
    began = asyncio.get_running_loop().time()
    tasks = [asyncio.create_task(visit(bulkhead, 0.5)) for _ in range(5)]
    await asyncio.sleep(0)
    assert (bulkhead.talking, bulkhead.waiting, bulkhead.full) == (2, 3, True)
    with pytest.raises(Saturated) as told:
        await visit(bulkhead, 0.5)
    assert asyncio.get_running_loop().time() == began
    assert told.value.retry_after_s
    await asyncio.wait(tasks)
    assert ends(tasks) == ["ok"] * 5
    assert (bulkhead.talking, bulkhead.waiting) == (0, 0)


@virtual_time
async def test_nobody_waits_longer_than_the_policy_or_his_own_deadline():
    bulkhead = bulkhead_of()
    hogs = [asyncio.create_task(visit(bulkhead, 60)) for _ in range(2)]
    await asyncio.sleep(0)
    patient = asyncio.create_task(visit(bulkhead, 0))
    hasty = asyncio.create_task(visit(bulkhead, 0, deadline_s=0.5))
    began = asyncio.get_running_loop().time()
    await asyncio.wait([patient, hasty])
    assert asyncio.get_running_loop().time() - began == pytest.approx(2.0)
    assert ends([patient, hasty]) == ["Saturated", "DeadlinePassed"]
    await asyncio.wait(hogs)
    assert bulkhead.talking == 0


@virtual_time
async def test_places_are_handed_over_in_the_order_of_asking_and_cannot_be_overtaken():
    bulkhead, served = bulkhead_of(Policy(max_concurrency=1, max_waiting=10, max_wait_s=9, max_rps=1e6)), []

    async def caller(number):
        await enter(bulkhead)
        served.append(number)
        await asyncio.sleep(0.1)
        bulkhead.leave()
        if number < 3:
            assert not bulkhead.enter_now("interactive")

    await asyncio.gather(*(caller(number) for number in range(5)))
    assert served == [0, 1, 2, 3, 4]


@virtual_time
async def test_a_place_handed_to_somebody_who_was_just_called_away_goes_to_the_next():
    bulkhead = bulkhead_of(Policy(max_concurrency=1, max_waiting=10, max_rps=1e6))
    await enter(bulkhead)
    away, next_one = (asyncio.create_task(visit(bulkhead, 0)) for _ in range(2))
    await asyncio.sleep(0)
    bulkhead.leave()
    away.cancel()
    await asyncio.wait([away, next_one])
    assert away.cancelled()
    assert ends([next_one]) == ["ok"]
    assert bulkhead.talking == 0


@virtual_time
async def test_when_a_circuit_opens_those_who_wait_behind_it_are_answered_and_the_others_stay():
    bulkhead = bulkhead_of()
    hogs = [asyncio.create_task(visit(bulkhead, 1)) for _ in range(2)]
    await asyncio.sleep(0)
    reading, writing = (asyncio.create_task(visit(bulkhead, 0, tag=tag)) for tag in ("rto/safe", "rto/opaque"))
    await asyncio.sleep(0)
    began = asyncio.get_running_loop().time()
    bulkhead.expel("rto/safe", lambda: CircuitOpen("rto/safe", 5.0))
    await asyncio.wait([reading])
    assert asyncio.get_running_loop().time() == began
    await asyncio.wait([writing, *hogs])
    assert ends([reading, writing]) == ["CircuitOpen", "ok"]
    assert (bulkhead.talking, bulkhead.waiting) == (0, 0)


VISITS = st.lists(
    st.tuples(st.floats(0, 3), st.floats(0, 4), st.floats(0.01, 5), st.sampled_from(SHARES)), min_size=1, max_size=40
)


@settings(max_examples=60, deadline=None)
@given(VISITS)
def test_a_random_storm_with_cancellations_leaves_no_place_taken(visits):
    @virtual_time
    async def storm():
        policy = Policy(max_concurrency=3, max_waiting=5, max_rps=8.0)
        bulkhead = bulkhead_of(policy)

        async def caller(after_s, stay_s, patience_s, share):
            await asyncio.sleep(after_s)
            try:
                async with asyncio.timeout(patience_s):
                    await visit(bulkhead, stay_s, deadline_s=patience_s * 2, share=share)
            except (NotAttempted, TimeoutError):
                pass
            assert bulkhead.talking <= 3
            assert bulkhead.waiting <= 5

        await asyncio.gather(*(caller(*one) for one in visits))
        assert (bulkhead.talking, bulkhead.waiting, len(bulkhead._line)) == (0, 0, 0)

    storm()


@virtual_time
async def test_the_rate_is_waited_for_in_the_queue_and_not_beyond_it():
    bulkhead = bulkhead_of(Policy(max_concurrency=50, max_waiting=50, max_wait_s=2.0, max_rps=5.0))
    tasks = [asyncio.create_task(visit(bulkhead, 0)) for _ in range(30)]
    await asyncio.wait(tasks)
    served = ends(tasks).count("ok")
    assert 7 <= served <= 5 * 2 + 5
    assert set(ends(tasks)) == {"ok", "Saturated"}


@virtual_time
async def test_those_who_were_turned_away_leave_their_tokens_to_those_who_come():
    bulkhead = bulkhead_of(Policy(max_concurrency=50, max_waiting=50, max_wait_s=2.0, max_rps=5.0))
    tasks = [asyncio.create_task(visit(bulkhead, 0)) for _ in range(50)]
    await asyncio.wait(tasks)
    assert ends(tasks).count("Saturated") > 30
    bulkhead.rate.wait_s("interactive")
    assert bulkhead.rate._tokens["interactive"] > -1.0


@virtual_time
async def test_a_token_whose_place_never_came_free_is_given_back():
    bulkhead = bulkhead_of(Policy(max_concurrency=1, max_waiting=5, max_rps=10.0))
    hog = asyncio.create_task(visit(bulkhead, 1))
    await asyncio.sleep(0)
    before = dict(bulkhead.rate._tokens)
    waiting = asyncio.create_task(visit(bulkhead, 0))
    await asyncio.sleep(0)
    assert bulkhead.rate._tokens != before
    bulkhead.expel("rto/safe", lambda: CircuitOpen("rto/safe", 5.0))
    await asyncio.wait([waiting])
    assert bulkhead.rate._tokens == before
    await hog


@virtual_time
async def test_a_deadline_already_over_takes_no_token_and_no_place():
    bulkhead = bulkhead_of(Policy(max_concurrency=1, max_waiting=1, max_rps=1e6))
    await enter(bulkhead)
    with pytest.raises(DeadlinePassed):
        await visit(bulkhead, 0, deadline_s=0.0)
    assert (bulkhead.talking, bulkhead.waiting) == (1, 0)


def taken(rate, clock, share, seconds):
    count = 0
    for _ in range(int(seconds * 100)):
        count += rate.take_now(share)
        clock.advance(0.01)
    return count


def test_the_sum_poured_out_is_the_agreed_rate_whoever_asks():
    for asking in (SHARES, ("interactive",), ("polling",)):
        clock = ManualClock()
        rate = Rate(Policy(max_rps=5.0), clock)
        total = 0
        for _ in range(6000):
            total += sum(rate.take_now(share) for share in asking)
            clock.advance(0.01)
        assert 290 <= total <= 300 + 8, asking


def test_a_flood_of_polling_takes_nothing_from_the_people_who_wait():
    clock = ManualClock()
    rate = Rate(Policy(max_rps=10.0), clock)
    served = 0
    for tick in range(6000):
        while rate.take_now("polling"):
            pass
        if tick % 20 == 0:  # five people a second, of seven
            served += rate.take_now("interactive")
        clock.advance(0.01)
    assert served == 300


def test_a_reserved_token_that_is_given_back_is_there_for_the_next():
    clock = ManualClock()
    rate = Rate(Policy(max_rps=5.0), clock)
    while rate.take_now("settling"):
        pass
    at = rate.reserve("settling")
    assert at > clock.monotonic()
    rate.give_back("settling", at)
    assert rate.reserve("settling") == pytest.approx(at)


def busiest_second(starts):
    """The most calls begun in any one second."""
    return max(sum(1 for other in starts if at <= other < at + 1.0) for at in starts)


@pytest.mark.parametrize("max_rps", [1.0, 2.5, 5.0, 50.0])
def test_in_no_second_more_calls_begin_than_agreed_whatever_was_saved_up(max_rps):
    clock = ManualClock()
    rate = Rate(Policy(max_rps=max_rps), clock)
    starts, chance = [], SeededChance(7)
    for _ in range(20_000):
        share = SHARES[int(chance.random() * 3)]
        if rate.take_now(share):
            starts.append(clock.monotonic())
        clock.advance(0.005 if chance.random() < 0.99 else 3.0)
    assert busiest_second(starts) <= int(max_rps)


def test_the_control_token_buckets_alone_let_a_burst_through():
    """What stood here before: half a second saved up in each share and in the pool, on top of the rate."""
    rate, tokens = 10.0, {"interactive": 3.5, "settling": 1.0, "polling": 1.0, "common": 5.0}
    assert sum(int(saved) for saved in tokens.values()) + rate > rate


def test_promised_starts_count_too_and_one_given_back_makes_room():
    clock = ManualClock()
    rate = Rate(Policy(max_rps=2.0), clock)
    promised = [rate.reserve("interactive") for _ in range(6)]
    assert busiest_second(promised) <= 2
    assert promised == sorted(promised)
    assert not rate.take_now("settling")
    for at in promised[2:]:
        rate.give_back("interactive", at)
    clock.advance(1.0)
    assert rate.take_now("settling")


def test_below_one_a_second_calls_are_that_far_apart():
    clock = ManualClock()
    rate = Rate(Policy(max_rps=0.25), clock)
    starts = []
    for _ in range(4000):
        if rate.take_now("interactive"):
            starts.append(clock.monotonic())
        clock.advance(0.05)
    assert min(after - before for before, after in itertools.pairwise(starts)) >= 4.0
