"""Answers of safe operations: fresh for a while, asked for once however many wait, a stand-in when the agency is away.

cachetools bounds and ages the store; the single flight over it is ours, because its decorators cache the coroutine
and not the answer (CT-1). A load belongs to nobody in particular: it runs in its own task under the operation's own
deadline, and an impatient or departed caller neither shortens nor ends it (CT-2 to CT-4). Failures are never kept.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from cachetools import TTLCache

from aggregator.sdk.adapter import Declared
from aggregator.sdk.clock import Clock
from aggregator.sdk.errors import ContractBroken, NotAttempted, OutcomeUnknown, Unavailable
from aggregator.sdk.model import Absent, Order

MAX_ANSWERS = 4096
"""Answers kept per operation; the least recently used goes first."""
MISS_S = 5.0
"""How long "no such record" may be shown again: the citizen who has just filed is looking for it."""
STAND_IN_FOR = (Unavailable, NotAttempted, OutcomeUnknown, ContractBroken)
"""When the last good answer may stand in. Never for Refused (that *is* the answer) or Misconfigured (ours to mend)."""

Key = tuple[str, str, str, str, str, str, bytes]


def cache_key(agency_id: str, operation: str, person: str, order: Order) -> Key:
    """The one place keys are made: whoever forgets the person shows one citizen's answer to another (CT-6).

    A journaled order is looked up by its own reference; a live enquiry's is new each time and says nothing.
    """
    form = orjson.dumps(dict(order.form), default=str, option=orjson.OPT_SORT_KEYS)
    reference = order.reference if order.at is not None else ""
    return agency_id, operation, person, order.service, order.agency_reference, reference, form


@dataclass(frozen=True, slots=True)
class Entry:
    """A good answer. `fresh_until` is on the monotonic clock; `as_of` is when the agency gave it."""

    value: Any
    as_of: datetime
    fresh_until: float


class Answers:
    """The answers of one safe operation at one agency."""

    __slots__ = ("_clock", "_flights", "_fresh_s", "_good", "_misses")

    def __init__(self, declared: Declared, clock: Clock, *, max_answers: int = MAX_ANSWERS) -> None:
        self._clock, self._fresh_s = clock, declared.fresh_s
        self._good: TTLCache[Key, Entry] = TTLCache(
            max_answers, ttl=max(declared.fresh_s, declared.stale_s), timer=clock.monotonic
        )
        self._misses: TTLCache[Key, Entry] = TTLCache(
            max_answers, ttl=min(declared.fresh_s, MISS_S), timer=clock.monotonic
        )
        self._flights: dict[Key, asyncio.Task[Entry]] = {}

    @property
    def loading(self) -> int:
        return len(self._flights)

    def fresh(self, key: Key) -> Entry | None:
        """An answer that may be shown again without asking."""
        if not self._fresh_s:
            return None
        entry = self._misses.get(key) or self._good.get(key)
        return entry if entry and entry.fresh_until > self._clock.monotonic() else None

    def last_good(self, key: Key) -> Entry | None:
        """An answer that may stand in while the agency is away; the caller marks it stale."""
        return self._good.get(key)

    async def join(self, key: Key, wait_s: float, load: Callable[[], Awaitable[Any]]) -> Entry:
        """The answer of the one load under way for this key, started if there is none.

        Raises what the load raised, or TimeoutError after `wait_s` while the load goes on.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(self._fly(key, load))
            flight.add_done_callback(_heard)
        async with asyncio.timeout(wait_s):
            return await asyncio.shield(flight)

    async def close(self) -> None:
        """Ends the loads nobody can wait for any more."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
        self._flights.clear()

    async def _fly(self, key: Key, load: Callable[[], Awaitable[Any]]) -> Entry:
        try:
            return self._keep(key, await load())
        finally:
            self._flights.pop(key, None)

    def _keep(self, key: Key, value: Any) -> Entry:
        now = self._clock.monotonic()
        if isinstance(value, Absent):
            entry = Entry(value, self._clock.now(), now + min(self._fresh_s, MISS_S))
            self._good.pop(key, None)  # what it no longer has must not stand in for it later
            self._misses[key] = entry
        else:
            entry = Entry(value, self._clock.now(), now + self._fresh_s)
            self._misses.pop(key, None)
            self._good[key] = entry
        return entry


def _heard(flight: asyncio.Task[Entry]) -> None:
    # When every caller has left, nobody asks how the load ended, and asyncio would log the error as forgotten.
    if not flight.cancelled():
        flight.exception()
