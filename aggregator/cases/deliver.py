"""Hands READY operations to their agencies: at once when a case is new, oldest first when an agency comes back.

It asks the pipeline first whether a call would be let through; if not, the operation is held with the reason and
the next try, and the citizen already has a number. Delivery runs detached from any HTTP request: a portal that
hangs up cuts nothing.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

from aggregator.cases import attempt, ledger
from aggregator.cases.attachments import lent
from aggregator.cases.attempt import Desktop
from aggregator.cases.leave import allowed
from aggregator.cases.lookback import Lookback
from aggregator.cases.operation import Operation
from aggregator.cases.orders import order_of
from aggregator.cases.queue import Queue
from aggregator.cases.settle import Step, held, kept_from_sending
from aggregator.cases.worker import Worker
from aggregator.feed import events
from aggregator.feed.stream import Stream
from aggregator.registry.agency import Agency, Registry
from aggregator.sdk import fault
from aggregator.sdk.clock import epoch_ms
from aggregator.store import Run, StoreUnavailable

SCAN_S = 1.0
BEHIND_S = 0.25
"""How soon to look again while somebody who is due has not gone."""
MISSING_S = 60.0
"""When to look again for an operation the registry does not have."""
DRAIN_S = 8.0
"""How long a stopping process lets sends in flight finish; the rest becomes what its trail proves."""

log = logging.getLogger(__name__)


class Delivery:
    """The sender of this process."""

    def __init__(self, desk: Desktop, registry: Callable[[], Registry], stream: Stream) -> None:
        self._desk = desk
        self._registry = registry
        self._stream = stream
        self._running: dict[str, asyncio.Task[None]] = {}
        self._busy: Counter[str] = Counter()
        self._news = asyncio.Event()
        self._stopping = False
        self._queue = Queue(desk)
        self._lookback = Lookback(desk)
        self._pause_s = SCAN_S

    @property
    def worker(self) -> Worker:
        return self._desk.worker

    def nudge(self) -> None:
        """Something became READY just now."""
        self._news.set()

    def start(self, op: Operation) -> None:
        """Begins one operation, unless it is already under way here or its agency's places are taken."""
        agency = self._registry().agencies.get(op.agency)
        if self._stopping or agency is None or op.id in self._running or not self._has_place(agency):
            return
        self._busy[op.agency] += 1
        task = asyncio.create_task(self._deliver(agency, op), name=f"deliver {op.agency}")
        self._running[op.id] = task
        task.add_done_callback(lambda done: self._ended(op, done))

    def _has_place(self, agency: Agency) -> bool:
        policy = agency.guarded.policy
        return self._busy[agency.id] < policy.max_concurrency + policy.max_waiting // 2

    def _ended(self, op: Operation, done: asyncio.Task[None]) -> None:
        self._running.pop(op.id, None)
        self._busy[op.agency] -= 1
        self._stream.wake(op.case_id)
        error = None if done.cancelled() else done.exception()
        if error and not isinstance(error, StoreUnavailable):  # which tells of itself; the next scan finds it again
            log.error("delivery.failed", extra={"agency": op.agency, "operation_id": op.id} | fault.told(error))

    async def run(self) -> None:
        """Scans for what is due until cancelled; a store that is away is asked again."""
        while not self._stopping:
            try:
                await self._scan()
            except StoreUnavailable:
                await self._desk.clock.sleep(SCAN_S)
            await self._pause()

    async def _pause(self) -> None:
        nap = asyncio.create_task(self._desk.clock.sleep(self._pause_s))
        news = asyncio.create_task(self._news.wait())
        try:
            await asyncio.wait({nap, news}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            nap.cancel()
            news.cancel()
            self._news.clear()

    async def _scan(self) -> None:
        """Starts whoever may go now, agency by agency; agencies that left the registry keep what waits for them."""
        behind = False
        waiting = await self._queue.waiting()
        for agency in self._registry().agencies.values():
            for name in waiting.get(agency.id, ()):
                for op in await self._queue.due(agency, name):
                    self.start(op)
                behind = behind or await self._queue.behind(agency, name)
        self._pause_s = BEHIND_S if behind else SCAN_S

    async def _deliver(self, agency: Agency, op: Operation) -> None:
        step = self._kept_back(agency, op)
        if step is not None:
            await self._move(op, step)
            return
        order = await lent(self._desk, agency, op, await order_of(self._desk.store, self._desk.vault, op))
        if not isinstance(order, Step):
            order = await allowed(self._desk, agency, op, order)
        if isinstance(order, Step):
            await self._move(op, order)
            return
        if not await self._lookback.keeps(agency, op, order):
            await attempt.make(self._desk, agency, op, order)

    def _kept_back(self, agency: Agency, op: Operation) -> Step | None:
        """Why this operation is not sent now; None when it may go."""
        now_ms = epoch_ms(self._desk.clock.now())
        spread = self._desk.chance.random()
        if op.name not in agency.operations or not agency.enabled:
            return held(op, "misconfigured", MISSING_S, now_ms, spread)
        if self._desk.worker.shut_to(op.agency):
            return held(op, "quarantine", None, now_ms, spread)
        held_back = kept_from_sending(op, agency.operations[op.name], now_ms)
        if held_back is not None:
            return held_back
        kept = agency.guarded.keeps_back(op.name)
        return None if kept is None else held(op, kept[1], kept[0], now_ms, spread)

    async def _move(self, op: Operation, step: Step) -> None:
        at = self._desk.clock.now()

        async def put(run: Run) -> None:
            moved = await ledger.move(run, op, step, at)
            await events.append(run, moved.events)

        try:
            await self._desk.store.write(put)
        except ledger.Stale:
            return

    async def stop(self) -> None:
        """Takes nothing new, lets sends finish for `DRAIN_S`, then cuts them; each is recorded as its trail proves."""
        self._stopping = True
        self._news.set()
        tasks = set(self._running.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=DRAIN_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
