"""Retry in its place: one layer repeats, and reads only (R9)."""

import asyncio
from dataclasses import replace

from calls_made import ended, now
from virtual_city import FAST, ORDER, Office, guarded, raising, virtual_time

from aggregator.resilience.breaker import OPEN
from aggregator.sdk.errors import (
    Unavailable,
)
from aggregator.sdk.wire import Trail


@virtual_time
async def test_r9_with_the_agency_at_100_percent_503_it_hears_less_than_was_asked():
    office = Office()
    office.on_track = raising(Unavailable("503"))
    rto = guarded(office)
    for _ in range(1000):
        await ended(rto.read("lookup", ORDER, cached=False))
        await asyncio.sleep(0.1)
    assert office.tracked <= 1.10 * 1000


@virtual_time
async def test_r9_with_the_agency_at_30_percent_503_sustained_amplification_is_a_tenth_at_most():
    office, chance = Office(), iter([n % 10 in (2, 5, 8) for n in range(100_000)])

    async def flaky(order):
        if next(chance):
            raise Unavailable("503")
        return "found"

    office.on_track = flaky
    rto = guarded(office)
    for _round in ("the budget's first tokens", "sustained"):
        office.tracked, began, good = 0, now(), 0
        for _ in range(1000):
            good += await ended(rto.read("lookup", ORDER, cached=False)) == "ok"
            await asyncio.sleep(0.1)
    assert office.tracked <= 1.10 * 1000 + 1
    assert good >= 700
    assert now() > began


@virtual_time
async def test_r9_no_single_call_is_tried_more_than_three_times():
    office = Office()
    office.on_track = raising(Unavailable("503"))
    rto = guarded(office)
    await ended(rto.read("lookup", ORDER))
    assert office.tracked == 3


@virtual_time
async def test_r9_the_deadline_shrinks_at_every_hop():
    office, left = Office(), []

    async def agency(order):
        began = now()
        try:
            await asyncio.sleep(3.0)
            raise Unavailable("slow and away")
        finally:
            left.append(now() - began)

    office.on_track = agency
    began = now()
    assert await ended(guarded(office).read("lookup", ORDER, cached=False, deadline_s=7.0)) == "Unavailable"
    assert now() - began <= 7.0
    assert len(left) == 3
    assert left[2] < 1.0


@virtual_time
async def test_r9_the_kill_switch_holds_before_the_next_send():
    office = Office()
    rto = guarded(office)

    async def agency(order):
        rto.halt("the agency asked us to stop")
        raise Unavailable("503")

    office.on_track = agency
    assert await ended(rto.read("lookup", ORDER)) == "Unavailable"
    assert office.tracked == 1
    outcome = await rto.attempt("submit", ORDER, Trail())
    assert (outcome.kind, office.submitted) == ("not_attempted", 0)
    assert rto.admits_in_s("submit") > 0
    rto.resume()
    assert rto.admits_in_s("submit") == 0.0


@virtual_time
async def test_tn4_the_caller_hears_the_agencys_error_not_that_the_circuit_opened_meanwhile():
    office = Office()
    office.on_track = raising(Unavailable("503"))
    rto = guarded(office, replace(FAST, breaker_fail_max=2))
    assert await ended(rto.read("lookup", ORDER)) == "Unavailable"
    assert (office.tracked, rto.health().breakers["safe"]) == (2, OPEN)
