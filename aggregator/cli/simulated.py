"""The sandbox's agencies are processes of their own: taking one down is killing it, and its ledger is on its disk.

One supervisor owns them. It restarts nothing by itself, because an outage is what a sandbox is for. Other
terminals reach it over a loopback port with the word that stands in `sandbox.key`, a file of mode 600.
"""

import asyncio
import fcntl
import hmac
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from aggregator.cli.failure import BAD_USAGE, Failure
from aggregator.sdk.clock import SystemChance

STATE_FILE = "sandbox.json"
KEY_FILE = "sandbox.key"
LOCK_FILE = "sandbox.lock"
_START_S = 60.0
"""A slow machine needs seconds to import an XML library; a minute means that it will not start."""


@dataclass(frozen=True, slots=True)
class Simulator:
    """What has to be started for one agency. `url` is where registry.toml expects it."""

    agency: str
    module: str
    url: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a simulator is, as `sandbox.json` records it. `pid` 0: stopped.

    `env`: what its agency's block finds in the environment, by name: files of the keys it made at its first start.
    """

    pid: int
    url: str
    control_url: str
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def state(self) -> str:
        return "up" if self.pid else "stopped"


class SimulatedCity:
    """The running simulators of one data folder."""

    def __init__(self, simulators: Sequence[Simulator], data_dir: Path) -> None:
        self._simulators = {each.agency: each for each in simulators}
        self._data_dir = data_dir
        data_dir.mkdir(parents=True, exist_ok=True)
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self.places: dict[str, Place] = {}
        self._pushes_to = ""

    async def pushes_to(self, address: str) -> None:
        """Agencies that push are told where: `<address>/callbacks/<agency>`, now and after each restart."""
        self._pushes_to = address
        await asyncio.gather(*(self._tell_where(agency) for agency in self.places))

    async def _tell_where(self, agency: str) -> None:
        url = f"{self._pushes_to}/callbacks/{agency}"
        await asyncio.to_thread(_post, self.places[agency].control_url + "/callback-url", {"url": url})

    def urls(self) -> dict[str, str]:
        """Each agency's address, for the registry in place of its own."""
        return {agency: place.url for agency, place in self.places.items()}

    def env(self) -> dict[str, str]:
        """What the simulators made for us to use, as an operator would put it into the environment."""
        return {name: value for place in self.places.values() for name, value in place.env.items()}

    async def start(self, agency: str) -> Place:
        """Brings it up with its ledger, on the port it had before. Raises Failure when it does not come up."""
        simulator = self._known(agency)
        running = self._processes.get(agency)
        if running is not None and running.returncode is None:
            return self.places[agency]
        before = self.places.get(agency)
        if before is not None:
            ports = _port(before.url), _port(before.control_url)
            self._came_up(agency, await self._spawn(simulator, *ports))
        else:
            # The port registry.toml names, if it is free: then its addresses hold as they are printed there.
            place = await self._spawn(simulator, _wanted(simulator), 0) or await self._spawn(simulator, 0, 0)
            self._came_up(agency, place)
        if self._pushes_to:
            await self._tell_where(agency)
        return self.places[agency]

    async def stop(self, agency: str) -> Place:
        """Kills it: the very next connection is refused."""
        self._known(agency)
        process = self._processes.get(agency)
        if process is not None:
            await _killed(process)
        self._record(agency, replace(self.places[agency], pid=0))
        return self.places[agency]

    def status(self) -> dict[str, Place]:
        """As it is now: a simulator that ended by itself is stopped, whatever was recorded."""
        for agency, process in self._processes.items():
            if process.returncode is not None and self.places[agency].pid:
                self._record(agency, replace(self.places[agency], pid=0))
        return dict(self.places)

    async def close(self) -> None:
        await asyncio.gather(*(_killed(process) for process in self._processes.values()))

    def _known(self, agency: str) -> Simulator:
        if agency not in self._simulators:
            known = ", ".join(sorted(self._simulators)) or "none"
            raise Failure(f"no simulated agency is called {agency!r}. There are: {known}")
        return self._simulators[agency]

    async def _spawn(self, simulator: Simulator, port: int, control_port: int) -> Place | None:
        folder = self._data_dir / simulator.agency
        folder.mkdir(parents=True, exist_ok=True)
        options = ["--port", str(port), "--control-port", str(control_port), "--data", str(folder), "--seed", "1"]
        with (folder / "simulator.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "aggregator.cli.leash", simulator.module, *options),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        told = await _announced(process)
        if told is None:
            await _killed(process)
            return None
        self._processes[simulator.agency] = process
        path = urlsplit(simulator.url).path.rstrip("/")
        port, control_port, env = told
        return Place(process.pid, f"http://127.0.0.1:{port}{path}", f"http://127.0.0.1:{control_port}", env)

    def _came_up(self, agency: str, place: Place | None) -> None:
        if place is None:
            log = self._data_dir / agency / "simulator.log"
            raise Failure(f"the simulator of {agency} did not start; the last lines of {log} say why")
        self._record(agency, place)

    def _record(self, agency: str, place: Place) -> None:
        self.places[agency] = place
        state = {name: asdict(each) for name, each in sorted(self.places.items())}
        _replace(self._data_dir / STATE_FILE, json.dumps(state, indent=2) + "\n", mode=0o644)


def _wanted(simulator: Simulator) -> int:
    """The port registry.toml names; any free one where several sandboxes share a machine and take turns at stopping."""
    return 0 if os.environ.get("AGGREGATOR_SANDBOX_PORTS") == "any" else _port(simulator.url)


def _post(url: str, body: dict[str, str]) -> None:
    """Tells a simulator something; one that does not push has nothing to be told."""
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310 - loopback
    with suppress(OSError), urlopen(request, timeout=5):  # noqa: S310 - loopback
        pass


def recorded(data_dir: Path) -> dict[str, Place]:
    """The simulators another process of this data folder runs; empty when there is none."""
    try:
        state = json.loads((data_dir / STATE_FILE).read_text(encoding="utf-8"))
        return {agency: Place(**place) for agency, place in state.items()}
    except (OSError, ValueError, TypeError):
        return {}


@asynccontextmanager
async def simulated_city(simulators: Sequence[Simulator], data_dir: Path) -> AsyncIterator[SimulatedCity]:
    """All simulators up, and listening for other terminals; none is left when this ends, however it ends."""
    city = SimulatedCity(simulators, data_dir)
    lock = _alone_in(data_dir)
    try:
        await asyncio.gather(*(city.start(each.agency) for each in simulators))
        async with _listening(city, data_dir):
            yield city
    finally:
        await city.close()
        os.close(lock)


def _alone_in(data_dir: Path) -> int:
    """Two simulators on one ledger would corrupt what is told by it. The kernel drops the lock when we die."""
    lock = os.open(data_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        os.close(lock)
        raise Failure(
            f"a sandbox is already running in {data_dir}. Stop it first, or give this one another folder with --data",
            BAD_USAGE,
        ) from exc
    return lock


@asynccontextmanager
async def _listening(city: SimulatedCity, data_dir: Path) -> AsyncIterator[None]:
    word = SystemChance().bytes(16).hex()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(json.dumps(await _obeyed(city, word, await reader.readline())).encode() + b"\n")
            await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    _replace(data_dir / KEY_FILE, json.dumps({"port": port, "word": word}), mode=0o600)
    try:
        async with server:
            yield
    finally:
        (data_dir / KEY_FILE).unlink(missing_ok=True)
        (data_dir / STATE_FILE).unlink(missing_ok=True)


async def _obeyed(city: SimulatedCity, word: str, line: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(line)
        if not hmac.compare_digest(str(asked["word"]), word):
            return {"error": "this is not the sandbox's word"}
        if asked["do"] in {"start", "stop"}:
            await getattr(city, asked["do"])(str(asked["agency"]))
    except (ValueError, KeyError, TypeError):
        return {"error": "this is not a command of the sandbox"}
    except Failure as exc:
        return {"error": str(exc)}
    return {"places": {agency: asdict(place) for agency, place in city.status().items()}}


async def _announced(process: asyncio.subprocess.Process) -> tuple[int, int, dict[str, str]] | None:
    """Both ports and the environment from the simulator's first line; None when it ends or stays silent instead."""
    assert process.stdout is not None  # noqa: S101 - we asked for a pipe
    try:
        async with asyncio.timeout(_START_S):
            line = await process.stdout.readline()
        told = json.loads(line)
    except (TimeoutError, ValueError):
        return None
    env = {str(name): str(value) for name, value in told.get("env", {}).items()}
    return int(told["port"]), int(told["control_port"]), env


async def _killed(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    # communicate() also closes the pipes, which wait() leaves to the garbage collector.
    await process.communicate()


def _port(url: str) -> int:
    return urlsplit(url).port or 0


def _replace(path: Path, text: str, *, mode: int) -> None:
    """Whole or not at all, and never readable by more people than `mode` says, not even for a moment."""
    fresh = path.with_suffix(path.suffix + ".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
