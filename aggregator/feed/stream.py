"""Readers pull the log by position: everything after it, in commit order, waiting if there is nothing yet.

Whoever writes wakes the waiters of this process at once; another process's events are seen at the next
glance. Positions survive: a reader killed anywhere starts again at its last id and has missed nothing.
"""

import asyncio

from aggregator.feed.events import seq_of
from aggregator.sdk.clock import Clock
from aggregator.store import Store

LIMIT = 1000
GLANCE_S = 1.0
"""How often a waiting reader looks for events that another process wrote."""


class StalePosition(ValueError):
    """`lastEventId` is not an id this feed gave out."""


class Stream:
    """The feed of all events."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._news: dict[str, asyncio.Event] = {}

    def wake(self, case_id: str) -> None:
        """Something was committed about this case; its own waiters and the feed's hear of it."""
        for name in ("", case_id):
            if (news := self._news.pop(name, None)) is not None:
                news.set()

    async def changed(self, timeout_s: float, case_id: str = "") -> None:
        """Returns at this process's next commit about the case (any case by default), or after `timeout_s`."""
        news = self._news.setdefault(case_id, asyncio.Event())
        try:
            async with asyncio.timeout(timeout_s):
                await news.wait()
        except TimeoutError:
            return

    async def batch(self, *, after: str | None, limit: int = 100, timeout_s: float = 0.0) -> list[bytes]:
        """Encoded CloudEvents after position `after` (None: from the start); empty when the time is over.

        Raises StalePosition for a position that is not ours.
        """
        start = 0 if after is None else seq_of(after)
        if start is None:
            raise StalePosition(after)
        deadline = self._clock.monotonic() + timeout_s
        while True:
            rows = await self._store.read(
                "select body from event where seq > $1 order by seq limit $2", start, min(limit, LIMIT)
            )
            left = deadline - self._clock.monotonic()
            if rows or left <= 0:
                return [row["body"].encode() for row in rows]
            await self.changed(min(left, GLANCE_S))
