"""Where to go: offices by distance or by ward. A place whose position nobody measured says how far off it may be."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

from aggregator.discovery.catalogue.places import Office

EARTH_RADIUS_M = 6_371_000


@dataclass(frozen=True, slots=True)
class Found:
    """An office, and how far it is; None when nobody asked or its position is not known."""

    office: Office
    distance_m: int | None = None


def distance_m(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Great-circle metres between two (latitude, longitude) in degrees; exact enough within a city."""
    (lat1, lon1), (lat2, lon2) = ((radians(at[0]), radians(at[1])) for at in (first, second))
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(sqrt(half))


def serving(
    offices: Iterable[Office], *, ward: str = "", organisation: str = "", near: tuple[float, float] | None = None
) -> list[Found]:
    """Offices that serve a ward and belong to an organisation, the nearest first; unplaced ones come last."""
    kept = [
        office
        for office in offices
        if (not ward or not office.wards or ward in office.wards)
        and (not organisation or office.organisation == organisation)
    ]
    if near is None:
        return [Found(office) for office in sorted(kept, key=lambda one: one.id)]
    found = [Found(office, _from(near, office)) for office in kept]
    return sorted(found, key=lambda one: (one.distance_m is None, one.distance_m or 0, one.office.id))


def _from(near: tuple[float, float], office: Office) -> int | None:
    if office.latitude is None or office.longitude is None:
        return None
    return round(distance_m(near, (office.latitude, office.longitude)))
