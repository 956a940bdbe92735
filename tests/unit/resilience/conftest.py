"""The clock and the breaker of one agency."""

import pytest
from breaker_turns import POLICY

from aggregator.resilience.breaker import Breaker
from aggregator.sdk.clock import ManualClock, SeededChance


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def breaker(clock):
    return Breaker("rto/safe", POLICY, clock=clock, chance=SeededChance(1))
