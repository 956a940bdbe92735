"""One agency's rate belongs to everybody who calls it; nobody's flood takes another's share, and no second sees more.

Three token buckets, one per share, each refilled at its part of `max_rps`. What overflows a full one falls into a
common pool that anybody may drink from, so an idle share is not wasted and a busy one is not robbed. Over them stands a
window of the starts themselves, past and promised: whatever was saved up, in no second are more calls begun than
`max_rps` (whole ones; below one a second they are that far apart).

Everybody is also every other process of the city: of the calls of a second, this one begins those that lie inside its
part (share.py), and takes turns with others for the one that lies across its edge.
"""

from math import inf

from aggregator.resilience.deadline import Deadline
from aggregator.resilience.policy import SHARES, Policy
from aggregator.resilience.share import ALL, Share
from aggregator.resilience.starts import COUNTED_MOST, Starts
from aggregator.sdk.clock import Clock
from aggregator.sdk.errors import Saturated

BURST_S = 0.5
"""How much of its own rate a share, or the pool, may save up for a burst, in seconds."""
TURNS_BELOW = 10
"""With so many calls a second of our own, the one across the edge is not worth a commit."""
LATE_S = 0.1
"""How long after its moment a turn may still be used: the next one may be another process'."""
NOT_YET_S = 1.0
"""When to ask again while nothing of the rate is ours: parts are looked at once a second."""
LOOK_AGAIN_S = 0.1
AHEAD_S = 0.25


