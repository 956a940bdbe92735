"""Community halls: a slot is asked for, held for a quarter of an hour until it is paid, and given once.

A taken slot is refused with the number of the booking in the way, which may be our own from a lost answer: bookings
carry our reference at the end of their purpose. Source: docs of the driver (README), gaps of the published fork filled.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from adapters.municipal.digit.complaints import mobile_of, stamp
from adapters.municipal.digit.gateway import Platform
from adapters.municipal.digit.vocabulary import BOOKING_STATES
from aggregator.sdk.clock import IST
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.form import fits, normal
from aggregator.sdk.model import Absent, Order, Reading, Receipt, Slot
from aggregator.sdk.reading import clean, moment, need, read_status, value_of
from aggregator.sdk.status import Status

OFFER = "hall_booking"
_BASE = "/chb-services/booking/v1/"
_ROWS = "hallsBookingApplication"
_GONE = ("CANCELLATION_REQUESTED", "CANCELLED", "REFUND_COMPLETED")
_STAMP = "yyyy-MM-dd HH:mm"

Row = Mapping[str, Any]


class Halls:
    """The halls of one tenant."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def slots(self, order: Order) -> list[Slot]:
        """Form `community_hall`, `hall`, `from`, `to`; taken ones have no place free."""
        form = order.form
        query = {
            "communityHallCode": form["community_hall"],
            "hallCode": form["hall"],
            "bookingStartDate": form["from"],
            "bookingEndDate": form["to"],
        }
        path, name = _BASE + "_slot-search", "hallSlotAvailabilityDetails"
        rows = await self._platform.rows(order, path, name, tenantId=self._platform.tenant, **query)
        return [_slot(row, form["community_hall"], form["hall"]) for row in rows]

    async def book(self, order: Order) -> Receipt:
        body = {_ROWS: self._application(order)}
        row = _only(await self._platform.tell(order, _BASE + "_create", body))
        got = _receipt(row, reference(row))
        if got.reference not in {"", order.reference} or slot_id(row) != wanted(order) or _stranger(row, order):
            raise ContractBroken("the reply shows another booking")
        return got

    async def cancel(self, order: Order) -> Receipt:
        """As it was read, asked to be cancelled; asking again changes nothing."""
        rows = await self._numbered(order)
        if not rows:
            raise ContractBroken("the booking to cancel is not shown")
        body = {_ROWS: {**rows[0], "bookingStatus": _GONE[0]}}
        row = _only(await self._platform.tell(order, _BASE + "_update", body))
        if need(row, "bookingNo") != order.agency_reference:
            raise ContractBroken("the reply shows another booking")
        return _receipt(row, order.reference)

    async def find(self, order: Order) -> list[Receipt]:
        """A booking by its number or by mobile number and slot; a cancellation by what the booking says."""
        if not order.agency_reference:
            rows = await self._search(order, mobileNumber=mobile_of(order))
            return [
                _receipt(row, reference(row)) for row in rows if slot_id(row) == wanted(order) and _ours(row, order)
            ]
        rows = await self._numbered(order)
        if order.reference and rows and reference(rows[0]) != order.reference:
            return [_receipt(row, order.reference) for row in rows if row.get("bookingStatus") in _GONE]
        return [_receipt(row, reference(row)) for row in rows]

    async def track(self, order: Order) -> Reading | Absent:
        rows = await self._numbered(order)
        if not rows:
            return Absent("not found")
        row = rows[0]
        got = read_status(BOOKING_STATES, row.get("bookingStatus"), at=stamp(row, "lastModifiedTime"))
        ends_at = moment(" ".join(slot_id(row).split("|")[2:4]), _STAMP)
        # They say BOOKED for ever; the day after, our clock says that it has been.
        past = ends_at is not None and (self._platform.clock.now() - ends_at).days >= 1
        if got.status is Status.SCHEDULED and past:
            return Reading(Status.COMPLETED, got.agency_code, at=got.at)
        return got

    def _application(self, order: Order) -> dict[str, Any]:
        form, (community, hall, day, begins, ends) = order.form, wanted(order).split("|")
        slot = {"hallCode": hall, "bookingDate": day, "bookingFromTime": begins, "bookingToTime": ends}
        return {
            "tenantId": self._platform.tenant,
            "communityHallCode": community,
            "bookingStatus": "PENDING_FOR_PAYMENT",
            "specialCategory": {"category": "GENERAL"},
            "purpose": {"purpose": form["purpose"]},
            "purposeDescription": f"{form['purpose']} [{order.reference}]",
            "bookingSlotDetails": [slot],
            "applicantDetail": {"applicantName": form["name"], "applicantMobileNo": mobile_of(order)},
            "documents": [],
        }

    async def _numbered(self, order: Order) -> list[Row]:
        number = order.agency_reference
        rows = await self._search(order, bookingNo=number)
        if any(need(row, "bookingNo") != number or _stranger(row, order) for row in rows):
            raise ContractBroken("the reply shows another booking")
        return rows

    async def _search(self, order: Order, **query: Any) -> list[Row]:
        return await self._platform.rows(order, _BASE + "_search", _ROWS, tenantId=self._platform.tenant, **query)


