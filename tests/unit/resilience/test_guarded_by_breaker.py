"""The breaker in its place: a dead agency costs its own callers an answer at once, and nobody else anything (R7)."""

import asyncio
from dataclasses import replace

import pytest
from calls_made import LIMITED, ended, now, sending
from virtual_city import FAST, ORDER, Office, answering, guarded, raising, virtual_time

from aggregator.resilience.breaker import CLOSED, OPEN
from aggregator.resilience.policy import Policy
from aggregator.sdk.errors import (
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from aggregator.sdk.wire import Trail


@virtual_time
async def test_a_dead_submit_does_not_stop_status_reads():
    office = Office()
    office.on_submit = sending(error=OutcomeUnknown("500"))
    rto = guarded(office)
    for _ in range(10):
        await rto.attempt("submit", ORDER, Trail())
    assert rto.health().breakers == {"queryable": OPEN, "safe": CLOSED}
    assert rto.health().state == "degraded"
    assert office.submitted == FAST.breaker_fail_max
    assert (await rto.read("track", ORDER)).value == {"state": "with the clerk"}


@virtual_time
async def test_a_refusal_never_opens_the_circuit():
    office = Office()
    office.on_track = raising(Refused("E1"))
    rto = guarded(office)
    for _ in range(500):
        assert await ended(rto.read("track", ORDER)) == "Refused"
    assert (rto.health().state, office.tracked) == ("up", 500)


@virtual_time
async def test_r7_once_open_a_dead_agencys_callers_are_answered_at_once_and_it_is_not_asked():
    office = Office()
    office.on_track = answering("never", after_s=1e9)
    rto = guarded(office, LIMITED)
    await asyncio.gather(*(ended(rto.read("lookup", ORDER, person=str(n))) for n in range(300)))
    while rto.health().breakers["safe"] != OPEN:
        await ended(rto.read("lookup", ORDER, cached=False))
    asked, began = office.tracked, now()
    answers = await asyncio.gather(*(ended(rto.read("lookup", ORDER, person=str(n))) for n in range(300)))
    assert set(answers) == {"CircuitOpen"}
    assert (office.tracked, now()) == (asked, began)


@virtual_time
async def test_r7_control_without_a_bulkhead_everybody_is_inside_a_dead_agency():
    office = Office()
    office.on_track = answering("never", after_s=1e9)
    rto = guarded(office, FAST)
    callers = [asyncio.create_task(ended(rto.read("lookup", ORDER, person=str(n)))) for n in range(300)]
    await asyncio.sleep(0.1)
    assert rto.health().in_flight == 300
    await asyncio.wait(callers)


@virtual_time
async def test_r7_a_dead_agency_holds_its_own_places_and_no_others():
    dead, alive = Office(), Office()
    dead.on_track = answering("never", after_s=1e9)
    alive.on_track = answering("found", after_s=0.03)
    dead_one, live_one = guarded(dead, LIMITED), guarded(alive, LIMITED)
    flood = [asyncio.create_task(ended(dead_one.read("lookup", ORDER, person=str(n)))) for n in range(300)]
    await asyncio.sleep(0)
    began = now()
    assert await ended(live_one.read("lookup", ORDER)) == "ok"
    assert now() - began == pytest.approx(0.03)
    assert (dead_one.health().in_flight, dead_one.health().waiting) == (4, 4)
    await asyncio.wait(flood)
    assert dead_one.health().in_flight == 0


@virtual_time
async def test_nobody_queues_before_a_busy_agency_only_to_be_turned_away():
    office = Office()
    rto = guarded(office, LIMITED)
    office.on_submit = sending(error=OutcomeUnknown("500"))
    while rto.health().breakers["queryable"] != OPEN:
        await rto.attempt("submit", ORDER, Trail())
    office.on_track = answering("slow", after_s=1.5)
    readers = [asyncio.create_task(ended(rto.read("lookup", ORDER, person=str(n)))) for n in range(4)]
    await asyncio.sleep(0.1)
    began = now()
    assert (await rto.attempt("submit", ORDER, Trail())).why == "CircuitOpen"
    assert now() == began
    await asyncio.wait(readers)


@virtual_time
async def test_r7_those_already_in_the_queue_are_answered_the_moment_the_circuit_opens():
    office = Office()

    async def agency(order):
        await asyncio.sleep(1.0 if office.tracked <= 1 else 60.0)
        raise OutcomeUnknown("reset")

    office.on_track = agency
    policy = Policy(max_rps=1e6, max_concurrency=2, max_waiting=9, max_wait_s=3.0, breaker_fail_max=1)
    rto, began = guarded(office, policy), now()
    callers = [asyncio.create_task(ended(rto.read("lookup", ORDER, person=str(n)))) for n in range(6)]
    queued, _ = await asyncio.wait(callers, timeout=1.001)
    assert [task.result() for task in queued] == ["CircuitOpen"] * 4
    assert now() - began < 1.01
    await asyncio.wait(callers)


@virtual_time
async def test_an_impatient_caller_is_no_outage_and_an_agency_that_had_its_time_is():
    office = Office()
    office.on_track = answering("late", after_s=1e9)
    rto = guarded(office, replace(FAST, breaker_fail_max=1))
    for _ in range(20):
        assert await ended(rto.read("lookup", ORDER, cached=False, deadline_s=0.2)) == "Unavailable"
    assert rto.health().breakers["safe"] == CLOSED
    await ended(rto.read("lookup", ORDER, cached=False))
    assert rto.health().breakers["safe"] == OPEN


@virtual_time
async def test_half_open_lets_one_in_and_the_recovered_agency_serves_again():
    office = Office()
    rto = guarded(office)
    good = await rto.read("track", ORDER)
    office.on_track = raising(Unavailable("away"))
    for n in range(10):
        await ended(rto.read("lookup", ORDER, person=str(n)))
    stand_in = await rto.read("track", ORDER)
    assert (stand_in.value, stand_in.stale) == (good.value, False)
    await asyncio.sleep(31)
    office.on_track = answering("found", after_s=1)
    asked = office.tracked
    ends = await asyncio.gather(*(ended(rto.read("lookup", ORDER, person=str(n))) for n in range(100)))
    assert (ends.count("ok"), office.tracked - asked) == (1, 1)
    assert rto.health().breakers["safe"] == CLOSED
    assert await ended(rto.read("lookup", ORDER)) == "ok"
