"""The transport department as its JAX-WS services speak: one encrypted string in, one encrypted string out.

VahanInfo (vehicle records) is as seen in the wild; VahanApplication is our own contract in its style, because no
public machine interface for applications exists. Words are in `words`, layers in `answers`, privacy in `record`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from adapters.rto.vahan import replies, requests
from adapters.rto.vahan.answers import opened, result_of, says_none
from adapters.rto.vahan.record import question, read_record
from aggregator.sdk.adapter import Class, Settings, operation
from aggregator.sdk.auth import SharedSecretCipher
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.model import Absent, Facts, Order, Reading, Receipt, Slot
from aggregator.sdk.reading import need, paise
from aggregator.sdk.soap import SoapClient
from aggregator.sdk.wire import Wire
from aggregator.sdk.xml import Element, to_bytes

T = TypeVar("T")
_HERE = Path(__file__).parent
_MONTH_S = 30 * 86_400.0


class Driver:
    """Vehicle records and applications at a state's transport department."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        base = settings.url.rstrip("/") + "/vahanws/"
        self._client_id = settings.option("client_id")
        self._cipher = SharedSecretCipher(settings.secret("shared_secret"))
        self._info = SoapClient(wire, _HERE / "VahanInfo.wsdl", url=base + "VahanInfo")
        self._desk = SoapClient(wire, _HERE / "VahanApplication.wsdl", url=base + "VahanApplication")

    @operation(Class.SAFE, timeout_s=5)
    async def probe(self, order: Order) -> None:  # noqa: ARG002 - every operation takes its order
        # The format of the date is not confirmed: that there is one is all that is asked.
        need(await self._info.call("parseCurrentDateToString", effect=False), "return")

    @operation(Class.SAFE, timeout_s=10, fresh_s=3600)
    async def list_services(self, order: Order) -> list[Facts]:  # noqa: ARG002
        """What can be applied for. Asked at the start, it finds a wrong secret before any write does."""
        answer = await self._ask("getServiceList", requests.document("ServiceList", {}))
        return [replies.offer(row) for row in result_of(answer, write=False).iterfind("Service")]

    @operation(Class.SAFE, timeout_s=15, fresh_s=60)
    async def lookup(self, order: Order) -> Facts | Absent:
        asked = question(order)
        reply = await self._info.call(asked.operation, effect=False, arg0=self._client_id, arg1=asked.identifier)
        return read_record(asked, opened(self._cipher, reply, "VehicleDetails", write=False), order)

    @operation(
        Class.KEYED, timeout_s=20, max_apply_delay_s=300, query_lag_s=15, key_ttl_s=_MONTH_S, ref_in="body:clientRef"
    )
    async def submit(self, order: Order) -> Receipt:
        result = await self._write("submitApplication", requests.application(order))
        fee = str(paise(need(result, "feeAmount")))
        return Receipt(need(result, "applicationNo"), at=replies.stamp(result, "receivedOn"), facts={"fee_paise": fee})

    @operation(Class.SAFE, timeout_s=10, by_form=True)
    async def find(self, order: Order) -> list[Receipt]:
        """By our reference; without one, what was applied for by the same mobile for the same vehicle."""
        found = await self._rows("findApplication", requests.find(order), "application", replies.match)
        if order.reference and any(one.reference != order.reference for one in found):
            raise ContractBroken("the search shows another reference than the one asked for")
        # They give every row twice now and then; two numbers for one reference is what we must not hide.
        return list({one.agency_reference: one for one in found}.values())

    @operation(Class.SAFE, timeout_s=10, fresh_s=30)
    async def track(self, order: Order) -> Reading | Absent:
        answer = await self._ask("getApplicationStatus", requests.status(order))
        if says_none(answer):
            return Absent("301")
        return replies.reading(result_of(answer, write=False), order)

    @operation(Class.IDEMPOTENT, timeout_s=15, max_apply_delay_s=60, query_lag_s=5)
    async def consent(self, order: Order) -> Receipt:
        """One party's consent to a transfer: form `party` SELLER or BUYER, `otp_txn`, `consented_at`."""
        result = await self._write("recordConsent", requests.consent(order))
        return Receipt(order.agency_reference, at=replies.stamp(result, "recordedOn"))

    @operation(
        Class.KEYED, timeout_s=20, max_apply_delay_s=600, query_lag_s=15, key_ttl_s=_MONTH_S, ref_in="body:clientRef"
    )
    async def pay(self, order: Order) -> Receipt:
        """The fee, collected by us: form `amount_paise`, `bank_ref`, `paid_at`."""
        return Receipt(need(await self._write("payFee", requests.fee(order)), "receiptNo"))

    @operation(Class.SAFE, timeout_s=10)
    async def slots(self, order: Order) -> list[Slot]:
        return await self._rows("getSlots", requests.slots(order), "slot", lambda row: replies.slot(row, order))

    @operation(Class.UNIQUE, timeout_s=20, max_apply_delay_s=120, query_lag_s=5, already_exists_codes=("211",))
    async def book(self, order: Order) -> Receipt:
        """Form `slot_id`. Refused 211 names the live booking, and its slot in `fields`: ours if it is the asked one."""
        return Receipt(need(await self._write("bookSlot", requests.booking(order)), "bookingNo"))

    @operation(Class.IDEMPOTENT, timeout_s=15, max_apply_delay_s=60, query_lag_s=5)
    async def cancel(self, order: Order) -> Receipt:
        result = await self._write("cancelApplication", requests.cancellation(order))
        return Receipt(order.agency_reference, at=replies.stamp(result, "cancelledOn"))

    @operation(Class.OPAQUE, timeout_s=15)
    async def send_code(self, order: Order) -> Receipt:
        """The department's code to the mobile number in the vehicle's record: form `vehicle_number`."""
        return replies.sending(await self._write("sendOtp", requests.sending(order)), order)

    @operation(Class.IDEMPOTENT, timeout_s=15, max_apply_delay_s=60, query_lag_s=5)
    async def check_code(self, order: Order) -> Receipt:
        """Form `vehicle_number` and `code`. The same code for the same sending gets the same answer again."""
        return replies.owner(await self._write("verifyOtp", requests.check(order)), order)

    async def _rows(self, name: str, request: Element, row: str, read: Callable[[Element], T]) -> list[T]:
        answer = await self._ask(name, request)
        return [] if says_none(answer) else [read(one) for one in result_of(answer, write=False).iterfind(row)]

    async def _write(self, name: str, request: Element) -> Element:
        return result_of(await self._ask(name, request, write=True), write=True)

    async def _ask(self, name: str, request: Element, *, write: bool = False) -> Element | str:
        sealed = self._cipher.encrypt(to_bytes(request).decode())
        reply = await self._desk.call(name, effect=write, arg0=self._client_id, arg1=sealed)
        return opened(self._cipher, reply, "Result", write=write)
