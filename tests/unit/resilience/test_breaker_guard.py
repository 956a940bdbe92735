"""The breaker: what pybreaker does by itself (the controls), and what our guard makes of it (figure R8)."""

import asyncio
import contextlib
from abc import ABC
from dataclasses import replace

import pybreaker
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_city import virtual_time

from aggregator.resilience.breaker import CLOSED, HALF_OPEN, OPEN, Breaker, BreakerChange, verdict_on
from aggregator.resilience.policy import Policy
from aggregator.sdk.clock import ManualClock, SeededChance
from aggregator.sdk.errors import (
    CircuitOpen,
    ContractBroken,
    Misconfigured,
    OutcomeUnknown,
    Refused,
    Unavailable,
)

POLICY = Policy(breaker_fail_max=3)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def breaker(clock):
    return Breaker("rto/safe", POLICY, clock=clock, chance=SeededChance(1))


def fail(breaker, error=None):
    with contextlib.suppress(Unavailable), breaker.guard():
        raise error or Unavailable("away")


def succeed(breaker):
    with breaker.guard():
        pass


def tripped(breaker):
    while breaker.state != OPEN:
        fail(breaker)


def half_opened(breaker, clock):
    tripped(breaker)
    clock.advance(breaker.retry_after_s())


# --- controls: the library entered directly -------------------------------------------------------------------------


@virtual_time
async def test_pb1_control_a_decorated_coroutine_never_trips():
    bare = pybreaker.CircuitBreaker(fail_max=2)

    @bare
    async def call():
        raise ConnectionError

    for _ in range(5):
        with pytest.raises(ConnectionError):
            await call()
    assert (bare.fail_counter, bare.current_state) == (0, "closed")


@virtual_time
async def test_pb1_behind_our_guard_a_failing_coroutine_trips(breaker):
    async def call():
        await asyncio.sleep(0)
        raise Unavailable("away")

    for _ in range(3):
        with pytest.raises(Unavailable), breaker.guard():
            await call()
    assert breaker.state == OPEN


def test_pb2_control_call_async_needs_tornado():
    with pytest.raises(NameError):
        pybreaker.CircuitBreaker().call_async(lambda: None)()


def bare_half_open(**settings_):
    bare = pybreaker.CircuitBreaker(fail_max=1, **settings_)
    bare.half_open()
    return bare


@virtual_time
async def test_pb3_control_all_of_a_hundred_callers_pass_half_open():
    bare, passed = bare_half_open(success_threshold=200), 0

    async def caller():
        nonlocal passed
        with bare.calling():
            passed += 1
            await asyncio.sleep(0)

    await asyncio.gather(*(caller() for _ in range(100)))
    assert passed == 100


@pytest.mark.parametrize("trials", [1, 3])
@virtual_time
async def test_pb3_of_a_hundred_callers_exactly_the_trials_pass_half_open(clock, trials):
    breaker = Breaker("rto", replace(POLICY, breaker_trials=trials), clock=clock, chance=SeededChance(1))
    half_opened(breaker, clock)
    passed, refused = 0, []

    async def caller():
        nonlocal passed
        try:
            with breaker.guard():
                passed += 1
                await asyncio.sleep(1)
        except CircuitOpen as turned_away:
            refused.append(turned_away.retry_after_s)

    await asyncio.gather(*(caller() for _ in range(100)))
    assert (passed, refused) == (trials, [1.0] * (100 - trials))
    assert breaker.state == CLOSED


@virtual_time
async def test_r8_at_most_three_of_a_thousand_concurrent_callers_pass_half_open(clock):
    breaker = Breaker("rto", replace(POLICY, breaker_trials=3), clock=clock, chance=SeededChance(1))
    half_opened(breaker, clock)
    passed = 0

    async def caller():
        nonlocal passed
        with contextlib.suppress(CircuitOpen, Unavailable), breaker.guard():
            passed += 1
            await asyncio.sleep(1)
            raise Unavailable("still away")

    await asyncio.gather(*(caller() for _ in range(1000)))
    assert passed <= 3
    assert breaker.state == OPEN


def test_pb4_control_the_tripping_call_loses_its_error():
    bare = pybreaker.CircuitBreaker(fail_max=1)
    with pytest.raises(pybreaker.CircuitBreakerError), bare.calling():
        raise OSError("it was sent")


def test_pb4_the_tripping_call_keeps_its_own_error_and_traceback(breaker):
    for _ in range(3):
        mine = OutcomeUnknown("sent, no answer")
        with pytest.raises(OutcomeUnknown) as caught, breaker.guard():
            raise mine
        assert caught.value is mine
        assert not [entry for entry in caught.traceback if "pybreaker" in str(entry.path)]
    assert breaker.state == OPEN


@virtual_time
async def test_pb5_control_a_cancellation_counts_and_is_swallowed_on_the_tripping_call():
    bare = pybreaker.CircuitBreaker(fail_max=1)

    async def caller():
        with bare.calling():
            await asyncio.sleep(10)

    task = asyncio.create_task(caller())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(pybreaker.CircuitBreakerError):
        await task
    assert not task.cancelled()


@virtual_time
async def test_pb5_a_cancelled_call_says_nothing_and_stays_cancelled(clock):
    breaker = Breaker("rto", replace(POLICY, breaker_fail_max=1), clock=clock, chance=SeededChance(1))

    async def caller():
        with breaker.guard():
            await asyncio.sleep(10)

    task = asyncio.create_task(caller())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert breaker.state == CLOSED


