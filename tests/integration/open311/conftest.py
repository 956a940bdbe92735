"""The simulated city on real sockets, the real wire, and the control port beside them."""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapters.municipal.open311 import Driver
from adapters.municipal.open311.simulator import KEY, Open311
from aggregator.sdk.adapter import Settings
from aggregator.sdk.testing.sandbox import Control
from aggregator.sdk.testing.serve import serving
from aggregator.sdk.wire_aiohttp import AiohttpWire

OPTIONS = {
    "code_street_light": "001",
    "code_garbage": "002",
    "type_garbage": "batch",
    "batch_lag_s": 60,
    "code_suggestion": "003",
    "type_suggestion": "blackbox",
    "code_road": "004",
    "code_public_toilet": "005",
}


@dataclass
class Sandbox:
    """A driver at a running simulator; `driver(**options)` makes another one."""

    wire: AiohttpWire
    url: str
    control: Control

    def driver(self, **options: Any) -> Driver:
        return Driver(self.wire, Settings(self.url, OPTIONS | options, {"api_key": options.pop("key", KEY)}))


@asynccontextmanager
async def running(data: Path, jurisdictions: str = "") -> AsyncIterator[Sandbox]:
    options = argparse.Namespace(port=0, control_port=0, data=str(data), seed=7)
    wire = AiohttpWire(connect_timeout_s=2, total_timeout_s=3, read_timeout_s=3, max_connections=16)
    async with serving(lambda world, _: Open311(world, jurisdictions), options) as ports:
        async with Control(f"http://127.0.0.1:{ports.control_port}") as control:
            yield Sandbox(wire, f"http://127.0.0.1:{ports.port}", control)
        await wire.close()


@pytest.fixture(params=["xml", "json"])
def fmt(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with running(tmp_path) as found:
        yield found


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[Sandbox]:
    """A server of two cities."""
    async with running(tmp_path, "bhubaneswar.sim,cuttack.sim") as found:
        yield found
