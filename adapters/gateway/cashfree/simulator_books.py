"""What the simulated gateway holds: orders, what was paid on them, refunds; and what it settled on which day."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any

from adapters.gateway.cashfree.simulator_post import Post
from aggregator.sdk.testing.simulator import Done, World

MAGIC_ORDER = re.compile(r"SIM-\d{4}")
REFUND_S = 5
"""After so long by its clock a bank has taken a refund."""
FEE_PERCENT = 0.3


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: HTTP status and JSON body."""

    status: int
    body: Any


def no(status: int, code: str, message: str) -> Said:
    """The one error document."""
    kind = "authentication_error" if status == 401 else "invalid_request_error"
    return Said(status, {"message": message, "code": code, "type": kind})


def magic_paise(body: Mapping[str, Any]) -> str:
    """A refund of less than twenty rupees is a magic identifier: 1.02 means 0102."""
    try:
        paise = round(float(body.get("refund_amount", 0)) * 100)
    except (TypeError, ValueError):
        return ""
    return f"{paise:04d}" if 0 <= paise < 2000 else ""


class Books:
    """The gateway's books."""

    def __init__(self, world: World, post: Post) -> None:
        self._world = world
        self._post = post
        self._orders = world.table("orders")
        self._refunds = world.table("refunds")
        self._keys = world.table("keys")

    def order(self, key: str, body: Mapping[str, Any], digest: str, fault: str) -> Done:
        ref = str(body["order_id"])
        known = self._repeated(f"order {key}", digest) if fault != "810" else None
        if known is not None:
            return known
        if ref in self._orders and fault != "810":
            return Done(no(409, "order_already_exists", "Order with same id is already present"))
        self._orders[ref] = {
            "cf": self._world.number("order") + 2_000_000,
            "amount": float(body["order_amount"]),
            "until": str(body["order_expiry_time"]),
            "back": str(dict(body.get("order_meta", {})).get("return_url", "")),
            "ended": "",
            "payments": [],
            "fault": fault,
        }
        self._keys[f"order {key}"] = {"digest": digest, "ref": ref}
        return Done(Said(200, self._shown(ref)), acted=True, agency_ref=str(self._orders[ref]["cf"]))

    def _repeated(self, key: str, digest: str) -> Done | None:
        """The first answer to this key, if there was one."""
        known = self._keys.get(key)
        if known is None:
            return None
        if known["digest"] != digest:
            return Done(no(422, "idempotency_key_reused", "The key came with another request"))
        shown = self._refund_shown(known["ref"]) if key.startswith("refund") else self._shown(known["ref"])
        return Done(Said(200, shown), agency_ref=str(shown.get("cf_order_id", "")))

    def pay(self, session: str, say: str) -> Done:
        """What a citizen does on the payment page."""
        ref = session.removeprefix("session_")
        if ref not in self._orders:
            return Done(Said(404, {"page": "<p>No such payment.</p>"}))
        acted = say == "pay" and self._word(ref) == "ACTIVE" and self.capture(ref)
        back = self._orders[ref]["back"]
        if say == "fail":
            self._post.payment(ref, self._orders[ref], None)
        link = f'<p><a href="{escape(back)}">Back to the city</a></p>' if back else ""
        words = "Paid." if self._orders[ref]["payments"] else "Not paid."
        return Done(Said(200, {"page": f"<p>{words}</p>{link}"}), acted=bool(acted), agency_ref=ref)

    def capture(self, ref: str) -> bool:
        held = self._orders[ref]
        number = self._world.number("payment") + 5_000_000
        paid = {"id": number, "amount": held["amount"], "at": self._stamp(), "utr": f"SIMUTR{number}"}
        self._orders[ref] = {**held, "payments": [*held["payments"], paid]}
        self._post.payment(ref, self._orders[ref], paid)
        return True

    def refund(self, ref: str, key: str, body: Mapping[str, Any], digest: str, fault: str) -> Done:
        refund_id = str(body["refund_id"])
        known = self._repeated(f"refund {key}", digest) if fault != "810" else None
        if known is not None:
            return known
        if refund_id in self._refunds and fault != "810":
            return Done(no(409, "refund_already_exists", "Refund with same id is already present"))
        paid = ref in self._orders and self._orders[ref]["payments"]
        if not paid and not magic_paise(body):
            return Done(no(400, "order_not_paid", "Nothing was paid on this order"))
        number = self._world.number("refund") + 7_000_000
        due = self._world.now() + timedelta(seconds=REFUND_S)
        self._refunds[refund_id] = {
            "cf": number, "order": ref, "amount": float(body["refund_amount"]), "at": self._stamp(),
            "due": due.isoformat(),
        }  # fmt: skip
        self._keys[f"refund {key}"] = {"digest": digest, "ref": refund_id}
        self._post.refund(refund_id, self._refunds[refund_id], due)
        return Done(Said(200, self._refund_shown(refund_id)), acted=True, agency_ref=str(number))

    def show(self, ref: str) -> Said:
        if ref not in self._orders and MAGIC_ORDER.fullmatch(ref):
            until = (self._world.now() + timedelta(days=1)).isoformat(timespec="seconds")
            self._orders[ref] = {
                "cf": self._world.number("order") + 2_000_000, "amount": 664.0, "until": until, "back": "",
                "ended": "", "payments": [], "fault": "",
            }  # fmt: skip
        if ref not in self._orders or not self._world.findable(ref):
            return no(404, "order_not_found", "Order Reference Id does not exist")
        return Said(200, self._shown(ref))

    def payments(self, ref: str) -> Said:
        if ref not in self._orders:
            return no(404, "order_not_found", "Order Reference Id does not exist")
        return Said(200, [self._payment_shown(ref, one) for one in self._orders[ref]["payments"]])

    def refund_of(self, ref: str) -> Said:
        if ref not in self._refunds or not self._world.findable(ref):
            return no(404, "refund_not_found", "Refund does not exist")
        return Said(200, self._refund_shown(ref))

    def settled(self, filters: Mapping[str, Any]) -> Said:
        """Everything that happened on the days asked for, one page."""
        first, last = str(filters.get("start_date", ""))[:10], str(filters.get("end_date", ""))[:10]
        lines = [
            self._line("PAYMENT", ref, one, {"cf_payment_id": one["id"]})
            for ref, held in self._orders.items()
            for one in held["payments"]
        ]
        lines += [
            self._line("REFUND", one["order"], one, {"refund_id": ref})
            for ref, one in self._refunds.items()
            if self._refund_word(ref) == "SUCCESS"
        ]
        return Said(200, {"cursor": None, "data": [line for line in lines if first <= line["event_time"][:10] <= last]})

    def _line(self, kind: str, ref: str, one: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
        fee = round(float(one["amount"]) * FEE_PERCENT / 100, 2) if kind == "PAYMENT" else 0
        return {
            "event_type": kind, "order_id": ref, "event_amount": one["amount"], "event_time": one["at"],
            "event_service_charge": fee, "event_service_tax": round(fee * 0.18, 2),
            "settlement_utr": f"SIMSET{one['at'][:10].replace('-', '')}", **more,
        }  # fmt: skip

    def force(self, ref: str, to: str) -> bool:
        """POST /advance."""
        if ref not in self._orders:
            return False
        match to:
            case "PAID" | "PAID_TWICE":
                self.capture(ref)
            case "UNDO":
                self._refunds.pop(ref, None)
            case _:
                self._orders[ref] = {**self._orders[ref], "ended": to}
        return True

    def page(self, session: str) -> str:
        """The payment page: two buttons, no script."""
        ref = session.removeprefix("session_")
        if ref not in self._orders or self._word(ref) != "ACTIVE":
            return "<p>This payment is over.</p>"
        amount = f"{self._orders[ref]['amount']:.2f}"
        return (
            f"<h1>Rs {amount}</h1><form method='post'><button name='say' value='pay'>Pay</button>"
            "<button name='say' value='fail'>Decline</button></form>"
        )

    def _word(self, ref: str) -> str:
        held = self._orders[ref]
        if held["payments"]:
            return "PAID"
        if held["ended"]:
            return str(held["ended"])
        return "EXPIRED" if self._world.now() >= datetime.fromisoformat(held["until"]) else "ACTIVE"

    def _shown(self, ref: str) -> dict[str, Any]:
        held = self._orders[ref]
        return {
            "cf_order_id": str(held["cf"]), "order_id": ref, "entity": "order", "order_currency": "INR",
            "order_amount": held["amount"], "order_status": self._word(ref), "order_expiry_time": held["until"],
            "payment_session_id": f"session_{ref}",
        }  # fmt: skip

    @staticmethod
    def _payment_shown(ref: str, one: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "cf_payment_id": str(one["id"]), "order_id": ref, "entity": "payment", "payment_currency": "INR",
            "payment_amount": one["amount"], "payment_status": "SUCCESS", "bank_reference": one["utr"],
        }  # fmt: skip

    def _refund_word(self, ref: str) -> str:
        due = datetime.fromisoformat(self._refunds[ref]["due"])
        return "SUCCESS" if self._world.now() >= due else "PENDING"

    def _refund_shown(self, ref: str) -> dict[str, Any]:
        held = self._refunds[ref]
        return {
            "cf_refund_id": str(held["cf"]), "refund_id": ref, "order_id": held["order"], "entity": "refund",
            "refund_amount": held["amount"], "refund_status": self._refund_word(ref),
        }  # fmt: skip

    def _stamp(self) -> str:
        return (self._world.now() + timedelta(hours=5, minutes=30)).strftime("%Y-%m-%dT%H:%M:%S+05:30")
