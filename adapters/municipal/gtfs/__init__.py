"""City buses from what agencies publish: a GTFS archive for stops and routes, GTFS-realtime for what is happening.

Nobody is identified and nothing is sent but two kinds of GET, without the rider's place or stop: those are looked up
in the archive, here. Files, caps and rules of staleness: README.md.
"""

from collections.abc import Sequence

from adapters.municipal.gtfs import places
from adapters.municipal.gtfs.board import next_departures
from adapters.municipal.gtfs.buses import buses_on
from adapters.municipal.gtfs.notices import notices
from adapters.municipal.gtfs.realtime import Realtime, trip_updates
from adapters.municipal.gtfs.timetable import Timetable
from aggregator.sdk.adapter import Class, Settings, operation
from aggregator.sdk.clock import Clock, SystemClock
from aggregator.sdk.model import Absent, Facts, Order
from aggregator.sdk.rest import RestClient
from aggregator.sdk.wire import Wire

CAP = 16 * 1_048_576
SHOWN, MOST_BUSES = 10, 30


class Driver:
    """Stops, routes, next departures, buses under way and notices of one bus network."""

    def __init__(self, wire: Wire, settings: Settings, clock: Clock | None = None) -> None:
        """Raises RuntimeError without the extra `gtfs`."""
        api = RestClient(wire, settings.url)
        self._clock = clock or SystemClock()
        ttl_s, kept_s = settings.option("archive_ttl_s", 21_600), settings.option("archive_kept_s", 86_400)
        self._timetable = Timetable(api, self._clock, ttl_s=float(ttl_s), kept_s=float(kept_s))
        self._realtime = Realtime(api, self._clock)

    @operation(Class.SAFE, timeout_s=20, fresh_s=600, cap_bytes=CAP)
    async def lookup(self, order: Order) -> Facts | Absent:
        """Offers `stops_near` and `routes`: the archive alone answers."""
        network = await self._timetable.network()
        if order.service == "routes":
            lines = places.routes(network, str(order.form.get("route", "")), str(order.form.get("stop", "")))
            return _listed("route", lines)
        return _listed("stop", places.stops_near(network, order.form)[:SHOWN])

    @operation(Class.SAFE, timeout_s=20, fresh_s=20, stale_s=900, cap_bytes=CAP)
    async def departures(self, order: Order) -> Facts | Absent:
        """Offer `next_departures`: form `stop` (its name or number) and, for one line only, `route`."""
        network = await self._timetable.network()
        stops = places.stops_called(network, str(order.form["stop"]))
        if not stops:
            return Absent()
        feed = await self._realtime.feed("trip-updates")
        now = order.at or self._clock.now()
        board = next_departures(network, stops, trip_updates(feed.entities), now, str(order.form.get("route", "")))
        told = _listed("departure", [one.text() for one in board.departures[:SHOWN]])
        if isinstance(told, Absent) and not board.cancelled:
            return told
        shown = told.values if isinstance(told, Facts) else {}
        return Facts({"stop": stops[0].name, **shown, **_counts(board.cancelled, board.strangers, feed.age_s)})

    @operation(Class.SAFE, timeout_s=20, fresh_s=20, stale_s=300, cap_bytes=CAP)
    async def positions(self, order: Order) -> Facts | Absent:
        """Offer `buses_on_route`: where the buses of form `route` are now, by destination and next stop."""
        network = await self._timetable.network()
        feed = await self._realtime.feed("vehicle-positions")
        found, strangers = buses_on(feed.entities, network, str(order.form["route"]))
        told = _listed("bus", found[:MOST_BUSES])
        return Facts({**told.values, **_counts(0, strangers, feed.age_s)}) if isinstance(told, Facts) else told

    @operation(Class.SAFE, timeout_s=20, fresh_s=20, stale_s=3600, cap_bytes=CAP)
    async def alerts(self, order: Order) -> Facts | Absent:
        """Offer `alerts`: what the agency announces now, of one line or of all."""
        network = await self._timetable.network()
        feed = await self._realtime.feed("alerts")
        now = order.at or self._clock.now()
        told = _listed("notice", notices(feed.entities, network, now, str(order.form.get("route", "")))[:SHOWN])
        return Facts({**told.values, **_age(feed.age_s)}) if isinstance(told, Facts) else told


def _listed(name: str, lines: Sequence[str]) -> Facts | Absent:
    """`stop_1`, `stop_2` ... in order; Absent for none."""
    return Facts({f"{name}_{n}": line for n, line in enumerate(lines, 1)}) if lines else Absent()


def _counts(cancelled: int, strangers: int, age_s: int) -> dict[str, str]:
    told = {"cancelled_departures": cancelled, "unknown_trips": strangers}
    return {name: str(count) for name, count in told.items() if count} | _age(age_s)


def _age(age_s: int) -> dict[str, str]:
    """Told only when the agency's news are older than five minutes."""
    return {"data_age_s": str(age_s)} if age_s else {}
