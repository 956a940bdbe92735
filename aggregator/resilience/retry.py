"""One layer repeats, and only what is safe to repeat, within what is left of the caller's patience and of a budget.

The first attempt runs without tenacity, which drives only what follows a failure: the failure is handed to it as
attempt 1, so that waits and the limit count from there. Writes never come here: each of their sends is a journaled
attempt of its own.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.stop import stop_base

from aggregator.resilience.deadline import Deadline
from aggregator.resilience.policy import Policy
from aggregator.resilience.rate import Rate
from aggregator.sdk.clock import Chance, Clock
from aggregator.sdk.errors import DeadlinePassed, NotAttempted, OutcomeUnknown, Unavailable

RETRYABLE = (Unavailable, OutcomeUnknown)
"""Our own classes by type. A predicate that says yes to everything swallows cancellation (TN-1), and OSError has
TimeoutError among its children (TN-6)."""
WIDENING = 4.0
"""The window of the full jitter grows by this factor with each attempt."""


class RetryBudget:
    """A token bucket per agency: retries are a small part of the calls, or a trickle where there are few calls.

    Each second earns the *larger* of the two, so a busy agency never gets more than its percentage.
    """

    __slots__ = ("_at", "_called", "_clock", "_full", "_part", "_per_s", "_tokens")

    def __init__(self, policy: Policy, clock: Clock) -> None:
        self._clock = clock
        self._part = policy.retry_budget_percent / 100.0
        self._per_s = policy.retry_budget_floor_per_min / 60.0
        self._full = self._tokens = max(float(policy.retry_budget_floor_per_min), 1.0 if self._part else 0.0)
        self._called = 0
        self._at = clock.monotonic()

    def called(self) -> None:
        """One call was made by somebody, which earns a part of a retry for somebody."""
        self._called += 1

    def allows(self) -> bool:
        now = self._clock.monotonic()
        part, elapsed_s = self._called * self._part, now - self._at
        if part >= 1.0 or elapsed_s >= 1.0:
            self._tokens = min(self._full, self._tokens + max(part, elapsed_s * self._per_s))
            self._called, self._at = 0, now
        return self._tokens >= 1.0

    def spend(self) -> None:
        self._tokens -= 1.0


class Retry:
    """The retry stage of one agency."""

    __slots__ = ("_chance", "_clock", "_policy", "_rate", "budget")

    def __init__(self, policy: Policy, rate: Rate, *, clock: Clock, chance: Chance) -> None:
        self._policy, self._rate, self._clock, self._chance = policy, rate, clock, chance
        self.budget = RetryBudget(policy, clock)

    async def after(
        self, failure: Exception, again: Callable[[], Awaitable[Any]], deadline: Deadline, share: str
    ) -> Any:
        """What a later attempt returned. Raises the last error the *agency* gave, or what cannot be retried.

        Nothing is waited for that would end after the deadline.
        """
        series = _Series(failure, again, partial(self._rate.token, share, deadline))
        retrying = AsyncRetrying(
            sleep=self._clock.sleep,
            retry=retry_if_exception_type(RETRYABLE),
            stop=stop_after_attempt(self._policy.retry_max_attempts) | _BeforeTheEnd(deadline, self.budget),
            wait=lambda state: self._wait_s(state, share),
            before_sleep=lambda _: self.budget.spend(),
            reraise=True,
        )
        try:
            return await retrying(series.step)
        except NotAttempted:
            # The caller must hear of the attempt that was made: CircuitOpen would read as "not sent" (TN-4).
            raise series.last from None

    def _wait_s(self, state: RetryCallState, share: str) -> float:
        """Full jitter over a widening window, never 0; after the agency's own Retry-After, if it gave one."""
        failure = state.outcome.exception() if state.outcome else None
        least, most = self._policy.retry_wait_min_s, self._policy.retry_wait_max_s
        asked_s = getattr(failure, "retry_after_s", None)
        if asked_s is None and getattr(failure, "throttled", False):
            asked_s = most  # too fast, and it did not say by how much: the longest wait there is
        window_s = min(most, least * WIDENING**state.attempt_number)
        jittered_s = least + max(0.0, window_s - least) * self._chance.random()
        return max((asked_s or 0.0) + jittered_s, self._rate.wait_s(share))


class _BeforeTheEnd(stop_base):
    """tenacity's `stop_before_delay`, on our clock: stop now rather than sleep past the deadline (TN-2).

    Its own reads the machine's monotonic clock, so a city in virtual time would have endless patience.
    """

    def __init__(self, deadline: Deadline, budget: RetryBudget) -> None:
        self._deadline, self._budget = deadline, budget

    def __call__(self, retry_state: RetryCallState) -> bool:
        return retry_state.upcoming_sleep >= self._deadline.left_s() or not self._budget.allows()


class _Series:
    """The attempts of one call: the failure already had, then real ones. Remembers the last error of a real one."""

    __slots__ = ("_again", "_had", "_token", "last")

    def __init__(
        self, failure: Exception, again: Callable[[], Awaitable[Any]], token: Callable[[], Awaitable[float]]
    ) -> None:
        self.last = failure
        self._had: Exception | None = failure
        self._again, self._token = again, token

    async def step(self) -> Any:
        if self._had is not None:
            had, self._had = self._had, None
            raise had
        try:
            await self._token()
        except TimeoutError:
            raise DeadlinePassed("the deadline passed before the repeat") from None
        try:
            return await self._again()
        except RETRYABLE as failure:
            self.last = failure
            raise
