"""Notices of the reference agency, and the ten ways in which pushes go wrong (900 to 909)."""

import pytest

from aggregator.sdk.model import Order
from aggregator.sdk.status import Status

PASS = {"name": "Test Citizen", "vehicle_number": "OD02AB1234", "zone": "A", "months": 3}


async def submitted(sandbox, fault="000", reference="REF-1"):
    form = PASS | {"mobile": f"9000000{fault}"}
    return (await sandbox.driver.submit(Order(reference, "parking_pass", form))).agency_reference


def words(notices):
    return [notice.reading.status.value for notice in notices]


async def test_every_change_is_pushed_in_its_order(sandbox):
    number = await submitted(sandbox)
    await sandbox.control.advance_clock(31 * 3600)
    notices = await sandbox.notices(5)
    assert words(notices) == ["SUBMITTED", "ACKNOWLEDGED", "IN_PROGRESS", "APPROVED", "COMPLETED"]
    assert {notice.agency_reference for notice in notices} == {number}
    assert len({notice.event_id for notice in notices}) == 5


async def test_a_change_by_hand_and_a_cancellation_are_pushed(sandbox):
    number = await submitted(sandbox)
    await sandbox.control.advance(number, "AWAITING_CITIZEN")
    await sandbox.driver.cancel(Order("REF-2", "parking_pass", {}, agency_reference=number))
    assert words(await sandbox.notices(3)) == ["SUBMITTED", "AWAITING_CITIZEN", "WITHDRAWN"]


async def test_900_the_notice_may_overtake_the_answer(sandbox):
    await submitted(sandbox, "900")
    assert [notice.reference for notice in sandbox.letters.notices] == ["REF-1"]


async def test_901_three_notices_of_one_event_are_one_event(sandbox):
    await submitted(sandbox, "901")
    assert len({notice.event_id for notice in await sandbox.notices(3)}) == 1


async def test_902_without_any_notice_the_poll_tells(sandbox):
    number = await submitted(sandbox, "902")
    await submitted(sandbox, reference="REF-2")
    assert [notice.reference for notice in await sandbox.notices(1)] == ["REF-2"]
    order = Order("REF-1", "parking_pass", {}, agency_reference=number)
    assert (await sandbox.driver.track(order)).status is Status.SUBMITTED


async def test_903_a_late_notice_is_signed_when_it_is_sent(sandbox):
    await submitted(sandbox, "903")
    assert sandbox.letters.notices == []
    await sandbox.control.advance_clock(121)
    assert words(await sandbox.notices(1)) == ["SUBMITTED"]


@pytest.mark.parametrize("fault", ["904", "905"])
async def test_904_905_a_strangers_and_an_old_notice_have_no_effect(sandbox, fault):
    await submitted(sandbox, fault)
    assert await sandbox.posted(1) == [401]
    assert sandbox.letters.notices == []
    assert len(sandbox.letters.refused) == 1


async def test_906_a_replayed_id_is_the_same_event_whatever_it_says(sandbox):
    await submitted(sandbox, "906")
    notices = await sandbox.notices(2)
    assert len({notice.event_id for notice in notices}) == 1
    assert words(notices) == ["SUBMITTED", "REJECTED"]


async def test_907_notices_out_of_order_show_it(sandbox):
    await submitted(sandbox, "907")
    assert [notice.content["sequence"] for notice in await sandbox.notices(2)] == [3, 1]


async def test_908_a_notice_about_nothing_of_ours_is_answered_kindly(sandbox):
    await submitted(sandbox, "908")
    assert [notice.reference for notice in await sandbox.notices(1)] == ["SIM-UNKNOWN"]
    assert await sandbox.posted(1) == [200]


async def test_909_where_notice_and_poll_disagree_the_poll_is_the_truth(sandbox):
    number = await submitted(sandbox, "909")
    assert words(await sandbox.notices(1)) == ["REJECTED"]
    order = Order("REF-1", "parking_pass", {}, agency_reference=number)
    assert (await sandbox.driver.track(order)).status is Status.SUBMITTED


async def test_a_fault_for_every_push_is_set_at_the_control_port(sandbox):
    await sandbox.control.faults([{"phase": "callback", "operation": "*", "fault": "904"}])
    await submitted(sandbox)
    assert await sandbox.posted(1) == [401]


async def test_a_notice_nobody_took_comes_again_until_it_is_taken(sandbox):
    await sandbox.control.callback_url("http://127.0.0.1:9")
    await submitted(sandbox)
    assert await sandbox.posted(1) == [0]
    await sandbox.control.callback_url(sandbox.door)
    await sandbox.control.advance_clock(3)
    assert words(await sandbox.notices(1)) == ["SUBMITTED"]
    await sandbox.control.advance_clock(1_000)
    await submitted(sandbox, reference="REF-2")
    assert [notice.reference for notice in await sandbox.notices(2)] == ["REF-1", "REF-2"], "taken is taken"


async def test_a_notice_that_was_refused_as_forged_does_not_come_again(sandbox):
    await submitted(sandbox, "904")
    assert await sandbox.posted(1) == [401]
    await sandbox.control.advance_clock(1_000)
    await submitted(sandbox, reference="REF-2")
    assert await sandbox.posted(2) == [401, 200]
