"""Search over the catalogue in use, with the editors' files from beside it."""

import gc

from aggregator.discovery.catalogue.live import LiveCatalogue
from aggregator.discovery.search.desk import SearchDesk
from aggregator.discovery.search.live import LiveSearch, lexicon_beside
from aggregator.discovery.search.unanswered import Queue
from aggregator.registry.agency import Registry
from aggregator.sdk.clock import Clock
from aggregator.settings import Settings

LOOK_S = 5.0
MODEL = "AGGREGATOR_SEARCH_MODEL"
"""`on`: the extra [semantic] takes part, where it is installed."""
VECTORS = "search_vectors.npz"


def search_of(
    settings: Settings, catalogue: LiveCatalogue, registry: Registry, clock: Clock
) -> tuple[LiveSearch, SearchDesk]:
    """The search, not built yet (`keep_search` does), and its counter. The lexicon lies beside the facts."""
    place = registry.catalogue
    beside = place.folder if place is not None else settings.registry_path.parent / "catalogue" / "facts"
    # Asked for by name: the model takes a minute of one core at the first start and its memory for good.
    vectors = settings.data_dir / VECTORS if settings.env.get(MODEL) == "on" else None
    live = LiveSearch(lambda: catalogue.current, lexicon_beside(beside), vectors=vectors)
    return live, SearchDesk(live, clock, Queue(settings.data_dir))


async def keep_search(live: LiveSearch, clock: Clock) -> None:
    """Builds the search soon after the start and again whenever the catalogue or the editors' files changed.

    Soon, and not at once: a start has better things to do, and whoever searches earlier has it built for them.
    """
    while True:
        await clock.sleep(LOOK_S)
        before = live.current
        await live.refresh()
        await live.deepen()
        if live.current is not before:
            # What lives as long as the city is not walked again and again: a full collection would stop everybody.
            gc.freeze()
