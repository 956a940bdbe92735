"""The catalogue in use follows its files and the registry without a restart; a refused reading changes nothing."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from aggregator.discovery.catalogue.compose import Offers, compose
from aggregator.discovery.catalogue.load import FILES, Reading, read
from aggregator.discovery.catalogue.model import Catalogue, Facts
from aggregator.registry.agency import Registry

Stamp = tuple[tuple[int, int], ...]


class LiveCatalogue:
    """`current` is always a whole catalogue: a reader takes it once and uses that one."""

    def __init__(self, registry: Callable[[], Registry]) -> None:
        self._registry = registry
        self._facts = Facts()
        self._catalogue: Catalogue | None = None
        self._made_of: tuple[Facts, Registry] | None = None
        self._stamp: Stamp = ()
        self._folder: Path | None = None
        self.reading: Reading = Reading(Facts())
        """The last reading, taken over or refused."""

    @property
    def current(self) -> Catalogue:
        """Facts as last read and the registry as it is now, composed once for each pair."""
        registry = self._registry()
        made_of = self._made_of
        if self._catalogue is None or made_of is None or made_of[0] is not self._facts or made_of[1] is not registry:
            self._catalogue = compose(self._facts, Offers(registry.services, registry.agencies), registry.digest)
            self._made_of = (self._facts, registry)
        return self._catalogue

    def changed(self) -> bool:
        """Whether a file of the catalogue differs from what was last read, or the registry names another folder."""
        return self._place() != self._folder or self._look(self._folder) != self._stamp

    async def reload(self) -> Reading:
        """Reads the facts again. Raises RegistryRefused by the registry's rule, and then all is as before."""
        place = self._registry().catalogue
        self._folder = None if place is None else place.folder
        self._stamp = self._look(self._folder)
        if place is None:
            self._facts = Facts()
            return Reading(self._facts)
        self.reading = await asyncio.to_thread(read, place.folder)
        self.reading.refuse(broken=place.broken)
        self._facts = self.reading.facts
        return self.reading

    def _place(self) -> Path | None:
        place = self._registry().catalogue
        return None if place is None else place.folder

    def _look(self, folder: Path | None) -> Stamp:
        return () if folder is None else tuple(_age(folder / name) for name in FILES)


def bare(registry: Callable[[], Registry]) -> Callable[[], Catalogue]:
    """A catalogue without facts: what the registry offers, and nothing else."""
    live = LiveCatalogue(registry)
    return lambda: live.current


def _age(file: Path) -> tuple[int, int]:
    try:
        stat = file.stat()
    except OSError:
        return 0, -1
    return stat.st_mtime_ns, stat.st_size
