"""A small bus network whose every sheet a test may change, and feeds made entity by entity."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import respx

from adapters.municipal.gtfs import Driver
from adapters.municipal.gtfs.realtime import codec
from adapters.municipal.gtfs.simulator_network import packed
from aggregator.sdk.adapter import Settings
from aggregator.sdk.clock import ManualClock
from aggregator.sdk.model import Order
from aggregator.sdk.testing.wires import RespxWire

Sheets = dict[str, list[Sequence[object]]]
THURSDAY_1830 = datetime(2026, 1, 15, 13, 0, tzinfo=UTC)
"""18:30 in the city."""


def sheets() -> Sheets:
    """Line 10 at 18:42 and, of the same service day, at 25:10; line 12 on Sundays only."""
    week = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    times = [("T1", "18:30:00", "1A", 1), ("T1", "18:42:00", "2A", 2), ("T1", "20:00:00", "3A", 3)]
    times += [("T2", "24:58:00", "1A", 1), ("T2", "25:10:00", "2A", 2), ("T2", "26:30:00", "3A", 3)]
    times += [("S1", "18:45:00", "2A", 1), ("S1", "20:00:00", "3A", 2)]
    return {
        "agency.txt": [("agency_name", "agency_timezone"), ("Simulated city bus", "Asia/Kolkata")],
        "stops.txt": [
            ("stop_id", "stop_name", "stop_lat", "stop_lon"),
            ("1A", "Airport", "20.2500", "85.8200"),
            ("2A", "Master Canteen", "20.2700", "85.8400"),
            ("2B", "Master Canteen", "20.2702", "85.8400"),
            ("3A", "Puri Bus Stand", "19.8100", "85.8300"),
        ],
        "routes.txt": [
            ("route_id", "route_short_name", "route_long_name"),
            ("R10", "10", "Airport - Puri"),
            ("R12", "12", "Master Canteen - Puri"),
        ],
        "trips.txt": [
            ("route_id", "service_id", "trip_id", "trip_headsign"),
            ("R10", "DAILY", "T1", "Puri"),
            ("R10", "DAILY", "T2", "Puri"),
            ("R12", "SUNDAY", "S1", "Puri"),
        ],
        "stop_times.txt": [("trip_id", "departure_time", "stop_id", "stop_sequence"), *times],
        "calendar.txt": [
            ("service_id", *week, "start_date", "end_date"),
            ("DAILY", 1, 1, 1, 1, 1, 1, 1, "20250101", "20991231"),
            ("SUNDAY", 0, 0, 0, 0, 0, 0, 1, "20250101", "20991231"),
        ],
    }


class Depot:
    """`network` and `feed` are what it serves; `archive_answer` and `feed_answer` replace the whole answer."""

    def __init__(self, **options: int) -> None:
        self.clock = ManualClock(THURSDAY_1830)
        self.router = respx.Router(assert_all_called=False, assert_all_mocked=True)
        self.wire = RespxWire(self.router)
        self.driver = Driver(self.wire, Settings("http://bus.example", options), clock=self.clock)
        self.network = sheets()
        self.etag = '"1"'
        self.feed: Any = codec().FeedMessage()
        self.feed.header.gtfs_realtime_version = "2.0"
        self.feed.header.timestamp = int(THURSDAY_1830.timestamp())
        self.archive_answer: Callable[[httpx.Request], Any] | None = None
        self.feed_answer: Callable[[httpx.Request], Any] | None = None
        self.asked: list[str] = []
        self.router.route().mock(side_effect=self._react)

    def _react(self, request: httpx.Request) -> Any:
        self.asked.append(request.url.path)
        if request.url.path == "/gtfs.zip":
            return self.archive_answer(request) if self.archive_answer else self.archive(request)
        if self.feed_answer:
            return self.feed_answer(request)
        body = self.feed.SerializePartialToString()
        return httpx.Response(200, content=body, headers={"content-type": "application/x-protobuf"})

    def archive(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("if-none-match") == self.etag:
            return httpx.Response(304, headers={"etag": self.etag})
        rows: dict[str, Iterable[Sequence[object]]] = dict(self.network)
        headers = {"content-type": "application/zip", "etag": self.etag}
        return httpx.Response(200, content=packed(rows), headers=headers)

    def update(self, trip_id: str, start_date: str = "") -> Any:
        """A trip update to fill in."""
        told = self.feed.entity.add(id=str(len(self.feed.entity))).trip_update
        told.trip.trip_id, told.trip.start_date = trip_id, start_date
        return told

    async def look(self, service: str, **form: Any) -> Any:
        operation = {"next_departures": "departures", "buses_on_route": "positions", "alerts": "alerts"}.get(
            service, "lookup"
        )
        return await getattr(self.driver, operation)(Order("", service, form))

    async def board(self, stop: str = "Master Canteen", **form: str) -> dict[str, str]:
        got = await self.look("next_departures", stop=stop, **form)
        return dict(getattr(got, "values", {}))


@pytest.fixture
def depot() -> Depot:
    return Depot()


@pytest.fixture
def make_depot() -> Callable[..., Depot]:
    return Depot
