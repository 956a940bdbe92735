"""Where a call that is answered by callback waits for its answer, in this process.

The place is held from before the request was sent, so an answer that overtakes the acknowledgement is not missed.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from aggregator.sdk.callback import Notice


class Place:
    """One awaited id; see `aggregator.sdk.callback.Expected`."""

    def __init__(self) -> None:
        self._notice: asyncio.Future[Notice] | None = None
        self._early: Notice | None = None

    async def arrived(self, timeout_s: float) -> Notice:
        if self._early is not None:
            return self._early
        self._notice = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(timeout_s):
            return await self._notice

    def put(self, notice: Notice) -> None:
        self._early = self._early or notice
        if self._notice is not None and not self._notice.done():
            self._notice.set_result(notice)


class Post:
    """The mailboxes of all agencies of this process."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, str], Place] = {}

    def of(self, agency: str) -> "AgencyMailbox":
        return AgencyMailbox(self, agency)

    @contextmanager
    def hold(self, agency: str, awaited: str) -> Iterator[Place]:
        place = self._places[agency, awaited] = Place()
        try:
            yield place
        finally:
            self._places.pop((agency, awaited), None)

    def deliver(self, agency: str, notice: Notice) -> bool:
        """Whether somebody here was waiting for it."""
        place = self._places.get((agency, notice.awaited)) if notice.awaited else None
        if place is None:
            return False
        place.put(notice)
        return True


class AgencyMailbox:
    """One agency's mailbox; see `aggregator.sdk.callback.Mailbox`."""

    def __init__(self, post: Post, agency: str) -> None:
        self._post = post
        self._agency = agency

    def expect(self, awaited: str) -> AbstractContextManager[Place]:
        return self._post.hold(self._agency, awaited)
