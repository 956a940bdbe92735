"""A town with one office: the real desk, deliverer, reconciler and store; only the wire is a short-cut.

The office keeps its own ledger of what it acted on. It is told beforehand how each arriving write shall end.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sealing import sealing

from aggregator.cases import worker
from aggregator.cases.adoption import Adoption
from aggregator.cases.attempt import Desktop
from aggregator.cases.deliver import Delivery
from aggregator.cases.desk import Desk, Key, NewCase
from aggregator.cases.forgotten import FORGOTTEN, ForgottenDecider
from aggregator.cases.inbox import Inbox
from aggregator.cases.mailbox import Post
from aggregator.cases.orphans import OrphanDecider
from aggregator.cases.rebuild import Rebuilding
from aggregator.cases.reconcile import Reconciliation
from aggregator.cases.record import CaseRecord
from aggregator.cases.switch import Switches
from aggregator.cases.track import Tracking
from aggregator.cases.worklist import Worklist
from aggregator.feed.stream import Stream
from aggregator.registry.agency import Agency, City, Manifest, Offer, Poll, Registry, Service, Watched
from aggregator.resilience.pipeline import Guarded, NullMeter
from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import Class, Settings, operation, operations_of
from aggregator.sdk.auth import Signer
from aggregator.sdk.callback import Ack, Callback, Notice, Unverified
from aggregator.sdk.clock import ManualClock, SeededChance
from aggregator.sdk.errors import Refused
from aggregator.sdk.model import Order, Reading, Receipt
from aggregator.sdk.reading import need, need_rows, read_status
from aggregator.sdk.rest import RestClient
from aggregator.sdk.status import Status
from aggregator.sdk.wire import CAP, Reply, Sent, Wire, WireError, effect_trail
from aggregator.store import Store

STATUS = {
    "RCVD": Status.SUBMITTED,
    "DESK": Status.IN_PROGRESS,
    "DOCS": Status.AWAITING_CITIZEN,
    "GRANTED": Status.APPROVED,
    "DONE": Status.COMPLETED,
    "NO": Status.REJECTED,
    "ADVERSE": Status.IN_PROGRESS,
    "PV": (Status.IN_PROGRESS, "POLICE"),
    "PV OK": (Status.IN_PROGRESS, "POLICE_DONE"),
}
FORM = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "title": {"en": "Form"}}


def judge(reply: Reply, body: Any) -> bool:
    if isinstance(body, dict) and "refused" in body:
        raise Refused(body["refused"], reason=body.get("reason", "refused"))
    return isinstance(body, dict) and ("number" in body or "rows" in body or "status" in body)


class Driver:
    """The office's interface; each class of operation is a subclass that declares `submit` anew."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self.api = RestClient(wire, settings.url, judge=judge)

    async def _submit(self, order: Order) -> Receipt:
        reply = await self.api.post("/apply", {"ref": order.reference, "name": order.form["name"]})
        return Receipt(need(reply, "number"), pending=bool(reply.get("pending")))

    @operation(Class.SAFE)
    async def track(self, order: Order) -> Reading:
        reply = await self.api.get("/status", number=order.agency_reference)
        reading = read_status(STATUS, need(reply, "status"), remark=reply.get("words"))
        return replace(reading, withheld=reading.agency_code == "ADVERSE")

    @operation(Class.SAFE)
    async def find(self, order: Order) -> list[Receipt]:
        reply = await self.api.get("/find", ref=order.reference)
        return [Receipt(need(row, "number"), reference=row.get("ref", "")) for row in need_rows(reply, "rows")]

    @operation(Class.IDEMPOTENT, max_apply_delay_s=60, query_lag_s=5)
    async def cancel(self, order: Order) -> Receipt:
        reply = await self.api.post("/cancel", {"ref": order.reference, "number": order.agency_reference})
        return Receipt(need(reply, "number"))

    @operation(Class.UNIQUE, max_apply_delay_s=60, query_lag_s=5)
    async def book(self, order: Order) -> Receipt:
        body = {"ref": order.reference, "number": order.agency_reference, "slot": order.form["slot_id"]}
        return Receipt(need(await self.api.post("/book", body), "number"))

    @operation(Class.OPAQUE)
    async def remind(self, order: Order) -> Receipt:
        reply = await self.api.post("/remind", {"ref": order.reference, "number": order.agency_reference})
        return Receipt(need(reply, "number"))

    @operation(Class.OPAQUE)
    async def pay(self, order: Order) -> Receipt:
        reply = await self.api.post("/pay", {"ref": order.reference, "number": order.agency_reference})
        return Receipt(need(reply, "number"))

    def notified(self, callback: Callback) -> Notice:
        """Signed with a word; says whom it is about."""
        ack = Ack(b'{"ok": true}')
        if callback.headers.get("x-signed") != "by the office":
            raise Unverified("the signature is wrong", ack)
        told = json.loads(callback.body)
        number = told.get("number", "")
        return Notice(
            ack=ack,
            event_id=told.get("event", ""),
            reference=told.get("ref", ""),
            echo={"text": told["echo_text"]} if "echo_text" in told else {},
            agency_reference=number,
            receipt=Receipt(number) if number and not told.get("refused") else None,
            refused=Refused(told["refused"], "not_eligible") if told.get("refused") else None,
        )


