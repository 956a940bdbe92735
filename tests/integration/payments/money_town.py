"""A town with a bank's gateway and an electricity board: real store, journal, reconciler, inbox and cashier.

Gateway and board keep their own books of what really happened; they are told beforehand how each arriving write ends.
Nothing of ours decides in a test whether a bill was posted twice: their books do.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sealing import sealing

from aggregator.cases import worker
from aggregator.cases.attempt import Desktop
from aggregator.cases.deliver import Delivery
from aggregator.cases.desk import Desk, Key, NewCase
from aggregator.cases.inbox import Inbox
from aggregator.cases.mailbox import Post
from aggregator.cases.reconcile import Reconciliation
from aggregator.cases.track import Tracking
from aggregator.citizens.envelopes import Envelopes
from aggregator.feed.stream import Stream
from aggregator.payments import files
from aggregator.payments.cashier import Cashier
from aggregator.payments.counter import Counter, NewPayment, OpenedPayment
from aggregator.payments.ledger import SUMS, UNBALANCED, Sums, summed
from aggregator.payments.payment import COLUMNS, Payment, payment_of
from aggregator.payments.reconcile import Report, reconcile
from aggregator.payments.till import Till
from aggregator.registry.agency import Agency, City, Manifest, Offer, Poll, Registry, Service
from aggregator.resilience.pipeline import Guarded, NullMeter
from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import Class, Settings, operation, operations_of
from aggregator.sdk.auth import Signer
from aggregator.sdk.callback import Ack, Callback, Notice, Unverified
from aggregator.sdk.clock import IST, ManualClock, SeededChance
from aggregator.sdk.errors import Refused
from aggregator.sdk.model import Absent, Facts, Order, Reading, Receipt
from aggregator.sdk.reading import need, need_rows
from aggregator.sdk.rest import RestClient
from aggregator.sdk.status import Status
from aggregator.sdk.wire import CAP, Reply, Sent, Wire, WireError, effect_trail
from aggregator.store import Store

PAY_FORM = {
    "type": "object",
    "title": {"en": "Bill payment"},
    "additionalProperties": False,
    "required": ["account", "amount_paise"],
    "properties": {
        "account": {"type": "string", "title": {"en": "Account"}, "pattern": "^[0-9 ]{4,20}$"},
        "amount_paise": {"type": "integer", "title": {"en": "Amount"}},
        "bill_number": {"type": "string", "title": {"en": "Bill"}},
        "bank_ref": {"type": "string", "title": {"en": "Bank reference"}},
    },
}
PERMIT_FORM = {
    "type": "object",
    "title": {"en": "Permit"},
    "required": ["mobile"],
    "properties": {"mobile": {"type": "string", "title": {"en": "Mobile"}}},
}
KEY_FACTS: dict[str, Any] = {"max_apply_delay_s": 60, "query_lag_s": 5, "key_ttl_s": 30 * 86_400}
LATE_S = 40.0
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
class BooksWire:
    """The wire port over a function call; the trail is told exactly what a socket would tell it."""

    books: Books
    side: str

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        effect: bool = True,
        cap: int = CAP,
    ) -> Reply:
        with effect_trail(effect=effect) as trail:
            await trail.journal(method, url, headers, body or b"")
            if self.side in self.books.down:
                raise WireError(Sent.NO, "ClientConnectorError")
            trail.recheck()
            trail.sent = Sent.MAYBE
            path, _, query = url.partition("//")[2].partition("/")[2].partition("?")
            told = json.loads(body) if body else {}
            reply = self._write(path, told) if effect else self._read(path, query.partition("=")[2])
            trail.answered, trail.reply = True, reply
            return reply

    def _read(self, path: str, asked: str) -> Reply:
        books = self.books
        match path:
            case "verify":
                said = books.said(asked)
                return _json({**said, **(books.twisted if said["word"] else {})})
            case "bill":
                return _json({"due": 0, "bill": "", **books.bills.get(asked, {})})
            case "status":
                return _json({"status": books.office.get(asked, "")})
        return _json({"rows": self._found(path, asked)})

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
            return _json({"refused": "NO"})
        done = self.books.act(path, told)
        if fate == "act then silence":
            raise WireError(Sent.MAYBE, "SocketTimeoutError")
        if fate == "act then 500":
            return Reply(500, {"content-type": "text/html"}, b"<html>oops</html>")
        return _json(done)


def _json(value: Any) -> Reply:
    return Reply(200, {"content-type": "application/json"}, json.dumps(value).encode())


@dataclass
class MoneyTown:
    """Everything of one town, moved by hand: no background task runs unless a test starts it."""

    store: Store
    clock: ManualClock
    books: Books
    till: Till
    delivery: Delivery
    reconciliation: Reconciliation
    inbox: Inbox
    cashier: Cashier
    counter: Counter
    signer: Signer
    desk: Desk
    tracking: Tracking

    async def open(self, account: str = "1234", *, citizen: str = "ctz_a", key: str = "") -> OpenedPayment:
        """A citizen begins to pay; nothing has moved yet when this returns."""
        new = NewPayment(
            portal_id="portal_1", citizen_id=citizen, service_id="board.bill_payment", agency=None,
            form={"account": account}, origin="http://city.example",
        )  # fmt: skip
        spent = Key("portal_1", citizen, "POST", "/payments", key or self.books.number("key-"), "f")
        return await self.counter.open(new, spent)

    async def apply(self, citizen: str = "ctz_a") -> str:
        """An application that the office has; its case."""
        new = NewCase("portal_1", citizen, "office.permit", None, {"mobile": "9000000000"})
        opened = await self.desk.open(new, Key("portal_1", citizen, "POST", "/cases", self.books.number("a-"), "f"))
        await self.turn(1)
        return opened.record.id

    async def open_fee(self, case_id: str, *, key: str = "", portal: str = "portal_1") -> OpenedPayment:
        """A citizen begins to pay the fee of the case."""
        new = NewPayment(
            portal_id=portal, citizen_id="", service_id="", agency=None, form={}, origin="http://city.example",
            case_id=case_id,
        )  # fmt: skip
        return await self.counter.open(new, Key(portal, "", "POST", "/payments", key or self.books.number("key-"), "f"))

    async def turn(self, times: int = 3) -> None:
        """Everything that is due now is done."""
        for _ in range(times):
            await self.inbox.work()
            await self.reconciliation._settle_due()
            await self.tracking.poll_due()
            await self.delivery._scan()
            await self.quiet()
            await self.cashier.work()
            await self.quiet()

    async def quiet(self) -> None:
        while self.delivery._running:
            await asyncio.wait(set(self.delivery._running.values()))
            await asyncio.sleep(0)

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.books.act_late()
        await self.turn()

    async def webhook(self, ref: str, event: str = "", signed: str = "by the bank", **other: Any) -> None:
        """What the gateway pushes about an order, as it stands or as the test says."""
        body = {**self.books.said(ref), "event": event or self.books.number("evt"), "order": ref, **other}
        callback = Callback("", {"x-signed": signed}, json.dumps(body).encode(), self.clock.now())
        await self.inbox.receive("bank", callback)

    async def files(self, *, bank: bool = True, board: bool = True) -> Report:
        """Both sides' files of today, as their own books have it, taken in and compared."""
        day = self.clock.now().astimezone(IST).date().isoformat()
        told = {"bank": (files.GATEWAY, self.books.bank_lines()), "board": (files.BILLER, self.books.board_lines())}
        for agency in [name for name, wanted in (("bank", bank), ("board", board)) if wanted]:
            side, lines = told[agency]
            statement = files.statement_of(lines, agency=agency, side=side, day=day)
            await self.store.write(lambda run, one=statement: files.keep(run, one, self.clock.now()))
        return await reconcile(self.till, day)

    async def see(self, payment_id: str) -> Payment:
        rows = await self.store.read(f"select {COLUMNS} from payment where id = $1", payment_id)  # noqa: S608 - a constant
        return payment_of(rows[0])

    async def money(self, payment_id: str) -> Sums:
        return summed(await self.store.read(SUMS, payment_id))

    async def items(self) -> list[str]:
        return [row["kind"] for row in await self.store.read("select kind from money_item order by opened_ms, id")]

    async def paid(self, account: str = "1234") -> Payment:
        """Opened, and captured at the bank; the cashier has not looked yet."""
        opened = await self.open(account)
        await self.turn()
        self.books.capture(opened.payment.reference)
        return await self.see(opened.payment.id)

    async def unbalanced(self) -> list[str]:
        return [row["entry_id"] for row in await self.store.read(UNBALANCED)]


