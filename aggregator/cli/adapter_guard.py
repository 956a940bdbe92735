"""The guard a driver is proved behind is the city's own pipeline, with the patience of somebody who is testing."""

from collections.abc import Mapping

from aggregator.resilience.outcome import Outcome, outcome_of
from aggregator.resilience.pipeline import Guarded, NullMeter
from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import Declared
from aggregator.sdk.clock import SeededChance, SystemClock
from aggregator.sdk.wire import Trail

_NEVER = 1000


def guarded(  # noqa: PLR0913 - the limits a fault is played with
    driver: object,
    operations: Mapping[str, Declared],
    *,
    deadline_s: float,
    fail_max: int = _NEVER,
    places: int = 64,
    waiting: int = 64,
) -> Guarded:
    """One attempt for a read, too: what a repeat would hide is what is looked for."""
    policy = Policy(
        deadline_s=deadline_s,
        max_concurrency=places,
        max_waiting=waiting,
        max_wait_s=deadline_s / 2,
        max_rps=1000.0,
        retry_max_attempts=1,
        retry_wait_min_s=0.01,
        retry_wait_max_s=deadline_s / 2,
        breaker_fail_max=fail_max,
        breaker_window_calls=_NEVER,
    )
    return Guarded("proved", driver, operations, policy, clock=SystemClock(), chance=SeededChance(1), meter=NullMeter())


def judged(got: object, trail: Trail, declared: Declared) -> Outcome:
    """What the deliverer would write down."""
    return outcome_of(got, trail, declared)
