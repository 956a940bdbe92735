"""A background task that ends by a fault ends the process: silence is worse than a restart."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


async def watched(work: Callable[[], Coroutine[Any, Any, None]], failed: asyncio.Event) -> None:
    try:
        await work()
    except Exception:
        failed.set()
        raise


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})
