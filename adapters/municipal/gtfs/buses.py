"""Where the buses of a line are: each by its next stop, because a rider knows stops and not coordinates.

As on the board, a trip that the timetable does not know is left out and counted.
"""

from typing import Any

from adapters.municipal.gtfs.network import Network, Stop
from adapters.municipal.gtfs.places import distance_m


def buses_on(entities: list[Any], network: Network, route: str) -> tuple[list[str], int]:
    """`Puri: Master Canteen` (destination, then place) of one line, sorted; and how many trips are unknown."""
    found: list[str] = []
    strangers = 0
    for entity in entities:
        if entity.is_deleted or not entity.HasField("vehicle"):
            continue
        trip = network.trips.get(entity.vehicle.trip.trip_id)
        if trip is None:
            strangers += bool(entity.vehicle.trip.trip_id)  # without a trip it is on its way to the depot
        elif trip.route.number.casefold() == route.strip().casefold() and (stop := _place(entity.vehicle, network)):
            found.append(f"{trip.headsign}: {stop.name}".removeprefix(": "))
    return sorted(found), strangers


def _place(vehicle: Any, network: Network) -> Stop | None:
    """The stop it is at or comes to, else the one nearest to its position; None where it tells neither."""
    if vehicle.stop_id in network.stops:
        return network.stops[vehicle.stop_id]
    if not vehicle.HasField("position"):
        return None
    at = vehicle.position
    return min(network.stops.values(), key=lambda stop: distance_m(at.latitude, at.longitude, stop))
