"""A city in virtual time: an event loop whose clock jumps to the next timer, and the parts its tests share."""

import asyncio
import functools
import heapq
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from aggregator.resilience.pipeline import Guarded, NullMeter
from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import Class, operation, operations_of
from aggregator.sdk.clock import SeededChance
from aggregator.sdk.model import Order, Receipt

START = datetime(2026, 1, 15, 4, 30, tzinfo=UTC)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Nothing waits: when there is nothing to do now, it is at once the time of the next timer."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        super().__init__()

    def time(self) -> float:
        return self.now_s

    def _run_once(self) -> None:
        timers: list[Any] = self._scheduled
        while timers and timers[0]._cancelled:
            self._timer_cancelled_count -= 1
            heapq.heappop(timers)._scheduled = False
        if not self._ready and timers:
            self.now_s = max(self.now_s, timers[0]._when)
        elif not self._ready and not self._stopping:
            raise RuntimeError("everybody waits and no timer runs")
        super()._run_once()


def virtual_time(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Runs a coroutine test in virtual time, as an ordinary function to pytest."""

    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test(**fixtures))

    return run


class LoopClock:
    """The loop's own time."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic() - 1000.0)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


ORDER = Order("R-1", "transfer_ownership", {"vehicle": "OD02AB1234"})
FAST = Policy(max_rps=1e6, max_concurrency=1000, max_waiting=1000, breaker_trials=1)


class Counter:
    """A meter that remembers."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.gauges: dict[str, float] = {}

    def called(self, agency: str, operation: str, outcome: str, seconds: float) -> None:
        self.calls.append((operation, outcome))

    def gauge(self, name: str, agency: str, value: float) -> None:
        self.gauges[name] = value


class Office:
    """A driver whose behaviour a test sets: `on_track` and `on_submit` are what the agency does."""

    def __init__(self) -> None:
        self.tracked = self.submitted = 0
        self.on_track: Callable[[Order], Awaitable[Any]] = self._fine
        self.on_submit: Callable[[Order], Awaitable[Any]] = self._receipt

    @operation(Class.SAFE, timeout_s=5.0, fresh_s=30.0)
    async def track(self, order: Order) -> Any:
        self.tracked += 1
        return await self.on_track(order)

    @operation(Class.SAFE, timeout_s=5.0)
    async def lookup(self, order: Order) -> Any:
        self.tracked += 1
        return await self.on_track(order)

    @operation(Class.QUERYABLE, timeout_s=5.0, max_apply_delay_s=60.0)
    async def submit(self, order: Order) -> Any:
        self.submitted += 1
        return await self.on_submit(order)

    async def _fine(self, order: Order) -> Any:
        return {"state": "with the clerk"}

    async def _receipt(self, order: Order) -> Any:
        return Receipt("RTO-1")


def guarded(office: object, policy: Policy = FAST, **parts: Any) -> Guarded:
    parts = {"clock": LoopClock(), "chance": SeededChance(7), "meter": NullMeter()} | parts
    return Guarded("rto", office, operations_of(type(office)), policy, **parts)


def raising(error: BaseException) -> Callable[[Order], Awaitable[Any]]:
    async def agency(order: Order) -> Any:
        raise error

    return agency


def answering(value: Any, after_s: float = 0.0) -> Callable[[Order], Awaitable[Any]]:
    async def agency(order: Order) -> Any:
        await asyncio.sleep(after_s)
        return value

    return agency
