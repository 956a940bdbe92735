"""The simulated central unit on real sockets, the real wire, and our own door for its callbacks."""

import argparse
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.electricity.bbps import Driver
from adapters.electricity.bbps.simulator import CentralUnit
from adapters.electricity.bbps.simulator_keys import Keys
from aggregator.sdk.adapter import Settings
from aggregator.sdk.model import Order
from aggregator.sdk.testing.callbacks import Letterbox, listening
from aggregator.sdk.testing.sandbox import Control
from aggregator.sdk.testing.serve import serving
from aggregator.sdk.wire_aiohttp import AiohttpWire

OPTIONS = {
    "institution": "SIMU",
    "agent_id": "SI01SIMU000000000001",
    "biller_id": "SIMU00000ODI01",
    "ip": "192.0.2.1",
    "mac": "00-00-5E-00-53-01",
}


@dataclass
class Network:
    """A driver at a running central unit that knows where to call back."""

    driver: Driver
    control: Control
    letterbox: Letterbox

    async def heard(self, count: int = 1, *, refused: int = 0) -> None:
        """Waits for so many callbacks, seconds at most."""
        box = self.letterbox
        await box.until(lambda: len(box.notices) >= count and len(box.refused) >= refused)


@asynccontextmanager
async def network_at(data: Path, **options: Any) -> AsyncIterator[Network]:
    given: dict[str, Any] = {"callback": "", "callback_after": 0.0, "mode": "queryable", "quirks": ""}
    given |= {"silent_after_lost_ack": False, "port": 0, "control_port": 0, "data": str(data), "seed": 7, **options}
    wire = AiohttpWire(connect_timeout_s=0.9, total_timeout_s=1, read_timeout_s=1, max_connections=8)
    letterbox = Letterbox()
    async with serving(CentralUnit, argparse.Namespace(**given)) as ports:
        secrets = ports.told["secrets"]
        driver = Driver(wire, Settings(f"http://127.0.0.1:{ports.port}", OPTIONS, secrets), mailbox=letterbox)
        async with (
            listening(letterbox, driver.notified) as url,
            Control(f"http://127.0.0.1:{ports.control_port}") as told,
        ):
            await told.callback_url(url)
            yield Network(driver, told, letterbox)
            await wire.close()


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three key pairs, made once: they are most of what a start costs."""
    folder = tmp_path_factory.mktemp("bbps-keys")
    Keys(folder)
    return folder


@pytest.fixture(autouse=True)
def with_keys(keys: Path, tmp_path: Path) -> None:
    shutil.copytree(keys, tmp_path, dirs_exist_ok=True)


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Network]:
    async with network_at(tmp_path) as running:
        yield running


@pytest.fixture
def a_network(tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[Network]]:
    """A central unit started with other options."""
    return lambda **options: network_at(tmp_path, **options)


@pytest.fixture
def paying() -> Callable[..., Order]:
    def make(account: str = "900000001234", reference: str = "REF-1", amount: int = 66400) -> Order:
        form = {"account": account, "mobile": "9000000000", "amount_paise": amount, "bank_ref": "BANK1"}
        return Order(reference, "bill_payment", form, at=datetime.now(UTC))

    return make
