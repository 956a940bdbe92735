"""Figures R8 and R9 in numbers: the breaker and the one layer that repeats, each beside what people use instead.

The short proofs of each rule are in test_breaker_guard.py, test_guarded_by_breaker.py and
test_guarded_repeats.py; here they are played often, in virtual time, and counted.
"""

import asyncio
import contextlib
from dataclasses import replace

import pybreaker
import pytest
import tenacity
from figures import Figure, sized
from virtual_city import FAST, ORDER, LoopClock, Office, guarded, raising, virtual_time

from aggregator.resilience.breaker import CLOSED, OPEN, Breaker
from aggregator.resilience.policy import Policy
from aggregator.sdk.clock import ManualClock, SeededChance
from aggregator.sdk.errors import AgencyError, CircuitOpen, NotAttempted, OutcomeUnknown, Refused, Unavailable
from aggregator.sdk.wire import Trail

CALLERS = 1000
POLICY = Policy(breaker_fail_max=3, breaker_trials=3)


def breaker_of(clock: ManualClock, seed: int, **limits: float) -> Breaker:
    return Breaker("rto/safe", replace(POLICY, **limits), clock=clock, chance=SeededChance(seed))


async def passing(guard: object) -> int:
    """How many of a thousand callers at once get through while the agency is still away."""
    passed = 0

    async def caller() -> None:
        nonlocal passed
        with contextlib.suppress(CircuitOpen, Unavailable, pybreaker.CircuitBreakerError), guard():
            passed += 1
            await asyncio.sleep(1)
            raise Unavailable("still away")

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return passed


@pytest.mark.slow
@pytest.mark.figure("R8")
@virtual_time
async def test_r8_the_bare_library_lets_a_crowd_through_and_loses_the_error(figure: Figure) -> None:
    bare = pybreaker.CircuitBreaker(fail_max=1)
    with pytest.raises(pybreaker.CircuitBreakerError), bare.calling():
        raise OutcomeUnknown("it was sent")
    bare.half_open()
    crowd = await passing(bare.calling)
    closing = pybreaker.CircuitBreaker(fail_max=1, exclude=[asyncio.CancelledError])
    closing.half_open()
    with contextlib.suppress(asyncio.CancelledError), closing.calling():
        raise asyncio.CancelledError
    assert (crowd, closing.current_state) == (CALLERS, "closed")
    figure.control(
        f"bare `calling()`: {crowd} of {CALLERS} pass half-open, the tripping error is replaced, a cancelled trial"
        " closes the circuit"
    )


@pytest.mark.slow
@pytest.mark.figure("R8")
@virtual_time
async def test_r8_the_guard_lets_three_trials_through_and_counts_outages_only(figure: Figure) -> None:
    rounds, most, slowest_s, kept, flaps = sized(50, 2_000), 0, 0.0, 0, 0
    for seed in range(rounds):
        slowest_s = max(slowest_s, opens_after_s(seed))
        clock = ManualClock()
        breaker = breaker_of(clock, seed)
        kept += sum(keeps_its_error(breaker) for _ in range(3))
        for _flap in range(3):
            assert breaker.state == OPEN
            clock.advance(breaker.retry_after_s())
            most = max(most, await passing(breaker.guard))
            flaps += 1
        assert undisturbed(seed)
        assert late_answers_are_ignored(seed)
    assert most <= 3
    assert slowest_s <= 1.0
    assert kept == 3 * rounds
    figure.measured(
        f"opens {slowest_s:.2f} s after half of ten calls fail; {most} of {CALLERS} pass half-open in {flaps} flaps;"
        f" {kept} of {3 * rounds} errors kept; {rounds} x 500 refusals and 500 cancellations open nothing, late answers"
        " change nothing",
        seeds=f"0-{rounds - 1}",
    )


def opens_after_s(seed: int) -> float:
    """From a quiet spell on, every second call fails."""
    clock = ManualClock()
    breaker = breaker_of(clock, seed, breaker_fail_max=100)
    began = clock.monotonic()
    while breaker.state == CLOSED:
        keeps_its_error(breaker)
        if breaker.state == CLOSED:
            with breaker.guard():
                pass
        clock.advance(0.05)
    return clock.monotonic() - began


def keeps_its_error(breaker: Breaker) -> bool:
    mine = OutcomeUnknown("sent, no answer")
    try:
        with breaker.guard():
            raise mine
    except OutcomeUnknown as caught:
        return caught is mine


