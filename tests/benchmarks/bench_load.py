"""The load: fifty callers on fifty connections that stay open, each asking again as soon as it has its answer.

Every answer is looked at: a server that is fast because it refuses is not fast. Hand-written on raw protocols, so that
the callers' core is never what is measured.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

CALLERS = 50
PATIENCE_S = 20.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
Requests = Iterator[bytes]
Good = Callable[[int, bytes], bool]


class BadAnswer(AssertionError):
    """A server answered otherwise than the measurement is about."""


@dataclass
class Fired:
    """One round. `latencies_s` has one entry per answer."""

    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.latencies_s)


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """The bytes of one request; header names with `_` for `-`."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Caller(asyncio.Protocol):
    def __init__(self, fleet: "Fleet") -> None:
        self._fleet = fleet
        self._got = b""
        self._asked_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.here = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        self.here = False
        self._fleet.broke(BadAnswer(f"the server closed the connection after {self._got[:300]!r}"))

    def ask(self) -> None:
        assert self._transport is not None
        self._got = b""
        self._asked_at = time.perf_counter()
        self._transport.write(next(self._fleet.requests))

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, end, body = self._got.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or (length is not None and len(body) < int(length[1])):
            return
        if length is None or not self._fleet.good(int(head[9:12]), body):
            self._fleet.broke(BadAnswer(self._got[:600].decode(errors="replace")))
        elif self._fleet.answered(time.perf_counter() - self._asked_at):
            self.ask()

    def hang_up(self) -> None:
        assert self._transport is not None
        self._transport.abort()


class Fleet:
    """Callers of one server. Used from one event loop."""

    def __init__(self, requests: Requests, good: Good) -> None:
        self.requests = requests
        self.good = good
        self._callers: list[_Caller] = []
        self._fired = Fired()
        self._until = 0.0
        self._asking = 0
        self._over: asyncio.Future[None] | None = None

    async def gather(self, port: int) -> None:
        """All callers on the line; those whose connection the server has closed meanwhile call again."""
        loop = asyncio.get_running_loop()
        self._callers = [caller for caller in self._callers if caller.here]
        while len(self._callers) < CALLERS:
            _, caller = await loop.create_connection(lambda: _Caller(self), "127.0.0.1", port)
            self._callers.append(caller)

    async def fire(self, seconds: float) -> Fired:
        """Asks for that long, then waits for the answers that are still due. Raises BadAnswer."""
        self._over = asyncio.get_running_loop().create_future()
        self._fired = Fired()
        self._asking = len(self._callers)
        began = time.perf_counter()
        self._until = began + seconds
        for caller in self._callers:
            caller.ask()
        await asyncio.wait_for(self._over, seconds + PATIENCE_S)
        self._fired.seconds = time.perf_counter() - began
        return self._fired

    def answered(self, latency_s: float) -> bool:
        """Notes one answer; whether its caller should ask again."""
        self._fired.latencies_s.append(latency_s)
        if time.perf_counter() < self._until:
            return True
        self._asking -= 1
        if self._asking == 0 and self._over is not None and not self._over.done():
            self._over.set_result(None)
        return False

    def broke(self, error: BadAnswer) -> None:
        if self._over is not None and not self._over.done():
            self._over.set_exception(error)

    def close(self) -> None:
        self._over = None
        for caller in self._callers:
            caller.hang_up()
