"""The bill payment network's central unit: every message is signed, and every answer but "received" is a callback.

Reads wait for theirs at the mailbox. A payment does not: received is pending, and its answer, or a look by the
txnReferenceId minted from the journaled order, settles it; on silence it is asked about and never paid again.
"""

from adapters.electricity.bbps import answers, codes, messages
from adapters.electricity.bbps.acknowledgement import MEDIA_TYPE, read_ack
from adapters.electricity.bbps.identity import Identity, Ids, fresh, journaled, txn_reference
from adapters.electricity.bbps.inbound import notice_of
from adapters.electricity.bbps.signature import signed
from aggregator.sdk.adapter import Class, Settings, operation
from aggregator.sdk.callback import Callback, Mailbox, Notice
from aggregator.sdk.clock import SystemChance, SystemClock
from aggregator.sdk.dialect import CURRENT, exchange, trouble
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.model import Absent, Facts, Order, Reading, Receipt
from aggregator.sdk.status import Status
from aggregator.sdk.wire import Wire
from aggregator.sdk.xml import Element, local

_PATIENCE_S = 30.0
_DAY_S = 86_400.0
_HEADERS = {"Content-Type": MEDIA_TYPE, "Accept": "application/xml, text/xml"}


class Driver:
    """Bills and payments of one biller; the distribution companies are instances told apart by biller id."""

    def __init__(self, wire: Wire, settings: Settings, mailbox: Mailbox) -> None:
        self._wire = wire
        self._base = settings.url.rstrip("/")
        self._identity = Identity(settings)
        self._mailbox = mailbox
        self._clock, self._chance = SystemClock(), SystemChance()

    @operation(Class.SAFE, timeout_s=10)
    async def probe(self, order: Order) -> None:  # noqa: ARG002 - every operation takes its order
        ids = self._fresh()
        await self._ask(messages.diagnostic(self._identity, ids), ids, "ResDiagnostic")

    @operation(Class.SAFE, timeout_s=60, fresh_s=_DAY_S)
    async def list_services(self, order: Order) -> list[Facts]:  # noqa: ARG002
        """The electricity billers of the network, in one answer."""
        ids = self._fresh()
        return answers.billers(await self._ask(messages.billers(self._identity, ids), ids, "BillerFetchResponse"))

    @operation(Class.SAFE, timeout_s=35, fresh_s=300)
    async def bill(self, order: Order) -> Facts | Absent:
        ids, account = self._fresh(), messages.account(order)
        answer = await self._ask(messages.fetch(self._identity, ids, order), ids, "BillFetchResponse")
        return answers.read_bill(answer, self._identity.biller, account)

    @operation(Class.SAFE, timeout_s=20)
    async def validate(self, order: Order) -> Facts:
        ids, account = self._fresh(), messages.account(order)
        answer = await self._ask(messages.validation(self._identity, ids, order), ids, "BillValidationResponse")
        return answers.read_validation(answer, self._identity.biller, account)

    @operation(
        Class.QUERYABLE,
        timeout_s=30,
        max_apply_delay_s=900,
        query_lag_s=90,
        first_look_s=90,
        answer_due_s=2400,  # at most three queries in two hours
        ref_in="body:Txn/@txnReferenceId",
    )
    async def pay(self, order: Order) -> Receipt:
        """Form `account`, `mobile`, `amount_paise`, `bank_ref`. Received is pending: the biller has yet to answer."""
        ids, txn = journaled(order), txn_reference(self._identity.institution, order)
        await self._tell(messages.payment(self._identity, ids, order, txn), ids, effect=True)
        return Receipt(txn, reference=order.reference, pending=True)

    @operation(Class.SAFE, timeout_s=20, query_budget_per_hour=60)
    async def find(self, order: Order) -> list[Receipt]:
        """The payment of this order, if the central unit knows it; what it refused says so in `refused_code`."""
        txn = self._txn(order)
        found = await self._status(txn)
        if isinstance(found, Absent):
            return []
        refused = found.agency_code if found.status is Status.REJECTED else ""
        pending = found.status in {Status.SUBMITTED, Status.UNKNOWN}
        word = found.agency_code
        return [Receipt(txn, word, order.reference, pending=pending, facts=found.facts, refused_code=refused)]

    @operation(Class.SAFE, timeout_s=20)
    async def payment_status(self, order: Order) -> Reading | Absent:
        return await self._status(self._txn(order))

    @operation(Class.SAFE, timeout_s=20)
    async def track(self, order: Order) -> Reading | Absent:
        """Of a complaint by its number; of a payment by its transaction reference."""
        if order.service != "payment_complaint":
            return await self._status(self._txn(order))
        ids, number = self._fresh(), order.agency_reference
        request = messages.complaint_status(self._identity, ids, number)
        return answers.read_complaint(await self._ask(request, ids, "TxnStatusComplainResponse"), number)

    @operation(
        Class.UNIQUE,
        timeout_s=30,
        max_apply_delay_s=120,
        query_lag_s=30,
        already_exists_codes=(codes.ALREADY_RAISED,),
        ref_in="body:TxnStatusComplainReq/@txnReferenceId+@disposition",
    )
    async def complain(self, order: Order) -> Receipt:
        """About a payment: form `txn_reference_id`, `disposition`, `details`, `mobile`."""
        ids = journaled(order)
        request = messages.complaint(self._identity, ids, order)
        return answers.raised(await self._ask(request, ids, "TxnStatusComplainResponse", effect=True))

    def notified(self, callback: Callback) -> Notice:
        return notice_of(callback, self._identity)

    def _fresh(self) -> Ids:
        return fresh(self._clock, self._chance)

    def _txn(self, order: Order) -> str:
        return order.agency_reference or txn_reference(self._identity.institution, order)

    async def _status(self, txn: str) -> Reading | Absent:
        ids = self._fresh()
        answer = await self._ask(messages.status(self._identity, ids, txn), ids, "TxnStatusResponse")
        return answers.read_payment(answer, txn)

    async def _ask(self, document: Element, ids: Ids, wanted: str, *, effect: bool = False) -> Element:
        """The verified answer. The place at the mailbox is held from before the request: answers overtake the Ack."""
        with self._mailbox.expect(ids.ref_id) as place:
            await self._tell(document, ids, effect=effect)
            try:
                notice = await place.arrived(min(_PATIENCE_S, CURRENT.get().timeout_s))
            except TimeoutError as exc:
                raise trouble("received, and no answer came", effect=effect) from exc
        answer: Element = notice.content
        txn = answer.find("Txn")
        if local(answer) != wanted or (txn is not None and txn.get("msgId", ids.msg_id) != ids.msg_id):
            raise ContractBroken("the answer belongs to another message")
        return answer

    async def _tell(self, document: Element, ids: Ids, *, effect: bool) -> None:
        path = f"/bbps/{local(document)}/1.0/urn:referenceId:{ids.ref_id}"
        body = signed(document, self._identity.key)
        reply = await exchange(self._wire, "POST", self._base + path, headers=_HEADERS, body=body, effect=effect)
        read_ack(reply, ids, effect=effect)
