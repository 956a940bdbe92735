"""One question in flight is asked once, and no caller's leaving or hurry costs the others (CT-1 to CT-4, P8)."""

import asyncio
import gc

import cachetools
import pytest
from virtual_city import ORDER, Office, answering, guarded, virtual_time

from aggregator.sdk.adapter import Class, Declared
from aggregator.sdk.errors import (
    Refused,
    Unavailable,
)

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
