"""A circuit breaker that believes only what was proved: three verdicts, bounded trials, and epochs.

pybreaker keeps the states and the counters and is never entered directly: around a coroutine it counts a
returned coroutine as a success, lets every caller through when half-open, takes a cancellation for an outage and
replaces the error of the call that trips it (docs/libraries.md section 3.4). The guard here tells it, in
synchronous steps and with nothing held across an await, what a finished call proved about the agency:

* ok       it answered, also when it answered "no"
* failed   it was away, silent or talked garbage
* neutral  the call says nothing about it: cancelled, throttled, rejected for our settings, never made

An *epoch* is one stay in one state. A call speaks only for the epoch it began in, so a straggler can neither
prolong an outage nor reopen a circuit that has recovered.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from types import TracebackType
from typing import Self

import pybreaker

from aggregator.resilience.policy import Policy
from aggregator.resilience.window import Window
from aggregator.sdk.clock import Chance, Clock
from aggregator.sdk.errors import CircuitOpen, ContractBroken, OutcomeUnknown, Refused, Unavailable
from aggregator.sdk.wire import WireError

CLOSED, OPEN, HALF_OPEN = pybreaker.STATE_CLOSED, pybreaker.STATE_OPEN, pybreaker.STATE_HALF_OPEN
TRIAL_BUSY_S = 1.0
"""What a caller is told to wait while others try a half-open circuit."""
JITTER = 0.2
"""The part of an open period that is left to chance, so that many breakers do not knock together."""


class Verdict(Enum):
    OK = "ok"
    FAILED = "failed"
    NEUTRAL = "neutral"


def verdict_on(error: BaseException | None) -> Verdict:
    """What the end of a call proves about the agency. Source: docs/protocols/common.md section 2, its last lines."""
    match error:
        case None | Refused():
            return Verdict.OK
        case Unavailable(throttled=True) | ContractBroken(garbled=False):
            return Verdict.NEUTRAL
        case Unavailable() | OutcomeUnknown() | ContractBroken() | TimeoutError() | WireError():
            return Verdict.FAILED
        case _:
            # Misconfigured, cancelled, our own store, a driver's KeyError: nothing is proved about the agency.
            return Verdict.NEUTRAL


@dataclass(frozen=True, slots=True)
class BreakerChange:
    """One turn of one circuit. `retry_after_s` is how long an opened one stays so; `why` is an error class's name."""

    name: str
    before: str
    after: str
    at: datetime
    retry_after_s: float
    why: str


class _Ear(pybreaker.CircuitBreakerListener):
    """pybreaker says when the state turns, whoever turned it: five failures, a trial, or our rate rule."""

    def __init__(self, turned: Callable[[str], None]) -> None:
        self._turned = turned

    def state_change(
        self,
        cb: pybreaker.CircuitBreaker,  # noqa: ARG002 - the listener's signature is pybreaker's
        old_state: pybreaker.CircuitBreakerState | None,  # noqa: ARG002 - as above
        new_state: pybreaker.CircuitBreakerState,
    ) -> None:
        self._turned(new_state.name)


class Guard:
    """One call's stay inside a breaker. `excused` set by the caller: its end says nothing about the agency."""

    __slots__ = ("_breaker", "_epoch", "began", "excused")

    def __init__(self, breaker: "Breaker") -> None:
        self._breaker = breaker
        self.excused = False

    def __enter__(self) -> Self:
        self._epoch, self.began = self._breaker.admit()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._breaker.leave(self._epoch, self.began, error, excused=self.excused)


