"""A driver shares one event loop with the whole city: how long it keeps everybody else waiting is measured here.

`Pulse` beats beside the call and remembers the longest gap. `rescued` gets a loop back that nobody returns from:
the operating system's alarm raises `Stuck` inside whatever holds it. That works in the main thread only, which is
where tests and commands run.
"""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

from aggregator.sdk.clock import SystemClock

_BEAT_S = 0.02
_LOOK_S = 0.25


class Stuck(BaseException):
    """The event loop was held so long that it had to be freed by force. Not an Exception: no driver may catch it."""


class Pulse:
    """Beats while it is open. `longest_s` is the longest the loop was kept from beating; `last` its last beat.

    `late_s` is how late its beats were in all: what a busy machine took from everybody who shares the loop.
    """

    def __init__(self) -> None:
        self._clock = SystemClock()
        self.longest_s = self.late_s = 0.0
        self.last = self._clock.monotonic()

    async def __aenter__(self) -> Self:
        self.last = self._clock.monotonic()
        self._beating = asyncio.create_task(self._beat())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._note()
        self._beating.cancel()
        with suppress(asyncio.CancelledError):
            await self._beating

    @property
    def silent_s(self) -> float:
        return self._clock.monotonic() - self.last

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT_S)
            self._note()

    def _note(self) -> None:
        self.longest_s = max(self.longest_s, self.silent_s)
        self.late_s += max(0.0, self.silent_s - _BEAT_S)
        self.last = self._clock.monotonic()


@contextmanager
def rescued(pulse: Pulse, patience_s: float) -> Iterator[None]:
    """Raises Stuck in whatever holds the loop for longer than `patience_s`. Does nothing outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def look(*_: Any) -> None:
        if pulse.silent_s > patience_s:
            pulse.longest_s = max(pulse.longest_s, pulse.silent_s)
            pulse.last = pulse.last + pulse.silent_s  # one Stuck for one hold
            raise Stuck(f"held the event loop for more than {patience_s:g} s")

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, _LOOK_S, _LOOK_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
