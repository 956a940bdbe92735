"""One process of the city: the product's core, put together as `aggregator.wiring` does it, on simulated ports."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from aggregator.cases import deliver, inbox, look, reconcile, track, worker
from aggregator.cases.attempt import Desktop
from aggregator.cases.deliver import Delivery
from aggregator.cases.desk import Desk
from aggregator.cases.inbox import Inbox
from aggregator.cases.mailbox import Post
from aggregator.cases.reconcile import Reconciliation
from aggregator.cases.track import Tracking
from aggregator.feed.stream import Stream
from aggregator.registry.agency import Agency, Registry
from aggregator.registry.agency import City as CityFacts
from aggregator.resilience.pipeline import Guarded, NullMeter
from aggregator.sdk.adapter import Settings
from aggregator.store import StoreUnavailable

sys.path.insert(0, str(Path(__file__).parents[2]))  # a seed is replayed with tests/chaos alone on the path

from sealing import OneKey

from simulation.disk import SimStore
from simulation.loop import Owner, spawn
from simulation.net import SimWire
from simulation.office import OFFICES

if TYPE_CHECKING:
    from simulation.world import City

BEGIN = datetime(2026, 1, 15, 4, 30, tzinfo=UTC)
SWEEP_S = 2.005
# Scans are told from other waits by their length, so that the loop may skip those that would find nothing.
deliver.SCAN_S, reconcile.SCAN_S, track.SCAN_S, inbox.SCAN_S = 1.001, 1.002, 1.003, 0.504
look.CONTROL_S = 1.5
"""In proportion to the looks, which are seconds apart here and minutes in a city."""
NAPS = {
    deliver.SCAN_S: "deliver", reconcile.SCAN_S: "reconcile", track.SCAN_S: "track", inbox.SCAN_S: "inbox",
    SWEEP_S: "sweep",
}  # fmt: skip


class SimClock:
    """The loop's time, and a wall clock somebody may set."""

    def __init__(self, city: "City") -> None:
        self._city = city

    def monotonic(self) -> float:
        return self._city.loop.now + 1000.0

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self._city.loop.now + self._city.wall_jump_s)

    async def sleep(self, seconds: float) -> None:
        await (self._city.loop.nap(seconds, NAPS[seconds]) if seconds in NAPS else asyncio.sleep(seconds))


class SimChance:
    """The seed's randomness."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def random(self) -> float:
        return self._random.random()

    def bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)


class Process:
    """A worker from boot to death. `up` once it serves."""

    def __init__(self, city: "City", name: str) -> None:
        self.city = city
        self.owner = Owner(name)
        self.up = False
        self.desk: Desk
        self.inbox: Inbox
        self.delivery: Delivery
        self.store: SimStore
        self._tasks: list[asyncio.Task[Any]] = []
        self.booting = spawn(city.loop, self.owner, self._boot())

    async def _boot(self) -> None:
        city = self.city
        clock, chance = SimClock(city), SimChance(city.random)
        self.store = store = SimStore(city.disk, self.owner, clock)
        await store.open()
        registry = self._registry(clock, chance)
        stream = Stream(store, clock)
        while True:
            try:
                me = await worker.boot(store, clock, chance)
                await worker.sweep(store, registry, me, clock)
                break
            except StoreUnavailable:
                await clock.sleep(1.0)
        desktop = Desktop(store, OneKey(city.vault), clock, chance, me)
        self.delivery = Delivery(desktop, lambda: registry, stream)
        self.desk = Desk(desktop, lambda: registry, stream, self.delivery, city.signer)
        self.inbox = Inbox(desktop, lambda: registry, stream, Post())
        reconciliation = Reconciliation(desktop, lambda: registry, stream, self.delivery.nudge)
        tracking = Tracking(desktop, lambda: registry, stream)
        works = (self.delivery.run, reconciliation.run, tracking.run, self.inbox.run, lambda: self._sweep(me, registry))
        for work in works:
            task = asyncio.get_running_loop().create_task(work())
            task.add_done_callback(self._ended)
            self._tasks.append(task)
        self.up = True

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.city.judge.fault(f"a background task ended: {type(error).__name__}: {error}")

    async def _sweep(self, me: worker.Worker, registry: Registry) -> None:
        clock = SimClock(self.city)
        while True:
            await clock.sleep(SWEEP_S)
            try:
                await worker.sweep(self.store, registry, me, clock)
            except StoreUnavailable:
                continue

    def _registry(self, clock: SimClock, chance: SimChance) -> Registry:
        city = self.city
        agencies = {}
        for name, facts in city.facts.items():
            driver = OFFICES[name](SimWire(city, self.owner, name), Settings(f"http://{name}"))
            guard = Guarded(
                name, driver, facts["operations"], facts["policy"], clock=clock, chance=chance, meter=NullMeter()
            )
            agencies[name] = Agency(**facts, guarded=guard)
        return Registry(CityFacts("Bhubaneswar", "Asia/Kolkata"), agencies, city.services, "digest")

    async def stop(self) -> None:
        """SIGTERM: nothing new, sends in flight finish or become what their trail proves."""
        self.up = False
        await self.delivery.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        await self.store.close()
