"""What goes on in the background for as long as the city runs."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from aggregator.api.tls import CERTIFICATE
from aggregator.cases import worker
from aggregator.cases.keys import forget_old
from aggregator.cases.watchdog import open_work, unexplained
from aggregator.citizens.reseal import Resealing
from aggregator.ops.certificates import LOOK_S
from aggregator.registry.problems import RegistryRefused
from aggregator.store import StoreUnavailable
from aggregator.wiring.catalogue import take_over_facts
from aggregator.wiring.city import City
from aggregator.wiring.forms import look_through
from aggregator.wiring.payments import show_held
from aggregator.wiring.search import keep_search

SWEEP_S = 2.0
WATCHDOG_S = 10.0
TIDY_S = 3600.0

log = logging.getLogger(__name__)


def background(city: City) -> list[Callable[[], Coroutine[Any, Any, None]]]:
    return [
        city.delivery.run,
        city.reconciliation.run,
        city.tracking.run,
        city.inbox.run,
        city.payments.cashier.run,
        city.payments.daily.run,
        city.quarantine.run,
        city.rate_parts.run,
        city.soundness.run,
        city.adoption.run,
        city.audit.run,
        city.privacy.accesses.run,
        city.privacy.erasure.run,
        city.privacy.tell,
        Resealing(city.store, city.envelopes, city.clock).run,
        lambda: _keep_house(city),
        lambda: keep_search(city.search, city.clock),
        lambda: _watch(city),
        lambda: look_through(city.shelf, city.drafts, city.clock),
        lambda: _tidy(city),
        lambda: _certificates(city),
    ]


async def _keep_house(city: City) -> None:
    """Takes over a changed registry, and puts what dead workers left behind in doubt."""
    me = city.delivery.worker
    while True:
        await city.clock.sleep(SWEEP_S)
        if city.live.changed():
            await _take_over(city)
        if city.catalogue.changed():
            await take_over_facts(city.catalogue)
        with suppress(StoreUnavailable):
            await city.people.switches.apply()
            await worker.sweep(city.store, city.live.current, me, city.clock)


async def _tidy(city: City) -> None:
    """Forgets, once an hour, what has had its time."""
    while True:
        with suppress(StoreUnavailable):
            await city.inbox.tidy()
            await forget_old(city.store, city.clock)
            await city.citizens.sessions.tidy()
            await city.citizens.link_codes.tidy()
            await city.citizens.allowances.tidy()
        await city.clock.sleep(TIDY_S)


async def _certificates(city: City) -> None:
    """Looks, once an hour, at when what we are shown and what we show ends."""
    while True:
        pinned = {
            name: [*agency.settings.secrets.values(), agency.trust.ca_pem]
            for name, agency in city.registry().agencies.items()
        }
        own = str(city.settings.env.get(CERTIFICATE, ""))
        await asyncio.to_thread(city.certificates.look, pinned, own)
        await city.clock.sleep(LOOK_S)


async def _take_over(city: City) -> None:
    try:
        await city.live.reload()
    except RegistryRefused as error:
        log.warning("registry.refused", extra={"problems": len(error.problems)})
    else:
        log.info("registry.reloaded", extra={"digest": city.live.current.digest[:12]})


async def _watch(city: City) -> None:
    """Keeps the gauges operators look at; `unexplained` must be 0."""
    while True:
        with suppress(StoreUnavailable):
            city.meter.gauge("unexplained", "", len(await unexplained(city.store, city.clock)))
            await show_held(city.store, city.registry(), city.meter)
            for agency in city.registry().agencies:
                city.meter.gauge("quarantined", agency, city.quarantine.shuts(agency))
                city.meter.gauge("quarantine_waiting", agency, city.quarantine.standing.waiting.get(agency, 0))
                for name, value in (await open_work(city.store, city.clock, agency)).items():
                    city.meter.gauge(name, agency, value)
        await city.clock.sleep(WATCHDOG_S)
