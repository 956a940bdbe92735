"""Webhooks of the simulated gateway, signed a second time and on purpose not with the driver's code.

Faults 900 to 909, by PUT /faults in the callback's phase or by the order's phone: before the answer, three times,
never, two minutes late, signed by somebody else, stamped two days ago, with another amount, the failure after the
success, about an order that is not ours, PAID while the order is not.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from aggregator.sdk.testing.callbacks import Parcel
from aggregator.sdk.testing.faults import Fault, Way
from aggregator.sdk.testing.simulator import World

OWN_FAULTS = {
    str(code): Fault(str(code), acts=True, once=False, way=Way.ANSWER, read="value", write="value")
    for code in range(900, 910)
}
PATH = "/webhook"


class Post:
    """The gateway's outgoing post."""

    def __init__(self, world: World, secret: str) -> None:
        self._world = world
        self._secret = secret
        self.always = ""

    def payment(self, ref: str, held: Mapping[str, Any], paid: Mapping[str, Any] | None) -> None:
        """A payment went through, or (None) did not."""
        code = self.always or str(held.get("fault", ""))
        if code == "902" or self._world.clock.pinned is not None:
            return
        number = paid["id"] if paid else self._world.number("payment") + 5_000_000
        amount = held["amount"] if code != "906" else 1.0
        told = {
            "cf_payment_id": str(number), "payment_status": "SUCCESS" if paid else "FAILED", "payment_amount": amount,
            "payment_currency": "INR", "bank_reference": paid["utr"] if paid else "",
        }  # fmt: skip
        order = {"order_id": ref if code != "908" else "NOT-OURS", "order_amount": held["amount"]}
        kind = "PAYMENT_SUCCESS_WEBHOOK" if paid else "PAYMENT_FAILED_WEBHOOK"
        at = self._world.now() + timedelta(seconds=120 if code == "903" else 0)
        for _ in range(3 if code == "901" else 1):
            self._put(kind, {"order": order, "payment": told}, at, code=code, event=f"p{number}")
        if code == "907":
            failed = {**told, "payment_status": "FAILED"}
            self._put("PAYMENT_FAILED_WEBHOOK", {"order": order, "payment": failed}, at, code="", event=f"f{number}")

    def refund(self, refund_id: str, held: Mapping[str, Any], due: datetime) -> None:
        if self.always == "902" or self._world.clock.pinned is not None:
            return
        told = {
            "cf_refund_id": str(held["cf"]), "refund_id": refund_id, "order_id": held["order"],
            "refund_amount": held["amount"], "refund_status": "SUCCESS",
        }  # fmt: skip
        self._put("REFUND_STATUS_WEBHOOK", {"refund": told}, due, code=self.always, event=f"r{held['cf']}")

    def _put(self, kind: str, data: Mapping[str, Any], at: datetime, *, code: str, event: str) -> None:
        stamp = (at + timedelta(hours=5, minutes=30)).strftime("%Y-%m-%dT%H:%M:%S+05:30")
        body = json.dumps({"type": kind, "event_time": stamp, "data": data}).encode()
        self._world.outbox.put(
            Parcel(
                at,
                lambda: (PATH, "application/json", body),
                first=code == "900",
                sign=lambda sent: self._signed(sent, code, event),
            )
        )

    def _signed(self, body: bytes, code: str, event: str) -> dict[str, str]:
        """Stamped by the machine's clock, because the receiver's window is by his."""
        now = self._world.now().timestamp() - self._world.clock.offset_s
        sent_ms = int((now - (2 * 86_400 if code == "905" else 0)) * 1000)
        secret = "somebody else's" if code == "904" else self._secret
        mac = hmac.new(secret.encode(), f"{sent_ms}".encode() + body, hashlib.sha256)
        return {
            "x-webhook-timestamp": str(sent_ms),
            "x-webhook-signature": base64.b64encode(mac.digest()).decode(),
            "x-idempotency-key": event,
            "x-webhook-version": "2023-08-01",
        }
