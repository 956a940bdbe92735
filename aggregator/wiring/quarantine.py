"""The database is compared with its watermark before this process writes anything else."""

import logging

from aggregator.cases import quarantine
from aggregator.registry.agency import Registry
from aggregator.sdk.clock import Chance, Clock, new_id
from aggregator.settings import Settings
from aggregator.store import Store, StoreUnavailable
from aggregator.store.watermark import Keeper, Mark, Unreadable, Watermark

log = logging.getLogger(__name__)


async def compared(store: Store, settings: Settings, registry: Registry, clock: Clock, chance: Chance) -> Keeper:
    """The keeper of the watermark from now on; the quarantine is in the database if one is needed.

    Raises StoreUnavailable, also when the watermark's folder cannot be written: without it nothing may be sent.
    """
    watermark = Watermark(settings.watermark)
    name = new_id("clu", clock, chance)
    keeper = Keeper(
        watermark, await quarantine.examine(store, await _remembered(store, watermark, registry), clock, name)
    )
    try:
        watermark.keep(keeper.mark)
    except OSError as exc:
        place = ", ".join(map(str, watermark.places))
        raise StoreUnavailable(
            f"the watermark {place} cannot be written ({exc.strerror or exc}); name its place in AGGREGATOR_WATERMARK"
        ) from exc
    store.beside(keeper, quarantine.reexamine(store.lineage, lambda: keeper.mark, clock))
    return keeper


async def _remembered(store: Store, watermark: Watermark, registry: Registry) -> Mark | str | None:
    try:
        found = watermark.remembered()
    except Unreadable as exc:
        log.warning("watermark.unreadable", extra={"why": str(exc)})
        return "mark_unreadable"
    except OSError as exc:
        raise StoreUnavailable(f"the watermark cannot be read: {exc.filename} ({exc.strerror})") from exc
    if found is None or any(agency.livemode for agency in registry.agencies.values()):
        return found
    known = await store.read("select value from setting where name in ('cluster', 'epoch')")
    if not known:  # a sandbox that was begun anew: its simulators forgot everything too
        log.warning("watermark.replaced", extra={"why": "a new sandbox beside the mark of an old one"})
        return None
    return found