FACTS: dict[Class, dict[str, Any]] = {
    Class.OPAQUE: {},
    Class.QUERYABLE: {"max_apply_delay_s": 60, "query_lag_s": 5},
    Class.KEYED: {"max_apply_delay_s": 60, "query_lag_s": 5, "key_ttl_s": 86_400},
    Class.IDEMPOTENT: {"max_apply_delay_s": 60, "query_lag_s": 5},
    Class.UNIQUE: {
        "max_apply_delay_s": 60,
        "query_lag_s": 5,
        "already_exists_codes": {"DUP"},
        "refusal_codes": {"NO1"},
    },
}


class Lister(Driver):
    """An office that lists what it took, and looks for what a form says."""

    @operation(Class.SAFE, by_form=True)
    async def find(self, order: Order) -> list[Receipt]:
        if order.reference:
            return await super().find(order)
        rows = need_rows(await self.api.get("/list"), "rows")
        return [_listed(row) for row in rows if row["name"] == order.form["name"]]

    @operation(Class.SAFE)
    async def changes(self, order: Order) -> list[Receipt]:
        return [_listed(row) for row in need_rows(await self.api.get("/list"), "rows")]


def _listed(row: Mapping[str, str]) -> Receipt:
    return Receipt(need(row, "number"), "RCVD", reference=row["ref"], service="permit")


def driver_of(cls: Class, *, finds: bool = True, lists: bool = False) -> type:
    """A driver whose `submit` is declared to be of this class; one that cannot be asked if not `finds`."""

    async def submit(self: Driver, order: Order) -> Receipt:
        return await self._submit(order)

    members: dict[str, Any] = {"submit": operation(cls, **FACTS[cls])(submit)}
    if not finds:
        members["find"] = None
    return type(f"{cls.name.title()}Driver", (Lister if lists else Driver,), members)


