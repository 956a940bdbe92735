"""Bills and payments: money comes as JSON numbers or text, goes as a number with two decimals, is paise inside."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from adapters.municipal.digit.vocabulary import BILLS, PAYMENT_STATES
from aggregator.sdk.clock import IST, epoch_ms
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.form import normal
from aggregator.sdk.model import Absent, Facts, Order, Reading, Receipt
from aggregator.sdk.reading import moment, need, paise, read_status, rupees, value_of

FETCH = "/billing-service/bill/v2/_fetchbill"
VALIDATE = "/collection-services/payments/_validate"
PAY = "/collection-services/payments/_create"
PAYMENTS = "/collection-services/payments/_search"


def business_of(order: Order) -> str:
    """The businessService an order is about: by its offer, or as its form says."""
    return BILLS.get(order.service) or str(order.form["business_service"])


def consumer_of(order: Order) -> str:
    """The account a bill is asked for: a water consumer's, a holding's, or a booking."""
    given = order.form.get("consumer_code") or order.form.get("holding_no") or order.agency_reference
    return str(given).strip().upper()


def money(value: Any) -> int:
    """Paise of `664.50`, `0E+2` or `"664.5"`."""
    return paise(format(value, "f") if isinstance(value, Decimal) else value)


def on_day(value: Any) -> str:
    """The ISO day in India of an epoch time; empty for 0 and for none."""
    at = moment(value, "epoch_ms")
    return at.astimezone(IST).date().isoformat() if at and at.year > 1 else ""


def bill(rows: list[Mapping[str, Any]], order: Order, consumer: str) -> Facts | Absent:
    """The open bill. Nothing due is Absent: no bill, or one of nothing.

    Amounts are integer paise, days ISO in Asia/Kolkata.
    """
    if not rows:
        return Absent("no bill")
    one = rows[0]
    if str(need(one, "consumerCode")).upper() != consumer or one.get("businessService") != business_of(order):
        raise ContractBroken("the reply shows another account's bill")
    amount = money(need(one, "totalAmount"))
    if amount == 0:
        return Absent("nothing due")
    details = one.get("billDetails")
    last = details[-1] if isinstance(details, list) and details and isinstance(details[-1], Mapping) else {}
    told = {
        "consumer_code": consumer,
        "bill_number": str(value_of(one, "billNumber", "")),
        "bill_id": str(need(one, "id")),
        "amount_paise": str(amount),
        "bill_date": on_day(one.get("billDate")),
        "due_date": on_day(last.get("expiryDate")),
        "period_from": on_day(last.get("fromPeriod")),
        "period_to": on_day(last.get("toPeriod")),
    }
    return Facts({key: value for key, value in told.items() if value})


def payment(order: Order, tenant: str) -> dict[str, Any]:
    """What we collected, for collection-services. Our reference is its transaction number."""
    amount = orjson.Fragment(rupees(int(order.form["amount_paise"])))
    part = {
        "billId": order.form["bill_id"],
        "totalAmountPaid": amount,
        "totalDue": amount,
        "businessService": business_of(order),
    }
    return {
        "tenantId": tenant,
        "totalAmountPaid": amount,
        "totalDue": amount,
        "paymentMode": "ONLINE",
        "transactionNumber": order.reference,
        "transactionDate": epoch_ms(order.at) if order.at else None,
        "paidBy": order.form["name"],
        "mobileNumber": normal("mobile", str(order.form["mobile"])),
        "paymentDetails": [part],
    }


def payments_in(reply: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The payments of a reply: `Payments` (live) or `Payment`, one or many, each perhaps in a `{Payment}` again."""
    given = reply.get("Payments", reply.get("Payment"))
    listed = given if isinstance(given, list) else [given]
    found = [one.get("Payment", one) if isinstance(one, Mapping) else None for one in listed]
    if not all(isinstance(one, Mapping) for one in found):
        raise ContractBroken("the reply has no payments")
    return [one for one in found if one is not None]


def paid(one: Mapping[str, Any], reference: str) -> Receipt:
    """Raises ContractBroken for a payment under another transaction number."""
    if str(need(one, "transactionNumber")) != reference:
        raise ContractBroken("the reply shows another payment")
    parts = one.get("paymentDetails")
    first = parts[0] if isinstance(parts, list) and parts and isinstance(parts[0], Mapping) else {}
    number = value_of(first, "receiptNumber") or need(one, "id")
    return Receipt(
        str(number),
        agency_code=str(value_of(one, "paymentStatus", "")),
        reference=reference,
        at=moment(one.get("transactionDate"), "epoch_ms"),
        facts={"amount_paise": str(money(need(one, "totalAmountPaid")))},
    )


def standing(one: Mapping[str, Any], reference: str) -> Reading:
    """Where a payment stands."""
    got = paid(one, reference)
    facts = {**got.facts, "receipt_no": got.agency_reference}
    return read_status(PAYMENT_STATES, one.get("paymentStatus"), at=got.at, facts=facts)
