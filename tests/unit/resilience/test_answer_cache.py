"""What stands in when an agency is away, for how long, and for whom it may not (CT-5 to CT-7)."""

import asyncio
from dataclasses import replace

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
