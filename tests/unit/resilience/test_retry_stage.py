"""Repeating: what tenacity does by itself (the controls), and what our stage makes of it."""

import asyncio
from dataclasses import replace

import pytest
import tenacity
from virtual_city import LoopClock, virtual_time

from aggregator.resilience.deadline import Deadline
from aggregator.resilience.policy import Policy
from aggregator.resilience.rate import Rate
from aggregator.resilience.retry import Retry, RetryBudget
from aggregator.sdk.clock import ManualClock, SeededChance
from aggregator.sdk.errors import CircuitOpen, ContractBroken, OutcomeUnknown, Refused, Unavailable

POLICY = Policy(max_rps=1e6)


class Agency:
    """Answers in turn; an exception is raised, anything else returned."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked_at = []

    async def __call__(self):
        self.asked_at.append(asyncio.get_running_loop().time())
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def retry_of(policy=POLICY):
    clock = LoopClock()
    return Retry(policy, Rate(policy, clock), clock=clock, chance=SeededChance(5))


async def after(failure, agency, *, deadline_s=20.0, policy=POLICY):
    retry = retry_of(policy)
    return await retry.after(failure, agency, Deadline(LoopClock(), deadline_s), "interactive")


@virtual_time
async def test_a_failed_read_is_asked_again_and_answers():
    assert await after(Unavailable("away"), Agency(OutcomeUnknown("silent"), "found")) == "found"


@virtual_time
async def test_r9_the_first_failure_counts_as_attempt_one_of_three():
    agency = Agency(*[Unavailable("away")] * 9)
    with pytest.raises(Unavailable):
        await after(Unavailable("away"), agency)
    assert len(agency.asked_at) == 2


@virtual_time
async def test_tn1_control_a_catch_all_predicate_survives_cancellation():
    calls = 0

    @tenacity.retry(retry=tenacity.retry_if_exception(lambda _: True), stop=tenacity.stop_after_attempt(2))
    async def call():
        nonlocal calls
        calls += 1
        if calls == 1:
            await asyncio.sleep(10)
        return "survived"

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()
    assert await task == "survived"


@virtual_time
async def test_tn1_a_cancelled_caller_is_cancelled_in_an_attempt_and_between_two():
    async def slow():
        await asyncio.sleep(10)

    for wait_s in (0.01, 1.0):  # in the back-off; in the attempt
        task = asyncio.create_task(after(Unavailable("away"), slow))
        await asyncio.sleep(wait_s)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


@virtual_time
async def test_tn2_control_stop_after_delay_sleeps_past_the_end():
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    with pytest.raises(Unavailable):
        await tenacity.AsyncRetrying(
            stop=tenacity.stop_after_delay(0.3) | tenacity.stop_after_attempt(2),
            wait=tenacity.wait_fixed(1.0),
            sleep=sleep,
            reraise=True,
        )(Agency(Unavailable("a"), Unavailable("b")))
    assert slept == [1.0]


@virtual_time
async def test_tn2_a_retry_after_beyond_the_deadline_is_not_waited_for():
    agency, began = Agency("too late"), asyncio.get_running_loop().time()
    with pytest.raises(Unavailable) as caught:
        await after(Unavailable("busy", retry_after_s=10.0), agency, deadline_s=0.3)
    assert caught.value.retry_after_s == 10.0
    assert (agency.asked_at, asyncio.get_running_loop().time()) == ([], began)


@virtual_time
async def test_a_retry_after_within_the_deadline_is_honoured():
    agency, began = Agency("found"), asyncio.get_running_loop().time()
    assert await after(Unavailable("busy", retry_after_s=3.0), agency) == "found"
    assert agency.asked_at[0] - began >= 3.0


@virtual_time
async def test_throttled_without_a_hint_waits_as_long_as_we_ever_do():
    agency, began = Agency("found"), asyncio.get_running_loop().time()
    await after(Unavailable("429", throttled=True), agency)
    assert agency.asked_at[0] - began >= POLICY.retry_wait_max_s


@virtual_time
async def test_tn3_control_without_a_budget_every_caller_multiplies_the_load():
    sent = 0

    async def agency():
        nonlocal sent
        sent += 1
        raise Unavailable("away")

    for _ in range(100):
        with pytest.raises(Unavailable):
            await tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(3), reraise=True)(agency)
    assert sent == 300


@virtual_time
async def test_tn3_retries_are_a_tenth_of_the_calls_and_a_trickle_where_there_are_few():
    retry, sent, logical = retry_of(), 0, 0

    async def agency():
        nonlocal sent
        sent += 1
        raise Unavailable("away")

    async def call():
        nonlocal sent, logical
        sent += 1
        logical += 1
        retry.budget.called()
        with pytest.raises(Unavailable):
            await retry.after(Unavailable("away"), agency, Deadline(LoopClock(), 20), "interactive")

    for _ in range(1000):  # the floor's first tokens are used up
        await call()
    sent = logical = 0
    for _ in range(1000):
        await call()
        await asyncio.sleep(0.1)
    assert sent <= 1.10 * logical + 1  # one token may be left from before
    await asyncio.sleep(60)
    sent = logical = 0
    await call()
    assert sent == 3  # one call a minute may be repeated


def test_the_budget_earns_the_larger_of_its_part_and_its_floor():
    clock = ManualClock()
    budget = RetryBudget(replace(POLICY, retry_budget_floor_per_min=0), clock)
    assert budget.allows()
    budget.spend()
    clock.advance(3600)
    assert not budget.allows()
    for _ in range(10):
        budget.called()
    assert budget.allows()


@virtual_time
async def test_tn4_control_circuit_open_hides_the_attempt_that_was_made():
    with pytest.raises(CircuitOpen):
        await tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(Unavailable), stop=tenacity.stop_after_attempt(3), reraise=True
        )(Agency(Unavailable("it was asked"), CircuitOpen("rto")))


@virtual_time
async def test_tn4_after_a_real_attempt_its_error_is_what_the_caller_hears():
    second = OutcomeUnknown("asked again")
    with pytest.raises(OutcomeUnknown) as caught:
        await after(Unavailable("asked"), Agency(second, CircuitOpen("rto")))
    assert caught.value is second


@virtual_time
async def test_tn5_control_fixed_waits_bring_everybody_back_together():
    fixed = tenacity.wait_fixed(1)
    state = tenacity.RetryCallState(tenacity.AsyncRetrying(), None, (), {})
    assert len({fixed(state) for _ in range(50)}) == 1


@virtual_time
async def test_tn5_fifty_callers_come_back_at_fifty_moments_and_none_at_once():
    retry, began, agency = retry_of(), asyncio.get_running_loop().time(), Agency(*["found"] * 50)
    retry.budget._tokens = retry.budget._full = 1000.0
    calls = [retry.after(Unavailable("away"), agency, Deadline(LoopClock(), 20), "interactive") for _ in range(50)]
    await asyncio.gather(*calls)
    waits = [at - began for at in agency.asked_at]
    assert len(set(waits)) == 50
    assert min(waits) >= POLICY.retry_wait_min_s


def test_tn6_control_a_timeout_is_an_oserror():
    assert issubclass(TimeoutError, OSError)


@virtual_time
@pytest.mark.parametrize("final", [Refused("E1"), ContractBroken("shape", too_big=True), TimeoutError(), KeyError("x")])
async def test_tn6_only_our_own_two_classes_are_repeated(final):
    agency = Agency(final, "never asked for")
    with pytest.raises(type(final)):
        await after(Unavailable("away"), agency)
    assert len(agency.asked_at) == 1


@virtual_time
async def test_r9_control_two_layers_that_repeat_make_nine():
    agency = Agency(*[Unavailable("away")] * 9)
    inner = tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(3), reraise=True)
    outer = tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(3), reraise=True)

    async def once():
        return await inner(agency)

    with pytest.raises(Unavailable):
        await outer(once)
    assert len(agency.asked_at) == 9
