"""Which part of every agency's rate this process may use: an interval of the whole that nobody else holds.

`max_rps` whole calls a second lie side by side on the interval. Those that lie inside a process' part are its own and
cost nothing to use; one that lies across the edge of two parts is used in turns, which are taken in the database. What
counts at any moment is what was held during the *whole* last second: so calls that began before a part changed hands
are still counted where they began, and the sum of all processes is never above the rate (docs/decisions/101).

A process that has not looked for `until` seconds may have been given up by the others: it holds nothing until it looks.
"""

from dataclasses import dataclass
from math import inf
from typing import Protocol

from aggregator.sdk.clock import Clock

WHOLE = 720_720
"""What the parts are counted in: divisible by every number of processes up to 16."""
_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Part:
    """From `low` to `high`, in `WHOLE`ths of every agency's rate."""

    low: int
    high: int

    @property
    def width(self) -> int:
        return self.high - self.low

    @property
    def place(self) -> tuple[int, int]:
        """The how manieth of how many parts of this width it is, from 0."""
        return (self.low // self.width, WHOLE // self.width) if self.width else (0, 1)

    def meet(self, other: "Part") -> "Part":
        """What both hold."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        return Part(low, high) if low < high else NOTHING

    def units(self, count: int) -> tuple[int, tuple[int, ...]]:
        """Of `count` calls side by side: how many lie inside, and which lie across an edge."""
        if not self.width:
            return 0, ()
        first, last = -(-self.low * count // WHOLE), self.high * count // WHOLE
        across = {edge * count // WHOLE for edge in (self.low, self.high) if edge * count % WHOLE}
        return max(0, last - first), tuple(sorted(across))


NOTHING, ALL = Part(0, 0), Part(0, WHOLE)


class Turns(Protocol):
    """Calls that lie across the edge of two parts are taken in turns, over all processes."""

    async def take(self, agency: str, unit: int, span_s: float, within_s: float) -> float:
        """In how many seconds it is our turn. Where that is more than `within_s`, nothing was taken."""
        ...


class Share:
    """The part of this process as it was and is. Without a protocol behind it, it is everything, for ever."""

    __slots__ = ("_clock", "_past", "_until", "part", "turns", "version")

    def __init__(self, clock: Clock, part: Part = ALL, until: float = inf, turns: Turns | None = None) -> None:
        self._clock, self._until, self.part, self.turns = clock, until, part, turns
        self._past: list[tuple[float, Part]] = []
        """Until when (monotonic) which part was held."""
        self.version = 0
        """Moves with each change that a clock alone does not bring."""

    def stale(self, now: float) -> bool:
        return now >= self._until

    def held(self, span_s: float, now: float) -> tuple[Part, float]:
        """What was held all through the last `span_s`, and until when that stays so, if `version` does."""
        if now >= self._until:
            return NOTHING, inf
        part, until = self.part, self._until
        for left, before in reversed(self._past):
            if left + span_s <= now:
                break
            part, until = part.meet(before), min(until, left + span_s)
        return part, until

    def begin(self, part: Part, until: float) -> None:
        """The first part, of somebody who is alone at the start: there is nobody whose calls would have to pass."""
        self._past.clear()
        self.part, self._until = part, until
        self.version += 1

    def obey(self, part: Part) -> None:
        """From now on. Wider than before it is in force only after the agency's own second."""
        if part != self.part:
            self._left(self._clock.monotonic(), self.part)
            self.part = part

    def fresh(self, until: float) -> None:
        """A look was taken that is good until then (monotonic). Who was stale held nothing up to now."""
        now = self._clock.monotonic()
        if self.stale(now):
            self._left(now, NOTHING)
        self._until = max(self._until, until)

    def still(self, until: float) -> None:
        """As `fresh`, where nobody could be looked for: only who never stopped looking goes on."""
        if not self.stale(self._clock.monotonic()):
            self._until = max(self._until, until)

    def _left(self, now: float, part: Part) -> None:
        self._past.append((now, part))
        self.version += 1
        if len(self._past) > _REMEMBERED:  # the oldest become one cautious entry: what was held in both
            (_, one), (left, other) = self._past[:2]
            self._past[:2] = [(left, one.meet(other))]
