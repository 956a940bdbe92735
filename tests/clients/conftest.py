"""Peers others wrote, next to our own simulators: one test body speaks to both."""

import argparse
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import soap_peer
from independent_agencies import Agency, police_driver, wire

from adapters.police.cctns.simulator import Police
from adapters.rto import vahan
from adapters.rto.vahan.simulator import SECRET, Department
from aggregator.sdk.adapter import Settings
from aggregator.sdk.testing.serve import serving
from aggregator.store import Store

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "api"))

from api_town import Town, running_town


@pytest.fixture(scope="session")
def php_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("php") / "ledger.json"


@pytest.fixture(scope="session")
def php(php_ledger: Path) -> Iterator[str]:
    soap_peer.demand()
    with soap_peer.serving(php_ledger) as url:
        yield url


@asynccontextmanager
async def peer_url(name: str, dialect: Any, data: Path, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """`name`: ours, or php."""
    if name == "php":
        ledger = request.getfixturevalue("php_ledger")
        url = request.getfixturevalue("php")
        ledger.write_text("{}")
        yield str(url)
        return
    options = argparse.Namespace(port=0, control_port=0, data=str(data), seed=7)
    async with serving(lambda world, _: dialect(world), options) as ports:
        yield f"http://127.0.0.1:{ports.port}"


@pytest.fixture(params=["ours", "php"])
async def office(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Agency]:
    """The transport department at each peer."""
    async with peer_url(request.param, Department, tmp_path, request) as url:
        line = wire()
        driver = vahan.Driver(line, Settings(url, {"client_id": "SIMCLIENT"}, {"shared_secret": SECRET}))
        yield Agency(request.param, driver, line, url)
        await line.close()


@pytest.fixture(params=["ours-1.2", "ours-1.1", "php-1.2", "php-1.1"])
async def police(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Agency]:
    """The police at each peer, in both versions of SOAP."""
    name, version = request.param.split("-")
    async with peer_url(name, Police, tmp_path, request) as url:
        line = wire()
        yield Agency(name, police_driver(line, url, soap=version), line, url, version)
        await line.close()


@pytest.fixture
async def town(sqlite_store: Store) -> AsyncIterator[Town]:
    """Our own server on real sockets, for what others wrote to read from."""
    async with running_town(sqlite_store) as running:
        yield running
