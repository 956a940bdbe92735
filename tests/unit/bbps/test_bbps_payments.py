"""A payment is sent once, found again by what was journaled, and settled only by what is signed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.electricity.bbps import Driver
from adapters.electricity.bbps.identity import journaled, txn_reference
from aggregator.resilience.outcome import Confirmed, NotSent, Unknown, outcome_of
from aggregator.sdk.adapter import operations_of
from aggregator.sdk.callback import Notifies, Unverified
from aggregator.sdk.errors import Refused
from aggregator.sdk.form import fits
from aggregator.sdk.status import Status
from aggregator.sdk.testing.conformance import Answering, call
from aggregator.sdk.wire import Reply

PAY = operations_of(Driver)["pay"]
TXN = "SIMU6015000000000001"


def answer(reason, kind="FORWARD TYPE RESPONSE"):
    txn = f'<Txn ts="2026-01-15T10:00:09+05:30" msgId="M" type="{kind}" txnReferenceId="{TXN}" paymentRefId="REF-1"/>'
    return f"{reason}{txn}<BillDetails/>"


def reason(code="000", why="", approval="SIMAPPR1"):
    more = f' complianceRespCd="{why}"' if why else ""
    return f'<Reason approvalRefNum="{approval}" responseCode="{code}" responseReason="Failure"{more}/>'


def test_the_same_order_has_the_same_numbers_and_another_order_others(order):
    assert journaled(order) == journaled(replace(order))
    assert txn_reference("SIMU", order) == txn_reference("SIMU", replace(order))
    another = replace(order, reference="REF-2")
    assert txn_reference("SIMU", order) != txn_reference("SIMU", another)
    assert journaled(order).ref_id != journaled(another).ref_id


def test_the_numbers_have_the_shapes_of_the_network(order):
    ids, txn = journaled(order), txn_reference("SIMU", order)
    assert fits("bbps_ref", ids.ref_id)
    assert fits("bbps_ref", ids.msg_id)
    assert ids.ref_id.endswith("60151000")
    assert fits("bbps_txn", txn)
    assert txn.startswith("SIMU6015")
    assert ids.ref_id != ids.msg_id
    assert ids.ts == "2026-01-15T10:00:00+05:30"


def test_the_day_in_a_number_is_the_day_in_india(order):
    late = replace(order, at=order.at + timedelta(hours=15))
    assert txn_reference("SIMU", late).startswith("SIMU6016")


async def test_received_is_pending_and_not_paid(unit, order):
    receipt = await unit.driver.pay(order)
    assert receipt.pending
    assert fits("bbps_txn", receipt.agency_reference)
    assert receipt.reference == "REF-1"


async def test_a_payment_goes_out_once_with_the_bytes_its_order_gives(unit, order):
    await unit.driver.pay(order)
    await unit.driver.pay(order)
    assert unit.bodies[0] == unit.bodies[1]
    txn = unit.requests[0].find("Txn")
    assert (txn.get("type"), txn.get("paymentRefId")) == ("FORWARD TYPE REQUEST", "REF-1")
    assert unit.requests[0].find("Amount/Amt").attrib == {"amount": "66400", "custConvFee": "0", "currency": "356"}


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {}, b""),
        Reply(200, {"content-type": "application/xml"}, b"<bbps:Ack xmlns:bbps='http://bbps.org/schema' refId='X'/>"),
        Reply(202, {}, b""),
        Reply(500, {}, b""),
        Reply(503, {"retry-after": "7"}, b"<html/>"),
        Reply(429, {}, b"{}"),
    ],
    ids=["empty", "of another message", "accepted", "broken", "maintenance", "too many"],
)
async def test_anything_but_received_is_a_doubt_and_never_a_reason_to_pay_again(driver_at, order, reply):
    wire = Answering(reply)
    ended = await call(driver_at(wire), "pay", PAY, order)
    assert isinstance(outcome_of(ended.got, ended.trail, PAY), Unknown)
    assert len(wire.bodies) == 1


async def test_a_signature_they_cannot_verify_was_not_acted_on(driver_at, order):
    ack = (
        b'<bbps:Ack xmlns:bbps="http://bbps.org/schema" refId="NA" RspCd="Failure"><errorMessages>'
        b"<errorCd>G27</errorCd><errorDtl>SIGNATURE-MISMATCH</errorDtl></errorMessages></bbps:Ack>"
    )
    ended = await call(driver_at(Answering(Reply(200, {"content-type": "application/xml"}, ack))), "pay", PAY, order)
    assert isinstance(outcome_of(ended.got, ended.trail, PAY), NotSent)


@pytest.mark.parametrize("label", ["application/xml", "application/json"])
async def test_an_ack_under_the_wrong_label_or_as_json_is_an_ack(driver_at, order, label):
    ids = journaled(order)
    told = f'"refId":"{ids.ref_id}","msgId":"{ids.msg_id}","RspCd":"Successful","api":"FETCH_RESPONSE"'
    bodies = [f'<bbps:Ack xmlns:bbps="http://bbps.org/schema" refId="{ids.ref_id}" RspCd="Successful"/>']
    bodies += ["{" + told + "}"] if "json" in label else []
    for body in bodies:
        ended = await call(driver_at(Answering(Reply(200, {"content-type": label}, body.encode()))), "pay", PAY, order)
        assert isinstance(outcome_of(ended.got, ended.trail, PAY), Confirmed)


@pytest.mark.parametrize("amount", ["", 0, -1, "664.00", "٦٦"])
async def test_an_amount_that_is_no_number_of_paise_is_refused_before_anything_is_sent(unit, order, amount):
    with pytest.raises(Refused):
        await unit.driver.pay(replace(order, form={**order.form, "amount_paise": amount}))
    assert unit.requests == []


def test_the_driver_says_that_it_is_pushed_to(unit):
    assert isinstance(unit.driver, Notifies)


def test_a_payments_answer_is_a_receipt_with_our_reference(driver_at, pushed):
    notice = driver_at().notified(pushed("BillPaymentResponse", answer(reason())))
    assert notice.receipt is not None
    assert (notice.receipt.agency_reference, notice.receipt.pending, notice.reference) == (TXN, False, "REF-1")
    assert notice.receipt.facts == {"approval_number": "SIMAPPR1"}
    assert notice.awaited == ""


def test_accepted_and_pending_at_the_biller_is_no_failure(driver_at, pushed):
    notice = driver_at().notified(pushed("BillPaymentResponse", answer(reason("200", "BPR903"))))
    assert notice.receipt is not None
    assert notice.receipt.pending
    assert notice.refused is None


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("BFR001", "not_found"),
        ("BFR003", "wrong_state"),
        ("BFR004", "already_paid"),
        ("BFR005", "account_closed"),
        ("BFR007", "wrong_state"),
        ("BPR901", "payment_declined"),
        ("BPR902", "duplicate"),
    ],
)
def test_a_listed_refusal_of_a_payment_is_a_refusal(driver_at, pushed, code, told):
    notice = driver_at().notified(pushed("BillPaymentResponse", answer(reason("200", code))))
    assert notice.refused is not None
    assert (notice.refused.code, notice.refused.reason) == (code, told)


@pytest.mark.parametrize(
    ("code", "why"), [("200", "BFR777"), ("200", "BFR008"), ("200", "BRP046"), ("200", ""), ("", ""), ("201", "BFR004")]
)
def test_what_is_not_listed_is_neither_paid_nor_refused(driver_at, pushed, code, why):
    notice = driver_at().notified(pushed("BillPaymentResponse", answer(reason(code, why))))
    assert (notice.receipt, notice.refused) == (None, None)
    assert notice.reading is not None
    assert notice.reading.status is Status.UNKNOWN


def test_a_reversal_is_a_rejection_whatever_its_code_says(driver_at, pushed):
    notice = driver_at().notified(pushed("BillPaymentResponse", answer(reason(), "REVERSAL TYPE RESPONSE")))
    assert notice.receipt is None
    assert notice.reading is not None
    assert (notice.reading.status, notice.reading.detail) == (Status.REJECTED, "REVERSED")


def test_our_yes_to_a_callback_is_an_ack_of_its_numbers(driver_at, pushed):
    ack = driver_at().notified(pushed("BillPaymentResponse", answer(reason()))).ack
    assert ack.status == 200
    assert b'RspCd="Successful"' in ack.body
    assert b'refId="' + b"R" * 35 in ack.body
    assert b"\n" not in ack.body


REFUSED = {
    "signed by a stranger": {"key": "stranger"},
    "unsigned": {"unsigned": True},
    "an hour old": {"ts": "2026-01-15T09:00:00+05:30"},
    "from the future": {"ts": "2026-01-15T10:06:00+05:30"},
    "without a moment": {"ts": ""},
    "with a moment that is none": {"ts": "yesterday"},
    "under another message's path": {"path": "bbps/BillPaymentResponse/1.0/urn:referenceId:" + "Q" * 35},
}


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_a_callback_that_proves_nothing_has_no_effect_and_is_told_so(driver_at, pushed, stranger, case):
    told = dict(REFUSED[case])
    if told.get("key"):
        told["key"] = stranger
    with pytest.raises(Unverified) as caught:
        driver_at().notified(pushed("BillPaymentResponse", answer(reason()), **told))
    assert b"G27" in caught.value.ack.body
    assert b"REF-1" not in caught.value.ack.body


@pytest.mark.parametrize("body", [b"", b"<html/>", b"{}", b"<a", b"<!DOCTYPE a><a/>", b"\xff\xfe\x00"])
def test_bytes_that_are_no_message_are_turned_away_and_never_raise_anything_else(driver_at, pushed, body):
    callback = replace(pushed("BillPaymentResponse", ""), body=body, path="bbps/x/1.0/urn:referenceId:<script>")
    with pytest.raises(Unverified) as caught:
        driver_at().notified(callback)
    assert b"script" not in caught.value.ack.body


def test_a_message_of_no_kind_we_know_is_turned_away(driver_at, pushed):
    with pytest.raises(Unverified):
        driver_at().notified(pushed("SomethingElse", ""))


def test_a_second_copy_counts_as_the_same_event_and_a_reversal_as_another(driver_at, pushed):
    driver = driver_at()
    paid = driver.notified(pushed("BillPaymentResponse", answer(reason())))
    again = driver.notified(pushed("BillPaymentResponse", answer(reason())))
    reversed_ = driver.notified(pushed("BillPaymentResponse", answer(reason(), "REVERSAL TYPE RESPONSE")))
    assert paid.event_id == again.event_id != reversed_.event_id


def test_a_down_time_of_the_biller_is_kept_for_people(driver_at, pushed):
    notice = driver_at().notified(pushed("BillerStatusUpdate", '<Biller id="SIMU00000ODI01" status="INACTIVE"/>'))
    assert notice.awaited == ""
    assert notice.content.find("Biller").get("status") == "INACTIVE"


def test_settings_that_cannot_be_are_refused_when_the_driver_is_made(driver_at):
    for name, value in {"institution": "SIM", "agent_id": "short", "biller_id": "simu00000odi01"}.items():
        with pytest.raises(ValueError, match=name):
            driver_at(**{name: value})


def test_an_answer_on_the_complaint_desks_own_path_is_read_all_the_same(driver_at, pushed):
    callback = pushed("TxnStatusComplainResponse", '<Txn ts="x" msgId="M"/>', path="TxnStatusComplainResponse")
    assert driver_at().notified(callback).awaited == "R" * 35