def wanted(order: Order) -> str:
    """The slot an order is about: community hall, hall, day, from and to, joined by bars."""
    if chosen := order.form.get("slot_id"):
        return str(chosen)
    return "|".join(str(order.form[name]) for name in ("community_hall", "hall", "date", "from_time", "to_time"))


def slot_id(row: Row) -> str:
    """The slot of a booking. Raises ContractBroken for one without exactly one."""
    slots = row.get("bookingSlotDetails")
    if not isinstance(slots, list) or len(slots) != 1 or not isinstance(slots[0], Mapping):
        raise ContractBroken("a booking is not of one slot")
    names = ("hallCode", "bookingDate", "bookingFromTime", "bookingToTime")
    return "|".join([str(need(row, "communityHallCode")), *(str(need(slots[0], name)) for name in names)])


def reference(row: Row) -> str:
    """Our reference, at the end of the purpose; empty for a booking that is not ours."""
    head, mark, tail = str(row.get("purposeDescription") or "").rpartition("[")
    return tail.removesuffix("]") if head and mark and tail.endswith("]") else ""


def _ours(row: Row, order: Order) -> bool:
    return reference(row) in {"", order.reference}


def _stranger(row: Row, order: Order) -> bool:
    applicant = row.get("applicantDetail")
    told = str(value_of(applicant, "applicantMobileNo", "")) if isinstance(applicant, Mapping) else ""
    return bool(mobile_of(order)) and fits("mobile", told) and normal("mobile", told) != mobile_of(order)


def _receipt(row: Row, ours: str) -> Receipt:
    number, word = str(need(row, "bookingNo")), str(value_of(row, "bookingStatus", ""))
    match = {"slot_id": slot_id(row)}
    return Receipt(number, agency_code=word, reference=ours, at=stamp(row, "createdTime"), match=match)


def _only(reply: Row) -> Row:
    given = reply.get(_ROWS)
    rows = given if isinstance(given, list) else [given]
    if len(rows) != 1 or not isinstance(rows[0], Mapping):
        raise ContractBroken("one booking was sent and the reply shows another number of them")
    return rows[0]


def _slot(row: Row, community: str, hall: str) -> Slot:
    if (need(row, "communityHallCode"), need(row, "hallCode")) != (community, hall):
        raise ContractBroken("the reply shows another hall")
    day, begins, ends = (str(need(row, name)) for name in ("bookingDate", "fromTime", "toTime"))
    starts_at: datetime | None = moment(f"{day} {begins}", _STAMP)
    if starts_at is None:
        raise ContractBroken("a slot without a day")
    free = str(row.get("slotStaus") or row.get("slotStatus")).upper() == "AVAILABLE"  # the first spelling is theirs
    return Slot(f"{community}|{hall}|{day}|{begins}|{ends}", clean(hall), starts_at.astimezone(IST), int(free))
