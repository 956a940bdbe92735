"""The city's own catalogue and lexicon, searched as a running server searches them."""

import sys
from pathlib import Path

import pytest

from aggregator.discovery.catalogue.compose import Offers, compose
from aggregator.discovery.catalogue.load import read
from aggregator.discovery.catalogue.model import Catalogue
from aggregator.discovery.search.answer import Search
from aggregator.discovery.search.live import build

ROOT = Path(__file__).parents[2]
LEXICON = ROOT / "catalogue" / "lexicon"
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return compose(read(ROOT / "catalogue" / "facts").facts, Offers({}, {}), "")


@pytest.fixture(scope="session")
def search(catalogue: Catalogue) -> Search:
    return build(catalogue, LEXICON)
