"""Who of the living processes holds which part of every agency's rate, so that all together never call too often.

Each has a row with an interval of the whole. Everybody knows from the rows who is there and which part is theirs: the
n-th of them, by the order in which they began. A row's own process alone moves it, towards that part and never over
what another still holds: so no two parts ever overlap, whatever the order of things, and after two looks all are in
place. What is given away is not used from before the row says so; what is taken is in force a second later (share.py).

Two ways to be gone. A lock that is free: a process that died. No beat for `AWAY_S`, by the watcher's own clock: one
that was stopped, or cut off from the database. It holds nothing by itself since `FRESH_S` after its last look; the gap
between the two is why no clocks need agree. A lone process writes nothing, and goes on when the database is away: there
is nobody to whom its part could go. Source: docs/decisions/101.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from aggregator.resilience.share import ALL, NOTHING, WHOLE, Part, Share
from aggregator.sdk.clock import Clock
from aggregator.store import Row, Run, Store, StoreUnavailable

LOOK_S = 1.0
SOON_S = 0.25
"""When to look again while others still hold what is ours."""
FRESH_S = 4.0
"""How long after the beginning of a look its part is used."""
AWAY_S = 8.0
"""How long a beat must have stood still before others take the part: clearly longer than `FRESH_S`."""
_ROWS = "select worker, low, high, beat from rate_part where worker <> ''"
_FIRST = "update rate_part set beat = beat + 1 where worker = ''"
_BURY = "delete from rate_part where worker = $1 and beat = $2"
_TAKE_FROM = "update rate_part set low = 0, high = 0 where worker = $1 and beat = $2"
_PUT = (
    "insert into rate_part (worker, low, high, beat) values ($1, $2, $3, 1) on conflict (worker) do update"
    " set low = excluded.low, high = excluded.high, beat = rate_part.beat + 1"
)
_LEAVE = "delete from rate_part where worker = $1"


@dataclass(frozen=True, slots=True)
class Holder:
    """One row."""

    worker: str
    part: Part
    beat: int


@dataclass(frozen=True, slots=True)
class Others:
    """The other rows as this process judges them. `dead`: their lock is free; `away`: no beat for too long."""

    here: list[Holder]
    away: list[Holder]
    dead: list[Holder]


class RateParts:
    """One process among the others. `told` hears which part of the whole it holds, 0 to 1."""

    def __init__(self, store: Store, worker: str, share: Share, clock: Clock, told: Callable[[float], None]) -> None:
        self._store, self._me, self._share, self._clock, self._told = store, worker, share, clock, told
        self._seen: dict[str, tuple[int, float]] = {}
        """The newest beat of each other, and when (monotonic) it was first seen."""
        self._looked_at = clock.monotonic()
        self._alone = self._settled = False

    async def join(self) -> None:
        """The first look: whoever is alone has everything at once. Raises StoreUnavailable."""
        began = self._clock.monotonic()
        rows = await self._rows()
        others = await self._judged(rows, free_is_dead=True)
        if others.here or others.away:
            await self._move(others, began)
            return
        part = await self._store.write(partial(self._put, ALL, others))
        if part == ALL:
            self._share.begin(part, began + FRESH_S)
        self._became(part, others, ALL)

    async def run(self) -> None:
        """Looks for as long as the process runs."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._looks())
            group.create_task(self._ticks())

    async def leave(self) -> None:
        """Nothing more is called: the others need not wait. Never raises."""
        self._alone = False
        self._share.obey(NOTHING)
        with suppress(StoreUnavailable):
            await self._store.write(lambda run: run(_LEAVE, self._me))

    async def look(self) -> None:
        """Once. Raises StoreUnavailable; then what is held is held until the last look is too old."""
        began = self._clock.monotonic()
        if began - self._looked_at > FRESH_S:
            self._seen.clear()  # we were away ourselves: who has not beaten meanwhile gets a chance to
        rows = await self._rows()
        self._looked_at = began
        mine = next((row.part for row in rows if row.worker == self._me), NOTHING)
        others = await self._judged(rows, free_is_dead=self._store.engine == "sqlite")
        if mine == self._share.part == ALL and not (others.here or others.away or others.dead):
            self._alone = True
            self._share.fresh(began + FRESH_S)
        else:
            await self._move(others, began)

    async def _looks(self) -> None:
        while True:
            with suppress(StoreUnavailable):
                await self.look()
            await self._clock.sleep(LOOK_S if self._settled else SOON_S)

    async def _ticks(self) -> None:
        """Who is alone goes on while the store does not answer; who was stopped meanwhile looks first."""
        while True:
            await self._clock.sleep(LOOK_S)
            if self._alone:
                self._share.still(self._clock.monotonic() + FRESH_S)

    async def _move(self, others: Others, began: float) -> None:
        """Towards the part that is ours: first nothing outside it is used any more, then the row says so."""
        self._alone = False
        target = _place(self._me, [one.worker for one in others.here])
        self._share.obey(self._share.part.meet(target))
        part = await self._store.write(partial(self._put, target, others))
        self._share.obey(part)
        self._share.fresh(began + FRESH_S)
        self._became(part, others, target)

    def _became(self, part: Part, others: Others, target: Part) -> None:
        self._alone = part == ALL and not (others.here or others.away)
        self._settled = part == target
        self._told(part.width / WHOLE)

    async def _put(self, target: Part, others: Others, run: Run) -> Part:
        """One step of the row, with everybody else's looked at under one lock: what it holds now."""
        await run(_FIRST)
        for gone in others.dead:
            await run(_BURY, gone.worker, gone.beat)
        for away in others.away:
            if away.part.width:
                await run(_TAKE_FROM, away.worker, away.beat)
        rows = [_holder(row) for row in await run(_ROWS)]
        mine = next((row.part for row in rows if row.worker == self._me), NOTHING)
        part = free_part(target, [row.part for row in rows if row.worker != self._me], mine)
        await run(_PUT, self._me, part.low, part.high)
        return part

    async def _rows(self) -> list[Holder]:
        return [_holder(row) for row in await self._store.read(_ROWS, inline=True)]

    async def _judged(self, rows: Sequence[Holder], *, free_is_dead: bool) -> Others:
        """`free_is_dead`: a server's session may be lost by a living process, the kernel's file lock is not."""
        others = Others([], [], [])
        now = self._clock.monotonic()
        self._seen = {
            row.worker: seen
            if (seen := self._seen.get(row.worker)) is not None and seen[0] == row.beat
            else (row.beat, now)
            for row in rows
        }
        for row in rows:
            if row.worker == self._me:
                continue
            silent = now - self._seen[row.worker][1] >= AWAY_S
            if (silent or free_is_dead) and await self._store.worker_is_dead(row.worker):
                others.dead.append(row)
            else:
                (others.away if silent else others.here).append(row)
        return others


def free_part(target: Part, taken: Sequence[Part], held: Part) -> Part:
    """What of `target` is free, in one piece: the one in which what is `held` lies, else the widest."""
    pieces, low = [], target.low
    for part in sorted((one for one in taken if one.width), key=lambda one: one.low):
        pieces.append(Part(low, min(part.low, target.high)))
        low = max(low, part.high)
    pieces.append(Part(low, target.high))
    free = [one for one in pieces if one.width > 0]
    kept = held.meet(target)
    return next(
        (one for one in free if kept.width and one.meet(kept) == kept),
        max(free, key=lambda one: one.width, default=NOTHING),
    )


def _place(me: str, others: Sequence[str]) -> Part:
    """The part of `me` when all are in their places."""
    names = sorted([me, *others])
    place, count = names.index(me), len(names)
    return Part(place * WHOLE // count, (place + 1) * WHOLE // count)


def _holder(row: Row) -> Holder:
    return Holder(row["worker"], Part(row["low"], row["high"]), row["beat"])
