"""The search in use follows the catalogue and the editors' files; it is built beside the old one, in a thread.

Until a first one is built, a caller waits for it; afterwards nobody ever waits: the old one answers meanwhile. The
extra's vectors come later still, because a city must not start slower for having it.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aggregator.discovery.catalogue.model import Catalogue
from aggregator.discovery.search.answer import Found, Search
from aggregator.discovery.search.index import Index
from aggregator.discovery.search.items import items_of
from aggregator.discovery.search.lexicon import Lexicon, load
from aggregator.discovery.search.meaning import Meaning, MeaningRefused, Meanings, installed
from aggregator.discovery.search.reading import Reader

log = logging.getLogger(__name__)
NO_LEXICON = Path("no-lexicon")
"""A folder that is not there: search by the catalogue's own words."""
Stamp = tuple[tuple[str, int, int], ...]


class LiveSearch:
    """`ask` answers by the newest search that is built; `refresh` builds one when catalogue or lexicon changed."""

    def __init__(self, catalogue: Callable[[], Catalogue], lexicon: Path, *, vectors: Path | None = None) -> None:
        """`lexicon` is the editors' folder; `vectors` where the extra may keep its own, None: it is not used."""
        self._catalogue = catalogue
        self._folder = lexicon
        self._vectors = vectors
        self._search: Search | None = None
        self._made_of: tuple[Catalogue, Stamp] | None = None
        self._model: Meaning | None = None
        self._refused = False
        self._one_at_a_time = asyncio.Lock()
        # A thread of its own: building and embedding never queue behind other blocking work, nor it behind them.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="search")

    @property
    def current(self) -> Search | None:
        """The search that answers now; None before the first one is built."""
        return self._search

    async def ask(self, text: str, most: int = 20) -> Found:
        """The answer to a citizen's words. By words alone it takes about a millisecond and stays on the loop."""
        search = self._search or await self.refresh()
        if search.meanings is None:
            return search.ask(text, most)
        return await asyncio.get_running_loop().run_in_executor(self._thread, search.ask, text, most)

    async def refresh(self) -> Search:
        """The search, by words, of the catalogue and the editors' files as they are now."""
        async with self._one_at_a_time:
            made_of = (self._catalogue(), _stamp(self._folder))
            if self._search is not None and self._same(made_of):
                return self._search
            loop = asyncio.get_running_loop()
            self._search = await loop.run_in_executor(self._thread, build, made_of[0], self._folder)
            self._made_of = made_of
            return self._search

    async def deepen(self) -> None:
        """Adds the extra's part to the search in use, where it is wanted and installed. The first time takes long."""
        search = self._search
        if search is None or search.meanings is not None or self._vectors is None or self._refused or not installed():
            return
        deep = await asyncio.get_running_loop().run_in_executor(self._thread, self._with_meaning, search)
        if self._search is search:
            self._search = deep

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _same(self, made_of: tuple[Catalogue, Stamp]) -> bool:
        before = self._made_of
        return before is not None and before[0] is made_of[0] and before[1] == made_of[1]

    def _with_meaning(self, search: Search) -> Search:
        try:
            self._model = self._model or Meaning()
        except (MeaningRefused, OSError, RuntimeError) as exc:
            self._refused = True
            log.warning("search.meaning_refused", extra={"reason": type(exc).__name__})
            return search
        items = [entry.item for entry in search.index.entries]
        return Search(search.index, Meanings(self._model, items, self._vectors))


def lexicon_beside(facts: Path) -> Path:
    """The editors' folder of a catalogue whose facts are in `facts`."""
    return facts.parent / "lexicon"


def build(catalogue: Catalogue, folder: Path) -> Search:
    """A search by words alone. Slips of the editors' files are logged; `aggregator search check` shows them."""
    lexicon = load(folder)
    if lexicon.slips:
        log.warning("search.lexicon_slips", extra={"slips": len(lexicon.slips)})
    return Search(index_of(catalogue, lexicon))


def index_of(catalogue: Catalogue, lexicon: Lexicon) -> Index:
    return Index(items_of(catalogue, lexicon), Reader(lexicon))


def _stamp(folder: Path) -> Stamp:
    found = []
    for file in sorted(folder.glob("*.toml")):
        try:
            stat = file.stat()
        except OSError:
            continue
        found.append((file.name, stat.st_mtime_ns, stat.st_size))
    return tuple(found)
