"""The agencies before the city under fire: each a process with a durable ledger that can be told how to fail."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

ROOT = Path(__file__).parents[2]


HERE = Path(__file__).parent


KEY = "Bearer sk_test_portal"


TWO = ("passport", "rto")


SIMULATORS = {
    "passport": "adapters.passport.seva.simulator",
    "rto": "adapters.rto.vahan.simulator",
    "bscl": "adapters.agencyapi.standard.simulator",
    "bmc": "adapters.municipal.digit.simulator",
    "tpcodl_portal": "adapters.electricity.tpcodl.simulator",
}
"""Five agencies: queryable, queryable over SOAP, keyed (and idempotent in its cancellation), unique, opaque."""


TAKING_MONEY = {
    "odisha_police": "adapters.police.cctns.simulator",
    "paygate": "adapters.gateway.cashfree.simulator",
    "tpcodl": "adapters.electricity.bbps.simulator",
}
"""Where money goes: an agency with a fee, the gateway, a biller. Not among those that citizens apply to at random."""


WRITES = {"passport": "submit", "rto": "submit", "bscl": "submit", "bmc": "book", "tpcodl_portal": "complain"}


def call(port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    """One request on its own connection. Raises OSError or HTTPException when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        data = None if body is None else json.dumps(body)
        sent = {"Authorization": KEY, "Content-Type": "application/json", **(headers or {})}
        connection.request(method, path, body=data, headers=sent)
        reply = connection.getresponse()
        content = reply.read()
        return reply.status, json.loads(content) if content else None
    finally:
        connection.close()


@dataclass(frozen=True)
class Fast:
    """A clock that agencies share with a city: how fast it runs, and since when."""

    speed: float
    born: float

    @property
    def env(self) -> dict[str, str]:
        return {"FAST_SPEED": str(self.speed), "FAST_BORN": str(self.born)}


@dataclass
class Simulator:
    """An agency in a process of its own, with a ledger on disk."""

    name: str
    data: Path
    process: subprocess.Popen[str]
    port: int
    control: int
    env: dict[str, str] = field(default_factory=dict)
    """What the server must be told of it: where its keys are."""
    fast: Fast | None = None

    def ask(self, path: str) -> Any:
        return call(self.control, "GET", path)[1]

    def filed(self) -> list[dict[str, Any]]:
        """The applications that took effect, by the agency's own book."""
        return [row for row in self.ask(f"/ledger?operation={WRITES[self.name]}") if row["acted"]]

    def acted(self) -> list[dict[str, Any]]:
        """Everything that took effect, a cancellation too."""
        return [row for row in self.ask("/ledger") if row["acted"]]

    def pause(self) -> None:
        """Nobody answers there any more: the process is gone, its ledger stays. Gone twice is gone."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def resume(self) -> None:
        """Back on the same ports with the same ledger."""
        self.process, self.port, self.control, self.env = spawn(
            self.name, self.data, self.port, self.control, self.fast
        )

    def tell(self, method: str, path: str, body: Any) -> Any:
        return call(self.control, method, path, body)[1]


def spawn(
    name: str, data: Path, port: int = 0, control: int = 0, fast: Fast | None = None
) -> tuple[subprocess.Popen[str], int, int, dict[str, str]]:
    """The agency's process, its port, its control port, and what the server must be told of it."""
    how = ["-m"] if fast is None else [str(HERE / "fast_agency.py")]
    command = [sys.executable, *how, {**SIMULATORS, **TAKING_MONEY}[name], "--data", str(data)]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--control-port", str(control)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | (fast.env if fast else {}),
    )
    assert process.stdout is not None
    ports = json.loads(process.stdout.readline())
    return process, ports["port"], ports["control_port"], ports.get("env", {})


@contextmanager
def simulators(folder: Path, names: Iterable[str] = TWO, fast: Fast | None = None) -> Iterator[dict[str, Simulator]]:
    running: dict[str, Simulator] = {}
    try:
        for name in names:
            data = folder / name
            data.mkdir(parents=True)
            running[name] = Simulator(name, data, *spawn(name, data, fast=fast), fast)
        yield running
    finally:
        for simulator in running.values():
            simulator.pause()


def registry_for_fire(folder: Path, more: Mapping[str, str] = MappingProxyType({})) -> Path:
    """The city's registry with short attempts (patience is the operator's) and no rate limit in the way.

    `more`: operations of agencies beside those that citizens apply with, like `passport.pay`, and their line.
    """
    text = (ROOT / "registry.toml").read_text()
    (folder / "catalogue").symlink_to(ROOT / "catalogue")
    out = ["max_rps = 500" if line.startswith("max_rps") else line for line in text.splitlines()]
    for agency, write in WRITES.items():
        header, hasty = f"[agencies.{agency}.operations.{write}]", "timeout_s = 0.6"
        if header in out:
            out.insert(out.index(header) + 1, hasty)
        else:
            out += [header, hasty]
        if agency != "tpcodl_portal":  # nothing can be looked up there
            out += [f"[agencies.{agency}.operations.find]", "timeout_s = 1.0"]
    out += ["[agencies.bscl.operations.cancel]", "timeout_s = 0.6"]
    for name, line in more.items():
        agency, operation = name.split(".")
        out += [f"[agencies.{agency}.operations.{operation}]", line]
    path = folder / "registry.toml"
    path.write_text("\n".join(out) + "\n")
    return path
