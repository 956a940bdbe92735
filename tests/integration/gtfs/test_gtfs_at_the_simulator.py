"""A whole network of the city's size over real sockets, and every fault on each of its files."""

import argparse
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

pytest.importorskip("google.transit", reason="GTFS-realtime needs the extra: pip install '.[gtfs]'")

from adapters.municipal.gtfs import Driver
from adapters.municipal.gtfs.network import read_network
from adapters.municipal.gtfs.simulator import Bus
from aggregator.sdk.adapter import Settings
from aggregator.sdk.errors import AgencyError, ContractBroken, Misconfigured, OutcomeUnknown, Unavailable
from aggregator.sdk.model import Absent, Facts, Order
from aggregator.sdk.testing.faults import MENU, Way
from aggregator.sdk.testing.serve import serving
from aggregator.sdk.wire_aiohttp import AiohttpWire

HANGS = {Way.SILENT, Way.ENDLESS, Way.DRIP, Way.SLOW}
WORDS = {Facts: "value", Absent: "absent", ContractBroken: "broken", Misconfigured: "misconfigured"}
WORDS |= {Unavailable: "unavailable", OutcomeUnknown: "unavailable"}


@dataclass
class Depot:
    driver: Driver
    url: str
    control_url: str
    http: aiohttp.ClientSession

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        async with self.http.request(method, self.control_url + path, json=body) as got:
            return await got.json()

    async def archive(self) -> bytes:
        async with self.http.get(self.url + "/gtfs.zip") as got:
            return await got.read()

    async def board(self, **form: str) -> Any:
        return await self.driver.departures(Order("", "next_departures", {"stop": "Master Canteen", **form}))

    async def asked(self, operation: str) -> Any:
        match operation:
            case "trip_updates":
                return await self.board()
            case "vehicle_positions":
                return await self.driver.positions(Order("", "buses_on_route", {"route": "N1"}))
            case _:
                return await self.driver.alerts(Order("", "alerts", {}))

    async def ended(self, operation: str) -> str:
        try:
            got = await self.asked(operation)
        except AgencyError as exc:
            return WORDS[type(exc)]
        return WORDS[type(got)]


@pytest.fixture
async def depot(tmp_path: Path) -> AsyncIterator[Depot]:
    options = argparse.Namespace(port=0, control_port=0, data=str(tmp_path), seed=7)
    wire = AiohttpWire(connect_timeout_s=2, total_timeout_s=6, read_timeout_s=6, max_connections=8)
    async with serving(lambda world, _: Bus(world), options) as ports, aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{ports.port}"
        yield Depot(Driver(wire, Settings(url)), url, f"http://127.0.0.1:{ports.control_port}", http)
        await wire.close()


async def test_the_network_has_the_size_of_the_citys(depot: Depot) -> None:
    network = read_network(await depot.archive())
    assert (len(network.stops), len(network.routes)) == (734, 62)
    assert network.left_out == 0
    assert network.latest_s > 86_400
    served = {stop_id[:4] for stop_id, calls in network.calls.items() if calls}
    assert len(served) == 367


async def test_a_bus_is_shown_at_any_hour_because_one_line_runs_by_night(depot: Depot) -> None:
    got = await depot.board(route="N1")
    assert isinstance(got, Facts)
    assert " N1 " in got.values["departure_1"]
    assert isinstance(await depot.driver.lookup(Order("", "stops_near", {"lat": 20.27, "lon": 85.83})), Facts)


async def test_the_archive_is_sent_once_and_then_only_confirmed(depot: Depot) -> None:
    for _ in range(3):
        await depot.board()
    told = await depot.control("GET", "/calls")
    assert told["operations"] == {"archive": 1, "trip_updates": 3}
    async with depot.http.get(depot.url + "/gtfs.zip") as got:
        mark = got.headers["ETag"]
    async with depot.http.get(depot.url + "/gtfs.zip", headers={"If-None-Match": mark}) as got:
        assert (got.status, await got.read()) == (304, b"")


@pytest.mark.parametrize("operation", ["trip_updates", "vehicle_positions", "alerts"])
async def test_the_menu_ends_as_the_table_says_on_the_feeds_too(depot: Depot, operation: str) -> None:
    """The conformance suite meets the archive first; here it is in hand already."""
    assert await depot.ended(operation) in {"value", "absent"}
    none = (await depot.control("GET", "/health"))["not_applicable"]["*"]
    rows = {**MENU, **Bus.own_faults}
    wrong, codes = {}, [code for code, row in rows.items() if row.read and row.way not in HANGS and code not in none]
    for code in codes:
        await depot.control("PUT", "/faults", [{"operation": operation, "fault": code, "times": 1}])
        word = await depot.ended(operation)
        if word not in rows[code].read.split("|"):
            wrong[code] = word
    assert len(codes) > 25
    assert wrong == {}


async def test_news_of_six_minutes_ago_carry_their_age_and_strangers_are_counted(depot: Depot) -> None:
    await depot.control("PUT", "/faults", [{"operation": "trip_updates", "fault": "820"}])
    age_s = int((await depot.board(route="N1")).values["data_age_s"])
    assert 355 < age_s < 375
    await depot.control("PUT", "/faults", [{"operation": "trip_updates", "fault": "823"}])
    assert (await depot.board(route="N1")).values["unknown_trips"] == "3"


async def test_what_the_buses_report_is_what_the_timetable_knows(depot: Depot) -> None:
    await depot.control("POST", "/clock", {"set": "2026-01-15T13:00:00+00:00"})  # 18:30, all lines under way
    network = read_network(await depot.archive())
    from google.transit import gtfs_realtime_pb2  # noqa: PLC0415 - an extra

    for feed in ("trip-updates", "vehicle-positions"):
        async with depot.http.get(f"{depot.url}/gtfs-rt/{feed}.pb") as got:
            message = gtfs_realtime_pb2.FeedMessage.FromString(await got.read())
        trips = [one.trip_update.trip.trip_id or one.vehicle.trip.trip_id for one in message.entity]
        assert len(trips) > 100
        assert set(trips) <= network.trips.keys()
        assert len(set(trips)) == len(trips)
