"""One money town per test, on both engines in turn."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aggregator.store import Store

sys.path.insert(0, str(Path(__file__).parent))

from money_town import MoneyTown, money_town


@pytest.fixture
async def town(store: Store) -> AsyncIterator[MoneyTown]:
    made = await money_town(store)
    made.books.owe("1234")
    yield made
    await made.delivery.stop()
