"""Orders of a transfer of ownership, as the tests of the simulated department place them."""

from typing import Any

from aggregator.sdk.model import Order

FORM = {
    "vehicle_number": "OD02AB1234",
    "chassis_last5": "01234",
    "name": "Test Citizen",
    "mobile": "9000000000",
    "address": "Plot 1, Demo Colony",
    "buyer_name": "Test Buyer",
    "buyer_mobile": "9000000009",
    "buyer_address": "Plot 2, Demo Colony",
    "office": "OD-02",
}


def transfer(reference: str = "REF-1", **changed: str) -> Order:
    return Order(reference, "transfer_ownership", {**FORM, **changed})


def about(number: str, reference: str = "OP-1", **form: Any) -> Order:
    return Order(reference, "transfer_ownership", {**FORM, **form}, agency_reference=number)


async def paid(sandbox: Any, order: Order) -> str:
    """A transfer with both consents and its fee paid; its number."""
    receipt = await sandbox.driver.submit(order)
    number = str(receipt.agency_reference)
    for party in ("SELLER", "BUYER"):
        consent = {"party": party, "otp_txn": "OTP1", "consented_at": "2026-01-15T10:00:00+05:30"}
        await sandbox.driver.consent(about(number, **consent))
    fee = {"amount_paise": receipt.facts["fee_paise"], "bank_ref": "SIMBANK1", "paid_at": "2026-01-15T10:00:00+05:30"}
    await sandbox.driver.pay(about(number, "PAY-" + order.reference, **fee))
    return number
