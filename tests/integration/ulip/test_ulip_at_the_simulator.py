"""Both registers behind the simulated gateway, over real sockets."""

import argparse
import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.rto.ulip import Driver
from adapters.rto.ulip.simulator import Ulip
from aggregator.sdk.adapter import Settings
from aggregator.sdk.errors import AgencyError, ContractBroken, Misconfigured, OutcomeUnknown, Unavailable
from aggregator.sdk.model import Absent, Facts, Order
from aggregator.sdk.testing.faults import MENU, Way
from aggregator.sdk.testing.serve import serving
from aggregator.sdk.wire_aiohttp import AiohttpWire

PASSWORD = "sim-ulip-password"
HANGS = {Way.SILENT, Way.ENDLESS, Way.DRIP, Way.SLOW, Way.FLOOD, Way.BOMB}
WORDS = {Facts: "value", Absent: "absent", ContractBroken: "broken", Misconfigured: "misconfigured"}
WORDS |= {Unavailable: "unavailable", OutcomeUnknown: "unavailable"}


@dataclass
class Gateway:
    wire: AiohttpWire
    url: str
    control_url: str
    http: aiohttp.ClientSession

    def driver(self, password: str = PASSWORD, **options: str) -> Driver:
        return Driver(self.wire, Settings(self.url, options, {"username": "sim", "password": password}))

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        async with self.http.request(method, self.control_url + path, json=body) as got:
            return await got.json()

    async def logins(self) -> int:
        return int((await self.control("GET", "/calls"))["operations"].get("login", 0))


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    options = argparse.Namespace(port=0, control_port=0, data=str(tmp_path), seed=7)
    wire = AiohttpWire(connect_timeout_s=2, total_timeout_s=3, read_timeout_s=3, max_connections=16)
    async with serving(lambda world, _: Ulip(world), options) as ports, aiohttp.ClientSession() as http:
        here = "http://127.0.0.1:"
        yield Gateway(wire, f"{here}{ports.port}", f"{here}{ports.control_port}", http)
        await wire.close()


def vehicle(plate: str = "OD02AB1234", **form: str) -> Order:
    return Order("", "vehicle_record", {"vehicle_number": plate, **form})


def licence(number: str = "OD9920990000000", born: str = "1990-01-01") -> Order:
    return Order("", "licence_record", {"licence_number": number, "date_of_birth": born})


async def ended(driver: Driver, order: Order) -> str:
    try:
        return WORDS[type(await driver.lookup(order))]
    except AgencyError as exc:
        return WORDS[type(exc)]


async def test_both_datasets_tell_the_same_of_a_vehicle(gateway: Gateway) -> None:
    order = vehicle(chassis_last5="01234")
    in_json = await gateway.driver(vahan="04").lookup(order)
    assert isinstance(in_json, Facts)
    assert in_json.values["owner_name"].startswith("Test Citizen")
    assert await gateway.driver(vahan="01").lookup(order) == in_json


async def test_a_licence_is_found_by_number_and_date_of_birth_and_by_no_other_date(gateway: Gateway) -> None:
    got = await gateway.driver().lookup(licence())
    assert isinstance(got, Facts)
    assert got.values["holder_name"] == "Test Citizen 0000"
    assert await gateway.driver().lookup(licence(born="1991-01-01")) == Absent("-1")
    assert await gateway.driver().lookup(licence("XX123")) == Absent("-1")


async def test_thirty_citizens_at_once_cost_one_login(gateway: Gateway) -> None:
    driver = gateway.driver()
    await asyncio.gather(*(driver.lookup(vehicle(f"OD02AB{n:04d}")) for n in range(30)))
    assert await gateway.logins() == 1


async def test_a_token_that_ran_out_is_renewed_without_anybody_noticing(gateway: Gateway) -> None:
    driver = gateway.driver()
    await driver.lookup(vehicle())
    await gateway.control("POST", "/clock", {"advance_s": 1801})
    got = await asyncio.gather(*(driver.lookup(vehicle(f"OD02AB{n:04d}")) for n in range(10)))
    assert {type(one) for one in got} == {Facts}
    assert await gateway.logins() == 2


async def test_a_wrong_password_calls_the_operator(gateway: Gateway) -> None:
    with pytest.raises(Misconfigured):
        await gateway.driver(password="another").lookup(vehicle())


async def test_a_login_that_is_broken_like_anything_else_is_read_like_anything_else(gateway: Gateway) -> None:
    got = {}
    for fault in ("200", "203", "204", "302", "403", "412", "429", "500", "600"):
        await gateway.control("PUT", "/faults", [{"operation": "login", "fault": fault, "times": 1}])
        got[fault] = await ended(gateway.driver(), vehicle())
    assert {fault: word for fault, word in got.items() if word not in MENU[fault].read.split("|")} == {}


@pytest.mark.parametrize("dataset", ["VAHAN/01", "SARATHI/01"])
async def test_the_menu_ends_as_the_table_says_in_the_other_datasets_too(gateway: Gateway, dataset: str) -> None:
    none = (await gateway.control("GET", "/health"))["not_applicable"]["*"]
    codes = [code for code, row in MENU.items() if row.read and row.way not in HANGS and code not in none]
    driver, wrong = gateway.driver(vahan="01"), {}
    for code in codes:
        order = vehicle(f"OD99ZZ0{code}") if dataset.startswith("VAHAN") else licence(f"OD9920990000{code}")
        word = await ended(driver, order)
        if word not in MENU[code].read.split("|"):
            wrong[code] = word
    assert len(codes) > 40
    assert wrong == {}