@dataclass
class Office:
    """The agency's side. `script` holds how the next writes end; then everything is answered normally."""

    keyed: bool = False
    unique: bool = False
    script: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    acted: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    unlisted: bool = False
    hidden: bool = False
    down: bool = False
    words: dict[str, list[str]] = field(default_factory=dict)
    arrivals: int = 0
    bodies: list[bytes] = field(default_factory=list)
    records: list[tuple[str, str]] = field(default_factory=list)
    before_write: Callable[[], Any] | None = None
    """What happens after the journal and before the first byte."""
    on_arrival: Callable[[], Any] | None = None

    def act(self, ref: str) -> str:
        known = [number for seen, number in self.records if seen == ref]
        if known and (self.keyed or self.unique):
            return known[0]
        number = f"N{len(self.records) + 1}"
        self.acted.append(ref)
        self.records.append((ref, number))
        return number

    def answer(self, path: str, query: str, body: Mapping[str, Any]) -> Reply:
        if path in {"/list", "/find"}:
            return self.search(path, query)
        if path == "/status":
            words = self.words.get(query.partition("=")[2], ["RCVD"])
            return _json({"status": words.pop(0) if len(words) > 1 else words[0], "words": "as told"})
        if path == "/cancel":
            self.acted.append(f"cancel {body['number']}")
            return _json({"number": body["number"]})
        if path == "/pay":
            return self.write(body)
        if path in {"/book", "/remind"}:
            self.acted.append(f"{path[1:]} {body['number']} {body.get('slot', '')}".strip())
            return _json({"number": body["number"]})
        return self.write(body)

    def search(self, path: str, query: str) -> Reply:
        wanted = [(ref, number) for ref, number in self.records if path == "/list" or query.endswith(ref)]
        rows = [{"ref": ref, "number": number, "name": self.names.get(ref, "")} for ref, number in wanted]
        if path == "/list" and self.unlisted:
            return Reply(503, {}, b"")
        return _json({"rows": [] if self.hidden else rows})

    def write(self, body: Mapping[str, Any]) -> Reply:  # noqa: PLR0911 - one return for each fate
        self.names[body["ref"]] = body.get("name", "")
        mode = self.script.pop(0) if self.script else "normal"
        match mode:
            case "act then silence":
                self.act(body["ref"])
                raise WireError(Sent.MAYBE, "SocketTimeoutError")
            case "lost":
                raise WireError(Sent.MAYBE, "ServerDisconnectedError")
            case "act then 500":
                self.act(body["ref"])
                return Reply(500, {"content-type": "text/html"}, b"<html>oops</html>")
            case "refuse":
                return _json({"refused": "NO1", "reason": "not_eligible"})
            case "duplicate":
                return _json({"refused": "DUP", "reason": "duplicate"})
            case "stolen number":
                return _json({"number": "N1"})
            case "twice":
                self.records += [(body["ref"], "N90"), (body["ref"], "N91")]
                self.acted += [body["ref"], body["ref"]]
                raise WireError(Sent.MAYBE, "ServerDisconnectedError")
            case "pending":
                return _json({"number": self.act(body["ref"]), "pending": True})
        if self.unique and any(ref == body["ref"] for ref, _ in self.records):
            return _json({"refused": "DUP", "reason": "duplicate"})
        return _json({"number": self.act(body["ref"])})


def _json(value: Any) -> Reply:
    return Reply(200, {"content-type": "application/json"}, json.dumps(value).encode())


@dataclass
class OfficeWire:
    """The wire port over a function call; the trail is told exactly what a socket would tell it."""

    office: Office

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
            if self.office.down:
                raise WireError(Sent.NO, "ClientConnectorError")
            if effect and self.office.before_write is not None:
                await self.office.before_write()
            trail.recheck()
            trail.sent = Sent.MAYBE
            if effect:
                self.office.arrivals += 1
                self.office.bodies.append(body or b"")
                if self.office.on_arrival is not None:
                    await self.office.on_arrival()
            path, _, query = url.removeprefix("http://office.example").partition("?")
            reply = self.office.answer(path, query, json.loads(body) if body else {})
            trail.answered, trail.reply = True, reply
            return reply


@dataclass
class Town:
    """Everything of one town, moved by hand: no background task runs unless a test starts it."""

    store: Store
    clock: ManualClock
    office: Office
    desk: Desk
    delivery: Delivery
    reconciliation: Reconciliation
    tracking: Tracking
    inbox: Inbox
    worklist: Worklist
    switches: Switches
    registry: Registry
    desktop: Desktop
    adoption: Adoption
    receipts: Rebuilding
    signer: Signer
    _keys: int = 0

    async def elsewhere(self, store: Store) -> "Town":
        """The next process, on another database, before the same office."""
        driver = type(self.registry.agencies["office"].guarded.driver)
        return await _town(store, driver, self.office, self.clock, seed=77)

    async def apply(self, name: str = "Test Citizen") -> CaseRecord:
        """A citizen applies; delivery has ended when this returns."""
        self._keys += 1
        new = NewCase("portal_1", "", "office.permit", None, {"name": name})
        opened = await self.desk.open(new, self.key(f"key-{self._keys}"))
        await self.quiet()
        return await self.see(opened.record)

    def key(self, key: str, fingerprint: str = "f") -> Key:
        return Key("portal_1", "", "POST", "/cases", key, fingerprint)

    async def quiet(self) -> None:
        """Waits until no delivery is under way."""
        while self.delivery._running:
            await asyncio.wait(set(self.delivery._running.values()))
            await asyncio.sleep(0)

    async def see(self, record: CaseRecord) -> CaseRecord:
        found = await self.desk.case(record.id, portal_id=record.portal_id)
        assert found is not None
        return found

    async def state(self, record: CaseRecord) -> str:
        rows = await self.store.read("select state from operation where case_id = $1 and name = 'submit'", record.id)
        return str(rows[0]["state"])

    async def pass_time(self, seconds: float) -> None:
        """Time passes; what became due is settled and delivered."""
        self.clock.advance(seconds)
        for _ in range(3):
            await self.reconciliation._watch_clock()
            await self.reconciliation._settle_due()
            await self.delivery._scan()
            await self.quiet()

    async def types(self, record: CaseRecord) -> list[str]:
        return [event.type for event in await self.desk.history(record.id, portal_id=record.portal_id)]


