"""What the simulated buses report, by the simulator's clock: who is under way, how late, where, and what is announced.

Lateness is a property of the trip and its day, made from the seed: the same bus is late all day for every caller.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from adapters.municipal.gtfs.realtime import codec
from adapters.municipal.gtfs.simulator_network import DAY_S, Line, leaves_s
from aggregator.sdk.clock import IST

_CANCELLED_ONE_IN = 61


@dataclass(frozen=True, slots=True)
class Running:
    """A trip under way on its service day. `at_s`: seconds of that day now, lateness taken off."""

    line: Line
    way: int
    start_s: int
    on: date
    at_s: float
    late_s: int
    cancelled: bool


class Feeds:
    """The three messages for a moment. `seed` decides who is late."""

    def __init__(self, lines: Sequence[Line], seed: int) -> None:
        self._lines = lines
        self._seed = seed
        self._codec: Any = codec()

    def message(self, kind: str, now: datetime, fault: str) -> bytes:
        feed = self._codec.FeedMessage()
        made_at = now - timedelta(seconds={"820": 360, "821": 7200}.get(fault, 0))
        feed.header.gtfs_realtime_version = "2.0"
        feed.header.timestamp = int(made_at.timestamp())
        if kind == "alerts":
            self._announce(feed, now)
        else:
            for n, one in enumerate(self._running(now)):
                entity = feed.entity.add(id=str(n))
                (self._update if kind == "trip-updates" else self._position)(entity, one)
        if fault == "823":
            for n in range(3):
                stranger = feed.entity.add(id=f"X{n}")
                told = stranger.vehicle if kind == "vehicle-positions" else stranger.trip_update
                told.trip.trip_id = f"GHOST-{n}"
        if fault == "822":
            feed.ClearField("header")
        return bytes(feed.SerializePartialToString())

    def _running(self, now: datetime) -> Iterator[Running]:
        here = now.astimezone(IST)
        midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
        for back in (0, 1):
            of_day_s = (here - midnight).total_seconds() + back * DAY_S
            on = here.date() - timedelta(days=back)
            for line in self._lines:
                for start_s in line.starts_s:
                    if start_s <= of_day_s <= start_s + line.lasts_s + 1200:
                        yield from (self._run(line, way, start_s, on, of_day_s) for way in (0, 1))

    def _run(self, line: Line, way: int, start_s: int, on: date, of_day_s: float) -> Running:
        digest = sha256(f"{self._seed}:{line.trip_id(way, start_s)}:{on}".encode()).digest()
        late_s = (digest[0] % 10 - 1) * 60
        return Running(line, way, start_s, on, of_day_s - late_s, late_s, digest[1] % _CANCELLED_ONE_IN == 0)

    def _trip(self, trip: Any, one: Running) -> None:
        trip.trip_id = one.line.trip_id(one.way, one.start_s)
        trip.route_id = one.line.route_id
        trip.start_date = f"{one.on:%Y%m%d}"

    def _update(self, entity: Any, one: Running) -> None:
        told = entity.trip_update
        self._trip(told.trip, one)
        if one.cancelled:
            told.trip.schedule_relationship = told.trip.CANCELED
            return
        change = told.stop_time_update.add(stop_sequence=_next(one) + 1)
        change.stop_id = one.line.stops(one.way)[_next(one)].stop_id(one.way)
        change.departure.delay = one.late_s

    def _position(self, entity: Any, one: Running) -> None:
        told = entity.vehicle
        self._trip(told.trip, one)
        place = one.line.stops(one.way)[_next(one)]
        told.position.latitude, told.position.longitude = place.lat, place.lon
        told.stop_id = place.stop_id(one.way)
        told.vehicle.id = f"BUS-{one.line.number}-{one.way}"

    def _announce(self, feed: Any, now: datetime) -> None:
        line = self._lines[0]
        diverted = feed.entity.add(id="A1").alert
        diverted.informed_entity.add().route_id = line.route_id
        for language, text in (("or", "ରାସ୍ତା କାମ"), ("en", "Road works")):
            diverted.header_text.translation.add(text=text, language=language)
        diverted.description_text.translation.add(text=f"Buses of line {line.number} are diverted", language="en")
        period = diverted.active_period.add()
        period.start, period.end = int(now.timestamp()) - 3600, int(now.timestamp()) + 86_400
        over = feed.entity.add(id="A2").alert
        over.header_text.translation.add(text="Festival timetable", language="en")
        over.active_period.add().end = int(now.timestamp()) - 60


def _next(one: Running) -> int:
    """The index of the stop it comes to next; the last one once it is there."""
    count = len(one.line.places)
    return next((at for at in range(count) if leaves_s(one.start_s, at) >= one.at_s), count - 1)
