"""Answers by callback, from the wire to the word: each recorded one reads as its file name says."""

from dataclasses import replace
from pathlib import Path

import pytest

from adapters.electricity import bbps
from adapters.electricity.bbps import Driver
from aggregator.sdk.adapter import Class, operations_of
from aggregator.sdk.errors import Refused, Unavailable
from aggregator.sdk.model import Absent, Order
from aggregator.sdk.testing.conformance import call, promised, reads_as

SAMPLES = sorted((Path(bbps.__file__).parent / "samples" / "callbacks").glob("*.xml"))
OPERATIONS = operations_of(Driver)
TXN = "SIMU6015000000000000"


def order_for(operation, order):
    if operation == "track":
        return replace(order, service="payment_complaint", agency_reference="CC0000000000")
    if operation == "complain":
        form = {"txn_reference_id": TXN, "mobile": "9000000000", "disposition": "D11"}
        return replace(order, service="payment_complaint", form=form)
    return replace(order, agency_reference=TXN)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
async def test_a_recorded_callback_reads_as_its_file_name_says(unit, order, sample, when):
    operation, expected = promised(sample)
    unit.answers, unit.when = sample.read_text("utf-8"), when
    ended = await call(unit.driver, operation, OPERATIONS[operation], order_for(operation, order))
    assert expected in reads_as(ended, read=OPERATIONS[operation].cls is Class.SAFE), ended.got


def sample(name):
    return next(path for path in SAMPLES if path.stem == name).read_text("utf-8")


async def test_a_bill_is_told_in_paise_with_its_dates_and_the_name_masked(unit, order):
    unit.answers = sample("bill.value")
    assert (await unit.driver.bill(order)).values == {
        "amount_paise": "66400",
        "due_date": "2026-01-25",
        "bill_date": "2026-01-05",
        "bill_number": "SIM202601000000001",
        "bill_period": "MONTHLY",
        "late_fee_paise": "1500",
        "owner_name": "T*** C****** 0***",
        "payable_here": "yes",
    }


async def test_of_several_bills_the_first_to_pay_is_told_with_the_sum(unit, order):
    unit.answers = sample("bill.value.two_bills")
    values = (await unit.driver.bill(order)).values
    assert (values["amount_paise"], values["bills"], values["total_paise"]) == ("100", "2", "66500")


async def test_a_bill_past_its_date_is_shown_and_not_payable_here(unit, order):
    unit.answers = sample("bill.value.past_due")
    assert (await unit.driver.bill(order)).values["payable_here"] == "no"


async def test_no_value_is_no_date(unit, order):
    unit.answers = sample("bill.value.dates_absent")
    assert {"due_date", "bill_date"} & (await unit.driver.bill(order)).values.keys() == set()


async def test_nothing_due_is_an_answer_and_keeps_its_code(unit, order):
    unit.answers = sample("bill.absent.paid")
    assert await unit.driver.bill(order) == Absent("BFR004")


async def test_every_try_of_a_read_has_numbers_of_its_own(unit, order):
    unit.answers = sample("bill.value")
    await unit.driver.bill(order)
    await unit.driver.bill(order)
    heads = [request.find("Head").get("refId") for request in unit.requests]
    assert len(set(heads)) == 2
    assert all(path.endswith(f"urn:referenceId:{head}") for path, head in zip(unit.paths, heads, strict=True))


async def test_silence_after_received_is_an_outage_for_a_read(unit, order):
    declared = replace(OPERATIONS["bill"], timeout_s=0.05)
    ended = await call(unit.driver, "bill", declared, order)
    assert isinstance(ended.got, Unavailable)


async def test_an_account_that_cannot_be_one_is_refused_before_anything_is_sent(unit, order):
    with pytest.raises(Refused) as caught:
        await unit.driver.bill(replace(order, form={**order.form, "account": "90000000000X"}))
    assert caught.value.reason == "number_invalid"
    assert unit.requests == []


async def test_an_already_raised_complaint_names_the_first_one(unit, order):
    unit.answers = sample("complain.refused.already_exists")
    with pytest.raises(Refused) as caught:
        await unit.driver.complain(order_for("complain", order))
    assert (caught.value.reason, caught.value.reference) == ("duplicate", "CC0000000009")


async def test_a_reversed_payment_reads_rejected_and_says_so(unit, order):
    unit.answers = sample("payment_status.rejected.reversed")
    assert (await unit.driver.payment_status(replace(order, agency_reference=TXN))).detail == "REVERSED"


async def test_a_refused_payment_is_found_and_says_that_it_was_refused(unit, order):
    unit.answers = sample("find.receipt.refused")
    (found,) = await unit.driver.find(replace(order, agency_reference=TXN))
    assert (found.refused_code, found.reference) == ("FAILURE", "REF-1")


async def test_a_word_nobody_listed_keeps_a_payment_pending(unit, order):
    unit.answers = sample("payment_status.unknown.settling")
    (found,) = await unit.driver.find(replace(order, agency_reference=TXN))
    assert found.pending
    assert found.agency_code == "SETTLING"


async def test_no_document_number_of_a_person_is_ever_sent(unit, order):
    unit.answers = sample("bill.value")
    await unit.driver.bill(replace(order, form={**order.form, "pan": "ZZZPZ9999Z", "aadhaar": "999900000016"}))
    assert b"ZZZPZ9999Z" not in unit.bodies[0]
    assert b"999900000016" not in unit.bodies[0]


async def test_a_payment_is_tracked_by_the_reference_minted_from_its_order(unit, order):
    await unit.driver.pay(order)
    minted = unit.requests[0].find("Txn").get("txnReferenceId")
    unit.answers = sample("payment_status.completed").replace(TXN, minted)
    assert (await unit.driver.track(Order("REF-1", "bill_payment", order.form, at=order.at))).agency_code == "SUCCESS"