TownMaker = Callable[..., Any]


@pytest.fixture
async def town_of(store: Store) -> AsyncIterator[TownMaker]:
    """Builds towns on a real store; `again=True` is another process on the same store."""
    made: list[Town] = []

    async def build(
        cls: Class,
        office: Office | None = None,
        clock: ManualClock | None = None,
        *,
        finds: bool = True,
        lists: bool = False,
    ) -> Town:
        clock = clock or ManualClock()
        office = office or Office(keyed=cls in {Class.KEYED, Class.IDEMPOTENT}, unique=cls is Class.UNIQUE)
        town = await _town(store, driver_of(cls, finds=finds, lists=lists), office, clock, seed=len(made))
        made.append(town)
        return town

    yield build
    for town in made:
        await town.delivery.stop()


async def _town(store: Store, driver: type, office: Office, clock: ManualClock, seed: int) -> Town:
    chance = SeededChance(seed)
    registry = _registry(driver, OfficeWire(office), clock, chance)
    me = await worker.boot(store, clock, chance)
    desktop = Desktop(store, sealing(clock), clock, chance, me)
    stream = Stream(store, clock)
    delivery = Delivery(desktop, lambda: registry, stream)
    signer = Signer.generate()
    return Town(
        store,
        clock,
        office,
        Desk(desktop, lambda: registry, stream, delivery, signer),
        delivery,
        Reconciliation(desktop, lambda: registry, stream, delivery.nudge),
        Tracking(desktop, lambda: registry, stream),
        Inbox(desktop, lambda: registry, stream, Post()),
        Worklist(desktop, stream, delivery.nudge, {"orphan": OrphanDecider(), FORGOTTEN: ForgottenDecider()}),
        Switches(desktop, lambda: registry, stream, delivery.nudge),
        registry,
        desktop,
        Adoption(desktop, lambda: registry),
        Rebuilding(desktop, lambda: registry, stream, signer),
        signer,
    )


def _registry(driver: type, wire: Wire, clock: ManualClock, chance: SeededChance) -> Registry:
    policy = Policy(max_rps=10_000.0)
    operations = {name: declared for cls in reversed(driver.__mro__) for name, declared in operations_of(cls).items()}
    operations = {name: declared for name, declared in operations.items() if getattr(driver, name) is not None}
    made = driver(wire, Settings("http://office.example"))
    permit = Offer("permit", "APPLICATION", "submit", {"en": "Permit"}, FORM, Watched("POLICE", ("POLICE_DONE",)))
    manifest = Manifest(
        name="office",
        kind="office",
        version="1",
        protocol="json",
        title={"en": "Office"},
        summary="",
        offers={"permit": permit},
    )
    agency = Agency(
        id="office",
        kind="office",
        driver="tests.office",
        title={"en": "The Office"},
        enabled=True,
        livemode=False,
        settings=Settings("http://office.example"),
        policy=policy,
        operations=operations,
        manifest=manifest,
        capabilities=("submits", "tracks", "finds"),
        poll=Poll(every_s=60.0),
        guarded=Guarded("office", made, operations, policy, clock=clock, chance=chance, meter=NullMeter()),
    )
    service = Service(
        id="office.permit",
        title={"en": "Permit"},
        description={"en": "A permit"},
        kind="APPLICATION",
        agencies=("office",),
        offer="permit",
        operation="submit",
        form=FORM,
        category="permits",
    )
    return Registry(City("Testpur", "Asia/Kolkata"), {"office": agency}, {"office.permit": service}, "digest")
