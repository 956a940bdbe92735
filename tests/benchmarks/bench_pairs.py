"""Everything is a ratio of two things that took turns in one run; the median of the ratios is what is quoted.

Rates of a shared machine swing threefold within minutes; the ratio of two neighbours in time does not.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeVar

import uvloop
from bench_load import Fired, Fleet, Good, Requests
from bench_process import LOAD_CORE, SERVER_CORE, Peer, on_core

ROUNDS = 9
ROUND_S = 0.5
WARM_S = 2.0
QUIET_SHARE = 0.05
T = TypeVar("T")


@dataclass(frozen=True)
class Spread:
    """The median of some figures with the least and the greatest."""

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> "Spread":
        return cls(median(figures), min(figures), max(figures))


@dataclass(frozen=True)
class Side:
    """One side of a comparison: who is asked, and what."""

    peer: Peer
    requests: Requests
    good: Good


@dataclass(frozen=True)
class Turns:
    """What the sides cost in each round, in the same order: microseconds of processor time, and answers a second."""

    cpu_us: Mapping[str, Sequence[float]]
    per_s: Mapping[str, Sequence[float]]
    latencies_s: Mapping[str, Sequence[float]]

    def cpu_ratio(self, above: str, below: str) -> Spread:
        return ratio(self.cpu_us[above], self.cpu_us[below])

    def rate_ratio(self, above: str, below: str) -> Spread:
        return ratio(self.per_s[above], self.per_s[below])

    def cpu(self, name: str) -> str:
        return f"{median(self.cpu_us[name]):,.0f} us"

    def rate(self, name: str) -> str:
        return f"{median(self.per_s[name]):,.0f} a second"

    def p99_ms(self, name: str) -> float:
        ordered = sorted(self.latencies_s[name])
        return ordered[int(len(ordered) * 0.99)] * 1000


def ratio(above: Sequence[float], below: Sequence[float]) -> Spread:
    """The ratios of neighbours in time."""
    return Spread.of([one / other for one, other in zip(above, below, strict=True)])


def in_turns(sides: Sequence[Side], *, rounds: int = ROUNDS, round_s: float = ROUND_S, quiet: bool = False) -> Turns:
    """Fires at all sides in turn; the first, longer round warms up (compilers, caches) and is not counted.

    `quiet` waits between turns until nobody works on what he has accepted: for servers that go on after answering.
    """
    with on_core(LOAD_CORE), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_taken(sides, rounds, round_s, quiet))


async def _taken(sides: Sequence[Side], rounds: int, round_s: float, quiet: bool) -> Turns:
    cpu_us: dict[str, list[float]] = {side.peer.name: [] for side in sides}
    per_s: dict[str, list[float]] = {name: [] for name in cpu_us}
    latencies: dict[str, list[float]] = {name: [] for name in cpu_us}
    with ExitStack() as stack:
        fleets = [Fleet(side.requests, side.good) for side in sides]
        for fleet in fleets:
            stack.callback(fleet.close)
        for turn in range(rounds + 1):
            for side, fleet in zip(sides, fleets, strict=True):
                fired, cost_us = await _fired(side.peer, fleet, round_s if turn else WARM_S)
                if quiet:
                    await _quiet(side.peer)
                if turn:
                    cpu_us[side.peer.name].append(cost_us)
                    per_s[side.peer.name].append(fired.count / fired.seconds)
                    latencies[side.peer.name] += fired.latencies_s
    return Turns(cpu_us, per_s, latencies)


async def _fired(peer: Peer, fleet: Fleet, round_s: float) -> tuple[Fired, float]:
    await fleet.gather(peer.port)
    before = peer.cpu_s()
    fired = await fleet.fire(round_s)
    return fired, (peer.cpu_s() - before) / fired.count * 1e6


async def _quiet(peer: Peer, pause_s: float = 0.1, patience: int = 100) -> None:
    for _ in range(patience):
        before = peer.cpu_s()
        await asyncio.sleep(pause_s)
        if peer.cpu_s() - before < pause_s * QUIET_SHARE:
            return


Work = Callable[[int], Awaitable[float]]


def on_the_servers_loop(work: Coroutine[Any, Any, T]) -> T:
    """What is measured inside this process runs as the server would run it: same loop, same core."""
    with on_core(SERVER_CORE), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def in_process_turns(works: Mapping[str, Work], *, times: int, rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Per name what each work measured for `times` repetitions, in turns; the first turn warms up."""
    figures: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            figure = await work(times)
            if turn:
                figures[name].append(figure)
    return figures
