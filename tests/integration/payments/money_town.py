"""A town with a bank's gateway and an electricity board: real store, journal, reconciler, inbox and cashier.

Gateway and board keep their own books of what really happened; they are told beforehand how each arriving write ends.
Nothing of ours decides in a test whether a bill was posted twice: their books do.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from money_books import Books, BooksWire
from money_drivers import GatewayDriver, OfficeDriver, board_driver
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
from aggregator.sdk.adapter import Class, Settings, operations_of
from aggregator.sdk.auth import Signer
from aggregator.sdk.callback import Callback
from aggregator.sdk.clock import IST, ManualClock, SeededChance
from aggregator.sdk.wire import Wire
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
