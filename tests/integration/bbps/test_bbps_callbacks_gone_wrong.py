"""Callbacks early, late, three times, forged, stale, replayed, out of order, for nobody: one effect at most."""

import asyncio
from dataclasses import replace

import pytest

from adapters.electricity.bbps import Driver
from aggregator.sdk.adapter import operations_of
from aggregator.sdk.errors import Unavailable
from aggregator.sdk.model import Facts
from aggregator.sdk.status import Status
from aggregator.sdk.testing.conformance import call

OPERATIONS = operations_of(Driver)


def events(network):
    return {notice.event_id for notice in network.letterbox.notices}


async def hasty(network, operation, order):
    """A call that does not wait its full patience for what will not come."""
    return await call(network.driver, operation, replace(OPERATIONS[operation], timeout_s=0.3), order)


async def test_900_an_answer_that_overtakes_the_ack_is_not_missed(network, paying):
    assert isinstance(await network.driver.bill(paying("900000000900")), Facts)
    receipt = await network.driver.pay(paying("900000000900"))
    assert receipt.agency_reference in {notice.agency_reference for notice in network.letterbox.notices}


async def test_901_and_906_the_same_message_again_is_the_same_event(network, paying):
    await network.driver.pay(paying("900000000901"))
    await network.heard(3)
    assert len(events(network)) == 1
    await network.driver.pay(paying("900000000906", reference="REF-2"))
    await network.heard(5)
    assert len(events(network)) == 2


async def test_902_a_callback_that_never_comes_is_settled_by_a_look(network, paying):
    order = paying("900000000902")
    await network.driver.pay(order)
    (found,) = await network.driver.find(order)
    assert found.agency_code == "SUCCESS"
    assert [notice for notice in network.letterbox.notices if notice.receipt] == []
    ended = await hasty(network, "bill", order)
    assert isinstance(ended.got, Unavailable)


async def test_903_a_callback_two_minutes_late_finds_a_look_before_it(network, paying):
    order = paying("900000000903")
    await network.driver.pay(order)
    assert len(await network.driver.find(order)) == 1
    before = len(network.letterbox.notices)
    await network.control.advance_clock(121)
    await network.heard(before + 1)
    assert network.letterbox.notices[-1].reference == "REF-1"


@pytest.mark.parametrize(("fault", "why"), [("904", "pinned key"), ("905", "5 minutes")])
async def test_904_905_a_forged_or_stale_callback_has_no_effect_and_a_look_settles(network, paying, fault, why):
    order = paying(f"900000000{fault}")
    await network.driver.pay(order)
    await network.heard(0, refused=1)
    assert why in network.letterbox.refused[0]
    assert network.letterbox.notices == []
    assert len(await network.driver.find(order)) == 1
    assert isinstance((await hasty(network, "bill", order)).got, Unavailable)


async def test_907_out_of_order_both_are_heard_and_a_look_says_what_holds(network, paying):
    order = paying("900000000907")
    await network.driver.pay(order)
    await network.heard(2)
    assert [notice.receipt.pending for notice in network.letterbox.notices] == [False, True]
    assert (await network.driver.payment_status(order)).status is Status.COMPLETED


async def test_908_a_callback_for_nobody_is_acknowledged_and_reaches_nobody(network, paying):
    assert isinstance(await network.driver.bill(paying("900000000908")), Facts)
    await network.heard(2)
    stranger = network.letterbox.notices[1]
    assert stranger.awaited.startswith("NOBODYASKED")
    assert set((await network.control.calls())["callbacks"]) == {200}


async def test_909_where_callback_and_look_disagree_the_look_says_so(network, paying):
    order = paying("900000000909")
    await network.driver.pay(order)
    await network.heard()
    assert network.letterbox.notices[0].receipt is not None
    (found,) = await network.driver.find(order)
    assert found.refused_code == "FAILURE"


@pytest.mark.parametrize("fault", ["203", "211", "611", "703"])
async def test_a_callback_spoilt_on_its_way_is_no_answer(network, paying, fault):
    await network.control.faults([{"operation": "bill", "phase": "callback", "fault": fault}])
    ended = await hasty(network, "bill", paying())
    assert isinstance(ended.got, Unavailable) or fault == "703"
    assert network.letterbox.refused or fault == "703"


@pytest.mark.parametrize("fault", ["700", "701", "702"])
async def test_a_callback_in_another_encoding_is_the_same_document(network, paying, fault):
    await network.control.faults([{"operation": "bill", "phase": "callback", "fault": fault, "times": 1}])
    assert isinstance(await network.driver.bill(paying()), Facts)


async def test_a_rule_in_the_callbacks_phase_leaves_the_ack_alone(network, paying):
    await network.control.faults([{"operation": "pay", "phase": "callback", "fault": "902", "times": 1}])
    assert (await network.driver.pay(paying())).pending
    await network.driver.pay(paying(reference="REF-2"))
    await network.heard(1)
    assert {notice.reference for notice in network.letterbox.notices} == {"REF-2"}


async def test_with_a_lost_ack_the_callback_may_be_lost_too(a_network, paying):
    async with a_network(silent_after_lost_ack=True) as network:
        order = paying("900000000601")
        await call(network.driver, "pay", OPERATIONS["pay"], order)
        assert len(await network.driver.find(order)) == 1
        assert [notice for notice in network.letterbox.notices if notice.reference] == []


async def test_a_reversal_is_pushed_and_shows_in_the_status(network, paying):
    order = paying()
    receipt = await network.driver.pay(order)
    await network.heard()
    await network.control.advance(receipt.agency_reference, "REVERSED")
    await network.heard(2)
    reversal = network.letterbox.notices[-1]
    assert (reversal.reading.detail, reversal.reference) == ("REVERSED", "REF-1")
    assert (await network.driver.payment_status(order)).detail == "REVERSED"


async def test_a_billers_down_time_is_pushed(network):
    await network.control.advance("SIMU00000ODI01", "INACTIVE")
    await network.heard()
    assert network.letterbox.notices[0].event_id.startswith("BillerStatusUpdate")


async def test_calls_that_wait_hold_nobody_else_up(network, paying):
    silent = [hasty(network, "bill", paying("900000000902")) for _ in range(5)]
    answered = [network.driver.bill(paying(f"90000001{number}")) for number in range(2000, 2005)]
    results = await asyncio.gather(*silent, *answered)
    assert [isinstance(one, Facts) for one in results[5:]] == [True] * 5
