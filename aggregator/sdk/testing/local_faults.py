"""Faults that are ours: a full house, an open breaker, no time left, a caller who has gone. The agency did nothing.

Each is played with the driver at the end of a line that swallows requests, so that what is counted as "not sent"
is seen by the other side too: not one request more may come down the line.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from aggregator.sdk.clock import SystemClock
from aggregator.sdk.testing.cells import HASTY_S, SLOWER, Bench, Cell
from aggregator.sdk.testing.conformance import Noting
from aggregator.sdk.testing.faults40 import FAULTS, From, Variant
from aggregator.sdk.testing.proxy import Proxy
from aggregator.sdk.testing.pulse import Pulse

_LONG_S = 20.0


@dataclass(frozen=True, slots=True)
class _Scene:
    """One operation of one driver on a line, before anything has happened."""

    bench: Bench
    operation: str
    driver: Any
    proxy: Proxy

    def guard(self, deadline_s: float, **limits: int) -> Any:
        declared = replace(self.bench.candidate.operations[self.operation], timeout_s=_LONG_S)
        return self.bench.guard(self.driver, {self.operation: declared}, deadline_s=deadline_s, **limits)

    async def ask(self, guard: Any, deadline_s: float) -> tuple[str, Noting]:
        trail = Noting(self.bench.candidate.operations[self.operation].volatile_fields)
        order = self.bench.order(self.operation)
        return await self.bench.ask(guard, self.operation, order, trail, deadline_s), trail

    async def on_the_line(self, asked: "asyncio.Task[Any]") -> None:
        """Until its request has come down the line, or it ended without one."""
        coming = asyncio.create_task(self.proxy.came.wait())
        await asyncio.wait({asked, coming}, return_when=asyncio.FIRST_COMPLETED)
        coming.cancel()

    async def beside_a_hanging_one(self, guard: Any) -> str:
        """How a second call ends while the agency keeps the first one waiting."""
        first = asyncio.create_task(self.ask(guard, _LONG_S))
        try:
            await self.on_the_line(first)
            got, _ = await self.ask(guard, HASTY_S)
        finally:
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
        return got


async def _breaker_open(scene: _Scene) -> str:
    guard = scene.guard(_LONG_S, fail_max=1)
    await scene.ask(guard, _LONG_S)  # a reset comes at once; a hasty call might give up before it was sent
    return (await scene.ask(guard, HASTY_S))[0]


async def _bulkhead_full(scene: _Scene) -> str:
    return await scene.beside_a_hanging_one(scene.guard(_LONG_S, places=1, waiting=0))


async def _no_free_connection(scene: _Scene) -> str:
    return await scene.beside_a_hanging_one(scene.guard(_LONG_S))


async def _deadline_gone(scene: _Scene) -> str:
    return (await scene.ask(scene.guard(HASTY_S), 0.0))[0]


async def _cancelled(scene: _Scene) -> str:
    asked = asyncio.create_task(scene.ask(scene.guard(_LONG_S), _LONG_S))
    await scene.on_the_line(asked)
    asked.cancel()
    got, trail = await asked
    if scene.bench.reads(scene.operation):
        return got
    # The row was written before the first byte: whoever comes after the caller knows that there is a doubt.
    return got if trail.request_sha256 and trail.sent == "maybe" else "cancelled without a trace"


async def _deadline_after_the_first_byte(scene: _Scene) -> str:
    return (await scene.ask(scene.guard(HASTY_S), HASTY_S))[0]


_CONDITIONS: dict[str, tuple[Callable[[_Scene], Awaitable[str]], str, int]] = {
    # how it is played, the line it is played on, how many requests may come down that line
    "breaker_open": (_breaker_open, "reset", 1),
    "bulkhead_full": (_bulkhead_full, "swallow", 1),
    "no_free_connection": (_no_free_connection, "swallow", 1),
    "deadline_gone": (_deadline_gone, "swallow", 0),
    "cancelled": (_cancelled, "swallow", 1),
    "deadline_after_the_first_byte": (_deadline_after_the_first_byte, "swallow", 1),
}


async def local_faults(bench: Bench, operation: str) -> list[Cell]:
    """Every fault of our own against this operation."""
    todo = [(fault.id, how) for fault in FAULTS.values() for how in fault.variants if how.made is From.LOCAL]
    return list(await asyncio.gather(*(_cell(bench, operation, fault, variant) for fault, variant in todo)))


async def _cell(bench: Bench, operation: str, fault: str, variant: Variant) -> Cell:
    """Once more where the machine was so busy that the fault was not met."""
    for _ in SLOWER:
        cell, met = await _played(bench, operation, fault, variant)
        if met:
            break
    return cell


async def _played(bench: Bench, operation: str, fault: str, variant: Variant) -> tuple[Cell, bool]:
    """The cell, and whether what had to come down the line first did."""
    play, line, most = _CONDITIONS[variant.how]
    few = 1 if variant.how == "no_free_connection" else 8
    limit_s = HASTY_S if few == 1 else _LONG_S
    on_line = replace(variant, how=line)
    clock = SystemClock()
    async with bench.line(on_line, operation, limit_s * 2, connections=few) as (driver, proxy):
        assert proxy is not None  # noqa: S101 - both lines are proxies
        async with Pulse() as pulse:
            began = clock.monotonic()
            got = await play(_Scene(bench, operation, driver, proxy))
            took_s = clock.monotonic() - began
        if proxy.arrived > most:
            got = f"{proxy.arrived} requests on the line, {most} allowed"
    allowed = bench.allowed(variant, operation)
    cell = Cell(fault, variant.how, operation, got, allowed, took_s, HASTY_S * 2, pulse.late_s)
    return cell, proxy.arrived >= most
