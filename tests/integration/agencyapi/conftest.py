"""The reference agency on real sockets, and the door at which its notices arrive."""

import argparse
import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.agencyapi.standard import Driver
from adapters.agencyapi.standard.simulator import CALLBACK_SECRET, TOKEN, Agency
from aggregator.sdk.adapter import Settings
from aggregator.sdk.callback import Notice
from aggregator.sdk.testing.callbacks import Letterbox, listening
from aggregator.sdk.testing.sandbox import Control
from aggregator.sdk.testing.serve import serving
from aggregator.sdk.wire_aiohttp import AiohttpWire

_TURN_S, _TURNS = 0.02, 250


@dataclass
class Sandbox:
    driver: Driver
    control: Control
    letters: Letterbox
    url: str
    door: str
    """Where the notices arrive."""

    async def notices(self, count: int) -> list[Notice]:
        """The notices, once there are so many; fails after five seconds without them."""
        for _ in range(_TURNS):
            if len(self.letters.notices) >= count:
                return self.letters.notices
            await asyncio.sleep(_TURN_S)
        raise AssertionError(f"{len(self.letters.notices)} notices came, and {self.letters.refused}")

    async def posted(self, count: int) -> list[int]:
        """How the pushes were answered, once so many have left."""
        for _ in range(_TURNS):
            told: list[int] = (await self.control.calls())["callbacks"]
            if len(told) >= count:
                return told
            await asyncio.sleep(_TURN_S)
        raise AssertionError("fewer pushes left than expected")


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    options = argparse.Namespace(port=0, control_port=0, data=str(tmp_path), seed=7)
    wire = AiohttpWire(connect_timeout_s=2, total_timeout_s=3, read_timeout_s=3, max_connections=16)
    letters = Letterbox()
    async with serving(lambda world, _: Agency(world), options) as ports:
        url = f"http://127.0.0.1:{ports.port}"
        driver = Driver(wire, Settings(url, {}, {"token": TOKEN, "callback_secret": CALLBACK_SECRET}))
        async with (
            listening(letters, driver.notified) as door,
            Control(f"http://127.0.0.1:{ports.control_port}") as control,
        ):
            await control.callback_url(door)
            yield Sandbox(driver, control, letters, url, door)
    await wire.close()
