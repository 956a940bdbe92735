"""When calls to one agency began and are promised to begin: in no second more of them than are ours.

Two lists, for two kinds of calls are counted apart: `own` by this process alone, `turns` by everybody in the database.
"""

from bisect import bisect_right, insort
from math import inf

COUNTED_MOST = 10_000
"""Above so many a second nobody counts: the registry allows no more."""


class Starts:
    """Monotonic times, in order; old ones are forgotten in passing. `most`: how many of our own a second may have."""

    __slots__ = ("_kept", "most", "own", "span_s", "turns")

    def __init__(self, most: int, span_s: float) -> None:
        self.most, self.span_s, self._kept = most, span_s, 2 * most
        self.own: list[float] = []
        self.turns: list[float] = []

    @property
    def counted(self) -> bool:
        return self.most <= COUNTED_MOST

    def room_s(self, now: float) -> float:
        """Until this second has room for one more; not more than 0 when it has. Nobody overtakes what is promised."""
        if not self.most:
            return inf
        if len(self.own) < self.most or not self.counted:
            return 0.0
        return self.own[-self.most] + self.span_s - now

    def begun(self, now: float) -> int:
        """Calls begun within the last second, or promised."""
        return len(self.own) - bisect_right(self.own, now - self.span_s)

    def in_the_way_s(self, at: float, now: float) -> float:
        """Until so few others have begun within the last second that what was promised for `at` may begin."""
        if at in self.turns or not self.counted:
            return 0.0
        if not self.most:
            return inf
        begun = bisect_right(self.own, now)
        others = self.own[max(0, begun - self.most - 1) : begun]
        if at in others:
            others.remove(at)
        return others[-self.most] + self.span_s - now if len(others) >= self.most else 0.0

    def overdrawn_s(self, now: float) -> float:
        """Until no more calls of our own lie in this second than may now: there were just more of them."""
        begun = bisect_right(self.own, now)
        return self.own[begun - self.most - 1] + self.span_s - now if begun > self.most else 0.0

    def begin(self, at: float) -> None:
        """A call of our own begins then."""
        if not self.counted:
            return
        if self.own and at < self.own[-1]:
            insort(self.own, at)
        else:
            self.own.append(at)
        if len(self.own) > 1.5 * self._kept + 64:
            del self.own[: -self._kept]

    def begin_turn(self, at: float, now: float) -> None:
        """A call taken in turns begins then."""
        insort(self.turns, at)
        del self.turns[: bisect_right(self.turns, now - 2 * self.span_s)]

    def moved(self, at: float, later: float) -> float:
        """When what was promised for `at` is promised for now."""
        for starts in (self.own, self.turns):
            if at in starts:
                starts.remove(at)
                insort(starts, later)
                return later
        return at if at == inf else later

    def drop(self, at: float) -> None:
        """What was promised for `at` does not begin."""
        for starts in (self.own, self.turns):
            if at in starts:
                starts.remove(at)
                return

    def own_all(self) -> None:
        """Calls taken in turns have become our own, or may have: each counts as one."""
        self.own, self.turns = sorted(self.own + self.turns), []
