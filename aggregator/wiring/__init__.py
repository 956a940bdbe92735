"""The only room that knows everything: settings -> one running graph of objects.

What is started here is stopped here, in the opposite order; a background task that ends by a fault ends the
process, because a city whose deliverer is silently gone is worse than one that restarts.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from math import inf

from aggregator import texts
from aggregator.api.app import ApiParts, make_app
from aggregator.api.callbacks import callback_routes
from aggregator.api.event_schemas import EVENT_SCHEMA_ROUTES
from aggregator.api.payment_routes import payment_return_routes
from aggregator.api.proxies import Proxies
from aggregator.api.search_view import ListedBySearch
from aggregator.cases import worker
from aggregator.cases.adoption import Adoption
from aggregator.cases.attempt import Desktop
from aggregator.cases.deliver import Delivery
from aggregator.cases.desk import Desk
from aggregator.cases.enquire import enquire
from aggregator.cases.inbox import Inbox
from aggregator.cases.mailbox import Post
from aggregator.cases.quarantine import Quarantine
from aggregator.cases.rate_parts import RateParts
from aggregator.cases.rate_turns import RateTurns
from aggregator.cases.rebuild import Rebuilding
from aggregator.cases.reconcile import Reconciliation
from aggregator.cases.track import Tracking
from aggregator.citizens.accesses import Accesses
from aggregator.citizens.consents import Consents
from aggregator.citizens.envelopes import KeyedEnvelopes
from aggregator.citizens.links import Links, LinksWhile, SandboxLinks
from aggregator.citizens.pairwise import Pairwise
from aggregator.citizens.portals import Portals
from aggregator.citizens.privacy import Ground
from aggregator.citizens.room import furnished
from aggregator.discovery.drafts import Drafts
from aggregator.feed.audit import Audit
from aggregator.feed.stream import Stream
from aggregator.ops.certificates import Certificates
from aggregator.ops.health import Readiness, ops_routes
from aggregator.ops.metrics import PrometheusMeter
from aggregator.ops.soundness import Soundness
from aggregator.registry.live import Live
from aggregator.registry.load import Parts
from aggregator.resilience.share import NOTHING, Share
from aggregator.sdk.clock import Chance, Clock, SystemChance, SystemClock
from aggregator.settings import Settings
from aggregator.store import open_store
from aggregator.wiring.breakers import Breakers
from aggregator.wiring.catalogue import catalogue_of
from aggregator.wiring.city import City
from aggregator.wiring.forms import shelf_of
from aggregator.wiring.house import background
from aggregator.wiring.keys import signer_of, vault_keys, vault_of
from aggregator.wiring.payments import payments_of
from aggregator.wiring.people import people
from aggregator.wiring.privacy import key_ring, privacy_room
from aggregator.wiring.quarantine import compared
from aggregator.wiring.search import search_of
from aggregator.wiring.tasks import ended, watched
from aggregator.wiring.wires import make_wire

__all__ = ["City", "make_wire", "running"]


@asynccontextmanager
async def running(
    settings: Settings, *, clock: Clock | None = None, chance: Chance | None = None
) -> AsyncIterator[City]:
    """A city from settings, working until the block ends.

    Raises RegistryRefused, StoreUnavailable, SchemaTooNew, KeyRefused before anything is served.
    """
    async with AsyncExitStack() as stack:
        city = await _built(settings, clock or SystemClock(), chance or SystemChance(), stack)
        for work in background(city):
            stack.push_async_callback(ended, asyncio.create_task(watched(work, city.failed)))
        stack.push_async_callback(city.delivery.stop)
        yield city


async def _built(settings: Settings, clock: Clock, chance: Chance, stack: AsyncExitStack) -> City:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    known = vault_keys(settings, chance)
    vault, names = vault_of(settings, known), Pairwise(known[0])
    store = open_store(settings.database_url, clock=clock)
    await store.open()
    stack.push_async_callback(store.close)
    keys = await key_ring(settings, store, vault, clock, chance)
    envelopes = KeyedEnvelopes(vault, keys, chance)
    stream = Stream(store, clock)
    meter = PrometheusMeter()
    certificates = Certificates(meter, clock)
    post = Post()
    breakers = Breakers(store, stream, stack)
    share = Share(clock, NOTHING, until=-inf, turns=RateTurns(store, clock))
    live = await _live(
        settings,
        Parts(
            clock=clock,
            chance=chance,
            meter=meter,
            make_wire=partial(make_wire, seen=certificates.seen, refused=certificates.refused),
            on_breaker=breakers.turned,
            mailbox=post.of,
            part=share,
        ),
    )
    stack.push_async_callback(live.aclose)
    keeper = await compared(store, settings, live.current, clock, chance)
    catalogue = await catalogue_of(live)
    search, counter = search_of(settings, catalogue, live.current, clock)
    stack.callback(search.close)
    me = await worker.boot(store, clock, chance)
    keeper.epoch = me.epoch
    await worker.sweep(store, live.current, me, clock)
    rate_parts = RateParts(store, me.id, share, clock, partial(meter.gauge, "rate_share", ""))
    stack.push_async_callback(rate_parts.leave)
    await rate_parts.join()
    signer = await signer_of(store, vault)
    consents = Consents(store, signer, clock, chance, names.of)
    desktop = Desktop(store, envelopes, clock, chance, me, consents)
    quarantine = Quarantine(desktop, lambda: live.current, stream)
    await quarantine.glance()
    delivery = Delivery(desktop, lambda: live.current, stream)
    desk = Desk(desktop, lambda: live.current, stream, delivery, signer)
    payments = payments_of(desktop, lambda: live.current, stream, delivery, signer)
    folk = people(desktop, live, stream, delivery, payments.deciders)
    await folk.switches.apply()
    portals = Portals(store, clock, chance)
    citizens = furnished(store, keys, names, lambda: live.current, clock=clock, chance=chance)
    accesses = Accesses(store, clock, chance, names.of)
    privacy = await privacy_room(
        Ground(store, keys, envelopes, citizens, texts.say, clock, chance), keys, consents, accesses
    )
    stack.push_async_callback(citizens.messages.close)
    drafts = Drafts(store, envelopes, clock, chance)
    shelf = shelf_of(settings, store, envelopes, lambda: live.current, clock, chance)
    inbox = Inbox(desktop, lambda: live.current, stream, post)
    audit = Audit(store, signer, clock, settings.checkpoints)
    failed = asyncio.Event()
    soundness = Soundness(store.integrity_check, clock)
    ready = Readiness(store.health, failed.is_set, quarantine.told, soundness.told)
    api = ApiParts(
        desk=desk,
        enquire=enquire,
        registry=lambda: live.current,
        catalogue=lambda: catalogue.current,
        search=ListedBySearch(counter, texts.say),
        finder=counter,
        stream=stream,
        portals=portals,
        citizens=citizens,
        documents=shelf,
        drafts=drafts,
        signer=signer,
        clock=clock,
        chance=chance,
        say=texts.say,
        meter=meter,
        links=_sample_citizens(settings, live),
        payments=payments.counter,
        checking=quarantine.shuts,
        sandbox=True,
        base_url=settings.base_url,
        proxies=Proxies(settings.proxies),
        worklist=folk.worklist,
        switches=folk.switches,
        pages_portal=settings.pages_portal,
        audit=audit,
        privacy=privacy,
        receipts=Rebuilding(desktop, lambda: live.current, stream, signer),
        plain_routes=[
            *ops_routes(ready, meter),
            *callback_routes(inbox, clock),
            *payment_return_routes(payments.counter, texts.say),
            *EVENT_SCHEMA_ROUTES,
        ],
    )
    return City(
        settings=settings,
        clock=clock,
        chance=chance,
        store=store,
        envelopes=envelopes,
        signer=signer,
        live=live,
        catalogue=catalogue,
        search=search,
        stream=stream,
        portals=portals,
        citizens=citizens,
        shelf=shelf,
        drafts=drafts,
        meter=meter,
        certificates=certificates,
        delivery=delivery,
        reconciliation=Reconciliation(desktop, lambda: live.current, stream, delivery.nudge),
        tracking=Tracking(desktop, lambda: live.current, stream),
        inbox=inbox,
        quarantine=quarantine,
        rate_parts=rate_parts,
        soundness=soundness,
        adoption=Adoption(desktop, lambda: live.current),
        desk=desk,
        payments=payments,
        people=folk,
        audit=audit,
        privacy=privacy,
        app=make_app(api),
        failed=failed,
    )


async def _live(settings: Settings, parts: Parts) -> Live:
    live = Live(settings.registry_path, parts, env=settings.env, sandbox_urls=settings.sandbox_urls)
    await live.reload()
    return live


def _sample_citizens(settings: Settings, live: Live) -> Links:
    """The sandbox's citizens, from beside the registry; nobody's as soon as one agency is live. Raises BadLinks."""
    samples = SandboxLinks.read(settings.registry_path.parent / "sandbox" / "citizens.toml")
    return LinksWhile(samples, lambda: not any(agency.livemode for agency in live.current.agencies.values()))
