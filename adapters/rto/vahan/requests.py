"""The documents we send: the same order gives the same bytes, so a repeat under its key is a repeat.

Dates and times are Indian, money is rupees with two decimals, identifiers are normalised.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from adapters.rto.vahan.words import SERVICE_CODES
from aggregator.sdk.clock import IST
from aggregator.sdk.form import normal, normalise
from aggregator.sdk.model import Order
from aggregator.sdk.reading import clean, rupees
from aggregator.sdk.xml import Element, element

Fields = Mapping[str, Any]


def document(root: str, fields: Fields) -> Element:
    """An element tree from nested mappings and lists; empty values leave no element."""
    made = element(root)
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Mapping):
                made.append(document(name, one))
            elif clean(one):
                made.append(element(name, text=clean(one)))
    return made


def application(order: Order) -> Element:
    form = order.form
    return document(
        "Application",
        {
            "clientRef": order.reference,
            "serviceCode": SERVICE_CODES[order.service],
            "regnNo": normal("vehicle", form.get("vehicle_number", "")),
            "dlNo": normal("driving_licence", form.get("licence_number", "")),
            "chassisLast5": normalise(form.get("chassis_last5", "")),
            "applicant": _person(form, ""),
            **({"buyer": _person(form, "buyer_")} if form.get("buyer_name") else {}),
            "rtoCode": form.get("office", ""),
            **({"documents": {"document": list(form["documents"])}} if form.get("documents") else {}),
        },
    )


def _person(form: Fields, prefix: str) -> Fields:
    return {
        "name": form.get(prefix + "name", ""),
        "mobile": normal("mobile", form.get(prefix + "mobile", "")),
        "address": form.get(prefix + "address", ""),
    }


def find(order: Order) -> Element:
    """By our reference; an order without one asks by vehicle and mobile."""
    if order.reference:
        return document("Find", {"clientRef": order.reference})
    plate = normal("vehicle", order.form.get("vehicle_number", ""))
    return document("Find", {"regnNo": plate, "mobile": mobile(order)})


def status(order: Order) -> Element:
    return document("Status", {"applicationNo": order.agency_reference, "mobile": mobile(order)})


def consent(order: Order) -> Element:
    form = order.form
    return document(
        "Consent",
        {
            "applicationNo": order.agency_reference,
            "party": form["party"],
            "otpTxn": form["otp_txn"],
            "consentedOn": _moment(order, "consented_at"),
        },
    )


def fee(order: Order) -> Element:
    form = order.form
    return document(
        "Fee",
        {
            "applicationNo": order.agency_reference,
            "clientRef": order.reference,
            "amountRs": rupees(int(form["amount_paise"])),
            "bankRef": form["bank_ref"],
            "paidOn": _moment(order, "paid_at"),
        },
    )


def slots(order: Order) -> Element:
    return document(
        "Slots",
        {
            "applicationNo": order.agency_reference,
            "rtoCode": order.form.get("office", ""),
            "from": _day(order.form.get("from", "")),
            "to": _day(order.form.get("to", "")),
        },
    )


def booking(order: Order) -> Element:
    return document("Book", {"applicationNo": order.agency_reference, "slotId": order.form["slot_id"]})


def cancellation(order: Order) -> Element:
    return document(
        "Cancel",
        {
            "applicationNo": order.agency_reference,
            "mobile": mobile(order),
            "reason": order.form.get("reason", "") or "Withdrawn by the applicant",
        },
    )


def sending(order: Order) -> Element:
    """A wish for the department's code. Our reference is told and counts for nothing: two wishes are two codes."""
    return document("Otp", {"clientRef": order.reference, "regnNo": plate(order)})


def check(order: Order) -> Element:
    code = order.form["code"]
    return document("OtpCheck", {"otpTxn": order.agency_reference, "regnNo": plate(order), "otp": code})


def plate(order: Order) -> str:
    return normal("vehicle", order.form.get("vehicle_number", ""))


def mobile(order: Order) -> str:
    return normal("mobile", order.form.get("mobile", ""))


def _moment(order: Order, name: str) -> str:
    """The form's ISO moment, else when the order was journaled; empty if neither is known."""
    told = order.form.get(name, "")
    at = datetime.fromisoformat(told) if told else order.at
    return at.astimezone(IST).strftime("%d/%m/%Y %H:%M:%S") if at else ""


def _day(iso: str) -> str:
    return f"{date.fromisoformat(iso):%d/%m/%Y}" if iso else ""
