"""A town behind the real server: real desk, store, portals, door and sockets; only the office's wire is a short-cut.

Two portals hold all rights, a third one reads services only. The clock is the machine's, pushed forward by tests.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import aiohttp

from aggregator.api.app import DOOR, ApiParts, make_app
from aggregator.api.callbacks import callback_routes
from aggregator.api.door import Listening, listen
from aggregator.api.limits import Limits, Quota
from aggregator.cases import worker
from aggregator.cases.attempt import Desktop
from aggregator.cases.deliver import Delivery
from aggregator.cases.desk import Desk
from aggregator.cases.enquire import enquire
from aggregator.cases.inbox import Inbox
from aggregator.cases.mailbox import Post
from aggregator.cases.orphans import OrphanDecider
from aggregator.cases.rebuild import Rebuilding
from aggregator.cases.switch import Switches
from aggregator.cases.worklist import Worklist
from aggregator.citizens.accesses import Accesses
from aggregator.citizens.assistance import Assistances
from aggregator.citizens.consents import Consents
from aggregator.citizens.documents.scan import SandboxScanner
from aggregator.citizens.documents.shelf import DocumentShelf
from aggregator.citizens.erasure import Erasure
from aggregator.citizens.keyring import KeyRing
from aggregator.citizens.links import Link, SandboxLinks
from aggregator.citizens.messages import Message
from aggregator.citizens.pairwise import Pairwise
from aggregator.citizens.portal_keys import NewSecret
from aggregator.citizens.portals import Portals
from aggregator.citizens.privacy import PrivacyRoom
from aggregator.citizens.rights import SCOPES
from aggregator.citizens.room import furnished
from aggregator.citizens.seals import VaultSeals
from aggregator.citizens.vault import Vault
from aggregator.discovery.drafts import Drafts
from aggregator.feed.stream import Stream
from aggregator.ops.health import Readiness, ops_routes
from aggregator.ops.metrics import PrometheusMeter
from aggregator.registry.agency import Agency, City, Forwarding, Manifest, Offer, Poll, Registry, Service, TimeLimit
from aggregator.registry.form import Form
from aggregator.resilience.pipeline import Guarded
from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import Class, Settings, operation, operations_of
from aggregator.sdk.auth import Signer
from aggregator.sdk.callback import Ack, Callback, Notice, Unverified
from aggregator.sdk.clock import Clock, SystemChance, SystemClock
from aggregator.sdk.errors import Refused
from aggregator.sdk.model import Absent, Document, Facts, Order, Reading, Receipt, Slot
from aggregator.sdk.reading import need, need_rows, read_status
from aggregator.sdk.rest import RestClient
from aggregator.sdk.status import Status
from aggregator.sdk.wire import CAP, Reply, Sent, Wire, WireError, effect_trail
from aggregator.store import Store
from aggregator.store.keyfile import KeyFile
from aggregator.texts import say

STATUS = {"RCVD": Status.ACKNOWLEDGED, "DONE": Status.COMPLETED}
OFFICE = {"en": "The Office", "or": "କାର୍ଯ୍ୟାଳୟ", "hi": "कार्यालय"}
PERMIT_FORM = {
    "type": "object",
    "title": {"en": "Permit"},
    "additionalProperties": False,
    "required": ["name", "mobile"],
    "properties": {
        "name": {"type": "string", "title": {"en": "Name", "or": "ନାମ", "hi": "नाम"}, "maxLength": 100},
        "mobile": {
            "type": "string",
            "title": {"en": "Mobile"},
            "pattern": "^[6-9][0-9]{9}$",
            "x-error-message": {"en": "Ten digits", "or": "ଦଶଟି ଅଙ୍କ", "hi": "दस अंक"},
        },
        "remarks": {"type": "string", "title": {"en": "Remarks"}, "maxLength": 500},
    },
}
BILL_FORM = {
    "type": "object",
    "title": {"en": "Bill"},
    "additionalProperties": False,
    "required": ["consumer"],
    "properties": {"consumer": {"type": "string", "title": {"en": "Consumer"}, "pattern": "^[0-9]{4,12}$"}},
}
DUES_FORM = {
    "type": "object",
    "title": {"en": "Dues"},
    "additionalProperties": False,
    "required": ["account"],
    "properties": {"account": {"type": "string", "title": {"en": "Account"}, "maxLength": 20}},
}
PROOF_FORM = {
    **DUES_FORM,
    "required": ["account", "mobile"],
    "properties": {**DUES_FORM["properties"], "mobile": PERMIT_FORM["properties"]["mobile"]},
}
PAPER = {"type": "string", "format": "uri", "contentMediaType": "application/octet-stream"}
LICENCE_FORM = {
    **PERMIT_FORM,
    "properties": {
        **PERMIT_FORM["properties"],
        "proof": {**PAPER, "title": {"en": "Proof of address"}},
        "photo": {**PAPER, "title": {"en": "Photograph"}, "contentMediaType": "image/png"},
    },
}
CITIZEN = "ctz_sample00000000000001"
LINKS = {
    CITIZEN: (Link("office", {"account": "A1", "consumer": "1234"}), Link("office", {"account": "A2"})),
    "ctz_sample00000000000002": (),
}
GOOD_FORM = {"name": "Test Citizen", "mobile": "9000000000"}
GENEROUS = Limits(
    probes=Quota("number-probes", 1_000_000, 60),
    address=Quota("address", 1_000_000, 60),
    sandbox=Quota("default", 1_000_000, 60),
)


class PushedClock(SystemClock):
    """The machine's clocks, ahead by what a test pushed."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self._ahead_s

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self._ahead_s)

    def push(self, seconds: float) -> None:
        self._ahead_s += seconds


