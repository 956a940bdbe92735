"""A town with an issuer of documents on a real socket, and a citizen whose record the issuer knows."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from adapters.locker.digilocker import Driver
from aggregator.registry.agency import Agency, Manifest, Poll
from aggregator.resilience.pipeline import Guarded
from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import Settings, operations_of
from aggregator.sdk.clock import SystemChance
from aggregator.sdk.testing.sandbox import Sandbox, started
from aggregator.sdk.wire_aiohttp import AiohttpWire
from aggregator.store import Store

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "api"))

from api_citizens import logged_in
from api_town import Town, running_town

ASHA = "9000000042"
OPTIONS = {"org_id": "in.gov.city", "issuer": "in.gov.sim", "document_types": "RVCER"}


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    running = started("adapters.locker.digilocker.simulator", tmp_path_factory.mktemp("issuer"))
    yield running
    running.stop()


@pytest.fixture
async def locker(issuer: Sandbox) -> AsyncIterator[Callable[..., None]]:
    """Puts the issuer into a town, as the registry would; with another driver or key where a test says so."""
    wires = []

    def into(town: Town, driver: type = Driver, key: str = "sim-digilocker-key", patience_s: float = 10.0) -> None:
        wire = AiohttpWire(connect_timeout_s=5, total_timeout_s=10, read_timeout_s=10, max_connections=4)
        wires.append(wire)
        settings, declared = Settings(issuer.url, OPTIONS, {"hmac_key": key}), operations_of(Driver)
        policy = Policy(deadline_s=patience_s, max_rps=100)
        guarded = Guarded(
            "papers", driver(wire, settings), declared, policy, clock=town.clock, chance=SystemChance(),
            meter=town.parts.meter,
        )  # fmt: skip
        agency = Agency(
            id="papers", kind="locker", driver="digilocker", title={"en": "Transport papers"}, enabled=True,
            livemode=False, settings=settings, policy=policy, operations=declared, poll=Poll(), guarded=guarded,
            manifest=Manifest(name="digilocker", kind="locker", version="1", protocol="xml", title={}, summary=""),
            capabilities=("documents",),
        )  # fmt: skip
        town.parts.registry().agencies["papers"] = agency

    yield into
    for wire in wires:
        await wire.close()


@pytest.fixture
async def town(store: Store, tmp_path: Path, locker: Callable[..., None]) -> AsyncIterator[Town]:
    """Asha is logged in, and her record has the birth date the issuer knows."""
    async with running_town(store, keys=tmp_path / "keys") as running:
        locker(running)
        await logged_in(running, ASHA)
        seen = await running.ask("GET", "/citizens/me", portal=ASHA)
        change = {"name": "Asha Patnaik", "date_of_birth": "1990-01-01"}
        got = await running.ask("PATCH", "/citizens/me", portal=ASHA, json=change, If_Match=seen.headers["ETag"])
        assert got.status == 200, got.body
        yield running
