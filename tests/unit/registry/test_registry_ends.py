"""What is over by itself: the offers that say so, and the moment they mean."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from aggregator.cases.opening import _end_ms
from aggregator.registry.agency import Offer

FORM = {"properties": {"date": {"type": "string"}, "to": {"type": "string"}}}
OFFER = Offer("hall", "BOOKING", "book", {"en": "Hall"}, FORM)


@pytest.mark.parametrize(
    ("field", "form", "ends"),
    [
        ("", {"date": "2026-03-01"}, None),
        ("date", {}, None),
        ("date", {"date": "2026-03-01"}, datetime(2026, 3, 1, 18, 30, tzinfo=UTC)),  # midnight in India
        ("to", {"to": "2026-03-01T20:00:00+05:30"}, datetime(2026, 3, 1, 14, 30, tzinfo=UTC)),
        ("to", {"to": "2026-03-01T20:00"}, datetime(2026, 3, 1, 14, 30, tzinfo=UTC)),
    ],
)
def test_a_wish_is_over_when_its_own_day_or_moment_is(field: str, form: dict[str, str], ends: datetime | None) -> None:
    offers = {"hall": replace(OFFER, ends_with=field)}
    agency = SimpleNamespace(manifest=SimpleNamespace(offers=offers))
    found = _end_ms(agency, SimpleNamespace(offer="hall"), form)
    assert found == (None if ends is None else ends.timestamp() * 1000)


def test_the_offers_that_end_by_themselves_name_a_field_of_their_form() -> None:
    written = [path.read_text("utf-8") for path in Path(__file__).parents[3].glob("adapters/*/*/adapter.toml")]
    assert sum(text.count("ends_with") for text in written) == 4
