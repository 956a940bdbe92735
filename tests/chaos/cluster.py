"""A PostgreSQL server of our own, to be killed at will, and a replica of it to be promoted (PG-8)."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))


class Cluster:
    """One address. `folder` belongs to the user postgres."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._bin = BINARIES[-1].parent
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def make(self) -> None:
        self.run("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "--no-sync")

    def start(self) -> None:
        options = f"-p {self.port} -k {self._folder} -c listen_addresses=127.0.0.1 -c wal_keep_size=64MB"
        self.run("pg_ctl", "-D", str(self._data), "-w", "-o", options, "-l", str(self._folder / "log"), "start")

    def copy(self) -> str:
        """A replica as it is at this moment, by pg_basebackup; nothing that follows reaches it."""
        name = f"replica{time.monotonic_ns()}"
        address = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        where = str(self._folder / name)
        self.run("pg_basebackup", *address, "-D", where, "-R", "-X", "stream", "-c", "fast", "--no-sync")
        return name

    def database(self, name: str) -> str:
        """The URL of a new database."""
        self.run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", name)
        return self.url.removesuffix("postgres") + name

    def kill(self) -> None:
        """SIGKILL to the postmaster, and the same data folder started again as soon as that is possible."""
        self.die()
        while self._refused():
            time.sleep(0.05)

    def die(self) -> None:
        os.kill(int((self._data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def promote(self, replica: str) -> None:
        """The replica takes the dead server's address and place."""
        self._data = self._folder / replica
        while self._refused():  # the dead one's children may still hold the address
            time.sleep(0.05)
        self.run("pg_ctl", "-D", str(self._data), "-w", "promote")

    def _refused(self) -> bool:
        with contextlib.suppress(subprocess.CalledProcessError):
            self.start()
            return False
        return True

    def stop(self) -> None:
        self.run("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop")

    def run(self, program: str, *args: str) -> None:
        subprocess.run(
            [str(self._bin / program), *args],
            check=True,
            user="postgres",
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
