"""One simulated answerer per test."""

import pytest
from open311_city import City


@pytest.fixture
def city() -> City:
    return City()
