"""What we send: normalised, in Indian time, and the same bytes for the same order."""

from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.rto.vahan import requests
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.model import Order
from aggregator.sdk.xml import to_bytes

DONE = "<Result><code>0</code>{}</Result>"
NUMBER = "OD26A0000000001"


async def test_an_application_carries_both_parties_normalised(department: Any, transfer: Order) -> None:
    told = f"<applicationNo>{NUMBER}</applicationNo><feeAmount>550.00</feeAmount>"
    told += "<receivedOn>15/01/2026 10:00:00</receivedOn>"
    department.says("submitApplication", DONE.format(told))
    got = await department.driver.submit(transfer)
    assert department.asked() == {
        "clientRef": "REF-1",
        "serviceCode": "TO",
        "regnNo": "OD99ZZ0000",
        "chassisLast5": "00000",
        "applicant": {"name": "Test Citizen 0000", "mobile": "9000000000", "address": "Plot 0, Demo Colony"},
        "buyer": {"name": "Test Citizen 0001", "mobile": "9000000001", "address": "Plot 1, Demo Colony"},
        "rtoCode": "OD-02",
    }
    assert (got.agency_reference, got.facts, got.at) == (
        NUMBER,
        {"fee_paise": "55000"},
        datetime(2026, 1, 15, 4, 30, tzinfo=UTC),
    )


def test_the_same_order_gives_the_same_bytes(transfer: Order) -> None:
    assert to_bytes(requests.application(transfer)) == to_bytes(requests.application(transfer))


def test_documents_travel_with_an_application(transfer: Order) -> None:
    papers = [{"type": "FORM29", "sha256": "00" * 32, "uri": "https://portal.example/d/1"}]
    made = requests.application(Order("R", "noc", {**transfer.form, "documents": papers}))
    assert made.findtext("documents/document/type") == "FORM29"


def test_a_licence_is_sent_without_what_citizens_put_between() -> None:
    order = Order("R", "dl_renewal", {"licence_number": "od99 2099-0000001", "name": "A", "mobile": "9000000000"})
    made = requests.application(order)
    assert (made.findtext("dlNo"), made.findtext("serviceCode"), made.find("regnNo")) == (
        "OD9920990000001",
        "DLR",
        None,
    )


def test_control_characters_are_not_sent(transfer: Order) -> None:
    made = requests.application(Order("R", "noc", {**transfer.form, "name": "A\x00B"}))
    assert made.findtext("applicant/name") == "AB"


async def test_a_fee_is_paid_in_rupees_at_the_moment_it_was_collected(department: Any) -> None:
    form = {"amount_paise": 55000, "bank_ref": "SIMBANK1", "paid_at": "2026-01-15T05:00:00+00:00"}
    department.says("payFee", DONE.format("<receiptNo>RCPT1</receiptNo>"))
    got = await department.driver.pay(Order("PAY-1", "transfer_ownership", form, NUMBER))
    assert got.agency_reference == "RCPT1"
    assert department.asked() == {
        "applicationNo": NUMBER,
        "clientRef": "PAY-1",
        "amountRs": "550.00",
        "bankRef": "SIMBANK1",
        "paidOn": "15/01/2026 10:30:00",
    }


async def test_a_consent_is_dated_by_the_journal_when_the_form_is_not(department: Any) -> None:
    order = Order("C", "x", {"party": "BUYER", "otp_txn": "T1"}, NUMBER, at=datetime(2026, 1, 15, 5, 0, tzinfo=UTC))
    department.says("recordConsent", DONE.format("<recordedOn>15/01/2026 10:31:00</recordedOn>"))
    assert (await department.driver.consent(order)).agency_reference == NUMBER
    assert department.asked()["consentedOn"] == "15/01/2026 10:30:00"


async def test_a_cancellation_gives_the_mobile_that_proves_it(department: Any, open_case: Order) -> None:
    department.says("cancelApplication", DONE.format("<cancelledOn>15/01/2026 10:31:00</cancelledOn>"))
    await department.driver.cancel(open_case)
    assert department.asked()["mobile"] == "9000000000"


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("submit", "submitApplication"),
        ("pay", "payFee"),
        ("book", "bookSlot"),
        ("cancel", "cancelApplication"),
        ("consent", "recordConsent"),
    ],
)
async def test_done_without_a_number_or_date_is_no_receipt(
    department: Any, open_case: Order, name: str, operation: str
) -> None:
    more = {"amount_paise": 1, "bank_ref": "B", "slot_id": "S", "party": "BUYER", "otp_txn": "T"}
    order = Order("R", open_case.service, {**open_case.form, **more}, open_case.agency_reference)
    department.says(operation, DONE.format("<feeAmount>1.00</feeAmount>"))
    with pytest.raises(ContractBroken):
        await getattr(department.driver, name)(order)


async def test_the_probe_asks_for_a_date_and_takes_any(department: Any, transfer: Order) -> None:
    department.returns("parseCurrentDateToString", "15-Jan-2026")
    await department.driver.probe(transfer)


async def test_offers_come_with_their_fee_in_paise(department: Any, transfer: Order) -> None:
    service = "<Service><code>TO</code><name>Transfer</name><fee>550.00</fee><slaDays>30</slaDays>"
    service += "<forms>29,30</forms></Service>"
    department.says("getServiceList", DONE.format(service))
    (got,) = await department.driver.list_services(transfer)
    assert got.values == {
        "service": "transfer_ownership", "code": "TO", "name": "Transfer", "fee_paise": "55000", "days": "30",
        "forms": "29,30",
    }  # fmt: skip
