"""What the pipeline tells outside: outcomes counted, turns of a circuit, health, and when asking makes sense."""

import asyncio
from dataclasses import replace

import pytest
from calls_made import LIMITED, ended
from virtual_city import ORDER, Counter, LoopClock, Office, answering, guarded, raising, virtual_time

from aggregator.resilience.breaker import OPEN
from aggregator.sdk.errors import (
    CircuitOpen,
    DeadlinePassed,
    Misconfigured,
    NotAttempted,
    Saturated,
    Unavailable,
)


@virtual_time
async def test_calls_are_counted_by_outcome_and_carry_no_text():
    office, meter = Office(), Counter()
    rto = guarded(office, meter=meter)
    await rto.read("track", ORDER)
    await rto.read("track", ORDER)
    office.on_track = raising(KeyError("Asha Devi"))
    await ended(rto.read("lookup", ORDER))
    office.on_track = raising(Unavailable("Asha Devi"))
    for _ in range(4):
        await ended(rto.read("lookup", ORDER))
    assert meter.calls == [
        ("track", "ok"),
        ("track", "cached"),
        ("lookup", "KeyError"),
        ("lookup", "Unavailable"),
        ("lookup", "Unavailable"),
        ("lookup", "CircuitOpen"),
        ("lookup", "CircuitOpen"),
    ]
    assert meter.gauges == {"circuits_open": 1}


@virtual_time
async def test_every_turn_of_a_circuit_is_told_outside():
    told, office = [], Office()
    office.on_track = raising(Unavailable("away"))
    rto = guarded(office, on_breaker=told.append)
    for _ in range(3):
        await ended(rto.read("lookup", ORDER))
    assert [(change.name, change.after, change.why) for change in told] == [("rto/safe", OPEN, "Unavailable")]


@virtual_time
async def test_health_says_how_the_agency_has_been_lately():
    office = Office()
    office.on_track = answering("found", after_s=0.2)
    rto = guarded(office)
    assert (rto.health().state, rto.health().p50_s, rto.health().last_ok_at) == ("up", None, None)
    for n in range(20):
        await rto.read("lookup", ORDER, person=str(n))
    good_at = LoopClock().now()
    health = rto.health()
    assert (health.calls, health.failed, health.last_ok_at) == (20, 0, good_at)
    assert health.p50_s == pytest.approx(0.2)
    office.on_track = raising(Misconfigured("api_key"))
    await ended(rto.read("lookup", ORDER))
    assert (rto.health().state, rto.health().last_failure, rto.health().failed) == ("down", "Misconfigured", 1)
    office.on_track = answering("found")
    await rto.read("lookup", ORDER)
    assert rto.health().state == "up"
    await asyncio.sleep(301)
    assert rto.health().calls == 0


@virtual_time
async def test_admits_in_says_when_asking_makes_sense():
    office = Office()
    office.on_track = raising(Unavailable("away"))
    rto = guarded(office, LIMITED)
    assert rto.admits_in_s("lookup") == 0.0
    while rto.health().breakers["safe"] != OPEN:
        await ended(rto.read("lookup", ORDER))
    wait_s = rto.admits_in_s("lookup")
    assert 0 < wait_s <= 5.0
    assert rto.admits_in_s("submit") == 0.0
    await asyncio.sleep(wait_s)
    assert rto.admits_in_s("lookup") == 0.0


@virtual_time
async def test_r8_of_a_saturated_agency_the_caller_is_told_not_made_to_wait():
    office = Office()
    office.on_track = answering("found", after_s=1)
    rto = guarded(office, replace(LIMITED, max_wait_s=0.5))
    ends = await asyncio.gather(*(ended(rto.read("lookup", ORDER, person=str(n))) for n in range(20)))
    assert (ends.count("ok"), ends.count("Saturated")) == (4, 16)
    with pytest.raises(DeadlinePassed):
        await rto.read("lookup", ORDER, deadline_s=0.0, cached=False)
    assert issubclass(Saturated, NotAttempted)
    assert issubclass(CircuitOpen, NotAttempted)
