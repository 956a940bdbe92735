"""What leaves a stop next: the timetable, moved by what the buses report, in the order in which they come.

Yesterday's service day is looked at as well, because its last buses leave after midnight. A reported trip that the
timetable does not know cannot be placed: it is left out and counted, so that nobody takes the list for complete.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from adapters.municipal.gtfs.network import DAY_S, Network, Stop, StopCall
from adapters.municipal.gtfs.realtime import Update

AHEAD = timedelta(hours=2)
_LATE = timedelta(hours=1)
"""How late a bus may be and still be looked for."""


@dataclass(frozen=True, slots=True)
class Departure:
    """`leaves` and `planned` on the agency's clock; `delay_min` is None where nothing is reported."""

    leaves: datetime
    planned: datetime
    number: str
    headsign: str
    delay_min: int | None

    def text(self) -> str:
        """`18:47 10 Airport (18:42 +5)`: no word in it that has a language."""
        line = f"{self.leaves:%H:%M} {self.number} {self.headsign}".rstrip()
        if self.delay_min is None:
            return line
        return f"{line} ({self.planned:%H:%M} {self.delay_min:+d})"


@dataclass(frozen=True, slots=True)
class Board:
    """The departures of a place in order; how many were cancelled; how many reports no timetable knows."""

    departures: list[Departure]
    cancelled: int
    strangers: int


def next_departures(
    network: Network, stops: Sequence[Stop], updates: Mapping[tuple[str, str], Update], now: datetime, route: str = ""
) -> Board:
    """`now` aware; `route` a number as on the bus, empty for all."""
    here = now.astimezone(network.zone)
    found: list[Departure] = []
    cancelled = 0
    due = ((stop, on, call) for stop in stops for on, call in _due(network, stop, here))
    for stop, on, call in due:
        if route and call.trip.route.number.casefold() != route.casefold():
            continue
        departure = _departure(network, stop, on, call, _update(updates, call.trip.trip_id, on))
        if departure is None:
            cancelled += call.leaves_s >= _since(network, on, here)
        elif here <= departure.leaves + timedelta(seconds=59) and departure.leaves <= here + AHEAD:
            found.append(departure)
    found.sort(key=lambda one: (one.leaves, one.number))
    return Board(found, cancelled, sum(trip_id not in network.trips for trip_id, _ in updates))


def _due(network: Network, stop: Stop, here: datetime) -> Iterator[tuple[date, StopCall]]:
    """Planned from an hour ago to two hours ahead, of every service day that reaches there: tomorrow's too."""
    for back in range(-1, network.latest_s // DAY_S + 1):
        on = here.date() - timedelta(days=back)
        first, last = (_since(network, on, at) for at in (here - _LATE, here + AHEAD))
        for call in network.calls.get(stop.stop_id, ()):
            if first <= call.leaves_s <= last and network.runs(call.trip, on):
                yield on, call


def _begins(network: Network, on: date) -> float:
    """When a service day begins, as the standard wants it: noon less twelve hours, also when clocks change."""
    return datetime(on.year, on.month, on.day, 12, tzinfo=network.zone).timestamp() - DAY_S / 2


def _since(network: Network, on: date, at: datetime) -> float:
    return at.timestamp() - _begins(network, on)


def _update(updates: Mapping[tuple[str, str], Update], trip_id: str, on: date) -> Update | None:
    return updates.get((trip_id, f"{on:%Y%m%d}")) or updates.get((trip_id, ""))


def _departure(network: Network, stop: Stop, on: date, call: StopCall, update: Update | None) -> Departure | None:
    """None for a bus that will not stop here."""
    planned = datetime.fromtimestamp(_begins(network, on) + call.leaves_s, network.zone)
    number, headsign = call.trip.route.number, call.trip.headsign
    if update is None:
        return Departure(planned, planned, number, headsign, None)
    change = update.at(call.sequence, stop.stop_id)
    if update.cancelled or (change is not None and change.skipped):
        return None
    if change is None or (change.leaves_at is None and change.delay_s is None):
        return Departure(planned, planned, number, headsign, None)
    leaves = change.leaves_at or planned + timedelta(seconds=change.delay_s or 0)
    delay_min = round((leaves.timestamp() - planned.timestamp()) / 60)
    return Departure(leaves.astimezone(network.zone), planned, number, headsign, delay_min)
