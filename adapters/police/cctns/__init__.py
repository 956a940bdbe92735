"""The police's citizen services as an ASP.NET SOAP service speaks: WS-Security in every header, DataSets in answers.

Requests are encoded by the packaged contract; every answer is read by our own code, because a DataSet brings a schema
of its own along that nobody should believe. Words are in `words`, states in `records`, the header in `security`.
"""

from typing import Any

from adapters.police.cctns import records
from adapters.police.cctns.answers import ABSENT, NOT_YET, done, pdf
from adapters.police.cctns.applicant import applicant_xml, mobile
from adapters.police.cctns.desk import Desk
from adapters.police.cctns.requests import (
    REPLY,
    challan,
    document_name,
    file_name,
    is_reply,
    paid_on,
    reminder,
    search,
)
from adapters.police.cctns.security import HEADER
from adapters.police.cctns.words import SERVICE_CODES
from aggregator.sdk.adapter import Class, Settings, operation
from aggregator.sdk.clock import Chance, Clock
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.model import Absent, Document, Facts, Order, Reading, Receipt
from aggregator.sdk.reading import need, paise, rupees, value_of
from aggregator.sdk.wire import Wire

HISTORY = "GetServiceRequestHistory"
_SHED: dict[str, Any] = {"shed_unsent_codes": ("92",)}
_WRITE: dict[str, Any] = {**_SHED, "resend": "same_payload", "volatile_fields": (HEADER,)}


class Driver:
    """Verifications, certificates, complaints and permissions at a state police."""

    def __init__(
        self, wire: Wire, settings: Settings, *, clock: Clock | None = None, chance: Chance | None = None
    ) -> None:
        self._desk = Desk(wire, settings, clock, chance)

    @operation(Class.SAFE, timeout_s=15, fresh_s=3600, **_SHED)
    async def list_services(self, order: Order) -> list[Facts]:  # noqa: ARG002 - every operation takes its order
        """What can be asked for. Asked at the start, it finds a wrong password before any write does."""
        return [records.offer(row) for row in await self._desk.rows("GetServiceList")]

    @operation(Class.SAFE, timeout_s=15, fresh_s=3600, **_SHED)
    async def lookup(self, order: Order) -> Facts | Absent:
        """The police stations of the form's `district`."""
        found = await self._desk.rows("GetPoliceStations", DistrictCode=order.form["district"])
        return records.stations(found) if found else Absent()

    @operation(
        Class.QUERYABLE, timeout_s=25, max_apply_delay_s=300, query_lag_s=20, ref_in="body:ClientRefNo", **_WRITE
    )
    async def submit(self, order: Order) -> Receipt:
        asked = {"ServiceCode": SERVICE_CODES[order.service], "ClientRefNo": order.reference}
        result = await self._desk.write("SubmitServiceRequest", **asked, ApplicantXml=applicant_xml(order))
        number, echo = need(result, "ServiceRequestNo"), need(result, "ClientRefNo")
        if echo != order.reference:
            raise ContractBroken("the result is another reference's")
        fee = str(paise(need(result, "FeeAmount")))
        return Receipt(number, reference=echo, at=records.stamp(result, "ReceivedOn"), facts={"fee_paise": fee})

    @operation(Class.SAFE, timeout_s=15, **_SHED)
    async def find(self, order: Order) -> list[Receipt]:
        """By our reference; an order without one asks by mobile. A reply is looked for where it leaves its mark."""
        if is_reply(order):
            return records.replies(await self._desk.rows(HISTORY, **_record(order)), order, document_name(order))
        rows = await self._desk.every_row("SearchServiceRequest", "SRN", **search(order))
        found = [records.match(row) for row in rows]
        if order.reference and any(one.reference != order.reference for one in found):
            raise ContractBroken("the search shows another reference than the one asked for")
        return found

    @operation(Class.SAFE, timeout_s=15, fresh_s=30, **_SHED)
    async def track(self, order: Order) -> Reading | Absent:
        found = await self._desk.rows("GetServiceRequestStatus", **_record(order))
        if len(found) > 1:
            raise ContractBroken("one request has two states")
        return records.reading(found[0], order) if found else Absent()

    @operation(Class.SAFE, timeout_s=15, **_SHED)
    async def history(self, order: Order) -> list[Reading]:
        return records.steps(await self._desk.rows(HISTORY, **_record(order)), order)

    @operation(
        Class.QUERYABLE, timeout_s=30, max_apply_delay_s=120, query_lag_s=20, ref_in="body:DocumentName", **_WRITE
    )
    async def reply(self, order: Order) -> Receipt:
        """Form `reply_text`; with a document `document_name` and `document_base64`."""
        document = {"DocumentName": document_name(order), "DocumentBase64": order.form.get("document_base64") or None}
        await self._desk.write("RespondToQuery", **_record(order), ReplyText=order.form[REPLY], **document)
        return Receipt(order.agency_reference, reference=order.reference)

    @operation(
        Class.UNIQUE,
        timeout_s=20,
        max_apply_delay_s=300,
        query_lag_s=20,
        ref_in="body:ChallanNo",
        already_exists_codes=("23",),
        **_WRITE,
    )
    async def pay(self, order: Order) -> Receipt:
        """The fee, collected by us under a challan number of our reference: form `amount_paise`, `paid_at`."""
        asked = {"ServiceRequestNo": order.agency_reference, "ChallanNo": challan(order)}
        amount = rupees(int(order.form["amount_paise"]))
        await self._desk.write("PayServiceFee", **asked, AmountRs=amount, PaidOn=paid_on(order))
        return Receipt(order.agency_reference, reference=order.reference)

    @operation(Class.OPAQUE, timeout_s=15, **_WRITE)
    async def remind(self, order: Order) -> Receipt:
        await self._desk.write("LodgeReminder", **_record(order), ReminderText=reminder(order))
        return Receipt(order.agency_reference)

    @operation(Class.IDEMPOTENT, timeout_s=15, max_apply_delay_s=60, query_lag_s=20, **_WRITE)
    async def cancel(self, order: Order) -> Receipt:
        reason = order.form.get("reason") or "Withdrawn by the applicant"
        await self._desk.write("CancelServiceRequest", **_record(order), Reason=reason)
        return Receipt(order.agency_reference)

    @operation(Class.SAFE, timeout_s=30, cap_bytes=8 * 1_048_576, **_SHED)
    async def document(self, order: Order) -> Document | Absent:
        """The certificate, once it is issued."""
        result = await self._desk.result("GetCertificate", **_record(order))
        code = need(result, "ResultCode")
        if code in {ABSENT, NOT_YET}:
            return Absent(code)
        done(result, order.agency_reference, write=False)
        content = pdf(need(result, "ContentBase64"))
        return Document(file_name(value_of(result, "FileName", ""), order), "application/pdf", content)


def _record(order: Order) -> dict[str, str]:
    return {"ServiceRequestNo": order.agency_reference, "MobileNo": mobile(order.form)}
