"""Drivers of a gateway, a board that sends bills, and an office with fees: each as small as a driver can be."""

import json
from collections.abc import Mapping
from typing import Any

from aggregator.sdk.adapter import Class, Settings, operation
from aggregator.sdk.callback import Ack, Callback, Notice, Unverified
from aggregator.sdk.errors import Refused
from aggregator.sdk.model import Absent, Facts, Order, Reading, Receipt
from aggregator.sdk.reading import need, need_rows
from aggregator.sdk.rest import RestClient
from aggregator.sdk.status import Status
from aggregator.sdk.wire import Reply, Wire

KEY_FACTS: dict[str, Any] = {"max_apply_delay_s": 60, "query_lag_s": 5, "key_ttl_s": 30 * 86_400}


CONTROL = "CONTROL"


DETAIL = {"OPEN": Status.AWAITING_PAYMENT, "PAID": Status.COMPLETED}


def judge(reply: Reply, body: Any) -> bool:
    if isinstance(body, dict) and "refused" in body:
        raise Refused(body["refused"])
    return isinstance(body, dict)


class GatewayDriver:
    def __init__(self, wire: Wire, settings: Settings) -> None:
        self.api = RestClient(wire, settings.url, judge=judge)

    @operation(Class.KEYED, **KEY_FACTS)
    async def order(self, order: Order) -> Receipt:
        body = {"ref": order.reference, "amount": order.form["amount_paise"], "until": order.form["expires_at"]}
        return Receipt(need(await self.api.post("/order", body), "number"), reference=order.reference)

    @operation(Class.KEYED, **KEY_FACTS)
    async def refund(self, order: Order) -> Receipt:
        body = {"ref": order.reference, "amount": order.form["refund_paise"]}
        reply = await self.api.post("/refund", body)
        return Receipt(need(reply, "number"), reference=order.reference, pending=bool(reply.get("pending")))

    @operation(Class.SAFE)
    async def verify(self, order: Order) -> Reading | Absent:
        reply = await self.api.get("/verify", ref=order.reference)
        return _reading(reply) if reply.get("word") else Absent("unknown")

    @operation(Class.SAFE)
    async def find(self, order: Order) -> list[Receipt]:
        reply = await self.api.get(f"/find/{order.service}", ref=order.reference)
        return [
            Receipt(need(row, "number"), reference=row["ref"], pending=bool(row.get("pending")))
            for row in need_rows(reply, "rows")
        ]

    def notified(self, callback: Callback) -> Notice:
        if callback.headers.get("x-signed") != "by the bank":
            raise Unverified("the signature is wrong", Ack(status=401))
        told = json.loads(callback.body)
        return Notice(ack=Ack(b"{}"), event_id=told["event"], reference=told["order"], reading=_reading(told))


def _reading(told: Mapping[str, Any]) -> Reading:
    keys = ("order", "paid_paise", "gateway_payment", "bank_reference", "currency", "captures", "kind", "pay_url")
    facts = {key: str(told[key]) for key in keys if told.get(key)}
    return Reading(DETAIL.get(told["word"], Status.UNKNOWN), told["word"], detail=told["word"], facts=facts)


class BoardDriver:
    """The electricity board; each class of `pay` is a subclass."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self.api = RestClient(wire, settings.url, judge=judge)

    @operation(Class.SAFE)
    async def bill(self, order: Order) -> Facts | Absent:
        reply = await self.api.get("/bill", account=str(order.form["account"]).replace(" ", ""))
        if not reply["due"]:
            return Absent("nothing")
        return Facts({"amount_paise": str(reply["due"]), "bill_number": reply["bill"]})

    async def _pay(self, order: Order) -> Receipt:
        form = order.form
        account = str(form["account"]).replace(" ", "")
        body = {"ref": order.reference, "account": account, "bill": form["bill_number"], "amount": form["amount_paise"]}
        return Receipt(need(await self.api.post("/pay", body), "number"), reference=order.reference)

    @operation(Class.SAFE)
    async def find(self, order: Order) -> list[Receipt]:
        reply = await self.api.get("/find/pay", ref=order.reference)
        return [Receipt(need(row, "number"), reference=row["ref"]) for row in need_rows(reply, "rows")]


class OfficeDriver:
    """An office that takes applications and asks a fee for them: the board's payments, at an application's number."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self.api = RestClient(wire, settings.url, judge=judge)

    @operation(Class.KEYED, **KEY_FACTS)
    async def submit(self, order: Order) -> Receipt:
        reply = await self.api.post("/submit", {"ref": order.reference})
        return Receipt(need(reply, "number"), reference=order.reference, facts={"fee_paise": str(reply["fee"])})

    @operation(Class.SAFE)
    async def track(self, order: Order) -> Reading | Absent:
        reply = await self.api.get("/status", number=order.agency_reference)
        return Reading(Status(reply["status"]), reply["status"]) if reply.get("status") else Absent("unknown")

    @operation(Class.QUERYABLE, max_apply_delay_s=60, query_lag_s=5, control_reference=CONTROL)
    async def pay(self, order: Order) -> Receipt:
        form = order.form
        body = {"ref": order.reference, "account": order.agency_reference, "bill": f"B-{order.agency_reference}"}
        reply = await self.api.post("/pay", body | {"amount": form["amount_paise"], "when": form["paid_at"]})
        return Receipt(need(reply, "number"), reference=order.reference)

    @operation(Class.IDEMPOTENT, max_apply_delay_s=60, query_lag_s=5)
    async def cancel(self, order: Order) -> Receipt:
        await self.api.post("/cancel", {"ref": order.reference, "account": order.agency_reference})
        return Receipt(order.agency_reference)

    @operation(Class.SAFE)
    async def find(self, order: Order) -> list[Receipt]:
        reply = await self.api.get("/find/pay", ref=order.reference)
        return [Receipt(need(row, "number"), reference=row["ref"]) for row in need_rows(reply, "rows")]


FACTS: dict[Class, dict[str, Any]] = {
    Class.QUERYABLE: {"max_apply_delay_s": 60, "query_lag_s": 5, "control_reference": CONTROL},
    Class.KEYED: KEY_FACTS,
    Class.OPAQUE: {},
}


def board_driver(cls: Class) -> type:
    async def pay(self: BoardDriver, order: Order) -> Receipt:
        return await self._pay(order)

    return type(f"{cls.name.title()}Board", (BoardDriver,), {"pay": operation(cls, **FACTS[cls])(pay)})
