"""A driver's simulator as a process of its own: nothing shared with the product but the protocol on the socket."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from aiohttp import ClientSession, TCPConnector

_LOOPBACK = "http://127.0.0.1"
START_S = 20.0


@dataclass
class Sandbox:
    """A running simulator. Start it with `started`, end it with `stop` or, as a crash would, `kill`."""

    process: "subprocess.Popen[bytes]"
    port: int
    control_port: int
    secrets: Mapping[str, str] = field(default_factory=dict)
    """What the simulator made at its start for the driver to use, by the names of adapter.toml."""

    @property
    def url(self) -> str:
        return f"{_LOOPBACK}:{self.port}"

    @property
    def control(self) -> "Control":
        return Control(f"{_LOOPBACK}:{self.control_port}")

    def stop(self) -> None:
        """SIGTERM; it ends at once."""
        self.process.terminate()
        self._gone()

    def kill(self) -> None:
        """SIGKILL; the ledger survives it."""
        self.process.kill()
        self._gone()

    def _gone(self) -> None:
        self.process.wait(timeout=START_S)
        if self.process.stdout is not None:
            self.process.stdout.close()


def started(module: str, data: Path, *, seed: int = 1, options: Sequence[str] = ()) -> Sandbox:
    """`python -m module` on free ports. Raises RuntimeError when it does not say where it listens."""
    command = [sys.executable, "-m", module, "--data", str(data), "--seed", str(seed), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - our own module
    line = process.stdout.readline() if process.stdout is not None else b""
    if not line:
        process.wait(timeout=START_S)
        raise RuntimeError(f"{module} ended with code {process.returncode} before it listened")
    told = json.loads(line)
    return Sandbox(process, int(told["port"]), int(told["control_port"]), told.get("secrets", {}))


class Control:
    """The simulator's control port. Use as an async context."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Self:
        self._session = ClientSession(connector=TCPConnector(limit=4))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        # The transport closes in the next turn of the loop.
        await asyncio.sleep(0)

    async def health(self) -> dict[str, Any]:
        return dict(await self._ask("GET", "/health"))

    async def reset(self) -> None:
        await self._ask("POST", "/reset")

    async def ledger(self, **asked: str) -> list[dict[str, Any]]:
        """Rows, all or of one `operation` or `ref`."""
        return list(await self._ask("GET", "/ledger", params=asked))

    async def duplicates(self) -> list[dict[str, Any]]:
        return list(await self._ask("GET", "/duplicates"))

    async def calls(self) -> dict[str, Any]:
        return dict(await self._ask("GET", "/calls"))

    async def inbox(self, to: str) -> list[dict[str, Any]]:
        """What the agency itself wrote to this telephone, oldest first."""
        return list((await self._ask("GET", "/inbox", params={"to": to}))["messages"])

    async def advance_clock(self, seconds: float) -> None:
        await self._ask("POST", "/clock", body={"advance_s": seconds})

    async def advance(self, ref: str, to: str) -> None:
        await self._ask("POST", "/advance", body={"ref": ref, "to": to})

    async def faults(self, rules: Sequence[Mapping[str, Any]]) -> None:
        await self._ask("PUT", "/faults", body=list(rules))

    async def callback_url(self, url: str) -> None:
        """Where the simulator pushes to."""
        await self._ask("POST", "/callback-url", body={"url": url})

    async def _ask(self, method: str, path: str, *, body: Any = None, params: Mapping[str, str] | None = None) -> Any:
        async with self._session.request(method, self._url + path, json=body, params=params) as got:
            got.raise_for_status()
            return await got.json()
