"""The counter of search: an answer for the citizen, and a line for the editors when there was none."""

import asyncio
from typing import Protocol

from aggregator.discovery.search.answer import Found
from aggregator.discovery.search.live import LiveSearch
from aggregator.discovery.search.unanswered import Queue
from aggregator.sdk.clock import Clock


class Finder(Protocol):
    """Answers a citizen's words. `language` is the reader's, for the editors; the words may be in any."""

    async def ask(self, text: str, language: str, most: int = 20) -> Found: ...


class SearchDesk:
    """`LiveSearch` with the editors' queue behind it. Without a queue nothing is kept."""

    def __init__(self, live: LiveSearch, clock: Clock, queue: Queue | None = None) -> None:
        self._live = live
        self._clock = clock
        self._queue = queue

    async def ask(self, text: str, language: str, most: int = 20) -> Found:
        found = await self._live.ask(text, most)
        search = self._live.current
        if found.none and self._queue is not None and search is not None:
            reader, now = search.index.reader, self._clock.now()
            await asyncio.to_thread(self._queue.note, text, reader, language=language, now=now)
        return found
