"""A dead agency may hold its own places and no others: N talk, M wait, everybody else is told at once.

One per agency. Places are handed over in the order of asking, straight from the one who leaves, so that a newcomer
cannot overtake the queue. Waiting is bounded in number and in time; the rate is waited for here too, because it
is the same queue to the caller.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from aggregator.resilience.deadline import Deadline
from aggregator.resilience.policy import Policy
from aggregator.resilience.rate import Rate
from aggregator.sdk.clock import Clock
from aggregator.sdk.errors import DeadlinePassed, NotAttempted, Saturated

_Place = asyncio.Future[None]


class Bulkhead:
    """The places at one agency. `talking` and `waiting` are counts; every step but the wait is synchronous."""

    __slots__ = ("_clock", "_line", "_policy", "rate", "talking", "waiting")

    def __init__(self, policy: Policy, rate: Rate, clock: Clock) -> None:
        self._policy, self._clock = policy, clock
        self.rate = rate
        self._line: deque[tuple[str, _Place]] = deque()
        self.talking = self.waiting = 0

    @property
    def full(self) -> bool:
        return self.talking >= self._policy.max_concurrency and self.waiting >= self._policy.max_waiting

    def enter_now(self, share: str) -> bool:
        """Takes a place if nobody has to be waited for; tells whether. The one who got it must `leave`."""
        # While anybody is in line all places are taken: they are handed over, never freed, so nobody is overtaken.
        if self.talking >= self._policy.max_concurrency or not self.rate.take_now(share):
            return False
        self.talking += 1
        return True

    async def queue(self, share: str, deadline: Deadline, tag: str) -> None:
        """Waits for a token and a place. `tag` names the circuit, so that its opening can send its callers home.

        Raises Saturated, DeadlinePassed, or what `expel` was given. Holds nothing when it raises.
        """
        if self.waiting >= self._policy.max_waiting:
            raise Saturated("the queue for this agency is full", self._policy.max_wait_s or 1.0)
        self.waiting += 1
        try:
            patience = Deadline(self._clock, min(self._policy.max_wait_s, deadline.left_s()))
            at = await self.rate.token(share, patience)
            try:
                await self._place(patience, tag)
            except BaseException:
                self.rate.give_back(share, at)
                raise
        except TimeoutError:
            raise _gave_up(deadline, self._policy) from None
        finally:
            self.waiting -= 1

    def leave(self) -> None:
        """Hands the place to the next in line, or frees it."""
        while self._line:
            _, place = self._line.popleft()
            if not place.done():
                place.set_result(None)
                return
        self.talking -= 1

    def expel(self, tag: str, error: Callable[[], NotAttempted]) -> None:
        """Answers everybody who waits for a place behind this circuit: it has just opened."""
        for waiting_for, place in self._line:
            if waiting_for == tag and not place.done():
                place.set_exception(error())

    async def _place(self, patience: Deadline, tag: str) -> None:
        if self.talking < self._policy.max_concurrency:
            self.talking += 1
            return
        place: _Place = asyncio.get_running_loop().create_future()
        entry = (tag, place)
        self._line.append(entry)
        try:
            async with asyncio.timeout(patience.left_s()):
                await place
        except BaseException:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.leave()  # it was handed over in the very moment we were called away
            elif entry in self._line:
                self._line.remove(entry)
            raise


def _gave_up(deadline: Deadline, policy: Policy) -> NotAttempted:
    if deadline.left_s() <= 0.0:
        return DeadlinePassed("the deadline passed in the queue for this agency")
    return Saturated("no place became free at this agency", policy.max_wait_s or 1.0)
