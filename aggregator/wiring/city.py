"""Everything that runs, by name."""

import asyncio
from dataclasses import dataclass

from aiohttp import web

from aggregator.cases.adoption import Adoption
from aggregator.cases.deliver import Delivery
from aggregator.cases.desk import Desk
from aggregator.cases.inbox import Inbox
from aggregator.cases.quarantine import Quarantine
from aggregator.cases.rate_parts import RateParts
from aggregator.cases.reconcile import Reconciliation
from aggregator.cases.track import Tracking
from aggregator.citizens.documents.shelf import DocumentShelf
from aggregator.citizens.envelopes import Envelopes
from aggregator.citizens.portals import Portals
from aggregator.citizens.privacy import PrivacyRoom
from aggregator.citizens.room import CitizenRoom
from aggregator.discovery.catalogue.live import LiveCatalogue
from aggregator.discovery.drafts import Drafts
from aggregator.discovery.search.live import LiveSearch
from aggregator.feed.audit import Audit
from aggregator.feed.stream import Stream
from aggregator.ops.certificates import Certificates
from aggregator.ops.metrics import PrometheusMeter
from aggregator.ops.soundness import Soundness
from aggregator.registry.agency import Registry
from aggregator.registry.live import Live
from aggregator.sdk.auth import Signer
from aggregator.sdk.clock import Chance, Clock
from aggregator.settings import Settings
from aggregator.store import Store
from aggregator.wiring.payments import Payments
from aggregator.wiring.people import People


@dataclass(frozen=True, slots=True)
class City:
    """Everything that runs. `failed` is set when a background task ended by a fault."""

    settings: Settings
    clock: Clock
    chance: Chance
    store: Store
    envelopes: Envelopes
    signer: Signer
    live: Live
    catalogue: LiveCatalogue
    search: LiveSearch
    stream: Stream
    portals: Portals
    citizens: CitizenRoom
    shelf: DocumentShelf
    drafts: Drafts
    meter: PrometheusMeter
    certificates: Certificates
    delivery: Delivery
    reconciliation: Reconciliation
    tracking: Tracking
    inbox: Inbox
    quarantine: Quarantine
    rate_parts: RateParts
    soundness: Soundness
    adoption: Adoption
    desk: Desk
    audit: Audit
    privacy: PrivacyRoom
    payments: Payments
    people: People
    app: web.Application
    failed: asyncio.Event

    def registry(self) -> Registry:
        """The registry in use now."""
        return self.live.current
