"""One agency's rate belongs to everybody who calls it; nobody's flood takes another's share, and no second sees more.

Three token buckets, one per share, each refilled at its part of `max_rps`. What overflows a full one falls into a
common pool that anybody may drink from, so an idle share is not wasted and a busy one is not robbed. Over them stands a
window of the starts themselves, past and promised: whatever was saved up, in no second are more calls begun than
`max_rps` (whole ones; below one a second they are that far apart).
"""

from bisect import bisect_right, insort

from aggregator.resilience.policy import SHARES, Policy
from aggregator.sdk.clock import Clock

BURST_S = 0.5
"""How much of its own rate a share, or the pool, may save up for a burst, in seconds."""
COUNTED_MOST = 10_000
"""Above so many a second nobody counts: the registry allows no more."""


class Rate:
    """Calls per second at one agency. `share` is one of `SHARES`."""

    __slots__ = (
        "_at", "_clock", "_common", "_common_max", "_full", "_most", "_rps", "_span_s", "_starts", "_tokens",
        "_used",
    )  # fmt: skip

    def __init__(self, policy: Policy, clock: Clock) -> None:
        parts = {
            "interactive": policy.share_interactive,
            "settling": policy.share_settling,
            "polling": policy.share_polling,
        }
        self._clock = clock
        self._rps = {share: policy.max_rps * parts[share] for share in SHARES}
        self._full = {share: max(1.0, rps * BURST_S) for share, rps in self._rps.items()}
        self._tokens = dict(self._full)
        self._common, self._common_max = 0.0, max(1.0, policy.max_rps * BURST_S)
        self._at = clock.monotonic()
        self._most = max(1, int(policy.max_rps))
        self._span_s = max(1.0, 1.0 / policy.max_rps)
        self._used = dict.fromkeys(SHARES, float("-inf"))
        self._starts: list[float] = []
        """When calls began or are promised to begin, in order; old ones are forgotten in passing."""

    def take_now(self, share: str) -> bool:
        """Takes a token if there is one, and if this second has room; tells whether."""
        now = self._clock.monotonic()
        if self._room_s(now) > 0.0:
            return False
        if self._tokens[share] < 1.0:
            # Refilled only when short: the common case costs one comparison.
            self._refill()
            if self._tokens[share] < 1.0:
                return self._take_common(share, now)
        self._tokens[share] -= 1.0
        self._used[share] = now
        self._begin(now)
        return True

    def wait_s(self, share: str) -> float:
        """How long until a token is there for the next one who asks. Takes nothing."""
        self._refill()
        room_s = max(0.0, self._room_s(self._at))
        if self._tokens[share] >= 1.0 or self._common >= 1.0:
            return room_s
        return max(room_s, (1.0 - self._tokens[share]) / self._rps[share])

    def room(self, share: str) -> int:
        """How many calls of this share could begin now."""
        self._refill()
        if self._most > COUNTED_MOST:
            return COUNTED_MOST
        free = self._most - self._begun(self._at)
        tokens = int(max(0.0, self._tokens[share]))
        drinkable = max(0, min(int(self._common), free - tokens - self._promised(share)))
        return max(0, min(free, tokens + drinkable))

    def reserve(self, share: str) -> float:
        """Takes a token that may not be there yet: the moment, monotonic, from which it is ours; in order of asking."""
        now = self._clock.monotonic()
        if self.take_now(share):
            return now
        self._refill()
        self._tokens[share] -= 1.0
        self._used[share] = now
        at = max(now - min(0.0, self._tokens[share]) / self._rps[share], now + max(0.0, self._room_s(now)))
        self._begin(at)
        return at

    def give_back(self, share: str, at: float) -> None:
        """Returns a token that was taken for `at` and not used."""
        self._tokens[share] = min(self._full[share], self._tokens[share] + 1.0)
        place = bisect_right(self._starts, at) - 1
        if place >= 0 and self._starts[place] == at:
            del self._starts[place]

    def _room_s(self, now: float) -> float:
        """Until this second has room for one more; not more than 0 when it has. Nobody overtakes what is promised."""
        if len(self._starts) < self._most or self._most > COUNTED_MOST:
            return 0.0
        return self._starts[-self._most] + self._span_s - now

    def _begin(self, at: float) -> None:
        if self._most > COUNTED_MOST:
            return
        if self._starts and at < self._starts[-1]:
            insort(self._starts, at)
        else:
            self._starts.append(at)
        if len(self._starts) > 3 * self._most + 64:
            del self._starts[: -2 * self._most]

    def _begun(self, now: float) -> int:
        """Calls begun within the last second, or promised."""
        return len(self._starts) - bisect_right(self._starts, now - self._span_s)

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
        if self._most <= COUNTED_MOST and self._begun(now) + self._promised(share) >= self._most:
            return False
        self._common -= 1.0
        self._begin(now)
        return True

    def _refill(self) -> None:
        now = self._clock.monotonic()
        elapsed_s, self._at = now - self._at, now
        for share, rps in self._rps.items():
            tokens = self._tokens[share] + elapsed_s * rps
            full = self._full[share]
            if tokens > full:
                self._common = min(self._common_max, self._common + tokens - full)
                tokens = full
            self._tokens[share] = tokens
