"""The guard's own rules: what is an outage, when a circuit opens, how long it stays so (figure R8)."""

import asyncio
import contextlib
from dataclasses import replace

import pytest
from breaker_turns import POLICY, fail, half_opened, late_failures, succeed, tripped
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_city import virtual_time

from aggregator.resilience.breaker import CLOSED, HALF_OPEN, OPEN, Breaker, BreakerChange, verdict_on
from aggregator.sdk.clock import ManualClock, SeededChance
from aggregator.sdk.errors import (
    CircuitOpen,
    ContractBroken,
    Misconfigured,
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from aggregator.sdk.wire import Sent, WireError


@pytest.mark.parametrize(
    "error",
    [
        Refused("E17"),
        Unavailable("too fast", throttled=True),
        Misconfigured("api_key"),
        ContractBroken("a field is missing"),
        KeyError("status"),
        asyncio.CancelledError(),
        GeneratorExit(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_no_outage_never_opens_the_circuit(breaker, error):
    for _ in range(500):
        with pytest.raises(type(error)), breaker.guard():
            raise error
    assert breaker.state == CLOSED


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("away"),
        OutcomeUnknown("silent"),
        ContractBroken("HTML", garbled=True),
        TimeoutError(),
        WireError(Sent.MAYBE, "ServerDisconnectedError"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_outage_opens_the_circuit(breaker, error):
    for _ in range(3):
        with pytest.raises(type(error)), breaker.guard():
            raise error
    assert breaker.state == OPEN


def test_a_refusal_between_outages_is_a_sign_of_life(breaker, clock):
    for _ in range(4):
        fail(breaker)
        fail(breaker)
        with pytest.raises(Refused), breaker.guard():
            raise Refused("E17")
        clock.advance(11)  # the rate rule has its own test
    assert breaker.state == CLOSED


@virtual_time
async def test_a_timeout_inside_is_a_failure_and_a_deadline_outside_is_not(clock):
    breaker = Breaker("rto", replace(POLICY, breaker_fail_max=1), clock=clock, chance=SeededChance(1))

    async def outside():
        async with asyncio.timeout(1):
            with breaker.guard():
                await asyncio.sleep(10)

    async def inside():
        with breaker.guard():
            async with asyncio.timeout(1):
                await asyncio.sleep(10)

    with pytest.raises(TimeoutError):
        await outside()
    assert breaker.state == CLOSED
    with pytest.raises(TimeoutError):
        await inside()
    assert breaker.state == OPEN


def test_r8_opens_within_a_second_once_half_of_ten_calls_fail(clock):
    breaker = Breaker("rto", replace(POLICY, breaker_fail_max=100), clock=clock, chance=SeededChance(1))
    for _ in range(40):
        succeed(breaker)
        clock.advance(0.25)  # ten healthy seconds
    clock.advance(10)  # a quiet spell
    began = clock.monotonic()
    while breaker.state == CLOSED:
        fail(breaker)
        if breaker.state == CLOSED:
            succeed(breaker)
        clock.advance(0.05)
    assert clock.monotonic() - began <= 1.0


def test_r8_fewer_calls_than_the_window_wants_open_nothing(clock):
    breaker = Breaker("rto", replace(POLICY, breaker_fail_max=100), clock=clock, chance=SeededChance(1))
    for _ in range(99):
        fail(breaker)
        clock.advance(2.0)  # five in ten seconds
    assert breaker.state == CLOSED


def test_a_recovered_agency_is_not_judged_by_the_calls_before_its_outage(clock):
    policy = replace(POLICY, breaker_fail_max=100, breaker_window_s=60.0)
    breaker = Breaker("rto", policy, clock=clock, chance=SeededChance(1))
    for _ in range(5):
        succeed(breaker)
        fail(breaker)
    assert breaker.state == OPEN
    clock.advance(breaker.retry_after_s())
    succeed(breaker)
    fail(breaker)
    assert breaker.state == CLOSED


def test_r8_slow_answers_open_the_circuit_too(clock):
    breaker = Breaker(
        "rto", replace(POLICY, slow_call_s=3.0, breaker_window_s=60.0), clock=clock, chance=SeededChance(1)
    )
    for _ in range(10):
        assert breaker.state == CLOSED
        with breaker.guard():
            clock.advance(4.0)
    assert breaker.state == OPEN


def test_reopening_takes_twice_as_long_each_time_up_to_the_cap_and_starts_anew_after_a_recovery(breaker, clock):
    periods = []
    tripped(breaker)
    for _ in range(10):
        periods.append(breaker.retry_after_s())
        clock.advance(periods[-1])
        fail(breaker)
    for n, period in enumerate(periods):
        whole = min(5.0 * 2**n, 300.0)
        assert 0.8 * whole <= period <= whole
    assert len({round(period / min(5.0 * 2**n, 300.0), 6) for n, period in enumerate(periods)}) > 1
    clock.advance(breaker.retry_after_s())
    succeed(breaker)
    tripped(breaker)
    assert breaker.retry_after_s() <= 5.0


def test_every_turn_of_the_circuit_is_told_once_with_its_cause(clock):
    told: list[BreakerChange] = []
    breaker = Breaker("rto/safe", POLICY, clock=clock, chance=SeededChance(1), on_change=told.append)
    half_opened(breaker, clock)
    succeed(breaker)
    assert [(change.before, change.after) for change in told] == [
        (CLOSED, OPEN),
        (OPEN, HALF_OPEN),
        (HALF_OPEN, CLOSED),
    ]
    assert [change.why for change in told] == ["Unavailable", "", ""]
    assert 4.0 <= told[0].retry_after_s <= 5.0
    assert (told[0].at, told[2].at) == (ManualClock().now(), clock.now())


def test_r8_a_flapping_agency_is_tried_ever_more_seldom(breaker, clock):
    began, trials = clock.monotonic(), 0
    tripped(breaker)
    while clock.monotonic() - began < 3600:
        clock.advance(breaker.retry_after_s() + 0.001)
        fail(breaker)
        trials += 1
    assert trials <= 3600 / 240 + 8


STEPS = st.lists(
    st.tuples(st.sampled_from(["enter", "ok", "fail", "neutral", "cancel"]), st.integers(0, 7)), max_size=80
)


@settings(max_examples=200, deadline=None)
@given(STEPS, st.integers(1, 3))
def test_a_random_storm_with_cancellations_leaves_no_slot_taken(steps, trials):
    clock = ManualClock()
    breaker = Breaker("rto", replace(POLICY, breaker_trials=trials), clock=clock, chance=SeededChance(3))
    inside = []
    ends = {
        "ok": None,
        "fail": Unavailable("away"),
        "neutral": Misconfigured("key"),
        "cancel": asyncio.CancelledError(),
    }
    for step, number in steps:
        clock.advance(number)
        if step == "enter":
            with contextlib.suppress(CircuitOpen):
                inside += late_failures(breaker.guard, 1)
        elif inside:
            error = ends[step]
            inside.pop(number % len(inside)).__exit__(type(error) if error else None, error, None)
        assert 0 <= breaker.trials_in <= trials
    for guard in inside:
        guard.__exit__(asyncio.CancelledError, asyncio.CancelledError(), None)
    assert breaker.trials_in == 0


def test_the_verdicts_are_those_of_the_protocol_page():
    assert verdict_on(None).value == "ok"
    assert verdict_on(Refused("E1")).value == "ok"
    assert verdict_on(Unavailable("x")).value == "failed"
    assert verdict_on(Unavailable("x", throttled=True)).value == "neutral"
    assert verdict_on(CircuitOpen("x")).value == "neutral"
