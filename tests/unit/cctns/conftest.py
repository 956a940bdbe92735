"""An office of the police, and an order about a request it has numbered."""

import pytest
from police_office import FORM, NUMBER, Police

from aggregator.sdk.model import Order


@pytest.fixture
def police() -> Police:
    return Police()


@pytest.fixture
def case() -> Order:
    """An order about a request they have numbered."""
    return Order("REF-1", "employee_verification", FORM, agency_reference=NUMBER)
