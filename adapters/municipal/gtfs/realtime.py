"""GTFS-realtime: a feed without a header is no feed, and one that has stopped is no news.

An empty body parses as an empty feed and would read as "all on time, no alerts", so the header decides: missing or
undated is a broken contract, older than an hour an outage, older than five minutes an answer told with its age.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from types import ModuleType
from typing import Any

from adapters.municipal.gtfs.labels import refuse_label
from aggregator.sdk.clock import Clock
from aggregator.sdk.dialect import judge_redirect, judge_status, refuse_html
from aggregator.sdk.errors import ContractBroken, Unavailable
from aggregator.sdk.rest import RestClient
from aggregator.sdk.wire import Reply

STALE_S = 300.0
DEAD_S = 3600.0
_LABELS = frozenset({
    "", "application/x-protobuf", "application/protobuf", "application/vnd.google.protobuf", "application/octet-stream",
})  # fmt: skip


def codec() -> ModuleType:
    """The published messages. Raises RuntimeError where the extra is not installed."""
    try:
        return import_module("google.transit.gtfs_realtime_pb2")
    except ImportError as exc:
        raise RuntimeError(
            "municipal/gtfs reads protocol buffers and needs the extra gtfs: pip install '.[gtfs]'"
        ) from exc


@dataclass(frozen=True, slots=True)
class Feed:
    """`age_s`: how old the agency says it is; 0 while it is younger than five minutes, which is as good as now."""

    entities: list[Any]
    age_s: int


class Realtime:
    """The three feeds of an agency."""

    def __init__(self, api: RestClient, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._codec: Any = codec()
        self._cut_off: type[Exception] = import_module("google.protobuf.message").DecodeError

    async def feed(self, name: str) -> Feed:
        """`trip-updates`, `vehicle-positions` or `alerts`."""
        reply = await self._api.fetch("GET", f"/gtfs-rt/{name}.pb", headers={"Accept": "application/x-protobuf"})
        judge_redirect(reply)
        judge_status(reply, effect=False)
        refuse_html(reply)
        refuse_label(reply, _LABELS)
        return self._read(reply)

    def _read(self, reply: Reply) -> Feed:
        message = self._codec.FeedMessage()
        try:
            message.ParseFromString(reply.body)
        except self._cut_off as exc:
            raise ContractBroken("the feed is cut off or no protocol buffer", garbled=True) from exc
        header = message.header
        if not (message.HasField("header") and message.IsInitialized() and header.timestamp):
            raise ContractBroken("the feed has no header, or none with a time", garbled=True)
        if not header.gtfs_realtime_version.startswith(("1.", "2.")):
            raise ContractBroken("the feed is of an unknown version")
        if header.incrementality == header.DIFFERENTIAL:
            raise ContractBroken("the feed tells changes only, to whoever knows the rest")
        return Feed(list(message.entity), self._age_s(header.timestamp))

    def _age_s(self, timestamp: int) -> int:
        age_s = self._clock.now().timestamp() - timestamp
        if age_s < -DEAD_S:
            raise ContractBroken("the feed is from the future")
        if age_s > DEAD_S:
            raise Unavailable("the feed stopped more than an hour ago")
        return round(age_s) if age_s > STALE_S else 0


@dataclass(frozen=True, slots=True)
class Change:
    """What is new about one stop of a trip, and of those after it until the next change."""

    sequence: int
    stop_id: str
    delay_s: int | None
    leaves_at: datetime | None
    skipped: bool


@dataclass(frozen=True, slots=True)
class Update:
    """What is new about one trip."""

    cancelled: bool
    changes: tuple[Change, ...]

    def at(self, sequence: int, stop_id: str) -> Change | None:
        """The change that holds at a stop: its own, else the delay of the last one before it."""
        own = [one for one in self.changes if _is(one, sequence, stop_id)]
        if own:
            return own[0]
        before = [one for one in self.changes if one.sequence and one.sequence < sequence and one.delay_s is not None]
        last = max(before, key=lambda one: one.sequence, default=None)
        return Change(sequence, stop_id, last.delay_s, None, skipped=False) if last else None


def _is(change: Change, sequence: int, stop_id: str) -> bool:
    return change.sequence == sequence if change.sequence else change.stop_id == stop_id


def trip_updates(entities: list[Any]) -> dict[tuple[str, str], Update]:
    """By trip and start date (`20260115`, empty where the agency gives none)."""
    return dict(_updates(entities))


def _updates(entities: list[Any]) -> Iterator[tuple[tuple[str, str], Update]]:
    for entity in entities:
        if entity.is_deleted or not entity.HasField("trip_update"):
            continue
        told = entity.trip_update
        trip = told.trip
        cancelled = trip.schedule_relationship in {trip.CANCELED, trip.DELETED}
        yield (trip.trip_id, trip.start_date), Update(cancelled, tuple(map(_change, told.stop_time_update)))


def _change(told: Any) -> Change:
    event = told.departure if told.HasField("departure") else told.arrival
    known = told.HasField("departure") or told.HasField("arrival")
    delay_s = int(event.delay) if known and event.HasField("delay") else None
    at = datetime.fromtimestamp(event.time, UTC) if known and 0 < event.time < 2**33 else None
    skipped = told.schedule_relationship == told.SKIPPED
    return Change(int(told.stop_sequence), str(told.stop_id), delay_s, at, skipped)


def words(translated: Any) -> str:
    """The text of a TranslatedString: English if there is any, else the first."""
    texts: Mapping[str, str] = {one.language: one.text for one in reversed(translated.translation)}
    first = translated.translation[0].text if translated.translation else ""
    return texts.get("en", first)
