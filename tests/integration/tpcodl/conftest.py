"""The simulated portal on real sockets, the real wire, and the control port beside them."""

import argparse
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.electricity.tpcodl import Driver
from adapters.electricity.tpcodl.simulator import PASSWORD, USER, Portal
from aggregator.sdk.adapter import Settings
from aggregator.sdk.testing.sandbox import Control
from aggregator.sdk.testing.serve import serving
from aggregator.sdk.wire_aiohttp import AiohttpWire


@dataclass
class Counter:
    """A driver at a running portal."""

    driver: Driver
    wire: AiohttpWire
    url: str
    control: Control

    def stranger(self, **secrets: str) -> Driver:
        options = {"company_id": secrets.pop("company_id", "SIM"), "user": secrets.pop("user", USER)}
        return Driver(self.wire, Settings(self.url, options, {"password": PASSWORD, **secrets}))


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    options = argparse.Namespace(port=0, control_port=0, data=str(tmp_path), seed=7)
    wire = AiohttpWire(connect_timeout_s=1, total_timeout_s=2, read_timeout_s=2, max_connections=8)
    async with (
        serving(lambda world, _: Portal(world), options) as ports,
        Control(f"http://127.0.0.1:{ports.control_port}") as control,
    ):
        url = f"http://127.0.0.1:{ports.port}"
        settings = Settings(url, {"company_id": "SIM", "user": USER}, {"password": PASSWORD})
        yield Counter(Driver(wire, settings), wire, url, control)
        await wire.close()
