"""Before a case is sent somebody asks whether it may be: the reason is the citizen's sentence."""

import pytest

from aggregator.resilience.pipeline import Guarded, NullMeter
from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import Class, Declared, operation
from aggregator.sdk.clock import ManualClock, SeededChance
from aggregator.sdk.errors import Unavailable
from aggregator.sdk.model import Order

ORDER = Order("R1", "permit", {})
SAFE = {"track": Declared(name="track", cls=Class.SAFE)}


class Office:
    @operation(Class.SAFE)
    async def track(self, order: Order) -> None:
        raise Unavailable("it is away")


def guarded(**numbers: float) -> Guarded:
    policy = Policy(retry_max_attempts=1, **numbers)  # type: ignore[arg-type]
    return Guarded("rto", Office(), SAFE, policy, clock=ManualClock(), chance=SeededChance(1), meter=NullMeter())


def test_nothing_keeps_a_first_call_back() -> None:
    assert guarded().keeps_back("track") is None


async def test_an_open_circuit_says_so_and_when() -> None:
    guard = guarded(breaker_fail_max=1)
    with pytest.raises(Unavailable):
        await guard.read("track", ORDER, cached=False)
    wait_s, why = guard.keeps_back("track") or (0.0, "")
    assert why == "circuit_open"
    assert wait_s > 0


def test_a_paused_agency_is_told_as_paused() -> None:
    guard = guarded()
    guard.halt("maintenance")
    assert (guard.keeps_back("track") or (0.0, ""))[1] == "paused"


async def test_a_short_wait_for_a_turn_is_no_reason_and_a_long_one_is() -> None:
    hasty, slow = guarded(max_rps=1.0, max_wait_s=5.0), guarded(max_rps=0.1, max_wait_s=2.0)
    for guard in (hasty, slow):
        with pytest.raises(Unavailable):
            await guard.read("track", ORDER, cached=False)
    assert hasty.keeps_back("track") is None
    assert (slow.keeps_back("track") or (0.0, ""))[1] == "throttled"
