"""What pybreaker does by itself (the controls, PB-1 to PB-12), and the same trap behind our guard."""

import asyncio
import contextlib
from abc import ABC
from dataclasses import replace

import pybreaker
import pytest
from breaker_turns import POLICY, bare_half_open, fail, half_opened, late_failures, succeed, tripped
from virtual_city import virtual_time

from aggregator.resilience.breaker import CLOSED, HALF_OPEN, OPEN, Breaker
from aggregator.sdk.clock import SeededChance
from aggregator.sdk.errors import (
    CircuitOpen,
    OutcomeUnknown,
    Unavailable,
)


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
