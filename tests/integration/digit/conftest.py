"""The simulated corporation on real sockets, the real wire with a real login, and the control port beside them."""

import argparse
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.municipal.digit import Driver
from adapters.municipal.digit.simulator import Digit
from aggregator.sdk.adapter import Settings
from aggregator.sdk.testing.serve import serving
from aggregator.sdk.wire_aiohttp import AiohttpWire

SECRETS = {"password": "123456", "client_secret": "sim-client-secret"}


@dataclass
class City:
    """A driver at a running simulator. `control(method, path, body)` talks to the second port."""

    driver: Driver
    control_url: str
    http: aiohttp.ClientSession

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        async with self.http.request(method, self.control_url + path, json=body) as got:
            return await got.json()

    async def seconds_pass(self, seconds: float) -> None:
        await self.control("POST", "/clock", {"advance_s": seconds})


Open = Callable[..., AbstractAsyncContextManager[City]]


@pytest.fixture
def city_with(tmp_path: Path) -> Open:
    @asynccontextmanager
    async def opened(**options: Any) -> AsyncIterator[City]:
        given = {"port": 0, "control_port": 0, "data": str(tmp_path), "seed": 7, "queue_delay": 2.0}
        given |= {"no_limits": False, "shape": "both", "enforce_bill": False} | options
        wire = AiohttpWire(connect_timeout_s=2, total_timeout_s=3, read_timeout_s=3, max_connections=16)
        async with serving(Digit, argparse.Namespace(**given)) as ports, aiohttp.ClientSession() as http:
            url = f"http://127.0.0.1:{ports.port}"
            facts = {"tenant": "od.bhubaneswar", "user": "sim-csr", "client": "sim-client"}
            driver = Driver(wire, Settings(url, facts, SECRETS))
            yield City(driver, f"http://127.0.0.1:{ports.control_port}", http)
            await wire.close()

    return opened


@pytest.fixture
async def city(city_with: Open) -> AsyncIterator[City]:
    async with city_with() as opened:
        yield opened
