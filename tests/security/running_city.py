"""The city as its own processes at DEBUG, with everything it writes kept in one folder."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import NIGHT

ROOT = Path(__file__).parents[2]


STARTED = re.compile(r"API\s+(http://\S+)/v1")


PATIENCE_S = 90.0


REGISTRY = ROOT / ("registry.toml" if NIGHT else "demo.toml")


@dataclass
class RunningCity:
    """`aggregator serve --sandbox` in a folder of its own: data, logs, temporary files."""

    folder: Path
    env: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    url: str = ""
    starts: int = 0

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "aggregator.cli", *words]

    def start(self) -> None:
        self.starts += 1
        log, said = self.folder / f"stderr.{self.starts}.log", self.folder / f"stdout.{self.starts}.log"
        words = self.command("serve", "--sandbox", "--port", "0", "--registry", str(REGISTRY))
        with log.open("wb") as errors, said.open("wb") as out:
            self.process = subprocess.Popen(words, cwd=self.folder, env=self.env, stdout=out, stderr=errors)
        found = until(lambda: STARTED.search(said.read_text()), lambda: f"no city: {log.read_text()[-3000:]}")
        self.url = found[1]
        self.env["AGGREGATOR_URL"] = self.url

    def die(self) -> None:
        """As with `kill -9`."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(30)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(30)

    def place(self, agency: str) -> dict[str, Any]:
        return json.loads((self.folder / "data" / "sandbox.json").read_text())[agency]

    def of_the_agencies(self) -> list[Path]:
        """The simulators' own folders: what an agency knows is the agency's."""
        return [path for path in (self.folder / "data").iterdir() if (path / "simulator.log").exists()]


def until(found: Callable[[], Any], why: Callable[[], str]) -> Any:
    """What `found` finds, as soon as it does."""
    end = time.monotonic() + PATIENCE_S
    while not (got := found()):
        assert time.monotonic() < end, why()
        time.sleep(0.1)
    return got


@contextmanager
def city_at_debug(folder: Path) -> Iterator[RunningCity]:
    (folder / "tmp").mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AGGREGATOR_")}
    env = kept | {
        "AGGREGATOR_LOG_LEVEL": "DEBUG", "AGGREGATOR_SANDBOX_PORTS": "any", "AGGREGATOR_DATA": str(folder / "data"),
        "AGGREGATOR_REGISTRY": str(REGISTRY), "TMPDIR": str(folder / "tmp"), "NO_COLOR": "1",
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    city = RunningCity(folder, env)
    try:
        city.start()
        yield city
    finally:
        city.stop()
