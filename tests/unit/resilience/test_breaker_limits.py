"""At exactly its numbers a circuit does what they say, and it says why it turned (figure R8)."""

from dataclasses import FrozenInstanceError, replace

import pytest
from breaker_turns import POLICY, fail, half_opened, succeed, tripped

from aggregator.resilience.breaker import CLOSED, HALF_OPEN, OPEN, Breaker, BreakerChange
from aggregator.sdk.clock import ManualClock, SeededChance
from aggregator.sdk.errors import CircuitOpen, Unavailable

PATIENT = replace(POLICY, breaker_fail_max=1000, breaker_window_s=60.0)


def breaker_of(policy, clock, told=None):
    return Breaker("rto/safe", policy, clock=clock, chance=SeededChance(1), on_change=told)


def test_a_hundred_failures_of_two_hundred_and_one_open_nothing_and_one_more_does(clock: ManualClock) -> None:
    breaker = breaker_of(PATIENT, clock)
    for _ in range(101):
        succeed(breaker)
    for _ in range(100):
        fail(breaker)
    assert breaker.state == CLOSED
    fail(breaker)
    assert breaker.state == OPEN


@pytest.mark.parametrize(("taken_s", "state"), [(2.875, CLOSED), (3.0, OPEN)])
def test_an_answer_is_slow_from_its_limit_on(clock: ManualClock, taken_s: float, state: str) -> None:
    breaker = breaker_of(replace(PATIENT, slow_call_s=3.0), clock)
    for _ in range(10):
        with breaker.guard():
            clock.advance(taken_s)
    assert breaker.state == state


def test_what_turned_the_circuit_is_told_of_each_turn_anew(clock: ManualClock) -> None:
    told: list[BreakerChange] = []
    breaker = breaker_of(replace(PATIENT, slow_call_s=3.0), clock, told.append)
    for _ in range(10):
        with breaker.guard():
            clock.advance(3.0)
    clock.advance(breaker.retry_after_s())
    succeed(breaker)
    for _ in range(10):
        fail(breaker, TimeoutError())
    assert [(change.after, change.why) for change in told] == [
        (OPEN, "slow"),
        (HALF_OPEN, ""),
        (CLOSED, ""),
        (OPEN, "TimeoutError"),
    ]


def test_a_circuit_that_wants_two_proofs_closes_at_the_second(clock: ManualClock) -> None:
    breaker = breaker_of(replace(POLICY, breaker_success_threshold=2), clock)
    half_opened(breaker, clock)
    succeed(breaker)
    assert breaker.state == HALF_OPEN
    succeed(breaker)
    assert breaker.state == CLOSED


def test_a_caller_who_is_turned_away_hears_which_circuit_is_open(breaker: Breaker) -> None:
    tripped(breaker)
    with pytest.raises(CircuitOpen, match="rto/safe"):
        breaker.check()


def test_a_listener_that_fails_is_not_taken_for_the_agency(clock: ManualClock) -> None:
    def listens(_change: BreakerChange) -> None:
        raise Unavailable("the listener's own store is away")

    breaker = breaker_of(replace(POLICY, breaker_fail_max=1), clock, listens)
    with pytest.raises(Unavailable, match="listener's own"), breaker.guard():
        raise Unavailable("away")


def test_what_was_told_of_a_turn_is_not_rewritten(clock: ManualClock) -> None:
    told: list[BreakerChange] = []
    tripped(breaker_of(POLICY, clock, told.append))
    with pytest.raises(FrozenInstanceError):
        told[0].why = "another"
