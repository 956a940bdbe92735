"""The real simulator on real sockets, the real wire, and the control port beside them."""

import argparse
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.rto.vahan import Driver
from adapters.rto.vahan.simulator import SECRET, Department
from aggregator.sdk.adapter import Settings
from aggregator.sdk.testing.serve import serving
from aggregator.sdk.wire_aiohttp import AiohttpWire


@dataclass
class Sandbox:
    """A driver at a running simulator. `control(method, path, body)` talks to the second port."""

    driver: Driver
    wire: AiohttpWire
    url: str
    control_url: str
    http: aiohttp.ClientSession

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        async with self.http.request(method, self.control_url + path, json=body) as got:
            return await got.json()

    async def days_pass(self, days: float) -> None:
        await self.control("POST", "/clock", {"advance_s": days * 86_400})


def driver_for(wire: AiohttpWire, url: str, secret: str = SECRET, client: str = "SIMCLIENT") -> Driver:
    return Driver(wire, Settings(url, {"client_id": client}, {"shared_secret": secret}))


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    options = argparse.Namespace(port=0, control_port=0, data=str(tmp_path), seed=7)
    wire = AiohttpWire(connect_timeout_s=2, total_timeout_s=3, read_timeout_s=3, max_connections=16)
    async with serving(lambda world, _: Department(world), options) as ports, aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{ports.port}"
        yield Sandbox(driver_for(wire, url), wire, url, f"http://127.0.0.1:{ports.control_port}", http)
        await wire.close()
