"""A server under measurement is one process on one core; its cost is read from the kernel's clock for that process.

That clock counts user and system time of all its threads in nanoseconds, and stands still while others run: the only
figure that holds on a machine which is shared. The load generator and the stubs live on the other core.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
PEERS = HERE / "peers"
CPUCLOCK_SCHED = 2
STARTS_WITHIN_S = 20.0
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """What is started in this block lives on this core; so does the block itself."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass
class Peer:
    """A running server. `told` is what it said of itself when it was ready: at least its port."""

    name: str
    process: subprocess.Popen[str]
    told: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(self.told["port"])

    def cpu_s(self) -> float:
        """User and system seconds of the process so far, all threads."""
        return time.clock_gettime((~self.process.pid << 3) | CPUCLOCK_SCHED)

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()


@contextmanager
def peer(
    name: str, command: Sequence[str], *, core: int = SERVER_CORE, env: Mapping[str, str] | None = None
) -> Iterator[Peer]:
    """A server that prints one line of JSON when it is ready."""
    with on_core(core):
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
        )
    running = Peer(name, process)
    try:
        assert process.stdout is not None
        running.told = json.loads(process.stdout.readline())
        yield running
    finally:
        running.end()


@contextmanager
def python_peer(name: str, script: str, *arguments: str, core: int = SERVER_CORE) -> Iterator[Peer]:
    """One of the servers of the folder `peers`, in this interpreter's environment."""
    with peer(name, [sys.executable, str(PEERS / script), *arguments], core=core) as running:
        yield running
