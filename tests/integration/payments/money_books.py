"""The other side of a payment: what the gateway, the board and the office have in their books, and how they answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from money_drivers import CONTROL
from wire_by_call import Asked, WireByCall, as_json

from aggregator.sdk.clock import ManualClock
from aggregator.sdk.wire import Reply, Sent, WireError

LATE_S = 40.0


@dataclass
class Books:
    """What both sides really did. `script` holds how their next writes end."""

    clock: ManualClock
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    posts: list[dict[str, Any]] = field(default_factory=list)
    bills: dict[str, dict[str, Any]] = field(default_factory=dict)
    script: dict[str, list[str]] = field(default_factory=lambda: {"order": [], "refund": [], "pay": []})
    down: set[str] = field(default_factory=set)
    refund_pending: bool = False
    twisted: dict[str, Any] = field(default_factory=dict)
    """What the gateway's answers to `verify` say instead of the truth."""
    numbers: int = 0
    keyed: bool = False
    """The board honours our key: a repeated posting is the first one."""
    later: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """References of ours that the board's search was asked for."""
    misses: int = 0
    """So many searches for a reference of ours do not find what is there."""
    blind: bool = False
    """The board's search finds nothing at all, not even what is known to be there."""
    office: dict[str, str] = field(default_factory=dict)
    """The office's applications: number -> where they stand."""

    def owe(self, account: str, amount: int = 66_400) -> None:
        self.bills[account] = {"bill": f"B-{account}", "due": amount}

    def number(self, prefix: str) -> str:
        self.numbers += 1
        return f"{prefix}{self.numbers}"

    def capture(self, ref: str, amount: int | None = None) -> str:
        """The citizen pays at the bank, if the order still takes money."""
        order = self.orders[ref]
        if self.word(ref) == "OPEN":
            order["payments"].append({"id": self.number("P"), "amount": amount or order["amount"]})
        return str(order["payments"][-1]["id"]) if order["payments"] else ""

    def word(self, ref: str) -> str:
        order = self.orders[ref]
        if order["payments"]:
            return "PAID"
        over = self.clock.now() >= datetime.fromisoformat(order["until"])
        return "EXPIRED" if over else "OPEN"

    def said(self, ref: str) -> dict[str, Any]:
        """What `verify` and a webhook say of an order."""
        if ref not in self.orders:
            return {"word": ""}
        order = self.orders[ref]
        told: dict[str, Any] = {
            "word": self.word(ref),
            "order": ref,
            "currency": "INR",
            "pay_url": f"http://bank/{ref}",
        }
        if order["payments"]:
            paid = order["payments"][0]
            told |= {"paid_paise": paid["amount"], "gateway_payment": paid["id"], "bank_reference": f"UTR{paid['id']}"}
            told |= {"captures": len(order["payments"])}
        return told

    def act(self, path: str, told: Mapping[str, Any]) -> Any:
        """What happens at the gateway or the board when a write arrives."""
        if path == "order":
            new = {"ref": told["ref"], "number": self.number("O"), "amount": told["amount"], "until": told["until"]}
            return self.orders.setdefault(told["ref"], {**new, "payments": []})
        if path == "refund":
            back = {"ref": told["ref"], "number": self.number("R"), "amount": told["amount"]}
            return self.refunds.setdefault(told["ref"], {**back, "pending": self.refund_pending})
        if path == "pay":
            return self._posted(told)
        return self._applied(path, told)

    def _applied(self, path: str, told: Mapping[str, Any]) -> Any:
        """An application at the office, or its withdrawal."""
        number = told.get("account") or self.number("A")
        self.office[number] = "AWAITING_PAYMENT" if path == "submit" else "WITHDRAWN"
        return {"number": number, "fee": 66_400}

    def _posted(self, told: Mapping[str, Any]) -> Any:
        if self.office.get(told["account"], "AWAITING_PAYMENT") != "AWAITING_PAYMENT":
            return {"refused": "CLOSED"}
        known = [one for one in self.posts if one["ref"] == told["ref"]]
        if known and self.keyed:
            return known[0]
        posted = {**told, "number": self.number("N")}
        self.posts.append(posted)
        if told["account"] in self.office:
            self.office[told["account"]] = "IN_PROGRESS"
        else:
            self.bills[told["account"]]["due"] = 0
        return posted

    def act_late(self) -> None:
        """What was received and only now is acted on, within the declared delay."""
        due = [one for one in self.later if one[0] <= self.clock.monotonic()]
        self.later = [one for one in self.later if one not in due]
        for _, path, told in due:
            self.act(path, told)

    def bank_lines(self) -> list[dict[str, str]]:
        """The gateway's settlement file."""
        paid = [
            {"kind": "payment", "reference": ref, "number": one["id"], "amount_paise": str(one["amount"])}
            for ref, order in self.orders.items()
            for one in order["payments"]
        ]
        back = [
            {"kind": "refund", "reference": ref, "number": one["number"], "amount_paise": str(one["amount"])}
            for ref, one in self.refunds.items()
            if not one["pending"]
        ]
        return [{**line, "fee_paise": "236", "utr": "UTR-1"} for line in paid] + back

    def board_lines(self) -> list[dict[str, str]]:
        """The biller's file."""
        return [
            {"kind": "posting", "reference": one["ref"], "number": one["number"], "amount_paise": str(one["amount"])}
            for one in self.posts
        ]

    def found(self, ref: str) -> list[dict[str, Any]]:
        """What the board's search shows under a reference."""
        if ref != CONTROL:
            self.asked.append(ref)
            self.misses, missed = max(0, self.misses - 1), self.misses > 0
            if missed:
                return []
        if self.blind:
            return []
        return [one for one in [*self.posts, {"ref": CONTROL, "number": "N0"}] if one["ref"] == ref]

    def posted(self, bill: str) -> int:
        """How often this bill was recorded as paid."""
        return sum(1 for one in self.posts if one["bill"] == bill)


