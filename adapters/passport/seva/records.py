"""One record in, one value out: what of the authority's rows passes the waist, and what must agree first.

Names are never compared (they come masked) and never passed on: a status needs no name.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from adapters.passport.seva.vocabulary import KEYS, PHRASES, SPEED_POST
from aggregator.sdk.clock import IST
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.form import fits, normal
from aggregator.sdk.model import Order, Reading, Receipt, Slot
from aggregator.sdk.reading import clean, day, moment, need, need_rows, read_status, value_of

_PARTS = {"line1": "address_line1", "line2": "address_line2", "district": "district", "state": "state", "pin": "pin"}
_PARTS |= {"policeStation": "police_station"}


def slashed(iso: Any) -> str:
    """`1990-01-01` as they want it: `01/01/1990`."""
    return date.fromisoformat(str(iso)).strftime("%d/%m/%Y")


def birth_date(order: Order) -> str:
    """The second factor of everything they tell, `dd/MM/yyyy`."""
    return slashed(order.form["date_of_birth"])


def applicant(form: Mapping[str, Any]) -> dict[str, Any]:
    """The applicant of saveApplication, from our flat form."""
    return {
        "givenName": form["given_name"],
        "surname": form.get("surname", ""),
        "gender": form["gender"],
        "placeOfBirth": form["place_of_birth"],
        "mobile": normal("mobile", str(form["mobile"])),
        "email": form.get("email", ""),
        "address": {theirs: form.get(ours, "") for theirs, ours in _PARTS.items()},
    }


def reading(result: Mapping[str, Any], number: str, birth: str) -> Reading:
    """The state of one file. Raises ContractBroken for a record that is not of this number and birth date."""
    rows = need_rows(result, "applicationStatus")
    if not rows:
        raise ContractBroken("no record, and no reason they are known to give")
    row = rows[0]
    born = day(need(row, "DATE_OF_BIRTH"), "dd/MM/yyyy")
    if normal("passport_file", str(need(row, "FILE_NO"))) != number or born != day(birth, "dd/MM/yyyy"):
        raise ContractBroken("the reply shows another citizen's file")
    key = value_of(row, "TXT_MSG_KEY") or value_of(result, "msgKey", "")
    message = clean(value_of(row, "STATUS_MESSAGE") or value_of(result, "statusMessage"))
    return _without_adverse(
        read_status(
            KEYS,
            key if key in KEYS or not message else message,
            phrases=PHRASES,
            # Their format is not verified, and a sister system's "seconds" are none: the minute is enough.
            at=moment(value_of(row, "LAST_MODIFIED_DATEZ"), "dd/MM/yyyy HH:mm:sssss"),
            remark=message,
            facts=_facts(row, number, message),
        )
    )


def _without_adverse(got: Reading) -> Reading:
    """An adverse police report is for the citizen, on their own consent link, and for nobody who asks in passing."""
    if got.detail != "POLICE_ADVERSE":
        return got
    return replace(got, withheld=True)


def _facts(row: Mapping[str, Any], number: str, message: str) -> dict[str, str]:
    facts = {"file_no": number}
    if (applied := day(value_of(row, "APP_SUB_DATE"), "dd/MM/yyyy")) is not None:
        facts["applied_on"] = applied.isoformat()
    item = re.search(SPEED_POST, message)
    if item is not None and fits("postal_item", item[0]):
        facts["speed_post"] = item[0]
    return facts


def found(row: Mapping[str, Any]) -> Receipt:
    """A row of searchApplication. A booking's or move's reference finds the appointment, any other the ARN."""
    arn = str(need(row, "arn"))
    return Receipt(
        str(value_of(row, "appointmentId") or arn),
        agency_code=str(value_of(row, "state", "")),
        reference=str(value_of(row, "clientRef", "")),
        at=moment(value_of(row, "createdOn"), "dd/MM/yyyy HH:mm:ss"),
        match={"arn": arn},
    )


def booked(order: Order, result: Mapping[str, Any]) -> Receipt:
    """The appointment of a booking or a move, which gives a new number: the old one may only be our own echo."""
    number = str(need(result, "appointmentId"))
    if number == order.form.get("appointment_id"):
        raise ContractBroken("the move gave no new appointment")
    at = moment(need(result, "reportingTime"), "dd/MM/yyyy HH:mm")
    if at is None:
        raise ContractBroken("the appointment has no time")
    facts = {"reporting_time": at.astimezone(IST).isoformat()}
    if (left := value_of(result, "left")) is not None:
        facts["moves_left"] = str(left)
    return Receipt(number, reference=order.reference, facts=facts)


def slot(row: Mapping[str, Any]) -> Slot:
    """`slot_id` is what `book` splits again; `free` may come as text."""
    on, at, free = need(row, "date"), need(row, "time"), str(need(row, "free"))
    starts_at = moment(f"{on} {at}", "dd/MM/yyyy HH:mm")
    if starts_at is None or not free.isdecimal():
        raise ContractBroken("a slot without time or number of places")
    psk = need(row, "psk")
    return Slot(f"{psk}|{on}|{at}", clean(value_of(row, "pskName", psk)), starts_at.astimezone(IST), int(free))


def pdf(text: str) -> bytes:
    """Strict Base64 of something that begins like a PDF."""
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error as exc:
        raise ContractBroken("the document is not Base64") from exc
    if not content.startswith(b"%PDF-"):
        raise ContractBroken("the document is not a PDF")
    return content