class Rate:
    """Calls per second at one agency. `share` is one of `SHARES`; `part` is this process' part of all rates."""

    __slots__ = (
        "_across", "_agency", "_at", "_clock", "_common", "_common_max", "_full", "_most", "_part", "_parts", "_policy",
        "_rps", "_span_s", "_starts", "_taken_until", "_tokens", "_units", "_until", "_used", "_version",
    )  # fmt: skip

    def __init__(self, policy: Policy, clock: Clock, part: Share | None = None, agency: str = "") -> None:
        self._policy, self._clock, self._agency = policy, clock, agency
        self._part = part or Share(clock)
        self._parts = {
            "interactive": policy.share_interactive,
            "settling": policy.share_settling,
            "polling": policy.share_polling,
        }
        self._units = max(1, int(policy.max_rps))
        self._span_s = max(1.0, 1.0 / policy.max_rps)
        self._at = clock.monotonic()
        self._starts = Starts(self._units, self._span_s)
        self._across: tuple[int, ...] = ()
        self._obey(self._at)
        self._tokens = dict(self._full)
        self._common = 0.0
        self._used = dict.fromkeys(SHARES, float("-inf"))
        self._taken_until: dict[int, float] = {}
        """Until when a call across an edge is somebody's, as far as we were told."""

    @property
    def rps(self) -> float:
        """What this process may begin a second, now; where it takes turns, with all turns its own."""
        self._obey(self._clock.monotonic())
        return self._policy.max_rps * self._portion()

    @property
    def place(self) -> tuple[int, int]:
        """The how manieth of how many processes this one is, from 0: who shares a rate shares the work, too."""
        return self._part.part.place

    def take_now(self, share: str) -> bool:
        """Takes a token if there is one, and if this second has room; tells whether."""
        now = self._clock.monotonic()
        if now >= self._until or self._version != self._part.version:
            self._obey(now)
        if self._starts.room_s(now) > 0.0:
            return False
        if self._tokens[share] < 1.0:
            # Refilled only when short: the common case costs one comparison.
            self._refill()
            if self._tokens[share] < 1.0:
                return self._take_common(share, now)
        self._tokens[share] -= 1.0
        self._used[share] = now
        self._starts.begin(now)
        return True

    def wait_s(self, share: str) -> float:
        """How long until a token is there for the next one who asks. Takes nothing."""
        self._refill()
        room_s = max(0.0, min(self._starts.room_s(self._at), self._turn_s(self._at)))
        if room_s == inf:
            return NOT_YET_S
        if self._tokens[share] >= 1.0 or self._common >= 1.0:
            return room_s
        return max(room_s, (1.0 - self._tokens[share]) / self._rps[share])

    def room(self, share: str) -> int:
        """How many calls of this share could begin now; where few a second are ours, also those of the next moment.

        With one call a second of our own, to come back for it a quarter late would lose a fifth of the rate.
        """
        self._refill()
        if not self._starts.counted:
            return COUNTED_MOST
        ahead_s = 0.0 if self._part.part == ALL else AHEAD_S
        free = max(0, self._starts.most - self._starts.begun(self._at + ahead_s))
        free += int(self._turn_s(self._at) <= ahead_s)
        tokens = int(max(0.0, self._tokens[share]))
        drinkable = max(0, min(int(self._common), free - tokens - self._promised(share)))
        return max(0, min(free, tokens + drinkable))

    async def token(self, share: str, patience: Deadline) -> float:
        """The moment a token is for, once it has come. Raises Saturated, TimeoutError; then nothing is taken."""
        while (left_s := patience.left_s()) > 0.0:
            if self._nothing():
                await self._clock.sleep(min(LOOK_AGAIN_S, left_s))
                continue
            at = self.reserve(share)
            if at <= self._clock.monotonic():
                return at
            begun = await self._come(share, at, patience)
            if begun is not None:
                return begun
        if self._nothing():
            raise Saturated("other processes hold this agency's rate", NOT_YET_S)
        raise TimeoutError

    def reserve(self, share: str) -> float:
        """Takes a token that may not be there yet: the moment, monotonic, from which it is ours; in order of asking."""
        now = self._clock.monotonic()
        if self.take_now(share):
            return now
        self._refill()
        self._tokens[share] -= 1.0
        self._used[share] = now
        room_s = max(0.0, self._starts.room_s(now))
        if room_s == inf:
            return inf
        at = max(now - min(0.0, self._tokens[share]) / self._rps[share], now + room_s)
        self._starts.begin(at)
        return at

    def give_back(self, share: str, at: float) -> None:
        """Returns a token that was taken for `at` and not used."""
        self._tokens[share] = min(self._full[share], self._tokens[share] + 1.0)
        self._starts.drop(at)

    def _obey(self, now: float) -> None:
        """Takes over what is our part at this moment."""
        self._version = self._part.version
        held, self._until = self._part.held(self._span_s, now)
        before = self._across
        self._starts.most, across = held.units(self._units)
        self._across = across if self._part.turns is not None and self._starts.most < TURNS_BELOW else ()
        if self._across != before:  # a call begun in turns may have become one of our own: it counts as one
            self._starts.own_all()
        rps = self._policy.max_rps * self._portion()
        self._rps = {share: rps * self._parts[share] for share in SHARES}
        self._full = {share: max(1.0, one * BURST_S) for share, one in self._rps.items()}
        self._common_max = max(1.0, rps * BURST_S)

    def _portion(self) -> float:
        return (self._starts.most + len(self._across)) / self._units

    def _nothing(self) -> bool:
        self._refill()
        return not self._starts.most and not self._across

    async def _come(self, share: str, at: float, patience: Deadline) -> float | None:
        """When what was promised for `at` began: now; None where it is ours no more. Raises Saturated.

        A sleeper wakes late, a stopped process very late: what counts is when calls begin, not when they should have.
        """
        version = self._part.version
        try:
            at = await self._sooner(share, at, patience.left_s())
            while self._ours(at, version):
                now = self._clock.monotonic()
                wait_s = max(at - now, self._starts.in_the_way_s(at, now))
                if wait_s <= 0.0:
                    return self._starts.moved(at, now)
                if wait_s > patience.left_s():
                    again_s = self.wait_s(share) if wait_s == inf else wait_s
                    raise Saturated("the rate agreed with this agency is used up", again_s)  # noqa: TRY301 - given back
                at = self._starts.moved(at, now + wait_s)
                await self._clock.sleep(wait_s)
        except BaseException:
            self.give_back(share, at)
            raise
        self.give_back(share, at)
        return None

    def _ours(self, at: float, version: int) -> bool:
        """Whether nothing changed hands since it was promised; a turn must be used at its moment."""
        now = self._clock.monotonic()
        in_time = at not in self._starts.turns or now - at <= LATE_S
        return in_time and version == self._part.version and not self._part.stale(now)

    async def _sooner(self, share: str, at: float, left_s: float) -> float:
        """When a turn across the edge comes, instead of `at`, if that is sooner; inf where neither comes in time."""
        now = self._clock.monotonic()
        if at <= now or not self._across:
            return at
        within_s = min(left_s, at - now)
        ready_s = max(self._owed_s(share), self._starts.overdrawn_s(now))
        if ready_s >= within_s:
            return at
        if ready_s > 0.0:
            await self._clock.sleep(ready_s)
        self._refill()
        drunk = max(0.0, min(-self._tokens[share], self._common))
        self._tokens[share] += drunk
        self._common -= drunk
        turn = await self._turn(within_s - ready_s)
        if turn is None:
            return at
        self._starts.drop(at)
        return turn

    def _owed_s(self, share: str) -> float:
        """Until the token of a share is there, with what the idle ones let overflow."""
        idle = sum(self._rps[one] for one in SHARES if self._tokens[one] >= self._full[one])
        return max(0.0, -self._tokens[share] - self._common) / (self._rps[share] + idle)

    async def _turn(self, within_s: float) -> float | None:
        """The moment of the next turn, taken; None where none comes within so long."""
        now = self._clock.monotonic()
        within_s = max(0.0, within_s - LATE_S)  # the answer takes a moment, too
        unit = min(self._across, key=lambda one: self._taken_until.get(one, 0.0), default=None)
        if unit is None or self._part.turns is None or self._taken_until.get(unit, 0.0) > now + within_s:
            return None
        wait_s = await self._part.turns.take(self._agency, unit, self._span_s, within_s)
        now = self._clock.monotonic()
        self._refill()
        if unit not in self._across:  # it became ours, or somebody else's, while we asked
            return None
        if wait_s > within_s:
            self._taken_until[unit] = now + (NOT_YET_S if wait_s == inf else wait_s)
            return None
        self._taken_until[unit] = now + wait_s + self._span_s
        self._starts.begin_turn(now + wait_s, now)
        return now + wait_s

    def _turn_s(self, now: float) -> float:
        """Until a turn may be had, as far as we were told."""
        return min((self._taken_until.get(one, 0.0) - now for one in self._across), default=inf)

    def _promised(self, share: str) -> int:
        """Whole tokens that the other shares have saved: while one is in use, the room for it is not drunk away."""
        return sum(
            int(tokens)
            for other, tokens in self._tokens.items()
            if other != share and tokens >= 1.0 and self._at - self._used[other] <= self._span_s
        )

    def _take_common(self, share: str, now: float) -> bool:
        if self._common < 1.0:
            return False
        starts = self._starts
        if starts.counted and starts.begun(now) + self._promised(share) >= starts.most:
            return False
        self._common -= 1.0
        self._starts.begin(now)
        return True

    def _refill(self) -> None:
        now = self._clock.monotonic()
        if now >= self._until or self._version != self._part.version:
            self._obey(now)
        elapsed_s, self._at = now - self._at, now
        for share, rps in self._rps.items():
            tokens = self._tokens[share] + elapsed_s * rps
            full = self._full[share]
            if tokens > full:
                self._common = min(self._common_max, self._common + tokens - full)
                tokens = full
            self._tokens[share] = tokens
