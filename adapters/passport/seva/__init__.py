"""Passport applications behind the JSON face of the public status page. Facts, marks and gaps: README.md.

Only `track` is real, and without the authority's written consent it stays switched off; the other operations speak
the same envelope to our simulator. A file is followed by its ARN until the visit opens it, then by file number.
"""

from collections.abc import Mapping
from typing import Any

from adapters.passport.seva.face import Face
from adapters.passport.seva.records import applicant, birth_date, booked, found, pdf, reading, slashed, slot
from adapters.passport.seva.vocabulary import FILE_OPEN, NO_RECORD, STATES
from aggregator.sdk.adapter import Class, Settings, operation
from aggregator.sdk.errors import ContractBroken, Refused
from aggregator.sdk.form import fits, normal
from aggregator.sdk.model import Absent, Document, Order, Reading, Receipt, Slot
from aggregator.sdk.reading import moment, need, need_rows, paise, read_status, rupees, value_of
from aggregator.sdk.wire import Wire

HOME = ("/v1/online/trackStatusForFileNo", "fileNo")
ABROAD = ("/v1/mproddc/online/gpsp/trackApplicationStatus", "refNo")
# More than five requests at once are turned away at the door, before anything is done.
_WRITE: dict[str, Any] = {"ref_in": "body:clientRef", "shed_unsent_codes": {"429"}}


class Driver:
    """Fresh passports and reissues, their fee and appointment; the status of any file."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self.face = Face(wire, settings)
        self._track, self._number = ABROAD if settings.option("face", "home") == "abroad" else HOME

    @operation(Class.QUERYABLE, timeout_s=20, max_apply_delay_s=120, query_lag_s=10, **_WRITE)
    async def submit(self, order: Order) -> Receipt:
        request = {
            "clientRef": order.reference,
            "service": "REISSUE" if order.service == "reissue" else "FRESH",
            "scheme": order.form.get("scheme", "Normal"),
            "applDob": birth_date(order),
            "applicant": applicant(order.form),
            "documents": [],
        }
        result = await self.face.tell("saveApplication", request, "arn")
        fee = paise(need(result, "feeAmount"))
        return Receipt(str(result["arn"]), reference=order.reference, facts={"fee_paise": str(fee)})

    @operation(Class.SAFE, timeout_s=10)
    async def find(self, order: Order) -> list[Receipt]:
        key, value = ("clientRef", order.reference) if order.reference else ("arn", order.agency_reference)
        return [found(row) for row in await self._applications(key, value)]

    @operation(Class.SAFE, timeout_s=12, fresh_s=900)
    async def track(self, order: Order) -> Reading | Absent:
        number = order.agency_reference or str(order.form.get("file_no", ""))
        if not fits("passport_arn", number):
            return await self._track_file(order, normal("passport_file", number))
        rows = await self._applications("arn", normal("passport_arn", number))
        if not rows:
            return Absent(NO_RECORD)
        state = value_of(rows[0], "state", "")
        if state == FILE_OPEN:
            return await self._track_file(order, str(need(rows[0], "fileNo")))
        return read_status(STATES, state)

    @operation(
        Class.UNIQUE, timeout_s=20, max_apply_delay_s=300, query_lag_s=10, already_exists_codes={"PSP-107"}, **_WRITE
    )
    async def pay(self, order: Order) -> Receipt:
        fee = {"amount": rupees(int(order.form["amount_paise"])), "bankRef": order.form["bank_ref"]}
        result = await self._tell("recordFee", order, fee, "receiptNo")
        return Receipt(str(result["receiptNo"]), reference=order.reference)

    @operation(Class.SAFE, timeout_s=10)
    async def slots(self, order: Order) -> list[Slot]:
        place = "psk" if order.form.get("psk") else "district"
        wish = {place: order.form[place], "from": slashed(order.form["from"]), "to": slashed(order.form["to"])}
        result = await self.face.ask("availability", _case(order) | wish, "slots")
        return [slot(row) for row in need_rows(result, "slots")] if result is not None else []

    @operation(Class.QUERYABLE, timeout_s=20, max_apply_delay_s=120, query_lag_s=5, **_WRITE)
    async def book(self, order: Order) -> Receipt:
        return booked(order, await self._tell("bookAppointment", order, _chosen(order), "appointmentId"))

    @operation(Class.QUERYABLE, timeout_s=20, max_apply_delay_s=120, query_lag_s=5, **_WRITE)
    async def reschedule(self, order: Order) -> Receipt:
        move = _chosen(order) | {"appointmentId": order.form["appointment_id"]}
        return booked(order, await self._tell("rescheduleAppointment", order, move, "reportingTime"))

    @operation(Class.IDEMPOTENT, timeout_s=15, max_apply_delay_s=60, query_lag_s=5, **_WRITE)
    async def cancel(self, order: Order) -> Receipt:
        appointment = str(order.form["appointment_id"])
        result = await self._tell("cancelAppointment", order, {"appointmentId": appointment}, "cancelledOn")
        return Receipt(appointment, reference=order.reference, at=moment(result["cancelledOn"], "dd/MM/yyyy HH:mm:ss"))

    @operation(Class.UNIQUE, timeout_s=15, max_apply_delay_s=60, query_lag_s=5, **_WRITE)
    async def remind(self, order: Order) -> Receipt:
        number = str(order.form.get("file_no", "")) or await self._file_of(order)
        request = {
            "clientRef": order.reference,
            "fileNo": normal("passport_file", number),
            "applDob": birth_date(order),
            "text": str(order.form["text"])[:500],
        }
        result = await self.face.tell("lodgeReminder", request, "reminderNo")
        return Receipt(str(result["reminderNo"]), reference=order.reference)

    @operation(Class.SAFE, timeout_s=20, cap_bytes=2 * 1_048_576)
    async def document(self, order: Order) -> Document | Absent:
        result = await self.face.ask("receipt", _case(order), "pdf")
        if result is None:
            return Absent(NO_RECORD)
        return Document("receipt.pdf", "application/pdf", pdf(str(need(result, "pdf"))))

    async def _track_file(self, order: Order, number: str) -> Reading | Absent:
        asked = birth_date(order)
        request = {self._number: number, "applDob": asked, "optStatus": "Application_Status"}
        result = await self.face.ask(self._track, request, "applicationStatus")
        return Absent(NO_RECORD) if result is None else reading(result, number, asked)

    async def _applications(self, key: str, value: str) -> list[Mapping[str, Any]]:
        result = await self.face.ask("searchApplication", {key: value}, "applications")
        rows = [] if result is None else need_rows(result, "applications")
        if any(value_of(row, key) != value for row in rows):
            raise ContractBroken(f"the reply shows another {key}")
        return rows

    async def _file_of(self, order: Order) -> str:
        """A reminder wants the file number; a case of ours may know its ARN only."""
        if not fits("passport_arn", order.agency_reference):
            return order.agency_reference
        rows = await self._applications("arn", order.agency_reference)
        if not rows or not value_of(rows[0], "fileNo"):
            raise Refused(NO_RECORD, "wrong_state")
        return str(rows[0]["fileNo"])

    async def _tell(self, verb: str, order: Order, more: Mapping[str, Any], wanted: str) -> Mapping[str, Any]:
        return await self.face.tell(verb, {"clientRef": order.reference, **_case(order), **more}, wanted)


def _case(order: Order) -> dict[str, Any]:
    return {"arn": order.agency_reference, "applDob": birth_date(order)}


def _chosen(order: Order) -> dict[str, Any]:
    psk, day, time = str(order.form["slot_id"]).split("|")
    return {"psk": psk, "date": day, "time": time}
