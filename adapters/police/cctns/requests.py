"""What the requests hold besides the applicant: searches, times and names of files, the same for the same order."""

import base64
import hashlib
import re
from datetime import datetime
from typing import Any

from adapters.police.cctns.applicant import day, mobile
from aggregator.sdk.clock import IST
from aggregator.sdk.model import Order

CHALLAN_MAX = 20
REPLY, REMINDER = "reply_text", "reminder_text"
"""Fields of their own: a complaint's form has a `text`, and that must not go out as something else."""


def search(order: Order) -> dict[str, Any]:
    """By our reference alone where there is one; else by mobile, between the form's `from` and `to` (ISO dates).

    Never by neither: a search for everybody is what their database dies of.
    """
    if order.reference:
        return {"ClientRefNo": order.reference}
    span = {"FromDate": day(order.form.get("from_date", "")), "ToDate": day(order.form.get("to_date", ""))}
    return {"MobileNo": mobile(order.form), **{name: value for name, value in span.items() if value}}


def is_reply(order: Order) -> bool:
    """Whether this is the order of a `reply`, by the field no other order's form has."""
    return bool(order.agency_reference and REPLY in order.form)


def reminder(order: Order) -> str:
    return str(order.form.get(REMINDER) or "Please tell me how far my request is.")


def document_name(order: Order) -> str:
    """The name a reply's document travels under. It begins with our reference, which is how the reply is found."""
    named = _harmless(str(order.form.get("document_name", "")))
    return f"{order.reference}-{named}" if named else order.reference


def file_name(told: str, order: Order) -> str:
    """A certificate's name without any path; the request's number where they give none."""
    return _harmless(told.replace("\\", "/").rpartition("/")[2]) or f"{order.agency_reference}.pdf"


def _harmless(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name).strip("._")[:80]


def challan(order: Order) -> str:
    """Our payment number: the reference, or where that is too long for them 20 characters that only it gives."""
    if len(order.reference) <= CHALLAN_MAX:
        return order.reference
    return base64.b32encode(hashlib.sha256(order.reference.encode()).digest()).decode()[:CHALLAN_MAX]


def paid_on(order: Order) -> str:
    """dd/MM/yyyy HH:mm:ss in Asia/Kolkata: the form's `paid_at`, else when the order was journaled."""
    told = order.form.get("paid_at", "")
    at = datetime.fromisoformat(told) if told else order.at
    return f"{at.astimezone(IST):%d/%m/%Y %H:%M:%S}" if at else ""
