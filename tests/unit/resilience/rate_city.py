"""Several processes of one city in virtual time: one database in memory, one agency's starts judged as they happen.

A process can be frozen, killed, cut off from the database and started, between any two of its steps at the database.
After each of them the parts may not overlap, neither in the table nor as they are used.
"""

import asyncio
import itertools
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from math import inf
from typing import Any

from plans import tables
from virtual_city import START, LoopClock

from aggregator.cases.rate_parts import RateParts
from aggregator.cases.rate_turns import LATE_S, RateTurns
from aggregator.resilience.deadline import Deadline
from aggregator.resilience.policy import SHARES, Policy
from aggregator.resilience.rate import Rate
from aggregator.resilience.share import ALL, NOTHING, WHOLE, Part, Share
from aggregator.sdk.clock import SeededChance
from aggregator.sdk.errors import Saturated
from aggregator.store import StoreUnavailable
from aggregator.store.sqlite_thread import named

RATES = {"slow": 0.4, "single": 1.0, "usual": 5.0, "busy": 12.0}
"""Agencies, and what each may be called a second."""


class Stopped(LoopClock):
    """The clock of a process that may be stopped: time goes on, it does not."""

    def __init__(self, server: "Server") -> None:
        self._server = server

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._server.going.wait()


class Door:
    """The store as one process sees it: each statement takes a while, before and after."""

    engine = "sqlite"

    def __init__(self, server: "Server") -> None:
        self._server = server

    async def read(self, sql: str, *args: Any, inline: bool = False) -> list[Any]:
        del inline
        await self._passed()
        rows = self._run(sql, args)
        await self._passed()
        return rows

    async def write(self, fn: Callable[[Any], Awaitable[Any]]) -> Any:
        async def run(sql: str, *args: Any) -> list[Any]:
            return self._run(sql, args)

        await self._passed()
        self._server.city.base.execute("begin")
        got = await fn(run)
        self._server.city.base.execute("commit")
        self._server.city.check()
        await self._passed()
        return got

    async def worker_is_dead(self, worker: str) -> bool:
        await self._passed()
        return not self._server.city.servers[worker].locked

    def _run(self, sql: str, args: tuple[Any, ...]) -> list[Any]:
        return self._server.city.base.execute(sql, named(args)).fetchall()

    async def _passed(self) -> None:
        city = self._server.city
        await asyncio.sleep(city.chance.random() * (0.01 if city.chance.random() < 0.99 else 1.5))
        await self._server.going.wait()
        if self._server.cut or city.away:
            raise StoreUnavailable("away", "unknown")


class Server:
    """One process, from its start to its death. `naive`: it takes the whole rate for its own."""

    def __init__(self, city: "RateCity", name: str, *, naive: bool) -> None:
        self.city, self.name, self.naive = city, name, naive
        self.going = asyncio.Event()
        self.going.set()
        self.cut = False
        self.locked = self.booting = True
        clock, door = Stopped(self), Door(self)
        self.clock = clock
        self.share = Share(clock) if naive else Share(clock, NOTHING, -inf, RateTurns(door, clock))  # type: ignore[arg-type]
        self.parts = RateParts(door, name, self.share, clock, lambda _: None)  # type: ignore[arg-type]
        self.rates = {name: Rate(Policy(max_rps=rps), clock, self.share, name) for name, rps in RATES.items()}
        self.tasks = [asyncio.create_task(self._calls(name, share)) for name in RATES for share in SHARES]
        if not naive:
            self.tasks.append(asyncio.create_task(self._lives()))

    async def _lives(self) -> None:
        # A predecessor's last second is over: to boot takes longer than that.
        await asyncio.sleep(max(0.0, self.city.died_at + 1.0 / min(RATES.values()) - self.clock.monotonic()))
        while self.booting:
            with suppress(StoreUnavailable):
                await self.parts.join()
                self.booting = False
        await self.parts.run()

    async def _calls(self, agency: str, share: str) -> None:
        """As many as the rate lets through, now and then after a pause."""
        while True:
            pause_s = self.city.chance.random() * (0.06 if self.city.chance.random() < 0.98 else 3.0)
            await self.clock.sleep(pause_s)
            with suppress(Saturated, TimeoutError):
                if not self.rates[agency].take_now(share):
                    await self.rates[agency].token(share, Deadline(self.clock, 2.0))
                self.city.began(agency)

    def freeze(self) -> None:
        self.going.clear()

    def thaw(self) -> None:
        self.going.set()

    def kill(self) -> None:
        self.locked = False
        self.city.died_at = self.clock.monotonic()
        for task in self.tasks:
            task.cancel()

    def in_force(self) -> Part:
        now = self.clock.monotonic()
        return NOTHING if not self.locked or self.share.stale(now) else self.share.part


class RateCity:
    """All processes, and the judge."""

    def __init__(self, seed: int, *, naive: bool = False) -> None:
        self.chance = SeededChance(seed)
        self.naive = naive
        self.base = tables()
        self.base.row_factory = sqlite3.Row
        self.servers: dict[str, Server] = {}
        self.began_at: dict[str, list[float]] = {name: [] for name in RATES}
        self.most = dict.fromkeys(RATES, 0)
        """The most starts in one second (or 1 / max_rps), less what a turn may be late."""
        self.away = False
        """Whether the database is away for everybody."""
        self.died_at = 0.0
        self.overlaps: list[str] = []

    def start(self) -> Server:
        name = f"wrk_{len(self.servers):03}"
        server = self.servers[name] = Server(self, name, naive=self.naive)
        return server

    @property
    def living(self) -> list[Server]:
        return [one for one in self.servers.values() if one.locked]

    def began(self, agency: str) -> None:
        now = LoopClock().monotonic()
        times = self.began_at[agency]
        times.append(now)
        span_s = max(1.0, 1.0 / RATES[agency]) - 2 * LATE_S  # a turn's answer may be late, and who waits for it
        self.most[agency] = max(self.most[agency], sum(one > now - span_s for one in times[-100:]))
        self.check()

    def check(self) -> None:
        """Whether two hold the same, in the table or in use."""
        if self.naive:
            return
        rows = self.base.execute("select low, high from rate_part where worker <> ''").fetchall()
        for where, parts in (
            ("rows", [Part(row["low"], row["high"]) for row in rows]),
            ("use", [server.in_force() for server in self.servers.values()]),
        ):
            held = sorted((one.low, one.high) for one in parts if one.width)
            if any(one[1] > after[0] for one, after in itertools.pairwise(held)):
                self.overlaps.append(f"{LoopClock().now() - START}: {where} {held}")

    def whole(self) -> bool:
        """Whether nothing of the rate lies idle."""
        return sum(server.in_force().width for server in self.living) == WHOLE

    def end(self) -> None:
        for server in self.living:
            server.kill()
        self.base.close()


__all__ = ["ALL", "RATES", "RateCity", "Server"]
