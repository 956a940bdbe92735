"""A background task that ends by a fault ends the process: silence is worse than a restart."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from aggregator.sdk import fault

log = logging.getLogger(__name__)


async def watched(work: Callable[[], Coroutine[Any, Any, None]], failed: asyncio.Event) -> None:
    """Works until cancelled; a fault is told, with the part and the place, before everything is stopped."""
    try:
        await work()
    except Exception as error:  # noqa: BLE001 - whatever it was, it is told here and ends the process
        part = getattr(work, "__qualname__", type(work).__name__)
        log.critical("part.failed", extra={"part": part} | fault.told(error))
        failed.set()


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})