async def money_town(
    store: Store,
    *,
    cls: Class = Class.QUERYABLE,
    clock: ManualClock | None = None,
    books: Books | None = None,
    envelopes: Envelopes | None = None,
) -> MoneyTown:
    """A town on this store; a second one with the same books is another process, or the same after a crash."""
    clock = clock or ManualClock()
    books = books or Books(clock)
    books.keyed = cls is Class.KEYED
    chance = SeededChance(int(books.number("")))
    registry = _registry(cls, books, clock, chance)
    me = await worker.boot(store, clock, chance)
    desktop = Desktop(store, envelopes or sealing(clock), clock, chance, me)
    stream = Stream(store, clock)
    delivery = Delivery(desktop, lambda: registry, stream)
    till = Till(desktop, lambda: registry, stream, delivery)
    signer = Signer.generate()
    return MoneyTown(
        store=store,
        clock=clock,
        books=books,
        till=till,
        delivery=delivery,
        reconciliation=Reconciliation(desktop, lambda: registry, stream, delivery.nudge),
        inbox=Inbox(desktop, lambda: registry, stream, Post()),
        cashier=Cashier(till),
        counter=Counter(till, signer),
        signer=signer,
        desk=Desk(desktop, lambda: registry, stream, delivery, signer),
        tracking=Tracking(desktop, lambda: registry, stream),
    )


