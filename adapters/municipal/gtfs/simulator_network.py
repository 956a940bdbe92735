"""The simulated bus network: as many stops and lines as the real one, at invented places, made from the seed.

734 stops (367 places, one for each direction) and 62 lines between Bhubaneswar, Cuttack and Puri. A few well-known
names are real, so that a demonstration reads well; where they lie and what calls there is invented.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aggregator.sdk.clock import Chance

PLACES, LINES = 367, 62
DAY_S = 86_400
_FIRST_S, _LAST_S, _EVERY_S = 19_800, 88_200, 3_600  # 05:30:00 to 24:30:00
_LEG_S = 150
_STAND_S = 20
_TOWNS = (
    ("Bhubaneswar", 20.27, 85.83, 0.07, 250),
    ("Cuttack", 20.46, 85.88, 0.04, 77),
    ("Puri", 19.81, 85.83, 0.03, 40),
)
_KNOWN = {
    "Bhubaneswar": ("Master Canteen", "Airport", "Baramunda", "Vani Vihar", "Jaydev Vihar", "Rasulgarh", "Khandagiri"),
    "Cuttack": ("Badambadi", "Link Road", "Chandi Temple"),
    "Puri": ("Puri Bus Stand", "Sea Beach"),
}
_QUARTERS = ("Demo Colony", "Sample Nagar", "Test Vihar", "Example Square", "Model Chhak")


@dataclass(frozen=True, slots=True)
class Place:
    number: int
    name: str
    town: str
    lat: float
    lon: float

    def stop_id(self, direction: int) -> str:
        return f"{self.number:04d}{'AB'[direction]}"

    def row(self, direction: int) -> tuple[str, str, str, str]:
        """In stops.txt; the other direction stops across the street."""
        return self.stop_id(direction), self.name, f"{self.lat + direction / 5000:.6f}", f"{self.lon:.6f}"


@dataclass(frozen=True, slots=True)
class Line:
    number: str
    places: tuple[Place, ...]
    starts_s: tuple[int, ...]

    @property
    def route_id(self) -> str:
        return f"R{self.number}"

    @property
    def name(self) -> str:
        return f"{self.places[0].name} - {self.places[-1].name}"

    def stops(self, direction: int) -> tuple[Place, ...]:
        return self.places if direction == 0 else self.places[::-1]

    def trip_id(self, direction: int, start_s: int) -> str:
        return f"{self.number}-{direction}-{clock(start_s).replace(':', '')[:4]}"

    @property
    def lasts_s(self) -> int:
        return (len(self.places) - 1) * _LEG_S


def clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def leaves_s(start_s: int, index: int) -> int:
    """When a bus that starts then leaves its stop of this index."""
    return start_s + index * _LEG_S + _STAND_S


def places(chance: Chance) -> list[Place]:
    made: list[Place] = []
    for town, lat, lon, size, count in _TOWNS:
        for n in range(count):
            known = _KNOWN[town]
            quarter = _QUARTERS[n % len(_QUARTERS)]
            name = known[n] if n < len(known) else f"{quarter} {n // len(_QUARTERS) + 1}, {town}"
            where = lat + (chance.random() - 0.5) * 2 * size, lon + (chance.random() - 0.5) * 2 * size
            made.append(Place(len(made) + 1, name, town, *where))
    return made


def lines(everywhere: Sequence[Place], chance: Chance) -> list[Line]:
    """61 lines by day, and one that always runs, between the airport and the sea: a sandbox has no closing time."""
    day = tuple(range(_FIRST_S, _LAST_S + 1, _EVERY_S))
    by_name = {place.name: place for place in everywhere}
    night = tuple(by_name[name] for name in ("Airport", "Master Canteen", "Rasulgarh", "Puri Bus Stand", "Sea Beach"))
    left = list(everywhere)
    made: list[list[Place]] = []
    for n in range(LINES - 1):
        start = everywhere[n] if n < 12 else everywhere[int(chance.random() * len(everywhere))]
        made.append(_walk(start, everywhere if n < 12 else left or everywhere, 6 + int(chance.random() * 6)))
        left = [place for place in left if place not in set(made[-1])]
    for place in left:  # nobody is left without a bus
        nearest = min(made, key=lambda line: min(_apart(place, other) for other in line))
        nearest.insert(1 + min(range(len(nearest)), key=lambda at: _apart(place, nearest[at])), place)
    return [Line(str(10 + n), tuple(stops), day) for n, stops in enumerate(made)] + [
        Line("N1", night, tuple(range(0, DAY_S, 900)))
    ]


def _walk(start: Place, among: Sequence[Place], count: int) -> list[Place]:
    """From a place to the nearest one not yet seen, and on."""
    found = [start]
    for _ in range(count):
        rest = [place for place in among if place not in found]
        if rest:
            found.append(min(rest, key=lambda place: _apart(place, found[-1])))
    return found


def _apart(one: Place, other: Place) -> float:
    return (one.lat - other.lat) ** 2 + (one.lon - other.lon) ** 2


def archive(everywhere: Sequence[Place], network: Sequence[Line]) -> bytes:
    """The GTFS archive, the same bytes for the same network."""
    both = (0, 1)
    trips = [(line, way, start) for line in network for way in both for start in line.starts_s]
    sheets: dict[str, Iterable[Sequence[object]]] = {
        "agency.txt": [
            ("agency_id", "agency_name", "agency_url", "agency_timezone", "agency_lang"),
            ("SIM", "Simulated city bus", "http://bus.example", "Asia/Kolkata", "en"),
        ],
        "stops.txt": [
            ("stop_id", "stop_name", "stop_lat", "stop_lon"),
            *(place.row(way) for place in everywhere for way in both),
        ],
        "routes.txt": [
            ("route_id", "agency_id", "route_short_name", "route_long_name", "route_type"),
            *((line.route_id, "SIM", line.number, line.name, 3) for line in network),
        ],
        "trips.txt": [
            ("route_id", "service_id", "trip_id", "trip_headsign", "direction_id"),
            *((ln.route_id, "DAILY", ln.trip_id(way, at), ln.stops(way)[-1].name, way) for ln, way, at in trips),
        ],
        "stop_times.txt": [
            ("trip_id", "arrival_time", "departure_time", "stop_id", "stop_sequence"),
            *(row for line, way, start in trips for row in _times(line, way, start)),
        ],
        "calendar.txt": [
            ("service_id", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "start_date",
             "end_date"),
            ("DAILY", 1, 1, 1, 1, 1, 1, 1, "20250101", "20991231"),
        ],
        "feed_info.txt": [
            ("feed_publisher_name", "feed_publisher_url", "feed_lang", "feed_version"),
            ("Simulated city bus", "http://bus.example", "en", "1"),
        ],
    }  # fmt: skip
    return packed(sheets)


def _times(line: Line, way: int, start_s: int) -> Iterable[Sequence[object]]:
    trip_id = line.trip_id(way, start_s)
    for at, place in enumerate(line.stops(way)):
        leaves = leaves_s(start_s, at)
        yield trip_id, clock(leaves - _STAND_S), clock(leaves), place.stop_id(way), at + 1


def packed(sheets: dict[str, Iterable[Sequence[object]]]) -> bytes:
    """The files as a zip whose bytes depend on nothing but them."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive_file:
        for name, rows in sheets.items():
            text = io.StringIO(newline="")
            csv.writer(text, lineterminator="\r\n").writerows(rows)
            archive_file.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), text.getvalue(), zipfile.ZIP_DEFLATED)
    return whole.getvalue()
