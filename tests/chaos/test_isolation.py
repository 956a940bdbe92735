"""One agency accepts and never answers, with three hundred callers hanging on it: the others do not notice (R7).

Latencies are compared within one run, baseline and trial in turns; the shared connector most systems have is the
control.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from agencies import KEY, registry_for_fire, simulators
from figures import Figure
from harness import City
from patience import seen, within

from aggregator.sdk.wire import WireError
from aggregator.sdk.wire_aiohttp import AiohttpWire

HANGING = 300
HEALTHY = 20
WINDOW_S = 3.0
ROUNDS = 3


def p99(latencies_s: list[float]) -> float:
    return statistics.quantiles(latencies_s, n=100)[98]


async def measure(call: Callable[[int], Awaitable[Any]], seconds: float = WINDOW_S) -> list[float]:
    """Latencies of `HEALTHY` callers in a closed loop, each with a pause like a person's client."""
    latencies: list[float] = []
    until = time.monotonic() + seconds

    async def caller(n: int) -> None:
        asked = 0
        while time.monotonic() < until:
            begun = time.monotonic()
            await call(n * 10_000 + asked)
            latencies.append(time.monotonic() - begun)
            asked += 1
            await asyncio.sleep(0.1)

    await asyncio.gather(*(caller(n) for n in range(HEALTHY)))
    return latencies


class Portal:
    """A client of the city under test."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self._base = base

    async def vehicle(self, n: int) -> None:
        line = await self._ask("rto.vehicle_record", {"vehicle_number": f"OD02AB{n % 10_000:04d}"}, 5)
        assert line["result"] == "VALUE", line

    async def passport(self, n: int, wait_s: int = 30) -> dict[str, Any]:
        return await self._ask(
            "passport.file_status", {"file_no": f"BS{n:013d}", "date_of_birth": "1990-01-01"}, wait_s
        )

    async def _ask(self, service: str, form: dict[str, str], wait_s: int) -> dict[str, Any]:
        url = f"{self._base}/v1/services/{service}/enquiries"
        async with self._session.post(url, json={"form": form}, headers={"Prefer": f"wait={wait_s}"}) as reply:
            assert reply.status == 200, await reply.text()
            body = await reply.json()
            return dict(body["lines"][0])


def patient_registry(folder: Path) -> Path:
    """Everybody may wait at the passport office, and an attempt there takes longer than a window of measurement."""
    path = registry_for_fire(folder)
    lines = []
    for line in path.read_text().splitlines():
        lines.append(line)
        if line.startswith("[agencies.passport.policy]"):
            lines += ["max_waiting = 400", "max_wait_s = 19"]
        if line.startswith("[agencies.rto.policy]"):
            lines += ["max_waiting = 100"]
    lines += ["[agencies.passport.operations.track]", f"timeout_s = {WINDOW_S + 2}"]
    path.write_text("\n".join(lines) + "\n")
    return path


async def hang(portal: Portal, round_: int) -> list[asyncio.Task[Any]]:
    tasks = [asyncio.create_task(portal.passport(round_ * 1000 + n)) for n in range(HANGING)]
    await asyncio.sleep(0.5)
    seen(sum(not task.done() for task in tasks) > HANGING * 0.9, "they must really hang")
    return tasks


@pytest.mark.slow
@pytest.mark.figure("R7")
async def test_three_hundred_calls_hanging_on_one_agency_do_not_slow_another(tmp_path: Path, figure: Figure) -> None:
    with simulators(tmp_path) as agencies:
        city = City(tmp_path, patient_registry(tmp_path), agencies, seed=1)
        await asyncio.to_thread(city.start, speed=1.0)
        connector = aiohttp.TCPConnector(limit=0)
        try:
            async with aiohttp.ClientSession(connector=connector, headers={"Authorization": KEY}) as session:
                await _compared(Portal(session, f"http://127.0.0.1:{city.port}"), agencies["passport"], session, figure)
        finally:
            city.kill()


async def _compared(portal: Portal, passport: Any, session: aiohttp.ClientSession, figure: Figure) -> None:
    faults = f"http://127.0.0.1:{passport.control}/faults"
    await measure(portal.vehicle, 1.0)
    ratios = []
    for round_ in range(ROUNDS):
        alone = p99(await measure(portal.vehicle))
        async with session.put(faults, json=[{"operation": "*", "fault": "607"}]) as told:
            assert told.status == 200
        hanging = await hang(portal, round_)
        beside = p99(await measure(portal.vehicle))
        ratios.append((beside - 0.005) / alone)
        answered = await asyncio.gather(*hanging)
        assert {line["result"] for line in answered} == {"UNAVAILABLE"}
        await _told_at_once(portal, round_)
        async with session.put(faults, json=[]) as told:
            assert told.status == 200
        await _recovered(portal, round_)
    within(statistics.median(ratios), 1.2, f"healthy p99 beside {HANGING} hanging calls, of alone ({ratios})")
    figure.measured(f"healthy p99 {statistics.median(ratios):.2f}x beside {HANGING} hanging calls, {ROUNDS} rounds")


async def _told_at_once(portal: Portal, round_: int) -> None:
    """Once the circuit is open, the dead agency's callers get their sentence in 50 ms."""
    latencies = []
    for n in range(30):
        begun = time.monotonic()
        line = await portal.passport(round_ * 1000 + 500 + n)
        latencies.append(time.monotonic() - begun)
        assert line["result"] == "UNAVAILABLE"
    within(statistics.median(latencies), 0.05, "told at once, s")


