"""A driver that raises, loops, blocks or lies keeps no place and ends as a broken contract (S22)."""

import asyncio
from dataclasses import replace

import pytest
from calls_made import LIMITED, ended, now, sending
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_city import ORDER, Office, answering, guarded, raising, virtual_time

from aggregator.resilience.outcome import Confirmed, NotSent, Rejected, Unknown
from aggregator.sdk.adapter import Class, operation
from aggregator.sdk.errors import (
    AgencyError,
    ContractBroken,
    Misconfigured,
    NotAttempted,
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from aggregator.sdk.model import Receipt
from aggregator.sdk.wire import Sent, Trail, effect_trail


@virtual_time
@pytest.mark.parametrize(
    "rogue",
    [
        raising(KeyError("status")),
        raising(RuntimeError("9876543210")),
        raising(RecursionError()),
        answering(None),
    ],
    ids=["raises KeyError", "raises with a phone number", "recurses", "returns nothing"],
)
async def test_s22_a_rogue_driver_ends_as_a_broken_contract_and_keeps_no_place(rogue):
    office = Office()
    office.on_track = office.on_submit = rogue
    rto = guarded(office)
    with pytest.raises(ContractBroken) as caught:
        await rto.read("track", ORDER)
    assert "9876543210" not in str(caught.value)
    assert isinstance(await rto.attempt("submit", ORDER, Trail()), NotSent)
    assert rto.health().in_flight == 0


@virtual_time
async def test_s22_a_driver_that_loops_is_ended_by_its_time():
    async def loops(order):
        while True:  # noqa: ASYNC110 - a driver that never comes to an end
            await asyncio.sleep(0.01)

    office = Office()
    office.on_track = office.on_submit = loops
    rto = guarded(office)
    assert await ended(rto.read("lookup", ORDER, cached=False, deadline_s=2.0)) == "Unavailable"
    assert isinstance(await rto.attempt("submit", ORDER, Trail(), deadline_s=2.0), NotSent)
    assert rto.health().in_flight == 0


@virtual_time
async def test_s22_a_driver_that_swallows_its_cancellation_does_not_hold_the_citizen():
    async def stubborn(order):
        for _ in range(60):
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                continue
        return "at last"

    office = Office()
    office.on_track = stubborn
    rto, began = guarded(office), now()
    assert await ended(rto.read("track", ORDER, deadline_s=2.0)) == "Unavailable"
    assert now() - began == pytest.approx(2.0)
    await asyncio.sleep(120)
    assert rto.health().in_flight == 0


@virtual_time
async def test_s22_a_driver_that_blocks_the_loop_delays_and_breaks_nothing():
    def blocks():
        asyncio.get_running_loop().now_s += 2.0  # two seconds in which nothing else runs

    async def agency(order):
        blocks()
        return "found"

    office = Office()
    office.on_track = agency
    rto = guarded(office)
    assert [await ended(rto.read("lookup", ORDER, person=str(n))) for n in range(3)] == ["ok"] * 3
    assert rto.health().p95_s >= 2.0


@virtual_time
async def test_s22_a_driver_with_two_effects_in_one_operation_is_stopped_before_the_second():
    class TwoEffects(Office):
        @operation(Class.OPAQUE)
        async def submit(self, order):
            for _ in range(2):
                with effect_trail(effect=True) as trail:
                    trail.sent, trail.answered = Sent.MAYBE, True
                    self.submitted += 1
            return Receipt("RTO-1")

        track = Office.track
        lookup = Office.lookup

    office = TwoEffects()
    assert await guarded(office).attempt("submit", ORDER, Trail()) == Unknown("SecondEffect", alarm=True)
    assert office.submitted == 1


ENDS = [
    None,
    Refused("E1"),
    Unavailable("x"),
    OutcomeUnknown("x"),
    ContractBroken("x"),
    KeyError("x"),
    Misconfigured("x"),
]


STORM = st.lists(
    st.tuples(
        st.sampled_from(["read", "look", "attempt"]),
        st.floats(0, 6),  # when
        st.floats(0, 8),  # how long the agency takes
        st.floats(0.01, 9),  # when the caller hangs up
        st.integers(0, len(ENDS) - 1),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(STORM)
def test_a_random_storm_with_cancellations_leaves_nothing_taken(storm):
    @virtual_time
    async def city():
        office = Office()
        rto = guarded(office, replace(LIMITED, max_rps=20.0, deadline_s=6.0, breaker_trials=2))

        def agency(takes_s, end):
            async def answers(order):
                await asyncio.sleep(takes_s)
                if ENDS[end]:
                    raise ENDS[end]
                return Receipt("RTO-1")

            return answers

        async def caller(what, after_s, takes_s, patience_s, end):
            await asyncio.sleep(after_s)
            office.on_track = agency(takes_s, end)
            office.on_submit = sending(reply=Receipt("RTO-1"), error=ENDS[end], after_s=takes_s)
            try:
                async with asyncio.timeout(patience_s):
                    if what == "attempt":
                        assert isinstance(
                            await rto.attempt("submit", ORDER, Trail()), Confirmed | Rejected | NotSent | Unknown
                        )
                    else:
                        await rto.read("lookup", ORDER, cached=what == "read", person=str(end))
            except (TimeoutError, AgencyError, NotAttempted):
                pass

        await asyncio.gather(*(caller(*one) for one in storm))
        await asyncio.sleep(60)
        health = rto.health()
        assert (health.in_flight, health.waiting) == (0, 0)
        assert all(breaker.trials_in == 0 for breaker in rto._breakers.values())
        assert all(answers.loading == 0 for answers in rto._answers.values())

    city()
