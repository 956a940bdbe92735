"""Keeping answers: what cachetools does by itself (the controls), and what our single flight makes of it."""

import asyncio
import gc
from dataclasses import replace

import cachetools
import pytest
from virtual_city import FAST, ORDER, LoopClock, Office, answering, guarded, raising, virtual_time

from aggregator.resilience.cache import Answers, cache_key
from aggregator.sdk.adapter import Class, Declared
from aggregator.sdk.errors import (
    ContractBroken,
    DeadlinePassed,
    Misconfigured,
    OutcomeUnknown,
    Refused,
    Saturated,
    Unavailable,
)
from aggregator.sdk.model import Absent, Order

DECLARED = Declared(name="track", cls=Class.SAFE, fresh_s=30.0)


@virtual_time
async def test_ct1_control_a_cached_coroutine_cannot_be_awaited_twice():
    @cachetools.cached({})
    def call():
        async def answer():
            return "found"

        return answer()

    assert await call() == "found"
    with pytest.raises(RuntimeError, match="cannot reuse"):
        await call()


@virtual_time
async def test_ct1_a_fresh_answer_is_shown_again_without_asking():
    office = Office()
    rto = guarded(office)
    first = await rto.read("track", ORDER)
    await asyncio.sleep(29)
    again = await rto.read("track", ORDER)
    assert (again, office.tracked) == (first, 1)
    await asyncio.sleep(2)
    assert (await rto.read("track", ORDER)).as_of > first.as_of
    assert office.tracked == 2


@virtual_time
async def test_ct2_control_fifty_callers_miss_at_once_and_make_fifty_loads():
    store, loads = {}, 0

    async def call():
        nonlocal loads
        if "key" not in store:
            loads += 1
            await asyncio.sleep(1)
            store["key"] = "found"
        return store["key"]

    await asyncio.gather(*(call() for _ in range(50)))
    assert loads == 50


@virtual_time
@pytest.mark.parametrize("operation", ["track", "lookup"])
async def test_ct2_fifty_callers_at_once_make_one_load(operation):
    office = Office()
    office.on_track = answering("found", after_s=1)
    rto = guarded(office)
    answers = await asyncio.gather(*(rto.read(operation, ORDER) for _ in range(50)))
    assert {answer.value for answer in answers} == {"found"}
    assert office.tracked == 1


@virtual_time
async def test_ct3_control_without_a_shield_one_cancelled_caller_fails_the_others():
    task = asyncio.create_task(asyncio.sleep(1, "found"))

    async def caller():
        return await task

    callers = [asyncio.create_task(caller()) for _ in range(50)]
    await asyncio.sleep(0)
    callers[0].cancel()
    await asyncio.wait(callers)
    assert all(caller.cancelled() for caller in callers)


@virtual_time
async def test_ct3_the_first_caller_leaves_and_the_other_forty_nine_are_answered():
    office = Office()
    office.on_track = answering("found", after_s=1)
    rto = guarded(office)
    callers = [asyncio.create_task(rto.read("track", ORDER)) for _ in range(50)]
    await asyncio.sleep(0.5)
    callers[0].cancel()
    await asyncio.wait(callers)
    assert callers[0].cancelled()
    assert [caller.result().value for caller in callers[1:]] == ["found"] * 49
    assert office.tracked == 1


@virtual_time
async def test_ct3_when_all_have_left_the_load_runs_on_and_fills_the_cache():
    office = Office()
    office.on_track = answering("found", after_s=1)
    rto = guarded(office)
    only = asyncio.create_task(rto.read("track", ORDER))
    await asyncio.sleep(0.5)
    only.cancel()
    await asyncio.wait([only])
    await asyncio.sleep(1)
    assert (await rto.read("track", ORDER)).value == "found"
    assert office.tracked == 1


@virtual_time
async def test_ct3_when_all_have_left_a_failing_load_ends_quietly_and_is_not_kept():
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    office = Office()

    async def agency(order):
        await asyncio.sleep(1)
        raise Refused("E1")

    office.on_track = agency
    only = asyncio.create_task(guarded(office).read("track", ORDER))
    await asyncio.sleep(0.5)
    only.cancel()
    await asyncio.wait([only])
    await asyncio.sleep(1)
    gc.collect()
    assert complaints == []


