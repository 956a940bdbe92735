"""Some time after each start, and once a day, the whole database is looked through beside all other work.

A seal is looked at when its row is read; what nobody reads, and what an index hides, is found here. Where something is
wrong the store itself refuses every later write; this room only says so.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from aggregator.sdk.clock import Clock
from aggregator.store import StoreUnavailable

AFTER_START_S = 10.0
AGAIN_S = 86_400.0
RETRY_S = 600.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LookedThrough:
    """`at` is None until the first time. `wrong`: a line each, without any value of a row."""

    at: datetime | None = None
    wrong: tuple[str, ...] = ()

    def told(self) -> dict[str, object]:
        return {"at": self.at.isoformat(timespec="seconds") if self.at else None, "wrong": list(self.wrong)}


class Soundness:
    """`check` is the store's own; it may take minutes and harms nobody's answer."""

    def __init__(self, check: Callable[[], Awaitable[list[str]]], clock: Clock) -> None:
        self._check = check
        self._clock = clock
        self.last = LookedThrough()

    def told(self) -> dict[str, object]:
        """For /readyz."""
        return self.last.told()

    async def run(self) -> None:
        """Until cancelled; what could not be finished is tried again."""
        await self._clock.sleep(AFTER_START_S)
        while True:
            await self._clock.sleep(AGAIN_S if await self.look() else RETRY_S)

    async def look(self) -> bool:
        """Whether it could be finished."""
        try:
            wrong = await self._check()
        except StoreUnavailable as error:
            log.warning("database.not_looked_through", extra={"why": error.why})
            return False
        self.last = LookedThrough(self._clock.now(), tuple(wrong))
        if wrong:
            log.warning("database.wrong", extra={"found": len(wrong), "first": wrong[0]})
        return True
