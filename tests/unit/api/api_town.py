"""A town behind the real server: real desk, store, portals, door and sockets; only the office's wire is a short-cut.

Two portals hold all rights, a third one reads services only. The clock is the machine's, pushed forward by tests.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from api_offers import registry_of
from api_office import Office
from sealing import sealing

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
from aggregator.citizens.privacy import Ground, PrivacyRoom, private_room
from aggregator.citizens.rights import SCOPES
from aggregator.citizens.room import furnished
from aggregator.citizens.seals import VaultSeals
from aggregator.citizens.vault import Vault
from aggregator.discovery.drafts import Drafts
from aggregator.feed.stream import Stream
from aggregator.ops.health import Readiness, ops_routes
from aggregator.ops.metrics import PrometheusMeter
from aggregator.payments.counter import Counter
from aggregator.payments.till import Till
from aggregator.sdk.auth import Signer
from aggregator.sdk.clock import SystemChance, SystemClock
from aggregator.store import Store
from aggregator.store.keyfile import KeyFile
from aggregator.texts import say

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
    keys = changes.pop("keys", None)
    ring = KeyRing(Vault(bytes(32)), KeyFile(keys), clock, SystemChance()) if keys else None
    envelopes = changes.pop("envelopes", None) or sealing(clock, ring)
    desktop = Desktop(store, envelopes, clock, SystemChance(), me, consents)
    stream = Stream(store, clock)
    delivery = Delivery(desktop, lambda: registry, stream)
    inbox = Inbox(desktop, lambda: registry, stream, Post())
    citizens = furnished(
        store,
        ring or VaultSeals(envelopes.own),
        Pairwise(bytes(32)),
        lambda: registry,
        clock=clock,
        chance=SystemChance(),
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
        documents=DocumentShelf(store, envelopes, clock, SystemChance(), scanner),
        drafts=Drafts(store, envelopes, clock, SystemChance()),
        clock=clock, chance=SystemChance(), say=say, meter=meter, limits=limits, links=SandboxLinks(LINKS),
        plain_routes=[*ops_routes(Readiness(store.health), meter), *callback_routes(inbox, clock)],
    )  # fmt: skip
    if ring is not None:
        on = Ground(store, ring, envelopes, citizens, say, clock, SystemChance())
        parts = replace(parts, privacy=private(on, ring, consents))
    if changes.pop("paying", False):
        till = Till(desktop, lambda: registry, stream, delivery)
        parts = replace(parts, payments=Counter(till, signer))
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


def private(on: Ground, ring: KeyRing, consents: Consents) -> PrivacyRoom:
    """The room of consents, looks, being forgotten and nominees."""
    accesses = Accesses(on.store, on.clock, on.chance, Pairwise(bytes(32)).of)
    return private_room(on, consents, accesses, Erasure(on.store, ring, on.vault, on.clock))


async def _registered(portals: Portals) -> dict[str, NewSecret]:
    return {
        "one": await portals.add("One", contact="a@one.example", scopes=SCOPES, origins=["https://one.example"]),
        "two": await portals.add("Two", contact="a@two.example", scopes=SCOPES),
        "reader": await portals.add("Reader", contact="a@reader.example", scopes=["services.read"]),
    }
