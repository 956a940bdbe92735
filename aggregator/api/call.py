"""One request on its way through: who asks, in which language, with what; and how far it got.

Handlers are given a `Call` and give back an `Answer`; they see no HTTP library.
"""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from aggregator.api.auth import Caller
from aggregator.api.citizen_tokens import CitizenTokens
from aggregator.api.cursor import Cursors
from aggregator.api.downloads import Downloads
from aggregator.api.headers import Patience
from aggregator.api.limits import Buckets, Limits, Standing
from aggregator.api.ports import (
    DeskPort,
    Enquire,
    Everything,
    Meter,
    PaymentsPort,
    ReceiptsPort,
    StreamPort,
    SwitchPort,
    WorklistPort,
)
from aggregator.api.problem import Problem, Progress, Says
from aggregator.api.route import Route
from aggregator.citizens.documents.lockers import Lockers
from aggregator.citizens.documents.shelf import DocumentShelf
from aggregator.citizens.links import Links
from aggregator.citizens.privacy import PrivacyRoom
from aggregator.citizens.room import CitizenRoom
from aggregator.discovery.browse import Search
from aggregator.discovery.catalogue.model import Catalogue
from aggregator.discovery.drafts import Drafts
from aggregator.discovery.search.desk import Finder
from aggregator.feed.audit import Audit
from aggregator.registry.agency import Agency, Registry, Service
from aggregator.sdk.clock import Clock

T = TypeVar("T")
V = TypeVar("V")
GLANCE_S = 1.0
"""How often a long poll looks whether its caller is still there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """What handlers may call."""

    desk: DeskPort
    enquire: Enquire
    registry: Callable[[], Registry]
    catalogue: Callable[[], Catalogue]
    search: Search
    finder: Finder
    stream: StreamPort
    clock: Clock
    say: Says
    meter: Meter
    cursors: Cursors
    buckets: Buckets
    limits: Limits
    seen: "Shelf[Seen]"
    everything: Everything
    links: Links
    downloads: Downloads
    documents: DocumentShelf
    lockers: Lockers
    drafts: Drafts
    checking: Callable[[str], bool]
    citizens: CitizenRoom
    citizen_tokens: CitizenTokens
    worklist: WorklistPort | None = None
    switches: SwitchPort | None = None
    audit: Audit | None = None
    privacy: PrivacyRoom | None = None
    payments: PaymentsPort | None = None
    receipts: ReceiptsPort | None = None


def nobody(_agency: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Seen:
    """A case as it was just shown. `until` is on the monotonic clock."""

    version: int
    body: bytes
    etag: str
    until: float


class Shelf(Generic[V]):
    """A bounded memory of encoded answers; the oldest goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[Any, V] = {}

    def get(self, key: Any) -> V | None:
        return self._kept.get(key)

    def put(self, key: Any, value: V) -> V:
        if len(self._kept) >= self._most:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = value
        return value


class Waiting:
    """Callers who only wait. A waiting one costs a task and no work, so it does not count as a request in flight."""

    def __init__(self, most: int, moved: Callable[[int], None]) -> None:
        self._most = most
        self._moved = moved
        self._now = 0

    def __enter__(self) -> bool:
        """Whether there is room; who finds none is answered at once with what is known."""
        admitted = self._now < self._most
        self._now += 1
        self._moved(-1)
        return admitted

    def __exit__(self, *_exc: object) -> None:
        self._now -= 1
        self._moved(1)


@dataclass(slots=True, kw_only=True)
class Call:
    """One authenticated, authorised, decoded request."""

    rooms: Rooms
    route: Route
    params: Mapping[str, str]
    query: Any
    body: Any
    caller: Caller
    language: str
    origin: str
    key: str
    patience: Patience
    if_none_match: str
    if_match: str
    address: str
    """Where the connection comes from."""
    progress: Progress
    gone: Callable[[], bool]
    """Whether the caller has hung up."""
    standings: list[Standing]
    waiting: "Waiting"

    def say(self, key: str, **args: str) -> str:
        return self.rooms.say(key, self.language, **args)

    def now(self) -> datetime:
        return self.rooms.clock.now()

    def titled(self, words: Mapping[str, str]) -> str:
        """The caller's language of a title, else English."""
        return words.get(self.language) or words.get("en", "")

    def agency_title(self, agency_id: str) -> str:
        """What people call the agency; its id when the registry no longer has it."""
        agency = self.rooms.registry().agencies.get(agency_id)
        return self.titled(agency.title) if agency is not None else agency_id

    def service(self) -> Service:
        """The service of the path. Raises Problem not-found."""
        asked = self.params["service_id"]
        service = self.rooms.registry().services.get(asked) or self.offered_as(asked)
        if service is None:
            raise Problem("not-found")
        return service

    def offered_as(self, service_id: str) -> Service | None:
        """The registry's service that is this entry of the catalogue under another id."""
        entry = self.rooms.catalogue().entry(service_id)
        return None if entry is None else entry.own

    def case_service(self, service_id: str) -> str:
        """The id under which the registry opens cases of it; as it was asked when there is none."""
        found = None if service_id in self.rooms.registry().services else self.offered_as(service_id)
        return service_id if found is None else found.id

    def agency(self) -> Agency:
        """The agency of the path. Raises Problem not-found."""
        agency = self.rooms.registry().agencies.get(self.params["agency_id"])
        if agency is None:
            raise Problem("not-found")
        return agency

    def budget(self, standing: Standing, code: str, agency: str = "") -> None:
        """Shows a standing in the answer's headers. Raises the problem `code` when it was not admitted."""
        self.standings.append(standing)
        if standing.wait_s > 0:
            about = {"agency": self.agency_title(agency)} if agency else {}
            raise Problem(code, retry_after_s=standing.wait_s, agency=agency, about=about)

    def fingerprint(self) -> str:
        """SHA-256 of the canonical request: the same content in other bytes is the same, another path is not."""
        place = "".join(f"{self.params[name]}\n" for name in sorted(self.params)).encode()
        return hashlib.sha256(place + msgspec.json.encode(self.body, order="deterministic")).hexdigest()

    async def while_there(self, work: Coroutine[Any, Any, T]) -> T | None:
        """The result of a long wait; None when the caller hung up meanwhile (AS-7) or too many wait already."""
        with self.waiting as admitted:
            if not admitted:
                work.close()
                return None
            task = asyncio.ensure_future(work)
            try:
                while not task.done():
                    await asyncio.wait({task}, timeout=GLANCE_S)
                    if self.gone() and not task.done():
                        return None
                return task.result()
            finally:
                task.cancel()
