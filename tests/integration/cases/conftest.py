"""A town with one office: the real desk, deliverer, reconciler and store; only the wire is a short-cut.

What the office is like: permit_office.py.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from permit_office import FORM, Office, OfficeWire, driver_of
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
from aggregator.sdk.adapter import Class, Settings, operations_of
from aggregator.sdk.auth import Signer
from aggregator.sdk.clock import ManualClock, SeededChance
from aggregator.sdk.wire import Wire
from aggregator.store import Store


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
