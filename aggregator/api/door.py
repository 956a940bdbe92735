"""The door closes on callers who come to hold it open: slow first requests, and too many sockets of one address.

aiohttp has no timeout before the first handler (AS-5), so every accepted connection gets a watchdog of its own, which
the first request that arrives calls off. Counting happens where connections are accepted: nothing is parsed for it.
"""

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import web

from aggregator.api.limits import Limits

BACKLOG = 1024
KEEP_ALIVE_S = 30.0
LINGER_S = 1.0
"""How long the rest of a refused body is read away, so that the caller sees the refusal and not a reset."""
DRAIN_S = 10.0


class Door:
    """Who is inside, and who has not said what they want yet."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._inside: Counter[str] = Counter()
        self._watchdogs: dict[object, asyncio.TimerHandle] = {}

    def enter(self, transport: asyncio.Transport) -> str | None:
        """The address now counted, or None when it has its full share: the connection is cut."""
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if isinstance(peer, tuple) else "local"
        if self._inside[address] >= self._limits.connections_per_address:
            transport.abort()
            return None
        self._inside[address] += 1
        loop = asyncio.get_running_loop()
        self._watchdogs[transport] = loop.call_later(self._limits.first_request_s, self._too_slow, transport)
        return address

    def arrived(self, transport: object) -> None:
        """A request reached the application."""
        watchdog = self._watchdogs.pop(transport, None)
        if watchdog is not None:
            watchdog.cancel()

    def leave(self, transport: object, address: str) -> None:
        """The connection is gone."""
        self.arrived(transport)
        self._inside[address] -= 1
        if self._inside[address] <= 0:
            del self._inside[address]

    def _too_slow(self, transport: asyncio.Transport) -> None:
        self._watchdogs.pop(transport, None)
        transport.abort()


class Watched(asyncio.Protocol):
    """aiohttp's protocol behind the door."""

    def __init__(self, door: Door, inner: Any) -> None:
        self._door = door
        self._inner = inner
        self._transport: asyncio.Transport | None = None
        self._address: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods and not the base class: nothing can be asked of the type.
        accepted = cast("asyncio.Transport", transport)
        self._address = self._door.enter(accepted)
        if self._address is not None:
            self._transport = accepted
            self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._address is not None and self._transport is not None:
            self._door.leave(self._transport, self._address)
            self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._address is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._address is not None else None

    def pause_writing(self) -> None:
        if self._address is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._address is not None:
            self._inner.resume_writing()


@dataclass(frozen=True, slots=True)
class Listening:
    """A server that accepts connections. `port` is the real one when 0 was asked for."""

    port: int
    _server: asyncio.Server
    _runner: web.AppRunner

    async def close(self) -> None:
        """No new connections; what runs may end within `DRAIN_S`; then everything is closed."""
        self._server.close()
        await self._runner.cleanup()


def _wordless() -> logging.Logger:
    """The complaints of aiohttp without their words: a broken request line is quoted in them (AS-3)."""
    log = logging.getLogger("aggregator.api.http")
    if not log.filters:
        log.addFilter(_without_words)
    return log


def _without_words(record: logging.LogRecord) -> bool:
    record.msg, record.args, record.exc_info, record.exc_text = "http.refused", (), None, None
    return True


async def listen(  # noqa: PLR0913 - where and how it listens
    app: web.Application,
    door: Door,
    *,
    host: str,
    port: int,
    drain_s: float = DRAIN_S,
    tls: ssl.SSLContext | None = None,
) -> Listening:
    """Serves the application behind its door, without an access log: paths may name a case (docs/api.md rule 8)."""
    runner = web.AppRunner(
        app, access_log=None, handle_signals=False, shutdown_timeout=drain_s, keepalive_timeout=KEEP_ALIVE_S,
        lingering_time=LINGER_S, logger=_wordless(),
    )  # fmt: skip
    await runner.setup()
    inner: Callable[[], Any] | None = runner.server
    assert inner is not None  # noqa: S101 - setup has just made it
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Watched(door, inner()), host, port, backlog=BACKLOG, reuse_address=True, ssl=tls
    )
    return Listening(server.sockets[0].getsockname()[1], server, runner)
