"""The real drivers over the real wire, at a peer others wrote or at our own simulator."""

from dataclasses import dataclass
from typing import Any

from adapters.police import cctns
from aggregator.sdk.adapter import Settings, operations_of
from aggregator.sdk.model import Order
from aggregator.sdk.testing.conformance import Ended, call
from aggregator.sdk.wire_aiohttp import AiohttpWire


@dataclass
class Agency:
    """A real driver over the real wire at a peer; `peer` says whose server answers."""

    peer: str
    driver: Any
    wire: AiohttpWire
    url: str
    version: str = "1.1"

    async def ended(self, operation: str, order: Order) -> Ended:
        """One attempt as the pipeline makes it."""
        return await call(self.driver, operation, operations_of(type(self.driver))[operation], order)

    async def word(self, operation: str, order: Order) -> str:
        read = operations_of(type(self.driver))[operation].cls.value == "safe"
        return (await self.ended(operation, order)).word(read=read)


def wire() -> AiohttpWire:
    return AiohttpWire(connect_timeout_s=2, total_timeout_s=5, read_timeout_s=5, max_connections=8)


def police_driver(line: AiohttpWire, url: str, password: str = "sim-police-password", **options: str) -> cctns.Driver:  # noqa: S107
    return cctns.Driver(line, Settings(url, {"user": "sim-police", **options}, {"password": password}))
