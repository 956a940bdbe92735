"""Portals' budgets over several processes: each counts for itself and tells the others once a second.

A budget asked of the store with every request would cost each request a commit; told afterwards it costs one commit a
second for all portals together. So within a second every process may let through a burst of its own, and what was too
much is paid back before anything more is let through, up to one window: over minutes the sum is the budget. While the
store is away every process counts alone. An agency's share, whose window is a second, is each process's own.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import web

from aggregator.api.limits import Buckets
from aggregator.api.shared_limits import allowance
from aggregator.citizens.allowances import Allowances
from aggregator.sdk.clock import Clock
from aggregator.store import StoreError

TOLD_EVERY_S = 1.0
_AT_ONCE = 500
log = logging.getLogger(__name__)


class ToldLimits:
    """Tells and is told."""

    def __init__(self, buckets: Buckets, allowances: Allowances, clock: Clock) -> None:
        self._buckets = buckets
        self._allowances = allowances
        self._clock = clock

    async def exchange(self) -> None:
        """Once: what this process let through for what everybody did. Raises StoreError; then nothing was told."""
        used = sorted(self._buckets.untold(), key=lambda one: (one[0].name, one[1]))
        for start in range(0, len(used), _AT_ONCE):
            some = used[start : start + _AT_ONCE]
            found = await self._allowances.spent([(allowance(quota, who), count) for quota, who, count in some])
            for (quota, who, _), left in zip(some, found, strict=True):
                self._buckets.told(quota, who, left.left)

    async def run(self) -> None:
        """For as long as the server runs."""
        while True:
            await self._clock.sleep(TOLD_EVERY_S)
            try:
                await self.exchange()
            except StoreError as exc:
                log.warning("limits.untold", extra={"error": type(exc).__name__})

    async def beside(self, _app: web.Application) -> AsyncIterator[None]:
        """For the application's life."""
        task = asyncio.create_task(self.run(), name="told-limits")
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
