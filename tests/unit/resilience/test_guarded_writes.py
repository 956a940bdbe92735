"""A write behind its policy: sent once, and its outcome is what the wire saw."""

import asyncio
from dataclasses import replace

import pytest
from calls_made import now, sending
from virtual_city import FAST, ORDER, Office, answering, guarded, raising, virtual_time

from aggregator.resilience.breaker import CLOSED
from aggregator.resilience.outcome import Confirmed, NotSent, Rejected, Unknown
from aggregator.sdk.dialect import CURRENT
from aggregator.sdk.errors import (
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from aggregator.sdk.model import Receipt
from aggregator.sdk.wire import TRAIL, Sent, Trail, WireError


@virtual_time
async def test_a_write_that_is_answered_with_a_number_is_confirmed():
    office, trail = Office(), Trail()
    office.on_submit = sending(reply=Receipt("RTO-1"))
    assert await guarded(office).attempt("submit", ORDER, trail) == Confirmed(Receipt("RTO-1"))
    assert office.submitted == 1


@virtual_time
@pytest.mark.parametrize(
    ("agency", "kind"),
    [
        (sending(error=Refused("E1")), Rejected),
        (sending(error=Unavailable("shed")), NotSent),
        (sending(error=OutcomeUnknown("500")), Unknown),
        (sending(error=KeyError("requestNo")), Unknown),
        (sending(reply=None), Unknown),
        (sending(error=WireError(Sent.MAYBE, "reset"), answered=False), Unknown),
        (sending(error=Unavailable("a lie"), answered=False), Unknown),
        (raising(WireError(Sent.NO, "refused")), NotSent),
        (raising(KeyError("before sending")), NotSent),
    ],
)
async def test_r9_a_write_is_never_repeated_whatever_comes_back(agency, kind):
    office = Office()
    office.on_submit = agency
    assert type(await guarded(office).attempt("submit", ORDER, Trail())) is kind
    assert office.submitted == 1


@virtual_time
async def test_a_write_whose_journal_cannot_be_written_was_not_sent_and_is_no_outage():
    class FullDisk(Exception):
        pass

    class Journal(Trail):
        async def journal(self, method, url, headers, body):
            raise FullDisk

    office = Office()
    office.on_submit = sending(reply=Receipt("RTO-1"))
    rto = guarded(office)
    for _ in range(20):
        assert await rto.attempt("submit", ORDER, Journal()) == NotSent("FullDisk")
    assert rto.health().breakers["queryable"] == CLOSED


@virtual_time
async def test_time_over_after_the_first_byte_is_a_doubt_and_before_it_is_not_sent():
    office = Office()
    rto = guarded(office)
    office.on_submit = sending(reply=Receipt("late"), after_s=99)
    began = now()
    assert await rto.attempt("submit", ORDER, Trail()) == Unknown("OutcomeUnknown")
    assert now() - began == pytest.approx(5.0)
    office.on_submit = answering(Receipt("late"), after_s=99)
    assert await rto.attempt("submit", ORDER, Trail()) == NotSent("Unavailable", None, "unavailable")
    outcome = await rto.attempt("submit", ORDER, Trail(), deadline_s=1.0)
    assert outcome == NotSent("DeadlinePassed", None, "not_attempted")


@virtual_time
async def test_a_cancelled_write_passes_through_without_a_verdict_and_its_trail_tells():
    office, trail = Office(), Trail()
    office.on_submit = sending(reply=Receipt("late"), after_s=99)
    rto = guarded(office, replace(FAST, breaker_fail_max=1))
    task = asyncio.create_task(rto.attempt("submit", ORDER, trail))
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert (trail.sent, trail.answered) == (Sent.MAYBE, False)
    assert (rto.health().breakers["queryable"], rto.health().in_flight, rto.health().calls) == (CLOSED, 0, 0)


@virtual_time
async def test_the_driver_sees_its_own_facts_and_its_own_trail_and_a_read_sees_none():
    seen = []

    async def look(order):
        seen.append((CURRENT.get().name, TRAIL.get()))
        return Receipt("RTO-1")

    office, trail = Office(), Trail()
    office.on_submit = office.on_track = look
    rto = guarded(office)
    await rto.attempt("submit", ORDER, trail)
    TRAIL.set(trail)  # as if the read were made from within an attempt
    await rto.read("track", ORDER)
    await rto.read("lookup", ORDER, cached=False)
    assert seen == [("submit", trail), ("track", None), ("lookup", None)]
    assert TRAIL.get() is trail


@virtual_time
async def test_a_write_is_no_read():
    with pytest.raises(LookupError):
        await guarded(Office()).read("submit", ORDER)