async def _recovered(portal: Portal, round_: int) -> None:
    until = time.monotonic() + 30
    while (await portal.passport(round_ * 1000 + 900))["result"] == "UNAVAILABLE":
        seen(time.monotonic() < until, "the circuit must close again")
        await asyncio.sleep(0.5)


@pytest.mark.slow
@pytest.mark.figure("R7")
async def test_one_connector_for_all_agencies_is_caught_by_the_same_measure(tmp_path: Path, figure: Figure) -> None:
    """The control: healthy calls queue behind the hanging ones for a place in the pool."""
    with simulators(tmp_path) as agencies:
        healthy = f"http://127.0.0.1:{agencies['rto'].port}/vahanws/VahanInfo?wsdl"
        hanging = f"http://127.0.0.1:{agencies['passport'].port}/v1/online/trackStatusForFileNo"
        # Fewer places than the office lets talk to it at once: a pool that the hanging calls can fill.
        shared = AiohttpWire(connect_timeout_s=20, total_timeout_s=30, read_timeout_s=30, max_connections=4)
        try:
            alone, beside = await _shared(shared, healthy, hanging, agencies["passport"].control)
        finally:
            await shared.close()
    seen(beside > 1.2 * alone + 0.005, f"p99 {beside:.3f} s beside them, {alone:.3f} s alone")
    figure.control(f"one shared connector: healthy p99 {alone * 1000:.0f} ms -> {beside * 1000:.0f} ms")


async def _shared(wire: AiohttpWire, healthy: str, hanging: str, control: int) -> tuple[float, float]:
    async def well(_: int) -> None:
        try:
            await wire.send("GET", healthy, headers={}, body=None, effect=False)
        except WireError:
            return

    alone = p99(await measure(well, 1.5))
    async with (
        aiohttp.ClientSession() as session,
        session.put(f"http://127.0.0.1:{control}/faults", json=[{"operation": "*", "fault": "607"}]) as told,
    ):
        assert told.status == 200
    body = (
        b'{"requestResponseMap":{"fileNo":"SI9990000000000","applDob":"01/01/1990","optStatus":"Application_Status"}}'
    )
    headers = {"Content-Type": "application/json", "Origin": hanging, "Referer": hanging}
    stuck = [
        asyncio.create_task(wire.send("POST", hanging, headers=headers, body=body, effect=False))
        for _ in range(HANGING)
    ]
    await asyncio.sleep(0.3)
    trial = asyncio.create_task(measure(well, 1.5))
    await asyncio.sleep(4.0)
    for task in stuck:
        task.cancel()
    await asyncio.gather(*stuck, return_exceptions=True)
    return alone, p99(await trial)
