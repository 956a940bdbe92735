"""A breaker brought to each of its states, for the tests of the guard."""

import contextlib

import pybreaker

from aggregator.resilience.breaker import OPEN
from aggregator.resilience.policy import Policy
from aggregator.sdk.errors import (
    Unavailable,
)

POLICY = Policy(breaker_fail_max=3)


def fail(breaker, error=None):
    with contextlib.suppress(Unavailable, TimeoutError), breaker.guard():
        raise error or Unavailable("away")


def succeed(breaker):
    with breaker.guard():
        pass


def tripped(breaker):
    while breaker.state != OPEN:
        fail(breaker)


def half_opened(breaker, clock):
    tripped(breaker)
    clock.advance(breaker.retry_after_s())


def bare_half_open(**settings_):
    bare = pybreaker.CircuitBreaker(fail_max=1, **settings_)
    bare.half_open()
    return bare


def late_failures(circuit_guard, count):
    """Guards entered now, to be failed later."""
    guards = [circuit_guard() for _ in range(count)]
    for guard in guards:
        guard.__enter__()
    return guards
