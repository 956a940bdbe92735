"""Patience is one instant, not a number of seconds: it shrinks by itself at every stage it passes.

A deadline is made once per call and handed inwards; no stage adds to it. What is left may be negative.
"""

from aggregator.sdk.clock import Clock


class Deadline:
    """The instant after which nobody waits any more, on the monotonic clock."""

    __slots__ = ("_clock", "_ends_at")

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._ends_at = clock.monotonic() + seconds

    def left_s(self) -> float:
        return self._ends_at - self._clock.monotonic()
