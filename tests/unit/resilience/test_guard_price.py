"""What the guard costs (P5), beside the usual composition in the same run: ratios travel, microseconds do not."""

import asyncio
import time

import pybreaker
import pytest
import tenacity
from virtual_city import ORDER, Office, guarded, raising

from aggregator.resilience.policy import Policy
from aggregator.sdk.clock import SystemChance, SystemClock
from aggregator.sdk.errors import CircuitOpen, Unavailable

CALLS = 4000
ROUNDS = 5
OPEN_POLICY = Policy(max_rps=1e9)


async def us_per(call):
    """The best of some rounds, in microseconds of processor time."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(CALLS):
            await call()
        best = min(best, (time.process_time() - began) / CALLS * 1e6)
    return best


def usual(office):
    """tenacity, pybreaker and a timeout as they are usually put together, traps and all."""
    breaker = pybreaker.CircuitBreaker()

    @tenacity.retry(stop=tenacity.stop_after_attempt(3), retry=tenacity.retry_if_exception_type(Unavailable))
    async def call():
        with breaker.calling():
            async with asyncio.timeout(5):
                return await office.lookup(ORDER)

    return call


@pytest.mark.bench
async def test_p5_a_guarded_call_costs_less_than_the_usual_composition():
    office = Office()
    rto = guarded(office, OPEN_POLICY, clock=SystemClock(), chance=SystemChance())

    async def through():
        await rto.read("lookup", ORDER, cached=False)

    async def bare():
        await office.lookup(ORDER)

    alone, ours, theirs = await us_per(bare), await us_per(through), await us_per(usual(office))
    assert ours - alone <= theirs - alone, (ours, theirs, alone)


@pytest.mark.bench
async def test_p5_turning_away_at_an_open_circuit_costs_less_than_a_third_of_a_call():
    office = Office()
    rto = guarded(office, OPEN_POLICY, clock=SystemClock(), chance=SystemChance())

    async def through():
        try:
            await rto.read("lookup", ORDER, cached=False)
        except (CircuitOpen, Unavailable):
            return

    served = await us_per(through)
    office.on_track = raising(Unavailable("away"))
    for _ in range(5):
        await through()
    turned_away = await us_per(through)
    assert turned_away * 3 <= served, (turned_away, served)
