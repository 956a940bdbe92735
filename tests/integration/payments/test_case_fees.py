"""A case's fee: collected once, posted at the leg that applied, given back where the agency wants it no more."""

import asyncio

import pytest
from money_town import MoneyTown

from aggregator.cases.desk import Key, UnknownCase, Wish
from aggregator.payments.collect import BillTaken, BillUnanswered, NotPayable
from aggregator.payments.evidence import evidence_of


async def paid(town: MoneyTown, case_id: str) -> str:
    """The fee is at the bank; the payment's id."""
    opened = await town.open_fee(case_id)
    await town.turn()
    town.books.capture(opened.payment.reference)
    return opened.payment.id


async def test_a_fee_is_posted_at_the_leg_that_applied_and_its_case_goes_on(town: MoneyTown) -> None:
    case_id = await town.apply()
    payment_id = await paid(town, case_id)
    await town.pass_time(10)
    after = await town.see(payment_id)
    assert (after.phase, after.bill_key, after.amount_paise) == ("POSTED", "fee", 66_400)
    assert [one["account"] for one in town.books.posts] == list(town.books.office)
    record = await town.desk.case(case_id, portal_id="portal_1")
    assert record is not None
    assert [(one.name, one.state) for one in record.asked] == [("pay", "CONFIRMED")]
    await town.turn()
    record = await town.desk.case(case_id, portal_id="portal_1")
    assert record is not None
    assert record.status == "IN_PROGRESS"
    claims = town.signer.receipt(await town.counter.receipt(after))
    assert claims["fee_of"].replace("-", "") == record.number
    assert {one["operation"] for one in claims["references"]} == {"order", "pay"}
    pack = await evidence_of(town.store, after)
    assert [one["agency"] for one in pack["operations"]] == ["bank", "office"]
    with pytest.raises(NotPayable, match="fee_already_done"):
        await town.open_fee(case_id)
    await town.files()  # the office's file is not there yet
    assert await town.unbalanced() == []


async def test_two_hundred_attempts_at_one_fee_are_one_payment(town: MoneyTown) -> None:
    case_id = await town.apply()
    ended = await asyncio.gather(*(town.open_fee(case_id) for _ in range(200)), return_exceptions=True)
    assert sum(isinstance(one, BillTaken) for one in ended) == 199
    with pytest.raises(UnknownCase):
        await town.open_fee(case_id, portal="portal_2")


async def test_a_fee_nobody_waits_for_is_not_collected(town: MoneyTown) -> None:
    case_id = await town.apply()
    town.books.office = dict.fromkeys(town.books.office, "IN_PROGRESS")
    with pytest.raises(NotPayable, match="fee_not_awaited"):
        await town.open_fee(case_id)
    town.books.down = {"office"}
    with pytest.raises(BillUnanswered):
        await town.open_fee(case_id)


async def test_a_fee_paid_in_another_way_meanwhile_goes_back(town: MoneyTown) -> None:
    case_id = await town.apply()
    payment_id = await paid(town, case_id)
    form = {"amount_paise": 66_400, "bank_ref": "counter", "paid_at": "2026-01-15T10:00:00+05:30"}
    await town.desk.ask(case_id, Wish("PAY", form), Key("portal_1", "", "POST", "/actions", "a", "f"))
    await town.quiet()
    await town.pass_time(10)
    await town.pass_time(10)
    assert (await town.see(payment_id)).phase == "REFUNDED"
    assert len(town.books.posts) == len(town.books.refunds) == 1
    assert (await town.money(payment_id)).balances


async def test_a_fee_of_a_withdrawn_application_goes_back(town: MoneyTown) -> None:
    case_id = await town.apply()
    payment_id = await paid(town, case_id)
    await town.desk.withdraw(case_id, portal_id="portal_1")
    town.books.down = {"bank"}  # until the office has answered, nobody hears of the money
    await town.pass_time(10)
    town.books.down = set()
    await town.pass_time(60)
    await town.pass_time(60)
    assert (await town.see(payment_id)).phase == "REFUNDED"
    assert town.books.posts == []


@pytest.mark.parametrize("fate", ["act then silence", "lost"])
async def test_a_fee_whose_answer_was_lost_is_settled_and_never_taken_twice(town: MoneyTown, fate: str) -> None:
    case_id = await town.apply()
    payment_id = await paid(town, case_id)
    town.books.script["pay"] = [fate]
    await town.pass_time(10)
    assert (await town.see(payment_id)).phase == "POSTING"
    with pytest.raises(BillTaken):
        await town.open_fee(case_id)
    for _ in range(12):
        await town.pass_time(400)
    assert (await town.see(payment_id)).phase == "POSTED"
    assert (len(town.books.posts), town.books.refunds) == (1, {})
    assert await town.unbalanced() == []
