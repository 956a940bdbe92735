"""Events have no field for personal data, and positions that are not ours are told from ours."""

import json
from datetime import UTC, datetime

import jsonschema_rs
import pytest

from aggregator.feed.events import NewEvent, PersonalField, cloud_event, event_id, seq_of
from aggregator.feed.schemas import EVENTS, schema_of

AT = datetime(2026, 1, 15, 4, 30, tzinfo=UTC)


def test_an_event_is_a_cloudevent_with_a_sortable_id() -> None:
    event = json.loads(cloud_event(42, NewEvent(type="case.accepted", at=AT, case_id="case_1", data={"kind": "X"})))
    assert event["specversion"] == "1.0"
    assert event["id"].startswith("0000000000042-")
    assert event["time"] == "2026-01-15T04:30:00.000Z"
    assert event["type"] == "in.gov.odisha.city.case.accepted.v1"


def test_a_field_that_could_carry_a_name_is_refused() -> None:
    with pytest.raises(PersonalField):
        cloud_event(1, NewEvent(type="case.accepted", at=AT, data={"name": "Test Citizen"}))


def test_every_event_type_has_a_schema_for_its_readers() -> None:
    for name in EVENTS:
        schema = schema_of(name)
        assert schema is not None
        jsonschema_rs.Draft202012Validator(schema)
        assert schema["additionalProperties"] is False
    assert schema_of("case.of-a-citizen") is None


def test_a_type_nobody_declared_cannot_be_logged() -> None:
    with pytest.raises(KeyError):
        cloud_event(1, NewEvent(type="case.of-a-citizen", at=AT))


def test_a_position_reads_back_and_a_mistyped_one_does_not() -> None:
    assert seq_of(event_id(7)) == 7
    for wrong in (
        "",
        "7",
        "0000000000007",
        "0000000000007-00000000",
        event_id(7) + "x",
        event_id(7).replace("7", "8", 1),
    ):
        assert seq_of(wrong) is None
