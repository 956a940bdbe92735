"""The simulated halls: a slot is held for a quarter of an hour by the simulator's clock, then free again."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from adapters.municipal.digit.simulator_door import errors
from aggregator.sdk.clock import epoch_ms
from aggregator.sdk.testing.simulator import Done, World

HOLD_S = 900
TIMES = (("10:00", "14:00"), ("16:00", "20:00"))
ROWS = "hallsBookingApplication"


class Halls:
    """Bookings by number, and whose each slot is."""

    def __init__(self, world: World, queue_s: float) -> None:
        self._world = world
        self._queue_s = queue_s
        self._bookings = world.table("bookings")
        self._slots = world.table("slots")

    def slots(self, query: Mapping[str, str], fault: str) -> dict[str, Any]:
        if fault == "100":
            return {"hallSlotAvailabilityDetails": []}
        first = date.fromisoformat(query["bookingStartDate"])
        last = min(date.fromisoformat(query["bookingEndDate"]), first + timedelta(days=30))
        rows = []
        for day in range((last - first).days + 1):
            on = (first + timedelta(days=day)).isoformat()
            for begins, ends in TIMES:
                key = f"{query['hallCode']} {on} {begins}"
                word = "BOOKED" if self._holder(key) else "AVAILABLE"
                hall = {"communityHallCode": query["communityHallCode"], "hallCode": query["hallCode"]}
                rows.append(hall | {"bookingDate": on, "fromTime": begins, "toTime": ends, "slotStaus": word})
        return {"hallSlotAvailabilityDetails": rows}

    def book(self, asked: Mapping[str, Any], key: str, ref: str, fault: str) -> Done:
        holder = self._holder(key)
        if holder and fault != "810":
            return Done(taken(holder), agency_ref=holder)
        number = "CHB-SIM-999811" if fault == "811" else f"CHB-SIM-{self._world.number('booking'):06d}"
        now = self._world.now()
        audit = {"createdTime": epoch_ms(now), "lastModifiedTime": epoch_ms(now)}
        row = dict(asked) | {"bookingId": number, "bookingNo": number, "auditDetails": audit}
        self._bookings[number] = {"row": row, "ref": ref, "at": now.isoformat()}
        self._slots[key] = number
        if fault == "000":
            self._world.hide(ref or number, self._queue_s)
        return Done({ROWS: [row]}, acted=True, agency_ref=number)

    def update(self, asked: Mapping[str, Any], key: str) -> Done:
        number = str(asked.get("bookingNo"))
        booking = self._bookings.get(number)
        if booking is None:
            return Done(errors("INVALID_UPDATE", "The booking does not exists"))
        row = booking["row"] | {"bookingStatus": asked["bookingStatus"]}
        acted = row != booking["row"]
        self._bookings[number] = booking | {"row": row}
        if self._slots.get(key) == number:
            del self._slots[key]
        return Done({ROWS: [row]}, acted=acted, agency_ref=number)

    def search(self, query: Mapping[str, str]) -> dict[str, Any]:
        rows = [
            one["row"] | {"bookingStatus": self._status(one)}
            for number, one in self._bookings.items()
            if query.get("bookingNo", number) == number
            and query.get("mobileNumber", one["row"]["applicantDetail"]["applicantMobileNo"])
            == one["row"]["applicantDetail"]["applicantMobileNo"]
            and self._world.findable(one["ref"] or number)
        ]
        return {ROWS: rows}

    def paid(self, number: str) -> bool:
        """Turns a hold into a booking; False for one that has ended."""
        booking = self._bookings.get(number)
        if booking is None or self._status(booking) != "PENDING_FOR_PAYMENT":
            return False
        self._bookings[number] = booking | {"row": booking["row"] | {"bookingStatus": "BOOKED"}}
        return True

    def _holder(self, key: str) -> str:
        """The number of the live booking of a slot."""
        number = self._slots.get(key)
        live = number is not None and self._status(self._bookings[number]) in {"PENDING_FOR_PAYMENT", "BOOKED"}
        return str(number) if live else ""

    def _status(self, booking: Mapping[str, Any]) -> str:
        word = str(booking["row"]["bookingStatus"])
        ended = self._world.now() - datetime.fromisoformat(booking["at"]) > timedelta(seconds=HOLD_S)
        return "PAYMENT_FAILED" if word == "PENDING_FOR_PAYMENT" and ended else word


def taken(number: str) -> dict[str, Any]:
    """The refusal that names the booking in the way."""
    document = errors("CHB_SLOT_ALREADY_BOOKED", "The slot is already booked")
    document["Errors"][0]["params"] = [number]
    return document
