"""A municipal platform of the DIGIT family: complaints, bills, payments, the state of applications, certificates.

Every call is a POST, searches too, and every write is queued behind its 200: what has just been taken is not found
for a while. There is no idempotency key anywhere, so what matters carries our reference and is looked for.
Facts, marks and gaps: README.md.
"""

from collections.abc import Mapping
from typing import Any

from adapters.municipal.digit import bills, complaints, records
from adapters.municipal.digit.applications import Applications
from adapters.municipal.digit.codes import Codes
from adapters.municipal.digit.desk import Desk, only
from adapters.municipal.digit.gateway import Platform
from adapters.municipal.digit.halls import OFFER as HALL
from adapters.municipal.digit.halls import Halls
from adapters.municipal.digit.vocabulary import APPLICATIONS
from adapters.municipal.digit.workflow import Vocabulary
from aggregator.sdk.adapter import Class, Settings, operation
from aggregator.sdk.clock import Clock, SystemClock
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.model import Absent, Facts, Order, Reading, Receipt, Slot
from aggregator.sdk.wire import Wire

# What differs between two sends: the token and, for a later step, the record as it was last read.
_WRITE: dict[str, Any] = {"timeout_s": 20, "query_lag_s": 30, "shed_unsent_codes": {"429"}, "resend": "same_payload"}
_NEW = _WRITE | {"volatile_fields": ("RequestInfo",)}
_STEP = _WRITE | {"volatile_fields": ("RequestInfo", "service"), "max_apply_delay_s": 300}
_NOTE = "body:workflow.comments"


class Driver:
    """One tenant: a municipal corporation, a development authority, a water company."""

    def __init__(self, wire: Wire, settings: Settings, clock: Clock | None = None) -> None:
        self._platform = Platform(wire, settings, clock or SystemClock())
        words = Vocabulary(self._platform)
        self._desk, self._applications = Desk(self._platform, words), Applications(self._platform, words)
        self._halls = Halls(self._platform)
        self._codes = Codes(self._platform, wire, settings)
        self._tenant = self._platform.tenant
        self._source = settings.option("source", "web")

    @operation(Class.SAFE, timeout_s=20, fresh_s=86_400)
    async def list_services(self, order: Order) -> list[Facts]:
        reply = await self._platform.ask(order, records.MASTERS, records.service_definitions(self._platform.state))
        return records.definitions(reply)

    @operation(
        Class.QUERYABLE,
        max_apply_delay_s=300,
        ref_in="body:service.additionalDetail.clientRef",
        match_fields=("locality", "details"),
        **_NEW,
    )
    async def submit(self, order: Order) -> Receipt:
        service = complaints.service_of(order, tenant=self._tenant, state=self._platform.state, source=self._source)
        body = {"service": service, "workflow": {"action": "APPLY", "verificationDocuments": []}}
        reply = await self._platform.tell(order, complaints.CREATE, body, tenantId=self._tenant)
        return complaints.confirmed(order, only(reply))

    @operation(Class.SAFE, timeout_s=10, by_form=True)
    async def find(self, order: Order) -> list[Receipt]:
        """A payment by its transaction number; a booking or a complaint, or a step on one, by our reference in it."""
        if "bill_id" in order.form:
            return [bills.paid(one, order.reference) for one in await self._payments(order, order.reference)]
        return await (self._halls if order.service == HALL else self._desk).find(order)

    @operation(Class.SAFE, timeout_s=10, fresh_s=30)
    async def track(self, order: Order) -> Reading | Absent:
        if order.service == HALL:
            return await self._halls.track(order)
        module = APPLICATIONS.get(order.service)
        return await (self._desk.track(order) if module is None else self._applications.track(order, module))

    @operation(Class.SAFE, timeout_s=10)
    async def history(self, order: Order) -> list[Reading]:
        return await self._desk.history(order)

    @operation(Class.QUERYABLE, ref_in=_NOTE, **_STEP)
    async def cancel(self, order: Order) -> Receipt:
        """A hall booking; a complaint where the deployment has the action."""
        if order.service == HALL:
            return await self._halls.cancel(order)
        return await self._desk.update(order, "CANCEL")

    @operation(Class.QUERYABLE, ref_in=_NOTE, **_STEP)
    async def reopen(self, order: Order) -> Receipt:
        """Form `reason`."""
        return await self._desk.update(order, "REOPEN")

    @operation(Class.IDEMPOTENT, **_STEP)
    async def rate(self, order: Order) -> Receipt:
        """Form `rating`, 1 to 5. The same rating again changes nothing."""
        return await self._desk.update(order, "RATE", rating=int(order.form["rating"]))

    @operation(Class.SAFE, timeout_s=10)
    async def slots(self, order: Order) -> list[Slot]:
        return await self._halls.slots(order)

    @operation(Class.UNIQUE, max_apply_delay_s=120, already_exists_codes={"CHB_SLOT_ALREADY_BOOKED"}, **_NEW)
    async def book(self, order: Order) -> Receipt:
        """Held for a quarter of an hour, until it is paid."""
        return await self._halls.book(order)

    @operation(Class.SAFE, timeout_s=15, fresh_s=300)
    async def bill(self, order: Order) -> Facts | Absent:
        consumer, business = bills.consumer_of(order), bills.business_of(order)
        query = {"tenantId": self._tenant, "businessService": business, "consumerCode": consumer}
        return bills.bill(await self._platform.rows(order, bills.FETCH, "Bill", **query), order, consumer)

    @operation(Class.QUERYABLE, max_apply_delay_s=600, ref_in="body:Payment.transactionNumber", **_NEW)
    async def pay(self, order: Order) -> Receipt:
        """What we collected: form `bill_id`, `amount_paise`, `business_service`, `name`, `mobile`."""
        body = {"Payment": bills.payment(order, self._tenant)}
        await self._platform.ask(order, bills.VALIDATE, body)
        found = bills.payments_in(await self._platform.tell(order, bills.PAY, body))
        if len(found) != 1:
            raise ContractBroken("one payment was made and the reply shows another number of them")
        return bills.paid(found[0], order.reference)

    @operation(Class.SAFE, timeout_s=10)
    async def payment_status(self, order: Order) -> Reading | Absent:
        """Form `transaction_number`, or the order's own reference."""
        number = str(order.form.get("transaction_number") or order.reference)
        found = await self._payments(order, number)
        return bills.standing(found[-1], number) if found else Absent("not found")

    @operation(Class.SAFE, timeout_s=20)
    async def lookup(self, order: Order) -> Facts | Absent:
        """A birth or death certificate: form `registration_no` and the day."""
        register = records.CERTIFICATES[order.service]
        query = {"tenantId": self._tenant, "registrationNo": records.asked_number(order)}
        return records.certificate(
            await self._platform.rows(order, register.path, register.rows, **query), register, order
        )

    @operation(Class.OPAQUE, **_NEW)
    async def send_code(self, order: Order) -> Receipt:
        return await self._codes.send(order)

    @operation(Class.OPAQUE, timeout_s=20)
    async def check_code(self, order: Order) -> Receipt:
        return await self._codes.check(order)

    async def _payments(self, order: Order, number: str) -> list[Mapping[str, Any]]:
        query: dict[str, Any] = {"tenantId": self._tenant, "transactionNumber": number}
        return bills.payments_in(await self._platform.ask(order, bills.PAYMENTS, **query))
