"""What one element of their answers is in our words: an offer, a match, a slot, a state."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from adapters.rto.vahan.words import PHRASES, SERVICE_CODES, STATUS
from aggregator.sdk.clock import IST
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.form import fits, masked_mobile, normal, normalise
from aggregator.sdk.model import Facts, Order, Reading, Receipt, Slot
from aggregator.sdk.reading import clean, day, is_absent, moment, need, paise, read_status, value_of
from aggregator.sdk.status import Status
from aggregator.sdk.xml import Element

_STAMP = "dd/MM/yyyy HH:mm:ss"
_STAMP_LENGTH = 19
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def stamp(result: Element, name: str) -> datetime | None:
    """The moment in `name`, which must be there; its seconds are sometimes none, then the day is all that is taken."""
    text = need(result, name)
    if len(text) > _STAMP_LENGTH:
        return moment(text.split()[0], "dd/MM/yyyy")
    return moment(text, _STAMP)


def offer(row: Element) -> Facts:
    """One service they take applications for. `forms` is a comma list of statutory form numbers."""
    values = {"code": need(row, "code"), "name": clean(need(row, "name")), "fee_paise": str(paise(need(row, "fee")))}
    values["service"] = _ours(values["code"])
    return Facts({**values, "days": value_of(row, "slaDays", ""), "forms": value_of(row, "forms", "")})


def _ours(code: str) -> str:
    """Our offer of this code of theirs; empty for what we do not offer."""
    return next((offer for offer, known in SERVICE_CODES.items() if known == code), "")


def match(row: Element) -> Receipt:
    return Receipt(
        need(row, "applicationNo"),
        agency_code=value_of(row, "statusCode", ""),
        reference=need(row, "clientRef"),
        at=stamp(row, "receivedOn"),
        service=_ours(need(row, "serviceCode")),
        match={"service": need(row, "serviceCode")},
    )


def slot(row: Element, order: Order) -> Slot:
    """A slot without a day or an hour cannot be offered: ContractBroken."""
    on, clock = day(need(row, "date"), "dd/MM/yyyy"), _CLOCK.fullmatch(need(row, "time"))
    free = need(row, "free")
    if on is None or clock is None or not free.isascii() or not free.isdigit():
        raise ContractBroken("a slot has no day, hour or number of places")
    starts = datetime(on.year, on.month, on.day, tzinfo=IST) + timedelta(hours=int(clock[1]), minutes=int(clock[2]))
    return Slot(need(row, "slotId"), order.form.get("office", ""), starts, int(free))


def reading(result: Element, order: Order) -> Reading:
    """The state by its code; by its phrase only where there is no code. A blank or unlisted one is UNKNOWN.

    Raises ContractBroken when both are missing, or when it is the state of another application.
    """
    if normal("rto_application", need(result, "applicationNo")) != normal("rto_application", order.agency_reference):
        raise ContractBroken("the state is another application's")
    code, words = value_of(result, "statusCode"), value_of(result, "statusText")
    if result.find("statusCode") is None and result.find("statusText") is None:
        raise ContractBroken("the reply has neither statusCode nor statusText")
    got = read_status(
        STATUS,
        code or words,
        phrases={} if code else PHRASES,
        at=_last_action(result),
        remark=value_of(result, "remarks", ""),
        facts=_facts(result),
    )
    office = clean(words).removeprefix("Transferred to RTO").strip()
    return replace(got, detail=office) if got.status is Status.TRANSFERRED else got


def sending(result: Element, order: Order) -> Receipt:
    """Where the department's code went, and under which number. What it says of the mobile number is masked again."""
    _same_vehicle(result, order)
    told = {"sent_to": masked_mobile(need(result, "sentTo")), "life_s": value_of(result, "validSec", "")}
    return Receipt(need(result, "otpTxn"), facts={**told, "tries": value_of(result, "tries", "")})


def owner(result: Element, order: Order) -> Receipt:
    """The code was right."""
    _same_vehicle(result, order)
    return Receipt(order.agency_reference, at=stamp(result, "verifiedOn"))


def _same_vehicle(result: Element, order: Order) -> None:
    if normalise(need(result, "regnNo")) != normal("vehicle", order.form["vehicle_number"]):
        raise ContractBroken("the answer is about another vehicle")


def _last_action(result: Element) -> datetime | None:
    at = None if is_absent(value_of(result, "lastActionOn")) else stamp(result, "lastActionOn")
    return at.astimezone(UTC) if at else None


def _facts(result: Element) -> dict[str, str]:
    remark = clean(value_of(result, "remarks", ""))
    told = {
        "office": clean(value_of(result, "office", "")),
        "postal_item": remark if fits("postal_item", remark) else "",
    }
    return {key: value for key, value in told.items() if value}