@virtual_time
async def test_ct4_control_the_load_under_the_first_callers_deadline_fails_the_patient_one():
    async def under(deadline_s):
        async with asyncio.timeout(deadline_s):
            return await asyncio.sleep(1, "found")

    load = asyncio.create_task(under(0.1))

    async def patient():
        return await asyncio.shield(load)

    with pytest.raises(TimeoutError):
        await patient()


@virtual_time
async def test_ct4_an_impatient_caller_does_not_shorten_the_patient_ones_load():
    office = Office()
    office.on_track = answering("found", after_s=1)
    rto = guarded(office)
    impatient = asyncio.create_task(rto.read("track", ORDER, deadline_s=0.1))
    await asyncio.sleep(0)
    patient = asyncio.create_task(rto.read("track", ORDER, deadline_s=10))
    await asyncio.wait([impatient, patient])
    assert isinstance(impatient.exception(), Unavailable)
    assert patient.result().value == "found"
    assert office.tracked == 1


@virtual_time
async def test_p8_an_impatient_caller_gets_the_last_answer_and_the_fresh_one_arrives_behind_him():
    office = Office()
    rto = guarded(office)
    await rto.read("track", ORDER)
    await asyncio.sleep(60)
    office.on_track = answering("moved on", after_s=2)
    began = asyncio.get_running_loop().time()
    shown = await rto.read("track", ORDER, deadline_s=0.5)
    assert shown.stale
    assert shown.value == {"state": "with the clerk"}
    assert asyncio.get_running_loop().time() - began == pytest.approx(0.5)
    await asyncio.sleep(2)
    assert (await rto.read("track", ORDER)).value == "moved on"


@virtual_time
async def test_ct5_control_an_expired_entry_is_gone_although_we_knew_it_a_minute_ago():
    store = cachetools.TTLCache(10, ttl=30, timer=asyncio.get_running_loop().time)
    store["key"] = "found"
    await asyncio.sleep(60)
    assert "key" not in store


AWAY = [Unavailable("x"), OutcomeUnknown("x"), ContractBroken("x"), Saturated("x"), DeadlinePassed("x")]


@virtual_time
@pytest.mark.parametrize("away", AWAY, ids=lambda error: type(error).__name__)
async def test_ct5_the_last_good_answer_stands_in_with_its_age(away):
    office = Office()
    rto = guarded(office)
    good = await rto.read("track", ORDER)
    await asyncio.sleep(60)
    office.on_track = raising(away)
    shown = await rto.read("track", ORDER)
    assert (shown.value, shown.as_of) == (good.value, good.as_of)
    assert (shown.stale, shown.why_stale) == (True, type(away).__name__)


@virtual_time
@pytest.mark.parametrize("ours", [Refused("E404", "not_found"), Misconfigured("api_key")])
async def test_ct5_a_refusal_or_our_own_mistake_is_never_papered_over(ours):
    office = Office()
    rto = guarded(office)
    await rto.read("track", ORDER)
    await asyncio.sleep(60)
    office.on_track = raising(ours)
    with pytest.raises(type(ours)):
        await rto.read("track", ORDER)


@virtual_time
async def test_ct5_a_stand_in_grows_too_old_at_last():
    office = Office()
    rto = guarded(office)
    await rto.read("track", ORDER)
    await asyncio.sleep(86_400)
    office.on_track = raising(Unavailable("away"))
    with pytest.raises(Unavailable):
        await rto.read("track", ORDER)


@virtual_time
async def test_a_look_that_settles_a_doubt_takes_no_stand_in_and_no_cached_answer():
    office = Office()
    rto = guarded(office)
    await rto.read("track", ORDER)
    await rto.read("track", ORDER, cached=False)
    assert office.tracked == 2
    office.on_track = raising(Unavailable("away"))
    with pytest.raises(Unavailable):
        await rto.read("track", ORDER, cached=False)


