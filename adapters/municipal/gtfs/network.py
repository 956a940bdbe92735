"""Stops, routes and the timetable of a bus network, in the shape in which riders ask: by stop and by time.

Times are seconds since the midnight that begins the service day and may be beyond 24:00:00: a bus at 25:10:00 leaves
at ten past one of the next calendar day and belongs to the day before. Rows that refer to nothing are counted out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters.municipal.gtfs.archive import Sheet, sheets
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.reading import clean

NEEDED = ("agency.txt", "stops.txt", "routes.txt", "trips.txt", "stop_times.txt")
OPTIONAL = ("calendar.txt", "calendar_dates.txt", "feed_info.txt")
DAY_S = 86_400
_TIME = re.compile(r"(\d{1,2}):([0-5]\d):([0-5]\d)", re.ASCII)
_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_EMPTY_DAY = date(1, 1, 1)


class Stop(NamedTuple):
    stop_id: str
    name: str
    lat: float
    lon: float


class Route(NamedTuple):
    route_id: str
    number: str
    name: str


class Trip(NamedTuple):
    trip_id: str
    route: Route
    service_id: str
    headsign: str


class StopCall(NamedTuple):
    """A bus that leaves a stop. The last stop of a trip is none."""

    leaves_s: int
    sequence: int
    trip: Trip


@dataclass(slots=True)
class Service:
    """The days on which trips of one service run."""

    week: tuple[bool, ...] = (False,) * 7
    first: date = _EMPTY_DAY
    last: date = _EMPTY_DAY
    added: set[date] = field(default_factory=set)
    removed: set[date] = field(default_factory=set)

    def runs(self, on: date) -> bool:
        if on in self.removed or on in self.added:
            return on in self.added
        return self.first <= on <= self.last and self.week[on.weekday()]


@dataclass(frozen=True, slots=True)
class Network:
    """`left_out`: rows of the timetable that refer to nothing. `last_day_s`: the latest time in it."""

    zone: ZoneInfo
    stops: Mapping[str, Stop]
    routes: Mapping[str, Route]
    trips: Mapping[str, Trip]
    services: Mapping[str, Service]
    calls: Mapping[str, list[StopCall]]
    left_out: int
    latest_s: int

    def runs(self, trip: Trip, on: date) -> bool:
        service = self.services.get(trip.service_id)
        return service is not None and service.runs(on)


def read_network(body: bytes) -> Network:
    """The network in an archive. Takes a second for a city: call it in a thread. Raises ContractBroken."""
    found = sheets(body, NEEDED, OPTIONAL)
    stops = {row[0]: _stop(row) for row in found["stops.txt"].pick("stop_id", "stop_name", "stop_lat", "stop_lon")}
    routes = _routes(found["routes.txt"])
    trips = _trips(found["trips.txt"], routes)
    if not (stops and routes and trips):
        raise ContractBroken("the archive has no stops, no routes or no trips")
    calls, left_out, latest_s = _calls(found["stop_times.txt"], stops, trips)
    zone = _zone(found["agency.txt"])
    return Network(zone, stops, routes, trips, _services(found), calls, left_out, latest_s)


def _zone(agency: Sheet) -> ZoneInfo:
    names = {row[0] for row in agency.pick("agency_timezone", "agency_name")}
    try:
        [name] = names
        return ZoneInfo(name)
    except (ValueError, ZoneInfoNotFoundError) as exc:
        raise ContractBroken("the archive does not name one time zone") from exc


def _stop(row: tuple[str, ...]) -> Stop:
    try:
        lat, lon = float(row[2]), float(row[3])
    except ValueError as exc:
        raise ContractBroken("a stop has no position") from exc
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise ContractBroken("a stop is not on this earth")
    return Stop(row[0], clean(row[1]), lat, lon)


def _routes(sheet: Sheet) -> dict[str, Route]:
    rows = sheet.pick("route_id", "route_short_name", optional=("route_long_name",))
    return {row[0]: Route(row[0], clean(row[1]) or row[0], clean(row[2])) for row in rows}


def _trips(sheet: Sheet, routes: Mapping[str, Route]) -> dict[str, Trip]:
    rows = sheet.pick("trip_id", "route_id", "service_id", optional=("trip_headsign",))
    return {row[0]: Trip(row[0], routes[row[1]], row[2], clean(row[3])) for row in rows if row[1] in routes}


def _calls(
    sheet: Sheet, stops: Mapping[str, Stop], trips: Mapping[str, Trip]
) -> tuple[dict[str, list[StopCall]], int, int]:
    last: dict[str, int] = {}
    known: list[tuple[str, StopCall]] = []
    left_out = 0
    for trip_id, stop_id, sequence_text, leaves in sheet.pick("trip_id", "stop_id", "stop_sequence", "departure_time"):
        trip, sequence = trips.get(trip_id), _whole(sequence_text)
        if trip is None or stop_id not in stops:
            left_out += 1
            continue
        last[trip_id] = max(last.get(trip_id, sequence), sequence)
        if leaves:  # without a time it is a stop between two that have one
            known.append((stop_id, StopCall(seconds(leaves), sequence, trip)))
    calls: dict[str, list[StopCall]] = {}
    for stop_id, call in known:
        if call.sequence != last[call.trip.trip_id]:
            calls.setdefault(stop_id, []).append(call)
    for at in calls.values():
        at.sort(key=lambda call: call.leaves_s)
    return calls, left_out, max((at[-1].leaves_s for at in calls.values()), default=0)


@lru_cache(maxsize=8192)
def seconds(text: str) -> int:
    """`25:10:00` -> 90600. Raises ContractBroken for anything that is no time of a service day."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ContractBroken("a time of the timetable is not HH:MM:SS")
    return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3])


@lru_cache(maxsize=512)
def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ContractBroken("a stop_sequence is no whole number")
    return int(text[:9])


def _services(found: Mapping[str, Sheet]) -> dict[str, Service]:
    services: dict[str, Service] = {}
    if "calendar.txt" in found:
        for row in found["calendar.txt"].pick("service_id", *_WEEK, "start_date", "end_date"):
            services[row[0]] = Service(
                tuple(flag == "1" for flag in row[1:8]), calendar_day(row[8]), calendar_day(row[9])
            )
    if "calendar_dates.txt" in found:
        for service_id, on, kind in found["calendar_dates.txt"].pick("service_id", "date", "exception_type"):
            service = services.setdefault(service_id, Service())
            (service.added if kind == "1" else service.removed).add(calendar_day(on))
    if not services:
        raise ContractBroken("the archive says of no day what runs")
    return services


def calendar_day(text: str) -> date:
    """`20260115`. Raises ContractBroken."""
    found = _DATE.fullmatch(text)
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else date(0, 0, 0)
    except ValueError as exc:
        raise ContractBroken("a date of the calendar is not YYYYMMDD") from exc
