"""Bills and payments at the simulated central unit: its ledger, not the driver's word, says what was paid."""

import asyncio
from dataclasses import replace

import pytest

from adapters.electricity.bbps import Driver
from aggregator.sdk.adapter import Class, operations_of
from aggregator.sdk.errors import Misconfigured, OutcomeUnknown, Refused
from aggregator.sdk.model import Absent
from aggregator.sdk.status import Status
from aggregator.sdk.testing.conformance import call

OPERATIONS = operations_of(Driver)


async def acted(network):
    return [row["acted"] for row in await network.control.ledger(operation="pay")]


async def test_a_bill_is_fetched_by_callback_and_gone_once_it_is_paid(network, paying):
    order = paying()
    facts = await network.driver.bill(order)
    assert int(facts.values["amount_paise"]) >= 20_000
    await network.driver.pay(order)
    assert await network.driver.bill(order) == Absent("BFR004")


async def test_many_readers_each_get_their_own_bill(network, paying):
    accounts = [f"90000001{number:04d}" for number in range(1000, 1012)]
    bills = await asyncio.gather(*(network.driver.bill(paying(account)) for account in accounts))
    again = await asyncio.gather(*(network.driver.bill(paying(account)) for account in accounts))
    assert bills == again
    assert len({bill.values["bill_number"] for bill in bills}) == len(accounts)


async def test_the_heartbeat_and_the_list_of_billers_answer(network, paying):
    await network.driver.probe(paying())
    (biller,) = await network.driver.list_services(paying())
    assert biller.values["code"] == "SIMU00000ODI01"
    assert (await network.driver.validate(paying())).values == {"accepted": "yes"}


async def test_a_payment_is_pending_until_its_signed_answer_comes(network, paying):
    receipt = await network.driver.pay(paying())
    assert receipt.pending
    await network.heard()
    (notice,) = network.letterbox.notices
    assert notice.receipt is not None
    assert notice.reference == "REF-1"
    assert notice.receipt.agency_reference == receipt.agency_reference


@pytest.mark.parametrize(
    ("account", "code"),
    [("100", "BFR004"), ("101", "BFR001"), ("102", "BFR002"), ("105", "BPR902"), ("106", "BFR005"), ("108", "BPR901")],
)
async def test_a_listed_no_comes_by_callback_and_nothing_was_paid(network, paying, account, code):
    order = paying(f"900000000{account}")
    assert (await network.driver.pay(order)).pending
    await network.heard()
    assert network.letterbox.notices[0].refused.code == code
    assert await acted(network) == [0]
    # A look agrees with it, so nobody takes the refusal for a payment that never arrived and sends it again.
    assert [one.refused_code for one in await network.driver.find(order)] == ["FAILURE"]


@pytest.mark.parametrize("account", ["103", "502"])
async def test_an_unlisted_code_or_an_unreachable_biller_settles_nothing(network, paying, account):
    await network.driver.pay(paying(f"900000000{account}"))
    await network.heard()
    (notice,) = network.letterbox.notices
    assert (notice.receipt, notice.refused, notice.reading.status) == (None, None, Status.UNKNOWN)
    assert await network.driver.find(paying(f"900000000{account}")) == []


async def test_pending_at_the_biller_settles_after_a_minute(network, paying):
    order = paying("900000000107")
    await network.driver.pay(order)
    await network.heard()
    assert network.letterbox.notices[0].receipt.pending
    assert (await network.driver.payment_status(order)).status is Status.SUBMITTED
    await network.control.advance_clock(61)
    assert (await network.driver.payment_status(order)).status is Status.COMPLETED


async def test_a_word_nobody_listed_is_unknown_and_never_paid_again(network, paying):
    order = paying("900000000801")
    await network.driver.pay(order)
    assert (await network.driver.payment_status(order)).status is Status.UNKNOWN
    assert [one.pending for one in await network.driver.find(order)] == [True]


@pytest.mark.parametrize("fault", ["204", "408", "501", "504", "506", "601", "602"])
async def test_a_lost_ack_of_a_payment_is_a_doubt_that_a_look_by_the_same_order_settles(network, paying, fault):
    order = paying(f"900000000{fault}")
    ended = await call(network.driver, "pay", OPERATIONS["pay"], order)
    assert ended.word(read=False) in {"unknown", "broken"}
    assert await acted(network) == [1]
    (found,) = await network.driver.find(order)
    assert (found.reference, found.pending) == ("REF-1", False)
    # Its answer comes all the same, signed and with our reference.
    await network.heard()
    assert network.letterbox.notices[0].reference == "REF-1"


