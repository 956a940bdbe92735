"""The town of `tests/unit/api/api_town.py` for these tests."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aggregator.store import Store

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "api"))
sys.path.insert(0, str(Path(__file__).parents[1] / "integration" / "payments"))

from api_town import Town, running_town


@pytest.fixture
async def town(sqlite_store: Store) -> AsyncIterator[Town]:
    async with running_town(sqlite_store) as running:
        yield running


@pytest.fixture
async def both_towns(store: Store) -> AsyncIterator[Town]:
    """On each engine."""
    async with running_town(store) as running:
        yield running
