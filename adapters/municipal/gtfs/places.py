"""Which stops and routes a rider means: by place, by name or by number, looked up here and asked of nobody."""

from collections.abc import Mapping
from math import asin, cos, radians, sin, sqrt
from typing import Any

from adapters.municipal.gtfs.network import Network, Route, Stop

NEAR_M = 2_000
_EARTH_M = 6_371_000
_SHOWN_ROUTES = 100


def stops_near(network: Network, form: Mapping[str, Any]) -> list[str]:
    """By `lat` and `lon`, nearest first with the way in metres; else those whose name holds the words of `place`."""
    if form.get("lat") is not None and form.get("lon") is not None:
        lat, lon = float(form["lat"]), float(form["lon"])
        found = sorted((distance_m(lat, lon, stop), stop) for stop in network.stops.values())
        return [f"{stop.name}, {away_m:.0f} m ({stop.stop_id})" for away_m, stop in found if away_m <= NEAR_M]
    wanted = _plain(str(form.get("place", "")))
    named = [stop for stop in network.stops.values() if wanted and wanted in _plain(stop.name)]
    return [f"{stop.name} ({stop.stop_id})" for stop in sorted(named, key=lambda stop: (stop.name, stop.stop_id))]


def stops_called(network: Network, text: str) -> list[Stop]:
    """The stop of this number, or all of this name (one per direction), or of the only name these words are part of.

    Empty where nothing fits, and where several names do.
    """
    if text.strip() in network.stops:
        return [network.stops[text.strip()]]
    wanted = _plain(text)
    if not wanted:
        return []
    exact = [stop for stop in network.stops.values() if _plain(stop.name) == wanted]
    found = exact or [stop for stop in network.stops.values() if wanted in _plain(stop.name)]
    return found if len({_plain(stop.name) for stop in found}) == 1 else []


def routes(network: Network, wanted: str, stop: str) -> list[str]:
    """`10 Airport - Puri`: of this number or with these words in the name, and calling at this stop, where given."""
    found = [route for route in network.routes.values() if _fits(route, _plain(wanted))]
    if stop:
        calling = {
            call.trip.route.route_id for at in stops_called(network, stop) for call in network.calls.get(at.stop_id, ())
        }
        found = [route for route in found if route.route_id in calling]
    found.sort(key=lambda route: (len(route.number), route.number))
    return [f"{route.number} {route.name}".rstrip() for route in found[:_SHOWN_ROUTES]]


def _fits(route: Route, wanted: str) -> bool:
    return not wanted or _plain(route.number) == wanted or wanted in _plain(route.name)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def distance_m(lat: float, lon: float, stop: Stop) -> float:
    """Along the great circle."""
    up, across = radians(stop.lat - lat) / 2, radians(stop.lon - lon) / 2
    part = sin(up) ** 2 + cos(radians(lat)) * cos(radians(stop.lat)) * sin(across) ** 2
    return 2 * _EARTH_M * asin(sqrt(min(1.0, part)))
