"""The whole of it: a driver behind its policy, with the figures R7 to R9 and a rogue driver (S22)."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_city import FAST, ORDER, Counter, LoopClock, Office, answering, guarded, raising, virtual_time

from aggregator.resilience.breaker import CLOSED, OPEN
from aggregator.resilience.outcome import Confirmed, NotSent, Rejected, Unknown
from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import Class, operation
from aggregator.sdk.dialect import CURRENT
from aggregator.sdk.errors import (
    AgencyError,
    CircuitOpen,
    ContractBroken,
    DeadlinePassed,
    Misconfigured,
    NotAttempted,
    OutcomeUnknown,
    Refused,
    Saturated,
    Unavailable,
)
from aggregator.sdk.model import Receipt
from aggregator.sdk.wire import TRAIL, Sent, Trail, WireError, effect_trail

LIMITED = Policy(max_rps=1e6, max_concurrency=4, max_waiting=4)


def sending(*, reply=None, error=None, after_s=0.0, sent=Sent.MAYBE, answered=True):
    """An agency behind a wire: the one effect-bearing send of a write, told to the trail as the port demands."""

    async def agency(order):
        with effect_trail(effect=True) as trail:
            await trail.journal("POST", "http://rto.example", {}, b"")
            trail.recheck()
            trail.sent = sent
            await asyncio.sleep(after_s)
            trail.answered = answered
        if error:
            raise error
        return reply

    return agency


async def ended(awaitable):
    """The name of how a read ended."""
    try:
        await awaitable
    except (AgencyError, NotAttempted) as error:
        return type(error).__name__
    return "ok"


def now():
    return asyncio.get_running_loop().time()


# --- writes ---------------------------------------------------------------------------------------------------------


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


# --- the breaker in its place ---------------------------------------------------------------------------------------


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


# --- retry in its place ---------------------------------------------------------------------------------------------


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


# --- a rogue driver -------------------------------------------------------------------------------------------------


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


# --- what it tells --------------------------------------------------------------------------------------------------


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