@virtual_time
async def test_pb5_a_task_group_reports_only_the_real_error(clock):
    breaker = Breaker("rto", replace(POLICY, breaker_fail_max=1), clock=clock, chance=SeededChance(1))

    async def caller(after_s):
        with breaker.guard():
            await asyncio.sleep(after_s)
            raise Unavailable("away")

    async def together():
        async with asyncio.TaskGroup() as group:
            for after_s in (1, 2, 3):
                group.create_task(caller(after_s))

    with pytest.raises(ExceptionGroup) as caught:
        await together()
    assert [type(error) for error in caught.value.exceptions] == [Unavailable]


@virtual_time
async def test_pb6_control_an_excluded_cancellation_closes_the_circuit():
    bare = bare_half_open(exclude=[asyncio.CancelledError])

    async def caller():
        with bare.calling():
            await asyncio.sleep(10)

    task = asyncio.create_task(caller())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert bare.current_state == "closed"


@virtual_time
async def test_pb6_a_cancelled_trial_is_neutral_and_frees_its_slot(breaker, clock):
    half_opened(breaker, clock)

    async def caller():
        with breaker.guard():
            await asyncio.sleep(10)

    task = asyncio.create_task(caller())
    await asyncio.sleep(0)
    assert (breaker.state, breaker.trials_in) == (HALF_OPEN, 1)
    task.cancel()
    await asyncio.wait([task])
    assert (breaker.state, breaker.trials_in) == (HALF_OPEN, 0)
    succeed(breaker)
    assert breaker.state == CLOSED


def late_failures(circuit_guard, count):
    """Guards entered now, to be failed later."""
    guards = [circuit_guard() for _ in range(count)]
    for guard in guards:
        guard.__enter__()
    return guards


def test_pb7_control_one_straggler_from_before_the_outage_reopens_a_recovered_breaker():
    bare = pybreaker.CircuitBreaker(fail_max=1)
    (straggler,) = late_failures(bare.calling, 1)
    with pytest.raises(pybreaker.CircuitBreakerError), bare.calling():
        raise OSError
    bare.half_open()
    with bare.calling():
        pass
    assert bare.current_state == "closed"
    with pytest.raises(pybreaker.CircuitBreakerError):
        straggler.__exit__(OSError, OSError(), None)
    assert bare.current_state == "open"


def test_pb7_stragglers_neither_prolong_an_outage_nor_reopen_a_recovered_circuit(breaker, clock):
    stragglers = late_failures(breaker.guard, 10)
    tripped(breaker)
    clock.advance(1)
    wait_s = breaker.retry_after_s()
    stragglers.pop().__exit__(Unavailable, Unavailable("late"), None)
    assert breaker.retry_after_s() == wait_s
    clock.advance(wait_s)
    succeed(breaker)
    for late in stragglers:
        late.__exit__(Unavailable, Unavailable("later"), None)
    assert breaker.state == CLOSED


def test_pb7_a_trial_slot_cannot_leak_over_a_change_of_state(clock):
    breaker = Breaker("rto", replace(POLICY, breaker_trials=2), clock=clock, chance=SeededChance(1))
    half_opened(breaker, clock)
    first, second = late_failures(breaker.guard, 2)
    first.__exit__(Unavailable, Unavailable("still away"), None)
    clock.advance(breaker.retry_after_s())
    (third,) = late_failures(breaker.guard, 1)
    second.__exit__(None, None, None)
    assert (breaker.state, breaker.trials_in) == (HALF_OPEN, 1)
    third.__exit__(None, None, None)
    assert (breaker.state, breaker.trials_in) == (CLOSED, 0)


def test_pb8_control_an_excluded_abc_excludes_everything():
    class Polite(ABC, Exception):
        pass

    bare = pybreaker.CircuitBreaker(fail_max=1, exclude=[Polite])
    for _ in range(5):  # the class is called as a predicate, and an instance is always true
        with pytest.raises(ConnectionError), bare.calling():
            raise ConnectionError
    assert bare.current_state == "closed"


def test_pb8_we_exclude_nothing_and_classify_ourselves(breaker):
    assert breaker._circuit.excluded_exceptions == ()


def test_pb10_control_two_failures_in_three_never_open():
    bare = pybreaker.CircuitBreaker(fail_max=3)
    for number in range(200):
        with contextlib.suppress(OSError), bare.calling():
            if number % 3:
                raise OSError
    assert bare.current_state == "closed"


def test_pb10_two_failures_in_three_open_within_the_window(breaker, clock):
    calls = 0
    while breaker.state == CLOSED:
        calls += 1
        assert calls <= 10
        fail(breaker) if calls % 3 else succeed(breaker)
        clock.advance(0.1)
    assert calls == 10


def test_pb12_control_its_open_period_follows_the_wall_clock():
    bare = pybreaker.CircuitBreaker(fail_max=1, reset_timeout=1000)
    bare.open()
    bare._state_storage.opened_at = bare._state_storage.opened_at.replace(year=2020)  # as after the clock was set
    with bare.calling():
        assert bare.current_state == "half-open"


def test_pb12_setting_the_wall_clock_changes_nothing(breaker, clock):
    tripped(breaker)
    wait_s = breaker.retry_after_s()
    clock.jump_wall(10_000)
    assert breaker.retry_after_s() == wait_s
    with pytest.raises(CircuitOpen):
        succeed(breaker)
    clock.advance(wait_s)
    succeed(breaker)


# --- the guard ------------------------------------------------------------------------------------------------------


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
    assert told[0].why == "Unavailable"
    assert 4.0 <= told[0].retry_after_s <= 5.0


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
    assert verdict_on(Unavailable("x", throttled=True)).value == "neutral"
    assert verdict_on(CircuitOpen("x")).value == "neutral"
