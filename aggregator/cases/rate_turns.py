"""A call that lies across the edge of two processes' parts belongs to whoever takes it: one row in the database.

Taken before it is used, never given back: a turn that nobody uses is a call less, never one more. The database's clock
decides, on one file the host's: no two processes' clocks are compared.
"""

from collections import deque
from functools import partial
from math import inf

from aggregator.sdk.clock import Clock, epoch_ms
from aggregator.store import Run, Store, StoreUnavailable

NONSENSE_S = 600.0
"""A turn further off than that, beyond the callers' patience, was written before a clock was set back."""
LATE_S = 0.1
"""By how much an answer may be later than those before it."""
LONGEST_S = 1.0
_TAKE = (
    "insert into rate_turn (agency, unit, next_us) values ($1, $2, {now} + $3) on conflict (agency, unit) do update"
    " set next_us = case when rate_turn.next_us between {now} and {now} + $5 then rate_turn.next_us + $3"
    " else {now} + $3 end where rate_turn.next_us <= {now} + $4 or rate_turn.next_us > {now} + $5"
    " returning next_us - $3 - {now} as wait_us"
)
_LOOK = "select next_us - {now} as wait_us from rate_turn where agency = $1 and unit = $2"
_NOW = "cast(extract(epoch from clock_timestamp()) * 1000000 as bigint)"
_SERVER = _TAKE.format(now=_NOW), _LOOK.format(now=_NOW)
_HOST = _TAKE.format(now="$6"), _LOOK.format(now="$3")


class RateTurns:
    """Implements `aggregator.resilience.share.Turns`.

    The answer comes a commit later than the database's word, so a turn is as much longer than its span as answers take
    lately; one whose answer took longer still is let go.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._took_s: deque[float] = deque([0.0, 0.0], maxlen=5)

    async def take(self, agency: str, unit: int, span_s: float, within_s: float) -> float:
        """As the interface says; inf while the store is away."""
        ends = self._clock.monotonic() + within_s
        left_s = within_s
        while left_s >= 0.0:
            pad_s, asked = sorted(self._took_s)[-2], self._clock.monotonic()
            try:
                wait_s = await self._store.write(partial(self._put, agency, unit, span_s + pad_s, left_s))
            except StoreUnavailable:
                return inf
            took_s = self._clock.monotonic() - asked
            self._took_s.append(min(took_s, LONGEST_S))
            if wait_s > left_s:  # what is left may be less than what was asked for: one answer was let go
                return max(wait_s, within_s + LATE_S)
            if took_s <= pad_s + LATE_S:
                return wait_s
            left_s = ends - self._clock.monotonic()
        return inf

    async def _put(self, agency: str, unit: int, span_s: float, within_s: float, run: Run) -> float:
        numbers = [round(one * 1e6) for one in (span_s, min(within_s, NONSENSE_S), span_s + NONSENSE_S)]
        now = [epoch_ms(self._clock.now()) * 1000] if self._store.engine == "sqlite" else []
        take, look = _HOST if now else _SERVER
        rows = await run(take, agency, unit, *numbers, *now) or await run(look, agency, unit, *now)
        return max(0.0, int(rows[0]["wait_us"]) / 1e6)
