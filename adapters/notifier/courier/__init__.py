"""A message provider with keys: our reference is the idempotency key, so a lost answer is never a second message.

SMS and e-mail are one call with another channel. What became of a message is asked by its number. Codes and words are
in `vocabulary`, the record and the error document in `face`.
"""

from typing import Any

from adapters.notifier.courier.face import Face, echoed, message, reading, receipt
from aggregator.sdk.adapter import Class, Settings, operation
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.model import Absent, Order, Reading, Receipt
from aggregator.sdk.reading import need_rows
from aggregator.sdk.rest import segment
from aggregator.sdk.wire import Wire

_DAY_S = 86_400.0
_NONE = "not_found"
_WRITE: dict[str, Any] = {"ref_in": "header:Idempotency-Key", "shed_unsent_codes": {"429"}}


class Driver:
    """Send, find, track."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self.face = Face(wire, settings)
        self._sender = str(settings.option("sender", ""))
        self._template = str(settings.option("template", ""))

    @operation(Class.KEYED, timeout_s=8, max_apply_delay_s=60, query_lag_s=5, key_ttl_s=_DAY_S, **_WRITE)
    async def send(self, order: Order) -> Receipt:
        form = order.form
        body = {
            "reference": order.reference,
            "channel": str(form.get("channel", "SMS")),
            "to": str(form["to"]),
            "text": str(form["text"]),
            "subject": str(form.get("subject", "")),
            "sender": self._sender,
            "template": self._template if order.service == "sms" else "",
        }
        told = await self.face.tell(order, {name: value for name, value in body.items() if value})
        return receipt(echoed(told, order))

    @operation(Class.SAFE, timeout_s=8)
    async def find(self, order: Order) -> list[Receipt]:
        """Every message under our reference; without a reference, the message of the number."""
        if not order.reference:
            row = await self._one(order)
            return [] if row is None else [receipt(row)]
        body = await self.face.ask("/v1/messages", reference=order.reference)
        rows = [message(row) for row in need_rows(body, "messages")] if body is not None else []
        if any(row["reference"] != order.reference for row in rows):
            raise ContractBroken("the search shows another reference than the one asked for")
        return [receipt(row) for row in rows]

    @operation(Class.SAFE, timeout_s=8)
    async def track(self, order: Order) -> Reading | Absent:
        row = await self._one(order)
        if row is None:
            return Absent(_NONE)
        if order.reference and row["reference"] != order.reference:
            raise ContractBroken("the message of this number is another one")
        return reading(row)

    async def _one(self, order: Order) -> Any:
        body = await self.face.ask(f"/v1/messages/{segment(order.agency_reference)}")
        return None if body is None else echoed(message(body), order)
