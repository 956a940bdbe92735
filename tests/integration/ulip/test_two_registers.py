"""A vehicle record is asked at two agencies at once; either may be dead, and that costs its line and no more."""

import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from aggregator.cases.enquire import Line, enquire
from aggregator.registry.agency import Registry
from aggregator.registry.load import Parts, load
from aggregator.resilience.pipeline import NullMeter
from aggregator.sdk.clock import SeededChance, SystemClock
from aggregator.sdk.testing.sandbox import Sandbox, started
from aggregator.sdk.wire_aiohttp import AiohttpWire

ROOT = Path(__file__).parents[3]
PATIENCE_S = 8.0
SIMULATORS = {"rto": "adapters.rto.vahan.simulator", "rto_ulip": "adapters.rto.ulip.simulator"}
HEAD = """
include = ["rto.toml"]
[city]
name = "Two registers"
timezone = "Asia/Kolkata"
"""


def registry_of(folder: Path) -> Path:
    """The two agencies' blocks as they stand in the city's registry, with its catalogue of the department."""
    blocks, keep = [HEAD], False
    for line in (ROOT / "registry.toml").read_text().splitlines():
        if line.startswith("["):
            keep = line.split(".", 1)[-1].partition("]")[0].split(".")[0] in SIMULATORS
        blocks += [line] if keep else []
    shutil.copy(ROOT / "catalogue" / "rto.toml", folder)
    path = folder / "registry.toml"
    path.write_text("\n".join(blocks) + "\n")
    return path


@pytest.fixture
def simulators(tmp_path: Path) -> Any:
    running: dict[str, Sandbox] = {}
    for name, module in SIMULATORS.items():
        (tmp_path / name).mkdir()
        running[name] = started(module, tmp_path / name)
    yield running
    for sandbox in running.values():
        sandbox.stop()


@pytest.fixture
async def registry(tmp_path: Path, simulators: dict[str, Sandbox]) -> AsyncIterator[Registry]:
    wires: list[AiohttpWire] = []

    def wire(*_: Any) -> AiohttpWire:
        wires.append(
            AiohttpWire(connect_timeout_s=2, total_timeout_s=PATIENCE_S, read_timeout_s=PATIENCE_S, max_connections=4)
        )
        return wires[-1]

    parts = Parts(
        clock=SystemClock(), chance=SeededChance(1), meter=NullMeter(), make_wire=wire, on_breaker=lambda *_: None
    )
    urls = {name: sandbox.url for name, sandbox in simulators.items()}
    made = load(registry_of(tmp_path), parts, env={}, sandbox_urls=urls)
    yield made
    for agency in made.agencies.values():
        await agency.guarded.close()
    for one in wires:
        await one.close()


@pytest.fixture
def ask(registry: Registry) -> Callable[..., Any]:
    async def asked(**form: str) -> dict[str, Line]:
        service = registry.services["rto.vehicle_record"]
        lines = await enquire(registry, service, form, person="a citizen", deadline_s=PATIENCE_S)
        return {line.agency: line for line in lines}

    return asked


async def test_both_registers_tell_the_same_of_one_vehicle(ask: Callable[..., Any]) -> None:
    lines = await ask(vehicle_number="OD02AB1234", chassis_last5="01234")
    assert [line.result for line in lines.values()] == ["value", "value"]
    assert lines["rto"].values == lines["rto_ulip"].values
    assert "owner_name" in lines["rto"].values


@pytest.mark.parametrize(("dead", "alive"), [("rto", "rto_ulip"), ("rto_ulip", "rto")])
async def test_a_dead_register_costs_its_line_and_no_more(
    ask: Callable[..., Any], simulators: dict[str, Sandbox], dead: str, alive: str
) -> None:
    simulators[dead].kill()
    lines = await ask(vehicle_number="OD02AB1234")
    assert (lines[dead].result, lines[alive].result) == ("unavailable", "value")


async def test_who_asks_by_chassis_is_answered_where_that_can_be_searched(ask: Callable[..., Any]) -> None:
    lines = await ask(chassis_number="SIMCHOD02AB123401234")
    assert (lines["rto"].result, lines["rto_ulip"].result) == ("value", "refused")
    assert lines["rto_ulip"].reason_code == "plate_only"
