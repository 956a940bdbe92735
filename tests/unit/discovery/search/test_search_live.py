"""The search follows the catalogue and the editors' files, and nobody waits for it but the very first."""

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aggregator.discovery.catalogue.compose import Offers, compose
from aggregator.discovery.catalogue.load import read
from aggregator.discovery.catalogue.model import Catalogue
from aggregator.discovery.search import live as live_module
from aggregator.discovery.search.live import LiveSearch

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return compose(read(ROOT / "catalogue" / "facts").facts, Offers({}, {}))


@pytest.fixture
def lexicon(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "catalogue" / "lexicon", tmp_path / "lexicon"))


@pytest.fixture
def live(catalogue: Catalogue, lexicon: Path) -> Iterator[LiveSearch]:
    found = LiveSearch(lambda: catalogue, lexicon)
    yield found
    found.close()


async def first(live: LiveSearch, words: str) -> str:
    found = await live.ask(words)
    return found.hits[0].item.id if found.hits else ""


async def test_an_editors_new_word_is_found_without_a_restart(live: LiveSearch, lexicon: Path) -> None:
    assert await first(live, "vroomski licence renewal") != "dl.conductor_renewal"
    (lexicon / "new.toml").write_text('[words.vroomski]\nen = "vroomski"\nalso = "conductor"\n')
    await live.refresh()
    assert await first(live, "vroomski licence renewal") == "dl.conductor_renewal"


async def test_an_unchanged_catalogue_is_not_built_again(live: LiveSearch) -> None:
    assert await live.refresh() is await live.refresh()


async def test_while_a_new_search_is_built_the_old_one_answers(
    live: LiveSearch, lexicon: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await live.refresh()
    held = _held(monkeypatch)
    (lexicon / "new.toml").write_text('[words.vroomski]\nen = "vroomski"\n')
    building = asyncio.create_task(live.refresh())
    await asyncio.sleep(0)
    assert await asyncio.wait_for(first(live, "electricity bill payment"), 5) == "electricity.bill_payment"
    assert not building.done()
    held()
    await building


async def test_a_broken_file_costs_its_words_and_not_the_search(live: LiveSearch, lexicon: Path) -> None:
    (lexicon / "elsewhere.toml").write_text("[words.train\n")
    await live.refresh()
    assert await first(live, "bijli bill") == "electricity.bill_payment"


def _held(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Building waits until the returned function is called."""
    gate, build = threading.Event(), live_module.build

    def slow(catalogue: Catalogue, folder: Path) -> object:
        gate.wait(10)
        return build(catalogue, folder)

    monkeypatch.setattr(live_module, "build", slow)
    return gate.set