def test_ct6_control_a_key_without_the_citizen_shows_one_citizens_answer_to_another():
    store = {("rto", "track"): "A's application"}
    assert store["rto", "track"] == "A's application"  # B asked


@virtual_time
async def test_ct6_two_citizens_asking_the_same_get_their_own_answers():
    office = Office()
    rto = guarded(office)
    await rto.read("track", ORDER, person="ctz_a")
    await rto.read("track", ORDER, person="ctz_b")
    assert office.tracked == 2


@pytest.mark.parametrize(
    "other",
    [
        replace(ORDER, service="other"),
        replace(ORDER, agency_reference="RTO-9"),
        replace(ORDER, form={"vehicle": "OD02AB9999"}),
        replace(ORDER, form={"vehicle": True}),
        replace(ORDER, form={}),
    ],
)
def test_ct6_every_part_of_the_question_is_in_the_key(other):
    assert cache_key("rto", "track", "a", ORDER) != cache_key("rto", "track", "a", other)
    assert cache_key("rto", "track", "a", ORDER) != cache_key("rto", "track", "b", ORDER)
    assert cache_key("rto", "track", "a", ORDER) != cache_key("rto", "lookup", "a", ORDER)
    assert cache_key("rto", "track", "a", ORDER) != cache_key("police", "track", "a", ORDER)


def test_ct6_a_journaled_order_is_known_by_its_reference_and_a_live_enquiry_is_not():
    journaled = replace(ORDER, at=LoopClock.now)
    assert cache_key("rto", "track", "a", journaled) != cache_key(
        "rto", "track", "a", replace(journaled, reference="R-2")
    )
    assert cache_key("rto", "track", "a", ORDER) == cache_key("rto", "track", "a", replace(ORDER, reference="R-2"))


def test_ct6_the_order_of_the_fields_is_no_part_of_the_question():
    assert cache_key("rto", "track", "", Order("R", "s", {"a": 1, "b": [1, True]})) == cache_key(
        "rto", "track", "", Order("R", "s", {"b": [1, True], "a": 1})
    )
    assert cache_key("rto", "track", "", Order("R", "s", {"a": 1})) != cache_key(
        "rto", "track", "", Order("R", "s", {"a": True})
    )


@virtual_time
async def test_ct7_a_failure_is_not_kept():
    office = Office()
    rto = guarded(office)
    office.on_track = raising(Refused("E1"))
    with pytest.raises(Refused):
        await rto.read("track", ORDER)
    office.on_track = answering("found")
    assert (await rto.read("track", ORDER)).value == "found"


@virtual_time
async def test_ct7_a_declared_miss_is_kept_for_seconds_and_never_stands_in():
    office = Office()
    rto = guarded(office)
    office.on_track = answering("found")
    await rto.read("track", ORDER)
    await asyncio.sleep(60)
    office.on_track = answering(Absent("NO_RECORD"))
    await rto.read("track", ORDER)
    await asyncio.sleep(4)
    assert (await rto.read("track", ORDER)).value == Absent("NO_RECORD")
    assert office.tracked == 2
    await asyncio.sleep(2)
    office.on_track = raising(Unavailable("away"))
    with pytest.raises(Unavailable):
        await rto.read("track", ORDER)


@virtual_time
async def test_the_store_is_bounded_and_the_flights_leave_nothing_behind():
    answers = Answers(DECLARED, LoopClock(), max_answers=10)
    for number in range(100):
        key = cache_key("rto", "track", str(number), ORDER)

        async def load(number=number):
            if number % 2:
                raise Unavailable("away")
            return number

        try:
            await answers.join(key, 1.0, load)
        except Unavailable:
            continue
    assert (len(answers._good), answers.loading) == (10, 0)


@virtual_time
async def test_closing_ends_the_loads_nobody_waits_for():
    office = Office()
    office.on_track = answering("found", after_s=4)
    rto = guarded(office, FAST)
    with pytest.raises(Unavailable):
        await rto.read("track", ORDER, deadline_s=0.1)
    assert rto.health().in_flight == 1
    await rto.close()
    assert rto.health().in_flight == 0
