"""P5: what stands between the city and a driver costs microseconds, and turning away costs less."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import median

import pybreaker
import pytest
import tenacity
from bench_pairs import Spread, in_process_turns, on_the_servers_loop, ratio
from bench_report import Goal, Report, Row

from aggregator.resilience.pipeline import Guarded, NullMeter
from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import Class, operation, operations_of
from aggregator.sdk.clock import SystemChance, SystemClock
from aggregator.sdk.errors import CircuitOpen, Unavailable
from aggregator.sdk.model import Absent, Order

pytestmark = pytest.mark.bench
CALLS = 5000
ORDER = Order("R-1", "vehicle_record", {"vehicle_number": "OD02AB1234"})
GENEROUS = Policy(max_rps=1e9, max_concurrency=1000, max_waiting=1000)
ANSWER = Absent("none")
Call = Callable[[], Awaitable[object]]


class Office:
    """A driver without an agency. `away` makes every call an outage."""

    away = False

    @operation(Class.SAFE, timeout_s=10)
    async def lookup(self, order: Order) -> Absent:
        if self.away:
            raise Unavailable("away")
        return ANSWER


def guarded(office: Office) -> Call:
    pipeline = Guarded(
        "rto", office, operations_of(Office), GENEROUS, clock=SystemClock(), chance=SystemChance(), meter=NullMeter()
    )
    return lambda: pipeline.read("lookup", ORDER, cached=False)


def usual(office: Office) -> Call:
    """tenacity, pybreaker and a timeout as they are usually put together, traps and all."""
    breaker = pybreaker.CircuitBreaker(fail_max=5, reset_timeout=60)

    @tenacity.retry(
        stop=tenacity.stop_after_attempt(3), retry=tenacity.retry_if_exception_type(Unavailable), reraise=True
    )
    async def call() -> object:
        with breaker.calling():
            async with asyncio.timeout(10):
                return await office.lookup(ORDER)

    return call


class HandWritten:
    """The least that deserves the name: places, a timeout, a count of failures in a row, a time to look again."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._places = asyncio.Semaphore(1000)
        self._failures = 0
        self._open_until = 0.0
        self.calls = 0

    async def __call__(self) -> object:
        if self._open_until > time.monotonic():
            raise CircuitOpen("rto", self._open_until - time.monotonic())
        async with self._places:
            self.calls += 1
            try:
                async with asyncio.timeout(10):
                    got = await self._office.lookup(ORDER)
            except (Unavailable, TimeoutError):
                self._failures += 1
                if self._failures >= 5:
                    self._open_until = time.monotonic() + 60
                raise
        self._failures = 0
        return got


def cost(call: Call) -> Callable[[int], Awaitable[float]]:
    """Microseconds of processor time per call."""

    async def measured(times: int) -> float:
        began = time.process_time()
        for _ in range(times):
            await call()
        return (time.process_time() - began) / times * 1e6

    return measured


def refused(call: Call) -> Call:
    async def turned_away() -> None:
        try:
            await call()
        except (CircuitOpen, Unavailable, pybreaker.CircuitBreakerError):
            return
        pytest.fail("an open circuit let a call through")

    return turned_away


def test_p5_a_guarded_call_beside_a_hand_written_guard_and_the_usual_composition(report: Report):
    office = Office()
    calls = {"bare": lambda: office.lookup(ORDER), "ours": guarded(office), "hand": HandWritten(office)}
    calls["usual"] = usual(office)
    took = on_the_servers_loop(in_process_turns({name: cost(call) for name, call in calls.items()}, times=CALLS))
    added = {name: [us - bare for us, bare in zip(took[name], took["bare"], strict=True)] for name in took}
    ours, hand, theirs = (f"{median(added[name]):.1f} us" for name in ("ours", "hand", "usual"))
    what = "guard around one successful call, added cost"
    deadlines = (
        "a third is the timer of the attempt, which everybody pays; the rest is six readings of the clock, two context "
        "variables, the breaker's window, the rate, the retry budget and the health record, a little each."
    )
    report.add(Row("P5", what, "the goal itself: 8 us", Spread.of([us / 8 for us in added["ours"]]), ours, "8 us",
                   Goal("<= 1x of 8 us", at_most=1.0), deadlines))  # fmt: skip
    report.add(Row("P5", what, "a hand-written guard: places, timeout, failure count",
                   ratio(added["ours"], added["hand"]), ours, hand, Goal("<= 2x", at_most=2.0), deadlines))  # fmt: skip
    report.add(Row("P5", what, "tenacity, pybreaker and timeout as usually written",
                   ratio(added["usual"], added["ours"]), ours, theirs,
                   Goal("theirs >= 1x ours", at_least=1.0), deadlines))  # fmt: skip


def test_p5_turning_away_at_an_open_circuit(report: Report):
    office = Office()
    calls = {"ours": guarded(office), "hand": HandWritten(office), "usual": usual(office)}
    office.away = True

    async def turned_away() -> dict[str, list[float]]:
        for call in calls.values():
            for _ in range(10):
                await refused(call)()  # until its circuit is open
        return await in_process_turns({name: cost(refused(call)) for name, call in calls.items()}, times=CALLS)

    took = on_the_servers_loop(turned_away())
    ours, hand, theirs = (f"{median(took[name]):.1f} us" for name in ("ours", "hand", "usual"))
    what = "turned away at an open circuit, whole call"
    gap = "the check is a comparison; the exception with its two facts, two coroutines and the meter are the rest."
    report.add(Row("P5", what, "the goal itself: 1 us", Spread.of(took["ours"]), ours, "1 us",
                   Goal("<= 1x of 1 us", at_most=1.0), gap))  # fmt: skip
    report.add(Row("P5", what, "a hand-written guard", ratio(took["ours"], took["hand"]), ours, hand,
                   Goal("<= 2x", at_most=2.0), gap))  # fmt: skip
    report.add(Row("P5", what, "tenacity, pybreaker and timeout as usually written", ratio(took["usual"], took["ours"]),
                   ours, theirs, Goal("theirs >= 1x ours", at_least=1.0), gap))  # fmt: skip
