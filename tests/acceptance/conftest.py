"""A city for outsiders: server and agencies are processes, and everything goes over HTTP and the command line."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
CLI = (sys.executable, "-m", "aggregator.cli")
KEY = "sk_test_portal"
STARTED = re.compile(r"API\s+(http://\S+)/v1")


def environment() -> dict[str, str]:
    """A desk without settings of the developer's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AGGREGATOR_")}
    return {
        **kept,
        "NO_COLOR": "1",
        "AGGREGATOR_SANDBOX_PORTS": "any",
        "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }


@dataclass(slots=True)
class RunningCity:
    """A server with its simulated agencies, as a person at a terminal started it."""

    process: subprocess.Popen[str]
    url: str
    data: Path

    @property
    def portal(self) -> httpx.Client:
        return httpx.Client(
            base_url=f"{self.url}/v1", headers={"Authorization": f"Bearer {KEY}"}, timeout=70, trust_env=False
        )

    def shell(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`aggregator ...` in another terminal."""
        return subprocess.run(
            [*CLI, *words],
            cwd=ROOT,
            env={**environment(), "AGGREGATOR_DATA": str(self.data), "AGGREGATOR_URL": self.url},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def die(self) -> None:
        """As with `kill -9`."""
        self.process.kill()
        self.process.wait(10)


@contextmanager
def a_city(data: Path, registry: str = "demo.toml") -> Iterator[RunningCity]:
    words = [*CLI, "serve", "--sandbox", "--port", "0", "--data", str(data), "--registry", str(ROOT / registry)]
    with subprocess.Popen(
        words, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        said = ""
        try:
            for line in process.stdout:
                said += line
                if started := STARTED.search(line):
                    yield RunningCity(process, started[1], data)
                    break
            else:
                pytest.fail(f"the city did not start:\n{said}")
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture
def start_city() -> Callable[[Path], AbstractContextManager[RunningCity]]:
    """For tests that need a city of their own."""
    return a_city


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCity]:
    with a_city(tmp_path_factory.mktemp("city")) as running:
        yield running


@pytest.fixture(scope="session")
def portal(city: RunningCity) -> Iterator[httpx.Client]:
    """A portal developer's client."""
    with city.portal as client:
        yield client


@pytest.fixture(scope="session", autouse=True)
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """The demo, running beside the other stories from the first one on, so that both cost their time once."""
    data = tmp_path_factory.mktemp("demo")
    words = [*CLI, "demo", "--exit", "--port", "0", "--data", str(data)]
    with subprocess.Popen(
        words, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        yield process
        process.kill()
