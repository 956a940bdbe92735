"""How an agency has been lately, in figures a city officer can read. No text of the agency is among them."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from aggregator.resilience.breaker import CLOSED, Breaker, Verdict, verdict_on
from aggregator.sdk.clock import Clock
from aggregator.sdk.errors import Misconfigured

LATELY_S = 300.0
"""How far back the figures look."""
CALLS_KEPT = 1024
"""At most so many calls are looked back on, however busy the agency."""

State = Literal["up", "degraded", "down"]


@dataclass(frozen=True)
class AgencyHealth:
    """One agency, lately. `breakers` maps an operation class to its circuit's state; times in seconds.

    `calls`, `failed`, `p50_s`, `p95_s` are of the last five minutes and of calls that reached the agency.
    `last_failure` is the name of an error class, never a text.
    """

    state: State
    breakers: Mapping[str, str]
    retry_after_s: float
    in_flight: int
    waiting: int
    calls: int
    failed: int
    p50_s: float | None
    p95_s: float | None
    last_ok_at: datetime | None
    last_failure: str


class Record:
    """The last calls at one agency."""

    __slots__ = ("_calls", "_clock", "_last_ok", "_rejects_us", "last_failure")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: deque[tuple[float, float, bool]] = deque(maxlen=CALLS_KEPT)
        self._last_ok: float | None = None
        self._rejects_us = False
        self.last_failure = ""

    def note(self, now: float, seconds: float, error: BaseException | None) -> None:
        """One call that reached the agency, how long it took and how it ended."""
        verdict = verdict_on(error)
        rejects_us = isinstance(error, Misconfigured)
        failed = rejects_us or verdict is Verdict.FAILED
        self._calls.append((now, seconds, failed))
        if verdict is Verdict.OK:
            self._last_ok, self._rejects_us = now, False
        elif failed:
            self.last_failure = type(error).__name__
            self._rejects_us = rejects_us

    def health(self, breakers: Mapping[str, Breaker], *, in_flight: int, waiting: int) -> AgencyHealth:
        since = self._clock.monotonic() - LATELY_S
        lately = [(seconds, failed) for at, seconds, failed in self._calls if at >= since]
        times = sorted(seconds for seconds, _ in lately)
        away = [breaker.retry_after_s() for breaker in breakers.values() if breaker.state != CLOSED]
        return AgencyHealth(
            state=self._state(closed=len(breakers) - len(away), away=len(away)),
            breakers={name: breaker.state for name, breaker in breakers.items()},
            retry_after_s=min(away, default=0.0),
            in_flight=in_flight,
            waiting=waiting,
            calls=len(lately),
            failed=sum(failed for _, failed in lately),
            p50_s=_quantile(times, 0.50),
            p95_s=_quantile(times, 0.95),
            last_ok_at=self._last_ok_at(),
            last_failure=self.last_failure,
        )

    def _state(self, *, closed: int, away: int) -> State:
        if self._rejects_us or (away and not closed):
            return "down"
        return "degraded" if away else "up"

    def _last_ok_at(self) -> datetime | None:
        # Kept as a duration and turned into a date when somebody asks: a date per call is dear.
        if self._last_ok is None:
            return None
        return self._clock.now() - timedelta(seconds=self._clock.monotonic() - self._last_ok)


def _quantile(ordered: list[float], part: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else None
