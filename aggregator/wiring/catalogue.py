"""The catalogue's facts at start and at every change: told of once, and never a reason for calls to stop."""

import logging

from aggregator.discovery.catalogue.live import LiveCatalogue
from aggregator.discovery.catalogue.load import Reading
from aggregator.registry.live import Live
from aggregator.registry.problems import RegistryRefused

log = logging.getLogger(__name__)


async def catalogue_of(live: Live) -> LiveCatalogue:
    """The catalogue of the registry's folder. Raises RegistryRefused at start when its rule refuses the facts."""
    catalogue = LiveCatalogue(lambda: live.current)
    _tell(await catalogue.reload())
    return catalogue


async def take_over_facts(catalogue: LiveCatalogue) -> None:
    """Changed facts are taken over, or refused and the former kept."""
    try:
        reading = await catalogue.reload()
    except RegistryRefused as error:
        log.warning("catalogue.refused", extra={"problems": len(error.problems)})
    else:
        _tell(reading)


def _tell(reading: Reading) -> None:
    extra = {"entries": len(reading.facts.entries), "left_out": reading.broken}
    if reading.broken:
        log.warning("catalogue.entries_left_out", extra=extra)
    else:
        log.info("catalogue.loaded", extra=extra)