class Driver:
    """The office's interface."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self.api = RestClient(wire, settings.url, judge=_judge)

    @operation(Class.QUERYABLE, max_apply_delay_s=60, query_lag_s=5)
    async def submit(self, order: Order) -> Receipt:
        papers = {field: len(paper.content) for field, paper in order.documents.items()}
        body = {"ref": order.reference, "name": order.form["name"], **({"papers": papers} if papers else {})}
        if order.consent is not None:
            body["consent"] = order.consent.artefact
        reply = await self.api.post("/apply", body)
        return Receipt(need(reply, "number"))

    @operation(Class.SAFE)
    async def track(self, order: Order) -> Reading:
        reply = await self.api.get("/status", number=order.agency_reference)
        return read_status(STATUS, need(reply, "status"))

    @operation(Class.SAFE)
    async def find(self, order: Order) -> list[Receipt]:
        reply = await self.api.get("/find", ref=order.reference)
        return [Receipt(need(row, "number"), reference=row["ref"]) for row in need_rows(reply, "rows")]

    @operation(Class.SAFE)
    async def lookup(self, order: Order) -> Facts | Absent:
        consent = {"consent": order.consent.artefact} if order.consent is not None else {}
        reply = await self.api.post("/bill", {"consumer": order.form["consumer"], **consent}, effect=False)
        return Facts({"amount_due": need(reply, "status")})

    @operation(Class.SAFE)
    async def bill(self, order: Order) -> Facts | Absent:
        if order.form.get("mobile", "9000000000") != "9000000000":
            return Absent("another number")
        reply = await self.api.post("/dues", {"account": order.form["account"]}, effect=False)
        return Facts({"amount_paise": reply["due"], "due_date": "2026-12-01"}) if reply["due"] else Absent("nothing")

    @operation(Class.SAFE)
    async def slots(self, order: Order) -> list[Slot]:
        days = {"first": order.form["from"], "last": order.form["to"]}
        reply = await self.api.get("/slots", number=order.agency_reference, **days)
        return [Slot(row["id"], "Counter 1", datetime.fromisoformat(row["at"]), row["free"]) for row in reply["slots"]]

    @operation(Class.SAFE)
    async def document(self, order: Order) -> Document | Absent:
        reply = await self.api.get("/document", number=order.agency_reference)
        text = reply["paper"]
        return Document("../Permit of\r\nX.pdf", "application/pdf", text.encode()) if text else Absent("not yet")

    @operation(Class.UNIQUE, max_apply_delay_s=60, query_lag_s=5)
    async def book(self, order: Order) -> Receipt:
        return Receipt(need(await self.api.post("/book", {"slot": order.form["slot_id"]}), "number"))

    @operation(Class.OPAQUE)
    async def remind(self, order: Order) -> Receipt:
        return Receipt(need(await self.api.post("/remind", {"text": order.form.get("text", "")}), "number"))

    def notified(self, callback: Callback) -> Notice:
        """Signed with a word; says whom it is about."""
        if callback.headers.get("x-signed") != "by the office":
            raise Unverified("the signature is wrong", Ack(b'{"taken": false}', status=403))
        told = json.loads(callback.body)
        number = told.get("number", "")
        return Notice(ack=Ack(b'{"taken": true}'), event_id=told.get("event", ""), agency_reference=number)


def _judge(reply: Reply, body: Any) -> bool:
    if isinstance(body, dict) and "refused" in body:
        raise Refused(body["refused"], reason="not_eligible")
    return isinstance(body, dict) and bool({"number", "rows", "status", "due", "slots", "paper"} & body.keys())


@dataclass
class Office:
    """The agency's side of the wire. `script` says how the next writes end; `held` keeps them waiting."""

    script: list[str] = field(default_factory=list)
    down: bool = False
    acted: list[str] = field(default_factory=list)
    papers: list[dict[str, int]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    dues: dict[str, str] = field(default_factory=lambda: {"A1": "66400"})
    paper: str = ""
    consents: list[str] = field(default_factory=list)
    held: asyncio.Event | None = None

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
            if self.down:
                raise WireError(Sent.NO, "ClientConnectorError")
            trail.recheck()
            trail.sent = Sent.MAYBE
            if self.held is not None and effect:
                await self.held.wait()
            reply = self._answer(url.removeprefix("http://office.example"), json.loads(body) if body else {})
            trail.answered, trail.reply = True, reply
            return reply

    def _answer(self, path: str, body: Mapping[str, Any]) -> Reply:  # noqa: PLR0911 - one return for each fate
        if body.get("consent"):
            self.consents.append(body["consent"])
        if path.startswith("/find"):
            return _json({"rows": []})
        if path.startswith(("/status", "/bill")):
            return _json({"status": "RCVD"})
        if path.startswith("/dues"):
            return _json({"due": self.dues.get(body["account"], "")})
        if path.startswith("/slots"):
            self.asked.append(path)
            return _json({"slots": [{"id": "S7", "at": "2026-11-24T10:30:00+05:30", "free": 3}]})
        if path.startswith("/document"):
            return _json({"paper": self.paper})
        mode = self.script.pop(0) if self.script else "normal"
        if mode == "refuse":
            return _json({"refused": "NO1"})
        if mode == "silence":
            raise WireError(Sent.MAYBE, "ServerDisconnectedError")
        if path in {"/book", "/remind"}:
            self.asked.append(f"{path[1:]} {body.get('slot') or body.get('text')}")
            return _json({"number": f"B{len(self.asked)}"})
        self.acted.append(body["ref"])
        self.papers.append(body.get("papers", {}))
        return _json({"number": f"N{len(self.acted)}"})


def _json(value: Any) -> Reply:
    return Reply(200, {"content-type": "application/json"}, json.dumps(value).encode())


class Mailbag:
    """What citizens were sent, in place of the city's providers."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, message: Message, told: Any) -> None:
        self.sent.append(message)

    def code(self, to: str) -> str:
        """The digits of the last code sent to this number or address."""
        text = next(message.text for message in reversed(self.sent) if message.to == to)
        return re.search(r"\b[0-9]{6}\b", text)[0]


@dataclass
class Town:
    """A running server and the keys to it."""

    parts: ApiParts
    clock: PushedClock
    office: Office
    store: Store
    delivery: Delivery
    inbox: Inbox
    server: Listening
    http: aiohttp.ClientSession
    secrets: dict[str, NewSecret]
    tokens: dict[str, str]

    @property
    def codes(self) -> Mailbag:
        """What citizens were sent."""
        return self.parts.citizens.messages

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def headers(self, portal: str = "one", **more: str) -> dict[str, str]:
        """Authorization of a portal, and more headers with `_` for `-`."""
        return {"Authorization": f"Bearer {self.tokens[portal]}"} | {
            name.replace("_", "-"): value for name, value in more.items()
        }

    async def ask(self, method: str, path: str, *, portal: str = "one", json: Any = None, **headers: str) -> "Reply_":
        """One request under /v1 as a portal."""
        return await self.raw(method, "/v1" + path, json=json, headers=self.headers(portal, **headers))

    async def raw(self, method: str, path: str, **more: Any) -> "Reply_":
        """One request with nothing added."""
        async with self.http.request(method, self.origin + path, allow_redirects=False, **more) as got:
            return Reply_(got.status, got.headers, await got.read())

    async def open(
        self, key: str = "k-1", *, portal: str = "one", form: Any = None, citizen_id: str = "", **headers: str
    ) -> "Reply_":
        """Opens a case for a permit."""
        body = {"service_id": "office.permit", "form": form or GOOD_FORM}
        if citizen_id:
            body["citizen_id"] = citizen_id
        headers.setdefault("Prefer", "wait=5")
        return await self.ask("POST", "/cases", portal=portal, json=body, Idempotency_Key=key, **headers)

    async def until(self, path: str) -> list[Any]:
        """The items of a list as soon as it has some."""
        for _ in range(200):
            if items := (await self.ask("GET", path)).json["items"]:
                return list(items)
            await asyncio.sleep(0.02)
        raise AssertionError(f"{path} stayed empty")

    async def until_status(self, case: Any, status: str) -> Any:
        """The case as soon as it has this status."""
        for _ in range(200):
            seen = (await self.ask("GET", f"/cases/{case['id']}")).json
            if seen["status"] == status:
                return seen
            await asyncio.sleep(0.02)
        raise AssertionError(f"{case['id']} never became {status}")

    async def token(self, portal: str, **more: str) -> "Reply_":
        """Asks for a token with the portal's secret."""
        secret = self.secrets[portal]
        form = {"grant_type": "client_credentials", "client_id": secret.portal_id, "client_secret": secret.secret}
        return await self.raw("POST", "/oauth/token", data={**form, **more})


@dataclass
class Reply_:  # noqa: N801 - the wire's Reply has the better name taken
    """An answer, read to its end."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def registry_of(
    wire: Wire,
    clock: PushedClock,
    meter: PrometheusMeter,
    *,
    livemode: bool = False,
    leave: Mapping[str, str] | None = None,
) -> Registry:
    """One office, one application and one enquiry. `leave`: operation -> the purpose a citizen must have allowed."""
    policy = Policy(max_rps=50.0, max_concurrency=64, max_waiting=512)
    settings = Settings("http://office.example")
    operations = operations_of(Driver)
    takes = Forwarding(max_bytes=300_000, max_total_bytes=400_000, media_types=("application/pdf", "image/png"))
    offer = Offer("licence", "APPLICATION", "submit", {"en": "Licence"}, LICENCE_FORM)
    manifest = Manifest(
        name="office", kind="office", version="1", protocol="json", title={"en": "Office"}, summary="",
        quality={"certified": "1 2026-11-20"},
        documents=takes, offers={"licence": offer, **_wanting(leave or {})},
    )  # fmt: skip
    guarded = Guarded(
        "office", Driver(wire, settings), operations, policy, clock=clock, chance=SystemChance(), meter=meter,
        leave=manifest.leave,
    )  # fmt: skip
    agency = Agency(
        id="office", kind="office", driver="tests.office", title=OFFICE, enabled=True, livemode=livemode,
        settings=settings, policy=policy, operations=operations, manifest=manifest, guarded=guarded,
        capabilities=("submits", "tracks", "finds", "looks_up"), poll=Poll(every_s=60.0),
    )  # fmt: skip
    permit = Service(
        id="office.permit", title={"en": "Permit", "or": "ଅନୁମତି", "hi": "अनुमति"}, description={"en": "A permit"},
        kind="APPLICATION", agencies=("office",), offer="permit", operation="submit", form=_form(PERMIT_FORM),
        category="permits", time_limit=TimeLimit(30, "DAY", {"en": "complete application"}),
        documents=({"en": "Proof of address"},),
    )  # fmt: skip
    bill = replace(
        permit, id="office.bill", title={"en": "Bill"}, description={"en": "What is due"},
        kind="ENQUIRY", operation="lookup", form=_form(BILL_FORM),
        documents=(), time_limit=None,
    )  # fmt: skip
    dues = replace(bill, id="office.dues", title={"en": "Dues"}, operation="bill", form=_form(DUES_FORM))
    proof = replace(dues, id="office.proof", title={"en": "Proof"}, form=_form(PROOF_FORM))
    licence = replace(
        permit, id="office.licence", title={"en": "Licence"}, description={"en": "For a shop"}, offer="licence",
        form=_form(LICENCE_FORM),
    )  # fmt: skip
    services = {service.id: service for service in (permit, bill, dues, proof, licence)}
    return Registry(City("Testpur", "Asia/Kolkata"), {"office": agency}, services, "digest")


def _wanting(leave: Mapping[str, str]) -> dict[str, Offer]:
    """Offers that want the citizen's consent: `permit` for its submission, its enquiries for `lookup`."""
    names = {"submit": ("permit", "APPLICATION"), "lookup": ("permit", "ENQUIRY")}
    return {
        names[operation][0]: Offer(names[operation][0], names[operation][1], operation, OFFICE, {}, consent=purpose)
        for operation, purpose in leave.items()
    }


def _form(form: Mapping[str, Any]) -> Mapping[str, Any]:
    return Form(form)


@asynccontextmanager
async def running_town(
    store: Store, *, limits: Limits = GENEROUS, around: Callable[[Desk], Any] = lambda desk: desk, **changes: Any
) -> AsyncIterator[Town]:
    """A town on an open store; `around` puts something before the desk, `changes` replace fields of ApiParts."""
    clock, office, meter = PushedClock(), Office(), PrometheusMeter()
    registry = registry_of(
        office, clock, meter, livemode=changes.pop("livemode", False), leave=changes.pop("leave", None)
    )
    signer = changes.pop("signer", None) or Signer.generate()
    consents = Consents(store, signer, clock, SystemChance(), Pairwise(bytes(32)).of)
    me = await worker.boot(store, clock, SystemChance())
    desktop = Desktop(store, Vault(bytes(32)), clock, SystemChance(), me, consents)
    stream = Stream(store, clock)
    delivery = Delivery(desktop, lambda: registry, stream)
    inbox = Inbox(desktop, lambda: registry, stream, Post())
    vault, keys = Vault(bytes(32)), changes.pop("keys", None)
    ring = KeyRing(vault, KeyFile(keys), clock, SystemChance()) if keys else None
    citizens = furnished(
        store, ring or VaultSeals(vault), Pairwise(bytes(32)), lambda: registry, clock=clock, chance=SystemChance()
    )
    citizens = replace(citizens, messages=Mailbag())
    portals = Portals(store, clock, SystemChance())
    scanner = changes.pop("scanner", None) or SandboxScanner()
    parts = ApiParts(
        worklist=Worklist(desktop, stream, delivery.nudge, {"orphan": OrphanDecider()}),
        switches=Switches(desktop, lambda: registry, stream, delivery.nudge),
        desk=around(Desk(desktop, lambda: registry, stream, delivery, signer)),
        receipts=Rebuilding(desktop, lambda: registry, stream, signer),
        enquire=enquire, registry=lambda: registry, stream=stream, portals=portals, citizens=citizens, signer=signer,
        documents=DocumentShelf(store, Vault(bytes(32)), clock, SystemChance(), scanner),
        drafts=Drafts(store, Vault(bytes(32)), clock, SystemChance()),
        clock=clock, chance=SystemChance(), say=say, meter=meter, limits=limits, links=SandboxLinks(LINKS),
        plain_routes=[*ops_routes(Readiness(store.health), meter), *callback_routes(inbox, clock)],
    )  # fmt: skip
    if ring is not None:
        parts = replace(parts, privacy=private(store, vault, ring, consents, clock))
    parts = replace(parts, **changes)
    app = make_app(parts)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(registry.agencies["office"].guarded.close)
        server = await listen(app, app[DOOR], host="127.0.0.1", port=0, drain_s=0.2)
        stack.push_async_callback(server.close)
        stack.push_async_callback(delivery.stop)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        town = Town(parts, clock, office, store, delivery, inbox, server, http, await _registered(portals), {})
        for name in town.secrets:
            got = await town.token(name)
            assert got.status == 200, got.body
            town.tokens[name] = got.json["access_token"]
        yield town


def private(store: Store, vault: Vault, ring: KeyRing, consents: Consents, clock: Clock) -> PrivacyRoom:
    """The room of consents, looks and being forgotten."""
    return PrivacyRoom(
        consents, Accesses(store, clock, SystemChance(), Pairwise(bytes(32)).of), Erasure(store, ring, vault, clock),
        Assistances(store, ring, clock, SystemChance()),
    )  # fmt: skip


async def _registered(portals: Portals) -> dict[str, NewSecret]:
    return {
        "one": await portals.add("One", contact="a@one.example", scopes=SCOPES, origins=["https://one.example"]),
        "two": await portals.add("Two", contact="a@two.example", scopes=SCOPES),
        "reader": await portals.add("Reader", contact="a@reader.example", scopes=["services.read"]),
    }


DEVICE = "device-of-this-citizen-01"


async def begin(town: Town, mobile: str, *, portal: str = "one", device: str = DEVICE, **more: Any) -> Reply_:
    """Asks for a code."""
    body = {"purpose": "LOGIN", "mobile": mobile, "device": device, **more}
    return await town.ask("POST", "/sessions", portal=portal, json=body)


async def give(town: Town, session_id: str, code: str, *, portal: str = "one", device: str = DEVICE) -> Reply_:
    """Gives a code."""
    path = f"/sessions/{session_id}/verifications"
    return await town.ask("POST", path, portal=portal, json={"code": code, "device": device})


async def logged_in(town: Town, mobile: str, *, portal: str = "one", name: str = "") -> dict[str, Any]:
    """A citizen's session, opened by code; its token is known to the town under `name` or the mobile."""
    session_id = (await begin(town, mobile, portal=portal)).json["session_id"]
    got = await give(town, session_id, town.codes.code(f"+91{mobile}"), portal=portal)
    assert got.status == 200, got.body
    town.tokens[name or mobile] = got.json["access_token"]
    return got.json


async def confirmation(town: Town, token: str, purpose: str, to: str, **more: Any) -> str:
    """A session of a citizen whose code was given for one thing."""
    body = {"purpose": purpose, "device": DEVICE, **more}
    began = await town.ask("POST", "/sessions", portal=token, json=body)
    assert began.status == 201, began.body
    got = await town.ask(
        "POST", f"/sessions/{began.json['session_id']}/verifications", portal=token,
        json={"code": town.codes.code(to), "device": DEVICE},
    )  # fmt: skip
    assert got.status == 200, got.body
    return began.json["session_id"]


async def later(town: Town, seconds: float) -> None:
    """Time goes by, and the portals get new tokens as they would."""
    town.clock.push(seconds)
    for name in town.secrets:
        town.tokens[name] = (await town.token(name)).json["access_token"]