def _registry(cls: Class, books: Books, clock: ManualClock, chance: SeededChance) -> Registry:
    board = _agency("board", board_driver(cls), BooksWire(books, "board"), clock, chance)
    bank = _agency("bank", GatewayDriver, BooksWire(books, "bank"), clock, chance)
    office = _agency("office", OfficeDriver, BooksWire(books, "office"), clock, chance)
    service = Service(
        id="board.bill_payment", title={"en": "Bill payment"}, description={"en": "A bill is paid"}, kind="PAYMENT",
        agencies=("board",), offer="bill_payment", operation="pay", form=PAY_FORM, category="electricity",
    )  # fmt: skip
    permit = Service(
        id="office.permit", title={"en": "Permit"}, description={"en": "A permit"}, kind="APPLICATION",
        agencies=("office",), offer="permit", operation="submit", form=PERMIT_FORM, category="office",
    )  # fmt: skip
    agencies = {"board": board, "bank": bank, "office": office}
    return Registry(City("Testpur", "Asia/Kolkata"), agencies, {one.id: one for one in (service, permit)}, "digest")


def _agency(name: str, driver: type, wire: Wire, clock: ManualClock, chance: SeededChance) -> Agency:
    kind = {"bank": "gateway", "office": "rto"}.get(name, "electricity")
    policy = Policy(max_rps=10_000.0)
    operations = {key: declared for cls in reversed(driver.__mro__) for key, declared in operations_of(cls).items()}
    settings = Settings(f"http://{name}.example")
    offers = {
        "board": Offer("bill_payment", "PAYMENT", "pay", {"en": "Bill payment"}, PAY_FORM),
        "office": Offer("permit", "APPLICATION", "submit", {"en": "Permit"}, PERMIT_FORM),
    }
    manifest = Manifest(
        name=name, kind=kind, version="1", protocol="json", title={"en": name}, summary="",
        offers={offers[name].key: offers[name]} if name in offers else {},
    )  # fmt: skip
    guarded = Guarded(
        name, driver(wire, settings), operations, policy, clock=clock, chance=chance, meter=NullMeter()
    )  # fmt: skip
    return Agency(
        id=name, kind=kind, driver=f"tests.{name}", title={"en": name.title()}, enabled=True, livemode=False,
        settings=settings, policy=policy, operations=operations, manifest=manifest, capabilities=(),
        poll=Poll(every_s=60.0), guarded=guarded,
    )  # fmt: skip
