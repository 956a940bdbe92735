"""One task commits for everybody: whatever waits when a commit ends shares the next one.

A durable commit costs a disk flush whether it carries one case or 256, so groups form under load by themselves
and nobody waits for a timer. The task is never cancelled by callers and survives every failure of a group:
a naive writer dies on a full disk and every later write hangs for ever (docs/libraries.md SQ-9).
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from aggregator.sdk.clock import Clock
from aggregator.store.port import Damaged, Run, StoreHealth, StoreUnavailable, Work

log = logging.getLogger(__name__)
GROUP = 256
QUEUE_BOUND = 10_000
PROBE_S = 1.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Done:
    value: Any


@dataclass(frozen=True, slots=True)
class Failed:
    error: Exception


Outcome = Done | Failed
Commit = Callable[[Sequence[Work[Any]]], Awaitable[Sequence[Outcome]]]
Keep = Callable[[Mapping[str, int]], Awaitable[None]]
"""Told the counters after each commit, before anybody else hears of it; raises OSError when it cannot keep them."""


@dataclass(slots=True, eq=False)
class _Item:
    work: Work[Any]
    answer: asyncio.Future[Any]
    since: float


class GroupWriter:
    """Queues writes and hands them in groups to `commit`.

    `commit` returns one outcome per work once all of them are durable, or raises when the whole group is lost.
    """

    def __init__(self, commit: Commit, clock: Clock, *, bound: int = QUEUE_BOUND) -> None:
        self._commit = commit
        self._clock = clock
        self._bound = bound
        self._waiting: deque[_Item] = deque()
        self._group: list[_Item] = []
        self._wake = asyncio.Event()
        self._closing = True
        self._task: asyncio.Task[None] | None = None
        self._last_error = ""
        self._away_since = 0.0
        self._durable = True
        self._damage = ""
        self.keep: Keep | None = None
        self.told_damage: Callable[[str], None] = _forgotten

    def start(self) -> None:
        self._closing = False
        self._task = asyncio.create_task(self._serve(), name="store-writer")

    async def write(self, work: Callable[[Run], Awaitable[T]]) -> T:
        if self._closing:
            raise StoreUnavailable("the store is closed")
        if self._damage:
            raise Damaged(self._damage)
        if len(self._waiting) >= self._bound:
            raise StoreUnavailable("too many writes are waiting")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Item(work, answer, self._clock.monotonic()))
        self._wake.set()
        # Shielded: a caller that leaves must not pull a transaction out from under its group (SQ-3).
        return cast("T", await asyncio.shield(answer))

    def health(self) -> StoreHealth:
        oldest = next(iter(self._group or self._waiting), None)
        age_s = self._clock.monotonic() - oldest.since if oldest else 0.0
        return StoreHealth(len(self._group) + len(self._waiting), age_s, self._last_error, self._durable, self._damage)

    def suspect(self, damage: str) -> None:
        """From now on nothing is written: a send is journaled first, so nothing is sent either."""
        if not self._damage:
            self._damage = damage
            self.told_damage(damage)

    async def close(self, *, within_s: float, interrupt: Callable[[], None]) -> None:
        """Commits what is queued; after `within_s` the rest is refused and the running group interrupted."""
        self._closing = True
        self._wake.set()
        if self._task is None:
            return
        await asyncio.wait({self._task}, timeout=within_s)
        if not self._task.done():
            self._refuse_waiting()
            interrupt()
            await asyncio.wait({self._task})
        self._task = None

    async def _serve(self) -> None:
        try:
            while self._waiting or not self._closing:
                self._wake.clear()
                if self._waiting:
                    await self._serve_group()
                elif not self._closing:
                    await self._rest()
        finally:  # reached early only when the event loop itself is being torn down
            self._closing = True
            self._refuse_waiting()

    async def _rest(self) -> None:
        """Waits for work; in trouble it makes some, for a store that is not ready is sent none to recover by."""
        if not self._last_error or self._damage:
            await self._wake.wait()
            return
        try:
            await asyncio.wait_for(self._wake.wait(), PROBE_S)
        except TimeoutError:
            answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            answer.add_done_callback(_seen)
            self._waiting.append(_Item(_probe, answer, self._clock.monotonic()))

    async def _serve_group(self) -> None:
        self._group = [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]
        try:
            outcomes = await self._committed([item.work for item in self._group])
        except StoreUnavailable as exc:
            self._lost(exc)
        except asyncio.CancelledError:
            self._lost(StoreUnavailable("the writer was stopped", "unknown"))
            raise
        except Exception as exc:  # noqa: BLE001 - the one writer must outlive any failure of a group
            self._lost(StoreUnavailable(type(exc).__name__, "unknown"))
        else:
            self._answer(outcomes)
        self._group = []

    async def _committed(self, works: list[Work[Any]]) -> Sequence[Outcome]:
        """The outcomes of a group that is on disk, and of which the watermark knows."""
        if self._damage:
            raise Damaged(self._damage)
        if self.keep is None:
            return await self._commit(works)
        *outcomes, counted = await self._commit([*works, _counters])
        if isinstance(counted, Failed):
            raise StoreUnavailable("the counters cannot be read", "unknown")
        try:
            await self.keep(counted.value)
        except OSError as exc:
            raise StoreUnavailable(f"the watermark cannot be written ({exc.strerror or exc})", "unknown") from exc
        return outcomes

    def _answer(self, outcomes: Sequence[Outcome]) -> None:
        if self._last_error:
            log.warning("store.back", extra={"away_s": round(self._clock.monotonic() - self._away_since, 1)})
        self._last_error, self._durable = "", True
        for item, outcome in zip(self._group, outcomes, strict=True):
            match outcome:
                case Done(value):
                    item.answer.set_result(value)
                case Failed(error):
                    self._judge(error)
                    item.answer.set_exception(error)

    def _judge(self, error: Exception) -> None:
        if isinstance(error, Damaged):
            self.suspect(error.why)

    def _lost(self, exc: StoreUnavailable) -> None:
        self._judge(exc)
        if not self._last_error:  # told once, however many are refused until it is back
            self._away_since = self._clock.monotonic()
            log.error("store.away", extra={"why": exc.why})
        self._last_error = exc.why
        self._durable = self._durable and exc.effect == "none"
        for item in self._group:
            _refuse(item, exc)

    def _refuse_waiting(self) -> None:
        while self._waiting:
            _refuse(self._waiting.popleft(), StoreUnavailable("the store is closed"))


async def _probe(run: Run) -> None:
    # It has to write: an empty transaction commits even on a full disk.
    await run("update schema_version set version = version")


async def _counters(run: Run) -> dict[str, int]:
    return {row["name"]: int(row["last"]) for row in await run("select name, last from event_counter")}


def _forgotten(_damage: str) -> None:
    """Nobody keeps it: the server itself will find it again."""


def _seen(answer: asyncio.Future[Any]) -> None:
    if not answer.cancelled():
        answer.exception()


def _refuse(item: _Item, exc: StoreUnavailable) -> None:
    # An instance each: a shared one would grow a traceback per caller that raises it.
    error = (Damaged if isinstance(exc, Damaged) else StoreUnavailable)(exc.why, exc.effect)
    error.__cause__ = exc.__cause__
    if not item.answer.done():  # the loop's own teardown may have cancelled it
        item.answer.set_exception(error)
