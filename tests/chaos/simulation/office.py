"""The drivers of the simulated city: one per class of operation, plain ones over the product's own REST dialect."""

from typing import Any

import orjson

from aggregator.sdk.adapter import Class, Settings, operation
from aggregator.sdk.callback import Ack, Callback, Notice, Unverified
from aggregator.sdk.dialect import code_error
from aggregator.sdk.errors import Refused
from aggregator.sdk.model import Order, Reading, Receipt
from aggregator.sdk.reading import need, need_rows
from aggregator.sdk.rest import RestClient
from aggregator.sdk.status import Status
from aggregator.sdk.wire import Reply, Wire

STATUS = {"RCVD": Status.ACKNOWLEDGED, "WORK": Status.IN_PROGRESS, "DONE": Status.COMPLETED}
REASONS = {"BAD": "fields_invalid", "EXISTS": "duplicate", "GONE": "not_found"}
ACK = Ack(b"{}")


def judge(_reply: Reply, body: Any) -> bool:
    """The agency's own error object is heard before the status."""
    if isinstance(body, dict) and "error" in body:
        raise code_error(body["error"], REASONS, reference=body.get("requestNo", ""))
    return False


class Office:
    """What all of them have in common: the requests and how answers read."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self.api = RestClient(wire, settings.url, judge=judge)

    async def _post(self, order: Order) -> Receipt:
        key = {"Idempotency-Key": order.reference}
        body = {"extRef": order.reference, "wish": order.form["wish"], "subject": order.form["subject"]}
        return _receipt(await self.api.post("/requests", body, headers=key))

    async def _cancel(self, order: Order) -> Receipt:
        body = {"extRef": order.reference}
        return _receipt(await self.api.post(f"/requests/{order.agency_reference}/cancel", body))

    async def _track(self, order: Order) -> Reading:
        reply = await self.api.get(f"/requests/{order.agency_reference}")
        word = need(reply, "status")
        return Reading(STATUS.get(word, Status.UNKNOWN), word)

    async def _find(self, order: Order) -> list[Receipt]:
        rows = await self.api.get("/requests", extRef=order.reference, subject=order.form.get("subject", ""))
        return [_receipt(row) for row in need_rows(rows, "rows")]

    def notified(self, callback: Callback) -> Notice:
        if callback.headers.get("x-sig") != "good":
            raise Unverified("signature", ACK)
        said = orjson.loads(callback.body)
        number = said["requestNo"]
        if said["verdict"] == "no":
            return Notice(ack=ACK, event_id=said["event"], reference=said["extRef"], refused=Refused("BAD"))
        receipt = Receipt(number, reference=said["extRef"])
        return Notice(
            ack=ACK, event_id=said["event"], reference=said["extRef"], agency_reference=number, receipt=receipt
        )


def _receipt(row: Any) -> Receipt:
    word = need(row, "status")
    return Receipt(
        need(row, "requestNo"),
        word,
        reference=row.get("extRef", ""),
        pending=word == "QUEUED",
        refused_code="BAD" if word == "REFUSED" else "",
        match={"subject": row.get("subject", "")},
    )


class Idempotent(Office):
    @operation(Class.IDEMPOTENT, max_apply_delay_s=20)
    async def submit(self, order: Order) -> Receipt:
        return await self._post(order)

    @operation(Class.SAFE)
    async def track(self, order: Order) -> Reading:
        return await self._track(order)


class Keyed(Office):
    @operation(Class.KEYED, max_apply_delay_s=20, key_ttl_s=100)
    async def submit(self, order: Order) -> Receipt:
        return await self._post(order)

    @operation(Class.SAFE)
    async def find(self, order: Order) -> list[Receipt]:
        return await self._find(order)

    @operation(Class.SAFE)
    async def track(self, order: Order) -> Reading:
        return await self._track(order)


class Unique(Office):
    @operation(Class.UNIQUE, max_apply_delay_s=20, already_exists_codes=("EXISTS",), refusal_codes=("BAD",))
    async def submit(self, order: Order) -> Receipt:
        return await self._post(order)

    @operation(Class.SAFE)
    async def find(self, order: Order) -> list[Receipt]:
        return await self._find(order)

    @operation(Class.SAFE)
    async def track(self, order: Order) -> Reading:
        return await self._track(order)


class Queryable(Office):
    @operation(Class.QUERYABLE, max_apply_delay_s=20, shed_unsent_codes=("429",))
    async def submit(self, order: Order) -> Receipt:
        return await self._post(order)

    @operation(Class.IDEMPOTENT, max_apply_delay_s=20, refusal_codes=("GONE",))
    async def cancel(self, order: Order) -> Receipt:
        return await self._cancel(order)

    @operation(Class.SAFE)
    async def find(self, order: Order) -> list[Receipt]:
        return await self._find(order)

    @operation(Class.SAFE)
    async def track(self, order: Order) -> Reading:
        return await self._track(order)


class Opaque(Office):
    @operation(Class.OPAQUE)
    async def submit(self, order: Order) -> Receipt:
        return await self._post(order)

    @operation(Class.SAFE)
    async def track(self, order: Order) -> Reading:
        return await self._track(order)


OFFICES: dict[str, type[Office]] = {
    "idempotent": Idempotent,
    "keyed": Keyed,
    "unique": Unique,
    "queryable": Queryable,
    "opaque": Opaque,
}