def undisturbed(seed: int) -> bool:
    breaker = breaker_of(ManualClock(), seed)
    for error in (Refused("E17"), asyncio.CancelledError()):
        for _ in range(500):
            with contextlib.suppress(type(error)), breaker.guard():
                raise error
    return breaker.state == CLOSED


def late_answers_are_ignored(seed: int) -> bool:
    """Ten calls of before the outage fail after the recovery."""
    clock = ManualClock()
    breaker = breaker_of(clock, seed, breaker_trials=1)
    late = [breaker.guard() for _ in range(10)]
    for guard in late:
        guard.__enter__()
    while breaker.state != OPEN:
        keeps_its_error(breaker)
    clock.advance(breaker.retry_after_s())
    with breaker.guard():
        pass
    for guard in late:
        guard.__exit__(Unavailable, Unavailable("late"), None)
    return breaker.state == CLOSED


async def asked(office: Office, calls: int) -> int:
    """So many reads, ten a second, cached nothing, once the budget's first tokens are spent; how many were answered."""
    rto, good = guarded(office, FAST), 0
    for nth in range(1_000 + calls):
        if nth == 1_000:
            office.tracked = good = 0
        with contextlib.suppress(AgencyError, NotAttempted):
            await rto.read("lookup", ORDER, cached=False)
            good += 1
        await asyncio.sleep(0.1)
    return good


@pytest.mark.slow
@pytest.mark.figure("R9")
@virtual_time
async def test_r9_tenacity_everywhere_multiplies_what_an_agency_hears(figure: Figure) -> None:
    heard = 0

    async def agency() -> None:
        nonlocal heard
        heard += 1
        raise Unavailable("503")

    def layer() -> tenacity.AsyncRetrying:
        return tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(3), reraise=True)

    async def driver() -> None:
        await layer()(agency)

    for _ in range(CALLERS):
        with pytest.raises(Unavailable):
            await layer()(driver)
    assert heard == 9 * CALLERS
    figure.control(f"tenacity in the driver and around it: {heard / CALLERS:.0f} requests for each that was asked")


@pytest.mark.slow
@pytest.mark.figure("R9")
@virtual_time
async def test_r9_one_layer_repeats_within_its_budget(figure: Figure) -> None:
    calls = sized(2_000, 20_000)
    down = Office()
    down.on_track = raising(Unavailable("503"))
    assert await asked(down, calls) == 0
    flaky, turn = Office(), 0

    async def agency(order: object) -> str:
        nonlocal turn
        turn += 1
        if turn % 10 in {2, 5, 8}:
            raise Unavailable("503")
        return "found"

    flaky.on_track = agency
    good = await asked(flaky, calls)
    amplified = (down.tracked / calls, flaky.tracked / calls)
    assert max(amplified) <= 1.10 + 1 / calls
    assert good >= 0.7 * calls
    attempts, left_s = await one_call_of(Unavailable("slow and away"))
    assert attempts <= 3
    assert left_s[-1] < left_s[0]
    assert await halted_before_the_next_send()
    figure.measured(
        f"{calls} reads each: {amplified[0]:.2f} requests per read at 100 % 503, {amplified[1]:.2f} at 30 %; at most"
        f" {attempts} attempts, with {left_s[0]:.1f} and at last {left_s[-1]:.1f} s; halted before the next send"
    )


async def one_call_of(error: AgencyError) -> tuple[int, list[float]]:
    """How often one impatient read is tried, and how long each attempt is given."""
    office, given = Office(), []
    loop = asyncio.get_running_loop()

    async def agency(order: object) -> None:
        began = loop.time()
        try:
            await asyncio.sleep(3.0)
            raise error
        finally:
            given.append(loop.time() - began)

    office.on_track = agency
    with pytest.raises(AgencyError):
        await guarded(office, clock=LoopClock()).read("lookup", ORDER, cached=False, deadline_s=7.0)
    return len(given), given


async def halted_before_the_next_send() -> bool:
    office = Office()
    rto = guarded(office)

    async def agency(order: object) -> None:
        rto.halt("the agency asked us to stop")
        raise Unavailable("503")

    office.on_track = agency
    with pytest.raises(AgencyError):
        await rto.read("lookup", ORDER, cached=False)
    await rto.attempt("submit", ORDER, Trail())
    return (office.tracked, office.submitted) == (1, 0)
