"""The feed is read by CloudEvents' own library, in both of its interfaces, and nothing it needs is missing."""

import json

import pytest
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1.conversion import from_json
from cloudevents.v1.http import CloudEvent as OlderEvent


async def test_a_batch_of_the_feed_is_valid_to_the_library_others_use(town):
    for key in ("k-1", "k-2"):
        await town.open(key)
    got = await town.ask("GET", "/feeds/all")
    assert got.headers["Content-Type"] == "application/cloudevents-batch+json"
    events = [JSONFormat().read(CloudEvent, json.dumps(one)) for one in got.json]
    assert len(events) >= 4
    ids = [event.get_id() for event in events]
    assert ids == sorted(set(ids))
    for event, sent in zip(events, got.json, strict=True):
        assert event.get_specversion() == "1.0"
        assert event.get_time().tzinfo is not None
        assert event.get_datacontenttype() == "application/json"
        assert event.get_dataschema().startswith("http://127.0.0.1:")
        assert event.get_type().startswith("in.gov.odisha.city.")
        assert event.get_data() == sent["data"]


async def test_an_event_that_others_read_and_write_again_is_the_same_event(town):
    await town.open()
    for sent in (await town.ask("GET", "/feeds/all")).json:
        again = json.loads(JSONFormat().write(JSONFormat().read(CloudEvent, json.dumps(sent))))
        assert again["time"].replace("+00:00", "Z").replace("000Z", "Z") == sent["time"]
        assert {**again, "time": ""} == {**sent, "time": ""}
        older = from_json(OlderEvent, json.dumps(sent))
        assert (older["id"], older["source"], older.data) == (sent["id"], sent["source"], sent["data"])


@pytest.mark.parametrize("lost", ["source", "type"])
async def test_an_event_without_what_the_specification_demands_would_be_found(town, lost):
    await town.open()
    broken = (await town.ask("GET", "/feeds/all")).json[0]
    del broken[lost]
    with pytest.raises(CloudEventValidationError):
        JSONFormat().read(CloudEvent, json.dumps(broken))
