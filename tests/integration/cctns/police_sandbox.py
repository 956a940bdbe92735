"""A driver and its simulated police, with the control port at hand."""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp

from adapters.police.cctns import Driver
from adapters.police.cctns.simulator import Police
from adapters.police.cctns.simulator_door import Guard
from aggregator.sdk.adapter import Settings, operations_of
from aggregator.sdk.clock import Chance, Clock
from aggregator.sdk.model import Order
from aggregator.sdk.testing.conformance import Ended, call
from aggregator.sdk.testing.serve import serving
from aggregator.sdk.wire_aiohttp import AiohttpWire

FORM = {
    "name": "Test Citizen 0000",
    "father_name": "Test Parent",
    "gender": "F",
    "date_of_birth": "1990-01-01",
    "mobile": "9000000000",
    "address_line1": "Plot 0, Demo Colony",
    "police_station": "9901",
    "district": "99",
    "pin": "751001",
    "id_type": "VOTER",
    "id_last4": "4566",
    "person_name": "Test Worker 0000",
    "purpose": "A job",
    "premises": "Plot 1",
    "incident_at": "2026-01-10T17:30:00+05:30",
    "incident_place": "Market",
    "text": "Something happened there",
    "fir_no": "12",
    "fir_year": "2025",
    "from": "2026-02-01T10:00:00+05:30",
    "to": "2026-02-01T12:00:00+05:30",
    "venue": "Hall",
    "expected_persons": 50,
    "organiser": "Demo",
}
DECLARED = operations_of(Driver)


def new(reference: str = "REF-1", service: str = "employee_verification", **form: Any) -> Order:
    return Order(reference, service, {**FORM, **form})


def about(number: str, reference: str = "OP-1", **form: Any) -> Order:
    """An order about a request they have numbered, by its own mobile unless told otherwise."""
    return Order(reference, "employee_verification", {"mobile": "9000000000", **form}, agency_reference=number)


def magic(fault: str, service: str = "EMV") -> str:
    return f"OP99{service}000{fault.zfill(4)}"


@dataclass
class Sandbox:
    driver: Driver
    wire: AiohttpWire
    url: str
    control_url: str
    http: aiohttp.ClientSession

    async def ended(self, operation: str, order: Order) -> Ended:
        """One attempt as the pipeline makes it."""
        return await call(self.driver, operation, DECLARED[operation], order)

    async def word(self, operation: str, order: Order) -> str:
        read = DECLARED[operation].cls.value == "safe"
        return (await self.ended(operation, order)).word(read=read)

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        async with self.http.request(method, self.control_url + path, json=body) as got:
            return await got.json()

    async def days_pass(self, days: float) -> None:
        await self.control("POST", "/clock", {"advance_s": days * 86_400})

    async def acted(self, operation: str) -> list[int]:
        return [row["acted"] for row in await self.control("GET", f"/ledger?operation={operation}")]

    def speaking(self, clock: Clock | None = None, chance: Chance | None = None, **changed: str) -> "Sandbox":
        """Another driver at the same police: other options, another password, another clock or chance."""
        password = changed.pop("password", "sim-police-password")
        options = {"user": "sim-police", **changed}
        driver = Driver(self.wire, Settings(self.url, options, {"password": password}), clock=clock, chance=chance)
        return replace(self, driver=driver)


@asynccontextmanager
async def running(data: Path, *, soap: str = "1.2", guard: Guard | None = None) -> AsyncIterator[Sandbox]:
    options = argparse.Namespace(port=0, control_port=0, data=str(data), seed=7)
    wire = AiohttpWire(connect_timeout_s=2, total_timeout_s=3, read_timeout_s=3, max_connections=16)
    async with serving(lambda world, _: Police(world, guard), options) as ports, aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{ports.port}"
        settings = Settings(url, {"user": "sim-police", "soap": soap}, {"password": "sim-police-password"})
        yield Sandbox(Driver(wire, settings), wire, url, f"http://127.0.0.1:{ports.control_port}", http)
        await wire.close()
