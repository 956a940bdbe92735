"""Named points on the way of a write, so that a harness can kill the process exactly there.

In production `passing` costs one comparison. `tests/chaos` sets `watch` in its own launcher of the real server.
"""

from collections.abc import Callable

watch: Callable[[str], None] | None = None


def passing(point: str) -> None:
    """The process is at this point now."""
    if watch is not None:
        watch(point)