class Breaker:
    """The circuit of one class of operations at one agency. Made for one event loop: every step is synchronous."""

    __slots__ = (
        "_chance",
        "_circuit",
        "_classify",
        "_clock",
        "_epoch",
        "_on_change",
        "_open_for_s",
        "_opened_at",
        "_opened_in_a_row",
        "_policy",
        "_told_a_failure",
        "_trials_in",
        "_why",
        "_window",
        "name",
        "state",
    )

    def __init__(  # noqa: PLR0913 - a breaker is its numbers, its clocks and its two listeners
        self,
        name: str,
        policy: Policy,
        *,
        clock: Clock,
        chance: Chance,
        classify: Callable[[BaseException | None], Verdict] = verdict_on,
        on_change: Callable[[BreakerChange], None] | None = None,
    ) -> None:
        self.name, self.state = name, CLOSED
        self._policy, self._clock, self._chance = policy, clock, chance
        self._classify, self._on_change = classify, on_change
        self._window = Window(policy.breaker_window_s)
        self._epoch = self._trials_in = self._opened_in_a_row = 0
        self._opened_at = self._open_for_s = 0.0
        self._told_a_failure, self._why = False, ""
        # Without its reset_timeout: that runs on the wall clock (PB-12), and nothing calls it while open.
        self._circuit = pybreaker.CircuitBreaker(
            fail_max=policy.breaker_fail_max,
            success_threshold=policy.breaker_success_threshold,
            listeners=[_Ear(self._turned)],
            throw_new_error_on_trip=False,
        )

    def guard(self) -> Guard:
        """`with breaker.guard():` around the awaits of one attempt. Raises CircuitOpen on entering."""
        return Guard(self)

    @property
    def trials_in(self) -> int:
        """How many trial calls are inside a half-open circuit right now."""
        return self._trials_in

    def retry_after_s(self) -> float:
        """0.0 when a call would be let through now, else seconds until asking makes sense."""
        if self.state == OPEN:
            return max(0.0, self._opened_at + self._open_for_s - self._clock.monotonic())
        if self.state == HALF_OPEN and self._trials_in >= self._policy.breaker_trials:
            return TRIAL_BUSY_S
        return 0.0

    def check(self) -> None:
        """Raises CircuitOpen when a call would be turned away. Takes nothing."""
        if self.state != CLOSED and (wait_s := self.retry_after_s()) > 0.0:
            raise CircuitOpen(self.name, wait_s)

    def admit(self) -> tuple[int, float]:
        """The epoch and the instant a call begins in; takes a trial's slot when half-open."""
        if self.state != CLOSED:
            self.check()
            if self.state == OPEN:
                self._circuit.half_open()
            self._trials_in += 1
        return self._epoch, self._clock.monotonic()

    def leave(self, epoch: int, began: float, error: BaseException | None, *, excused: bool) -> None:
        """Gives the slot back and tells what the call proved, unless it speaks of an epoch that is over."""
        if epoch != self._epoch:
            return
        if self.state != CLOSED:
            self._trials_in -= 1
        verdict = Verdict.NEUTRAL if excused else self._classify(error)
        if verdict is Verdict.NEUTRAL:
            return
        now = self._clock.monotonic()
        bad = verdict is Verdict.FAILED or now - began >= self._policy.slow_call_s
        if error is not None and verdict is Verdict.FAILED:
            self._tell_failure(error)
        elif self._told_a_failure or self.state != CLOSED:
            self._tell_success()
        # Told about this call the circuit may have turned; then the window speaks of a state that is gone.
        if epoch == self._epoch:
            self._weigh(now, bad=bad)

    def _tell_success(self) -> None:
        # Skipped in the quiet case: a closed circuit that heard of no failure has no counter to reset.
        self._told_a_failure = False
        self._circuit.call(_nothing)

    def _tell_failure(self, error: BaseException) -> None:
        self._told_a_failure, self._why = True, type(error).__name__
        kept = error.__traceback__
        try:
            self._circuit.call(_raise, error)
        except type(error) as same:
            if same is not error:
                raise
        error.__traceback__ = kept

    def _weigh(self, now: float, *, bad: bool) -> None:
        """The rate rule: pybreaker counts consecutive failures only, and 66 % would never open it (PB-10)."""
        window = self._window
        window.add(now, bad=bad)
        if not window.bad or window.calls < self._policy.breaker_window_calls:
            return
        if window.bad * 100 >= window.calls * self._policy.breaker_fail_percent:
            self._why = self._why or "slow"
            self._circuit.open()

    def _turned(self, state: str) -> None:
        before, self.state = self.state, state
        self._epoch += 1
        self._trials_in = 0
        self._told_a_failure = False
        self._window.clear()
        if state == OPEN:
            self._opened_at = self._clock.monotonic()
            self._open_for_s = self._next_period_s()
            self._opened_in_a_row += 1
        elif state == CLOSED:
            self._opened_in_a_row = 0
        if self._on_change:
            self._on_change(BreakerChange(self.name, before, state, self._clock.now(), self.retry_after_s(), self._why))
        self._why = ""

    def _next_period_s(self) -> float:
        # The exponent is capped because 2.0 ** 1100 overflows after enough days of outage.
        doubled = self._policy.breaker_reset_s * 2.0 ** min(self._opened_in_a_row, 40)
        return min(doubled, self._policy.breaker_reset_max_s) * (1.0 - JITTER * self._chance.random())


def _nothing() -> None:
    return None


def _raise(error: BaseException) -> None:
    raise error
