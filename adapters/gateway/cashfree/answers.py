"""What is asked of the gateway and what its answers say. Amounts go and come in rupees; here they are integer paise."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson

from adapters.gateway.cashfree.vocabulary import FAILED, ORDER, REFUND_NOT, REFUND_WAITS, REFUNDED, SUCCESS, UNDECIDED
from aggregator.sdk.clock import epoch_ms
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.form import normal
from aggregator.sdk.model import Facts, Order, Reading, Receipt
from aggregator.sdk.reading import moment, need, need_rows, paise, read_status, rupees, value_of
from aggregator.sdk.status import Status

PAGES = 50
_STAMP = "yyyy-MM-dd'T'HH:mm:ssXXX"
_KINDS = {"PAYMENT": "payment", "REFUND": "refund"}
Record = Mapping[str, Any]


def money(value: Any) -> int:
    """Paise of `664.00`, `664` or `"664.5"`. Raises ContractBroken."""
    return paise(format(value, "f") if isinstance(value, Decimal) else value)


def new_order(order: Order) -> dict[str, Any]:
    """The order in the gateway's words. The citizen is named by our reference: they need a phone, and no more."""
    form = order.form
    return {
        "order_id": order.reference,
        "order_amount": orjson.Fragment(rupees(int(form["amount_paise"]))),
        "order_currency": "INR",
        "order_expiry_time": str(form["expires_at"]),
        "customer_details": {
            "customer_id": order.reference,
            "customer_phone": normal("mobile", str(form.get("mobile", ""))),
        },
        "order_meta": {"return_url": str(form.get("return_url", ""))},
    }


def new_refund(order: Order) -> dict[str, Any]:
    amount = orjson.Fragment(rupees(int(order.form["refund_paise"])))
    return {"refund_id": order.reference, "refund_amount": amount, "refund_note": "bill not recorded"}


def ordered(row: Any, reference: str) -> Receipt:
    """Raises ContractBroken for another order's record."""
    _same(row, "order_id", reference)
    return Receipt(_text(row, "cf_order_id"), agency_code=str(value_of(row, "order_status", "")), reference=reference)


def refunded(row: Any, reference: str) -> Receipt:
    """A refund as it stands; undecided is pending, cancelled is a definite no."""
    _same(row, "refund_id", reference)
    _same(row, "order_id", reference)
    word = _text(row, "refund_status")
    if word not in REFUNDED | REFUND_WAITS | REFUND_NOT:
        raise ContractBroken("the refund is in a state that is not listed")
    return Receipt(
        _text(row, "cf_refund_id"),
        agency_code=word,
        reference=reference,
        pending=word in REFUND_WAITS,
        refused_code=word if word in REFUND_NOT else "",
        facts={"amount_paise": str(money(need(row, "refund_amount")))},
    )


def standing(row: Any, payments: Sequence[Any], reference: str, checkout: str) -> Reading:
    """Where an order stands. PAID only when its own word and exactly its payments say so; else the doubt is said."""
    _same(row, "order_id", reference)
    if any(not isinstance(one, Mapping) or one.get("order_id") != reference for one in payments):
        raise ContractBroken("the reply shows another order's payments")
    good = [one for one in payments if one.get("payment_status") == SUCCESS]
    known = all(one.get("payment_status") in {SUCCESS} | UNDECIDED | FAILED for one in payments)
    word = str(value_of(row, "order_status", ""))
    told = read_status(ORDER, word, facts=_facts(row, good, reference, checkout))
    if not told.detail:
        return told
    if bool(good) != (told.detail == "PAID") or not known:
        # The order and its payments do not agree (yet): neither paid nor unpaid.
        return Reading(Status.AWAITING_PAYMENT, word, detail="PENDING", facts={**told.facts, "paid_paise": ""})
    waits = any(one.get("payment_status") in UNDECIDED for one in payments)
    if waits and told.detail in {"EXPIRED", "CANCELLED"}:
        return Reading(Status.AWAITING_PAYMENT, word, detail="PENDING", facts=told.facts)
    return told


def is_open(row: Any) -> bool:
    """Whether the order still takes money by its own word: then its payments prove nothing yet."""
    return bool(isinstance(row, Mapping) and row.get("order_status") == "ACTIVE")


def _facts(row: Any, good: Sequence[Any], reference: str, checkout: str) -> dict[str, str]:
    session = str(value_of(row, "payment_session_id", ""))
    expires = moment(value_of(row, "order_expiry_time"), _STAMP)
    facts = {
        "order": reference,
        "amount_paise": str(money(need(row, "order_amount"))),
        "currency": _text(row, "order_currency"),
        "pay_url": f"{checkout}/{session}" if session else "",
        "expires_ms": str(epoch_ms(expires)) if expires else "",
    }
    if good:
        first = good[0]
        facts |= {
            "paid_paise": str(money(need(first, "payment_amount"))),
            "currency": str(value_of(first, "payment_currency", facts["currency"])),
            "gateway_payment": _text(first, "cf_payment_id"),
            "bank_reference": str(value_of(first, "bank_reference", "")),
            "captures": str(len(good)),
        }
    return facts


def recon(order: Order, cursor: str) -> dict[str, Any]:
    day = str(order.form["day"])
    return {
        "pagination": {"limit": 100, "cursor": cursor or None},
        "filters": {"start_date": f"{day}T00:00:00+05:30", "end_date": f"{day}T23:59:59+05:30"},
    }


def settled(page: Any) -> list[Facts]:
    """The lines of one page. Payments and refunds; other events (fees of the account, disputes) are not of an order."""
    lines = [one for one in need_rows(page, "data") if isinstance(one, Mapping) and one.get("event_type") in _KINDS]
    return [Facts(_settled(one)) for one in lines]


def _settled(one: Record) -> dict[str, str]:
    kind = _KINDS[one["event_type"]]
    fee = money(value_of(one, "event_service_charge", 0)) + money(value_of(one, "event_service_tax", 0))
    return {
        "kind": kind,
        "reference": _text(one, "order_id"),
        "number": _text(one, "cf_payment_id" if kind == "payment" else "refund_id"),
        "amount_paise": str(money(need(one, "event_amount"))),
        "fee_paise": str(fee if kind == "payment" else 0),
        "utr": str(value_of(one, "settlement_utr", "")),
        "at": str(value_of(one, "event_time", "")),
    }


def cursor_of(page: Any) -> str:
    return str(value_of(page, "cursor", ""))


def _same(row: Any, name: str, reference: str) -> None:
    if not isinstance(row, Mapping) or need(row, name) != reference:
        raise ContractBroken(f"the record carries another {name}")


def _text(row: Any, name: str) -> str:
    """Their ids come as text or as numbers."""
    value = need(row, name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ContractBroken(f"{name!r} is neither text nor a number")
    return str(value)
