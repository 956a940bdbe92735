"""One report out, one record in. Our reference ends the description: that is how ours is told from a neighbour's.

Codes stay text: servers lose the zeros of `001`, so a code is compared with the configured ones and the configured
one is kept and sent. Times without a zone are not guessed closer than the day.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from adapters.municipal.open311.vocabulary import OPEN, STATUS
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.form import normal
from aggregator.sdk.model import Facts, Order, Reading, Receipt
from aggregator.sdk.reading import clean, is_absent, moment, need, read_status, value_of
from aggregator.sdk.status import Status

LONGEST = 4000
"""Characters of a description (specification)."""
_MARK = re.compile(r"\[([A-Za-z0-9-]{1,30})\]\s*\Z")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})")
_PLAIN = {
    "address": "address_string",
    "email": "email",
    "first_name": "first_name",
    "last_name": "last_name",
    "photo_url": "media_url",
}
_SKEW = timedelta(hours=1)
_WINDOW = timedelta(days=30)
"""A report is first sent within 7 days of its journal entry and at most three times, a day or so apart."""


def marked(text: Any, reference: str) -> str:
    """The citizen's text with our reference as its last word, within their limit."""
    tail = f" [{reference}]"
    return clean(text)[: LONGEST - len(tail)] + tail


def carries(row: Mapping[str, Any], reference: str) -> bool:
    """Whether this is the record of our operation: servers may append to a text, so anywhere in it."""
    return f"[{reference}]" in str(value_of(row, "description", ""))


def mark_of(row: Mapping[str, Any]) -> str:
    """The reference a record ends with, whosever it is; empty for none."""
    mark = _MARK.search(str(value_of(row, "description", "")))
    return mark[1] if mark else ""


def says_the_same(row: Mapping[str, Any], order: Order) -> bool:
    """Whether a record says what this form says, of the same place."""
    text, form = _MARK.sub("", str(value_of(row, "description", ""))), order.form
    if clean(text) != clean(form.get("text", ""))[:LONGEST].strip():
        return False
    if form.get("latitude") is not None and form.get("longitude") is not None:
        here = (str(form["latitude"]), str(form["longitude"]))
        return (str(value_of(row, "lat", "")), str(value_of(row, "long", ""))) == here
    return clean(value_of(row, "address", "")) == clean(form.get("address", ""))


def report(order: Order, code: str, attributes: Mapping[str, str]) -> list[tuple[str, str]]:
    """The form post of a report, without key and jurisdiction. `attributes`: our field -> their attribute's code."""
    form = order.form
    fields = [("service_code", code), ("description", marked(form["text"], order.reference))]
    if form.get("latitude") is not None and form.get("longitude") is not None:
        fields += [("lat", str(form["latitude"])), ("long", str(form["longitude"]))]
    fields += [(theirs, str(form[ours])) for ours, theirs in _PLAIN.items() if form.get(ours)]
    if form.get("mobile"):
        fields.append(("phone", normal("mobile", str(form["mobile"]))))
    for ours, theirs in attributes.items():
        given = form.get(ours)
        values = given if isinstance(given, list) else [] if given is None else [given]
        fields += [(f"attribute[{theirs}]", _sent(value)) for value in values]
    return fields


def _sent(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def window(order: Order) -> dict[str, str]:
    """From when to when a record of this order may have been made; empty for an enquiry without a time."""
    if order.at is None:
        return {}
    return {"start_date": (order.at - _SKEW).isoformat(), "end_date": (order.at + _WINDOW).isoformat()}


def stamp(text: Any) -> datetime | None:
    """A moment of theirs. ISO 8601 with a zone; of anything else that begins with a day, the day."""
    if is_absent(text):
        return None
    plain = str(text).strip()
    if _ISO.fullmatch(plain):
        return moment(plain, "yyyy-MM-dd'T'HH:mm:ssXXX")
    return moment(plain[:10], "yyyy-MM-dd")


def found(row: Mapping[str, Any], reference: str = "") -> Receipt:
    return Receipt(
        str(need(row, "service_request_id")),
        agency_code=str(value_of(row, "status", "")),
        reference=reference,
        at=stamp(value_of(row, "requested_datetime")),
    )


def listed(row: Mapping[str, Any], offer: str) -> Receipt:
    """A record of a list by time: with whatever reference it ends with, and the offer it is for."""
    return replace(found(row, mark_of(row)), service=offer)


def reading(row: Mapping[str, Any], order: Order) -> Reading:
    """Where a report is. Raises ContractBroken for a record that carries the reference of somebody else's report."""
    if "status" not in row:
        raise ContractBroken("the record has no status")
    if order.reference and mark_of(row) not in {"", order.reference}:
        raise ContractBroken("the record carries another reference")
    got = read(row, at=value_of(row, "updated_datetime") or value_of(row, "requested_datetime"), remark="status_notes")
    responsible = clean(value_of(row, "agency_responsible", ""))
    if got.status is Status.SUBMITTED and got.agency_code.strip().casefold() == OPEN and responsible:
        got = replace(got, status=Status.IN_PROGRESS)
    expected = stamp(value_of(row, "expected_datetime"))
    told = {
        "office": responsible,
        "expected_on": expected.date().isoformat() if expected else "",
        "notice": clean(value_of(row, "service_notice", "")),
    }
    return replace(got, facts={name: value for name, value in told.items() if value})


def read(row: Mapping[str, Any], *, at: Any, remark: str) -> Reading:
    """A status word of a record or an update, kept verbatim."""
    word = str(value_of(row, "status", ""))
    got = read_status(STATUS, word.replace("_", " "), at=stamp(at), remark=value_of(row, remark, ""))
    return replace(got, agency_code=word)


def update(row: Mapping[str, Any]) -> Reading:
    """One step of a report's history."""
    got = read(row, at=value_of(row, "updated_datetime"), remark="description")
    return replace(got, facts={"update_id": str(need(row, "update_id"))})


def attribute(row: Mapping[str, Any]) -> Facts:
    """One question of a service's own form. `values` is `key=name` by line."""
    values = value_of(row, "values", [])
    listed = [f"{need(one, 'key')}={clean(value_of(one, 'name', ''))}" for one in values] if values else []
    told = {
        "code": str(need(row, "code")),
        "datatype": str(need(row, "datatype")),
        "required": str(value_of(row, "required", "")),
        "order": str(value_of(row, "order", "")),
        "variable": str(value_of(row, "variable", "")),
        "description": clean(value_of(row, "description", "")),
        "hint": clean(value_of(row, "datatype_description", "")),
        "values": "\n".join(listed),
    }
    return Facts(told)
