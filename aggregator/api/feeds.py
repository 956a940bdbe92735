"""The log of everything, by position: HTTP Feeds with long poll. A reader killed anywhere has missed nothing.

`lastEventId` is camelCase and the top level an array because the convention (http-feeds.org) says so.
"""

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType, field

from aggregator.api.call import Call
from aggregator.api.decode import invalid
from aggregator.api.route import Answer
from aggregator.api.shapes import Asked, ErrorLine, Given
from aggregator.api.words import When, text, whole
from aggregator.feed.stream import StalePosition

BATCH = "application/cloudevents-batch+json"


class FeedQuery(Asked, frozen=True, kw_only=True):
    """From where, how many, how long to wait."""

    last_event_id: (
        Annotated[
            str,
            text(
                "The last event seen; absent: from the start.",
                "0000000000042-5f3a9c21",
                most=60,
                pattern="^[0-9A-Za-z_-]+$",
            ),
        ]
        | UnsetType
    ) = field(name="lastEventId", default=UNSET)
    limit: Annotated[int, whole("How many at most.", 100, least=1, most=1000)] = 100
    timeout: Annotated[int, whole("Milliseconds to wait while there is nothing new.", 5000, most=60_000)] = 0


class CloudEvent(Given, frozen=True, kw_only=True):
    """One event, CloudEvents 1.0. No event type has a field for personal data."""

    specversion: Annotated[str, text("The version of CloudEvents.", "1.0", most=5, pattern="^[0-9.]+$")]
    id: Annotated[str, text("Its position.", "0000000000042-5f3a9c21", most=60, pattern="^[0-9A-Za-z_-]+$")]
    source: Annotated[str, text("Where it comes from.", "/aggregator", most=200)]
    type: Annotated[str, text("What happened.", "in.gov.odisha.city.case.status-changed.v1", most=200)]
    time: When | UnsetType = UNSET
    datacontenttype: Annotated[str, text("How `data` is written.", "application/json", most=60)] | UnsetType = UNSET
    dataschema: (
        Annotated[
            str, text("What `data` may hold.", "https://city.example/schemas/events/case.accepted.v1.json", most=300)
        ]
        | UnsetType
    ) = UNSET
    sequence: Annotated[str, text("Its number, zero-padded.", "0000000000042", most=20)] | UnsetType = UNSET
    subject: (
        Annotated[str, text("Whom or what it is about, as a pairwise id.", "sub_mfrggzdfmztwq", most=200)] | UnsetType
    ) = UNSET
    data: (
        Annotated[dict[str, Any], Meta(description="The facts.", examples=[{"status": "HELD"}], max_length=60)]
        | UnsetType
    ) = UNSET


async def read_all(call: Call) -> Answer:
    """GET /feeds/all."""
    query: FeedQuery = call.query
    after = None if query.last_event_id is UNSET else query.last_event_id
    wanted = call.rooms.stream.batch(after=after, limit=query.limit, timeout_s=query.timeout / 1000)
    try:
        events = await call.while_there(wanted) or []
    except StalePosition as exc:
        detail = call.say("problem.violation.position")
        raise invalid([ErrorLine(parameter="lastEventId", code="position", detail=detail)]) from exc
    # An event is stored without knowing where it will be read; CloudEvents wants a whole address.
    whole_address = b'"dataschema":"' + call.origin.encode() + b"/schemas/"
    batch = b",".join(events).replace(b'"dataschema":"/schemas/', whole_address)
    return Answer(b"[" + batch + b"]", content_type=BATCH)