@dataclass
class BooksWire(WireByCall):
    """`side` is whose: the gateway's, the board's or the office's."""

    books: Books
    side: str

    def away(self) -> bool:
        return self.side in self.books.down

    async def answer(self, asked: Asked) -> Reply:
        path = asked.path.removeprefix("/")
        return self._write(path, asked.told) if asked.effect else self._read(path, asked.query.partition("=")[2])

    def _read(self, path: str, asked: str) -> Reply:
        books = self.books
        match path:
            case "verify":
                said = books.said(asked)
                return as_json({**said, **(books.twisted if said["word"] else {})})
            case "bill":
                return as_json({"due": 0, "bill": "", **books.bills.get(asked, {})})
            case "status":
                return as_json({"status": books.office.get(asked, "")})
        return as_json({"rows": self._found(path, asked)})

    def _found(self, path: str, asked: str) -> list[dict[str, Any]]:
        """The records under a reference of ours."""
        if path == "find/pay":
            return self.books.found(asked)
        records = self.books.refunds if path == "find/refund" else self.books.orders
        return [records[asked]] if asked in records else []

    def _write(self, path: str, told: Mapping[str, Any]) -> Reply:
        script = self.books.script.get(path, [])
        fate = script.pop(0) if script else "normal"
        if fate == "lost":
            raise WireError(Sent.MAYBE, "ServerDisconnectedError")
        if fate == "act late":
            self.books.later.append((self.books.clock.monotonic() + LATE_S, path, dict(told)))
            raise WireError(Sent.MAYBE, "SocketTimeoutError")
        if fate == "refuse":
            return as_json({"refused": "NO"})
        done = self.books.act(path, told)
        if fate == "act then silence":
            raise WireError(Sent.MAYBE, "SocketTimeoutError")
        if fate == "act then 500":
            return Reply(500, {"content-type": "text/html"}, b"<html>oops</html>")
        return as_json(done)