async def test_the_naive_client_pays_twice_where_ours_looks(network, paying):
    """The control: a client that repeats on silence, in the mode in which the network does not stop it."""
    order = paying("900000000601")
    with pytest.raises(OutcomeUnknown):
        await network.driver.pay(order)
    await network.driver.pay(order)
    assert await acted(network) == [1, 1]
    assert len(await network.control.duplicates()) == 1


async def test_a_payment_that_never_arrived_is_not_found(network, paying):
    order = paying("900000000600")
    with pytest.raises(OutcomeUnknown):
        await network.driver.pay(order)
    assert await network.driver.find(order) == []
    assert await acted(network) == [0]


async def test_a_payment_that_acts_late_is_absent_at_first_and_then_found(network, paying):
    order = paying("900000000806")
    with pytest.raises(OutcomeUnknown):
        await network.driver.pay(order)
    assert await network.driver.find(order) == []
    await network.control.advance_clock(OPERATIONS["pay"].max_apply_delay_s)
    assert len(await network.driver.find(order)) == 1


async def test_keyed_mode_gives_the_same_answer_to_the_same_numbers(a_network, paying):
    async with a_network(mode="keyed") as network:
        first, second = [await network.driver.pay(paying()) for _ in range(2)]
        assert first == second
        assert await acted(network) == [1, 0]


async def test_enforce_mode_refuses_a_second_payment_of_the_same_bill(a_network, paying):
    async with a_network(mode="enforce") as network:
        await network.driver.pay(paying())
        await network.driver.pay(paying(reference="REF-2"))
        await network.heard(2)
        assert [notice.refused.code for notice in network.letterbox.notices if notice.refused] == ["BFR004"]
        assert await acted(network) == [1, 0]


@pytest.mark.parametrize("quirk", ["json_ack", "json_body"])
async def test_a_central_unit_with_another_idea_of_an_ack_is_understood(a_network, paying, quirk):
    async with a_network(quirks=quirk) as network:
        assert (await network.driver.pay(paying())).pending
        await network.driver.probe(paying())


async def test_a_key_they_do_not_know_calls_the_operator_and_nothing_was_paid(network, paying, tmp_path):
    (tmp_path / "operating.pem").write_text((tmp_path / "nobody.pem").read_text())
    with pytest.raises(Misconfigured, match="signing_key"):
        await network.driver.pay(paying())
    assert await network.control.ledger() == []


async def test_a_key_file_that_is_gone_calls_the_operator(network, paying, tmp_path):
    (tmp_path / "operating.pem").unlink()
    with pytest.raises(Misconfigured, match="signing_key"):
        await network.driver.pay(paying())


async def test_an_empty_ack_after_a_bad_signature_is_only_a_doubt(a_network, paying, tmp_path):
    async with a_network(quirks="empty_on_bad_signature") as network:
        (tmp_path / "operating.pem").write_text((tmp_path / "nobody.pem").read_text())
        ended = await call(network.driver, "pay", OPERATIONS["pay"], paying())
        assert ended.word(read=False) == "broken"


async def test_a_complaint_is_raised_once_and_followed_by_its_number(network, paying):
    await network.driver.pay(paying())
    form = {"txn_reference_id": "SIMU6015A00000000001", "mobile": "9000000000", "disposition": "D32"}
    order = replace(paying(reference="REF-9"), service="payment_complaint", form=form)
    receipt = await network.driver.complain(order)
    with pytest.raises(Refused) as caught:
        await network.driver.complain(order)
    assert caught.value.reference == receipt.agency_reference
    followed = replace(order, agency_reference=receipt.agency_reference)
    seen = []
    for hours in (0, 2, 24, 72):
        await network.control.advance_clock(hours * 3600)
        seen.append((await network.driver.track(followed)).status)
    assert seen == [Status.ACKNOWLEDGED, Status.ASSIGNED, Status.RESOLVED_BY_AGENCY, Status.COMPLETED]


async def test_the_driver_is_keyed_by_nothing_and_says_so(network):
    assert OPERATIONS["pay"].effective is Class.QUERYABLE
    assert OPERATIONS["complain"].effective is Class.UNIQUE
    assert {name for name, declared in OPERATIONS.items() if declared.cls is not Class.SAFE} == {"pay", "complain"}
