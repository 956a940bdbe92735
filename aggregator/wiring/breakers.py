"""Turns of a circuit become events of the feed."""

import asyncio
from contextlib import AsyncExitStack, suppress
from functools import partial

from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.feed.stream import Stream
from aggregator.resilience.breaker import BreakerChange
from aggregator.store import Store, StoreUnavailable
from aggregator.wiring.tasks import ended


class Breakers:
    """A circuit's turn becomes an event; the pipeline that turned it does not wait for the store."""

    def __init__(self, store: Store, stream: Stream, stack: AsyncExitStack) -> None:
        self._turned: asyncio.Queue[NewEvent] = asyncio.Queue()
        stack.push_async_callback(ended, asyncio.create_task(self._tell(store, stream)))

    def turned(self, agency: str, change: BreakerChange) -> None:
        data = {"operation_class": change.name, "before": change.before, "breaker": change.after, "why": change.why}
        self._turned.put_nowait(NewEvent(type="agency.breaker-changed", at=change.at, agency=agency, data=data))

    async def _tell(self, store: Store, stream: Stream) -> None:
        while True:
            event = await self._turned.get()
            with suppress(StoreUnavailable):
                await store.write(partial(events.append, events=[event]))
                stream.wake("")
