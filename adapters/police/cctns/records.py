"""What one row of the police is in our words, and which of it may leave this house.

A state is mapped by its code, by its words where there is no code, and is unknown where the two disagree. The words
"Adverse Report" stop here, and so do code, remark and place of such a row: the citizen sees a rejection that can be
appealed. Who only knows a number and its mobile, without a case of ours, sees status and date.
Source: the police protocol, section 5.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from adapters.police.cctns.answers import same_number
from adapters.police.cctns.dataset import Row
from adapters.police.cctns.words import ADVERSE, ASSIGNED, CLOSED, CODES, COMPLAINT, SERVICE_CODES, STATUS, TRANSFERRED
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.model import Facts, Order, Reading, Receipt
from aggregator.sdk.reading import clean, is_absent, moment, need, paise, read_status, value_of
from aggregator.sdk.status import Status

STAMP = "dd/MM/yyyy HH:mm:ss"
_STAMP_LENGTH = 19
_PLAIN = {" ".join(words.split()).casefold(): code for words, code in CODES.items()}


def stamp(row: Row, name: str) -> datetime | None:
    """The moment in a column; the day alone where its seconds are none, None where it says nothing."""
    text = value_of(row, name)
    if is_absent(text):
        return None
    if len(text) > _STAMP_LENGTH:
        return moment(text.split()[0], "dd/MM/yyyy")
    return moment(text, STAMP)


def reading(row: Row, order: Order) -> Reading:
    """The state of the request asked for. Raises ContractBroken for another request's row."""
    if not same_number(need(row, "SRN"), order.agency_reference):
        raise ContractBroken("the state is another request's")
    service = value_of(row, "SERVICE_CD") or order.agency_reference[4:7]
    return _shown(_state(row, "LAST_ACTION_DT", service), order)


def steps(rows: Sequence[Row], order: Order) -> list[Reading]:
    """The history in the agency's own order, each step once."""
    if any(not same_number(need(row, "SRN"), order.agency_reference) for row in rows):
        raise ContractBroken("the history is another request's")
    by_place = {_place(row): row for row in rows}
    service = order.agency_reference[4:7]
    return [_shown(_state(by_place[place], "ACTION_DT", service), order) for place in sorted(by_place)]


def _place(row: Row) -> int:
    text = need(row, "SEQ")
    if not (text.isascii() and text.isdigit()):
        raise ContractBroken("a step of the history has no place")
    return int(text)


def _state(row: Row, when: str, service: str) -> Reading:
    if "STATUS_CD" not in row and "STATUS_DESC" not in row:
        raise ContractBroken("the row has neither STATUS_CD nor STATUS_DESC")
    code, words = value_of(row, "STATUS_CD", ""), value_of(row, "STATUS_DESC", "")
    at = stamp(row, when)
    meant = _code_of(words)
    adverse = ADVERSE in {code, meant}
    if code and meant and meant != code:
        return Reading(Status.UNKNOWN, "" if adverse else f"{code} {words}", at=at)
    if adverse:
        return Reading(Status.REJECTED, "", at=at)
    known = code or meant or words
    got = read_status(STATUS, known, at=at, remark=value_of(row, "REMARKS", ""), facts=_place_names(row))
    got = replace(got, agency_code=code or words)
    if known == CLOSED and service == COMPLAINT:
        return replace(got, status=Status.RESOLVED_BY_AGENCY)
    where = {ASSIGNED: "PS_NAME", TRANSFERRED: "DISTRICT"}.get(known)
    return replace(got, detail=clean(value_of(row, where, ""))) if where else got


def _code_of(words: str) -> str:
    return _PLAIN.get(" ".join(words.split()).removesuffix(".").rstrip().casefold(), "")


def _place_names(row: Row) -> dict[str, str]:
    told = {"office": clean(value_of(row, "PS_NAME") or value_of(row, "OFFICE", ""))}
    told["district"] = clean(value_of(row, "DISTRICT", ""))
    return {key: value for key, value in told.items() if value}


def _shown(got: Reading, order: Order) -> Reading:
    """A live enquiry has no journaled case behind it: its mobile opened the record and proves no more."""
    return got if order.reference else Reading(got.status, got.agency_code, at=got.at)


def match(row: Row) -> Receipt:
    """One match of a search. What another portal filed has no reference of ours."""
    code = value_of(row, "STATUS_CD", "")
    adverse = ADVERSE in {code, _code_of(value_of(row, "STATUS_DESC", ""))}
    return Receipt(
        need(row, "SRN"),
        agency_code="" if adverse else code,
        reference=value_of(row, "CLIENT_REF", ""),
        at=stamp(row, "LAST_ACTION_DT"),
        match={"service": value_of(row, "SERVICE_CD", "")},
    )


def replies(rows: Iterable[Row], order: Order, document: str) -> list[Receipt]:
    """A reply is found by the step it left, which names its document, and so our reference."""
    told = f"Reply received with {document}"
    return [
        Receipt(need(row, "SRN"), reference=order.reference, at=stamp(row, "ACTION_DT"))
        for row in rows
        if clean(value_of(row, "REMARKS", "")) == told
    ]


def offer(row: Row) -> Facts:
    """One service of the list. `active` is Y or N: what is not active is refused with code 11."""
    code = need(row, "SERVICE_CD")
    return Facts(
        {
            "service": next((ours for ours, theirs in SERVICE_CODES.items() if theirs == code), ""),
            "code": code,
            "name": clean(need(row, "SERVICE_NAME")),
            "fee_paise": str(paise(need(row, "FEE_RS"))),
            "days": value_of(row, "SLA_DAYS", ""),
            "active": need(row, "ACTIVE_FLAG"),
        }
    )


def stations(rows: Sequence[Row]) -> Facts:
    """The stations of one district: its name, then each station's code and name."""
    found = {"district": clean(need(rows[0], "DISTRICT"))}
    return Facts(found | {need(row, "PS_CD"): clean(need(row, "PS_NAME")) for row in rows})
