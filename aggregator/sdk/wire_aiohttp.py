"""The production wire: whether anything may have been sent is decided by the connector, never by an exception's name.

A connector subclass notes when a connection is handed to an attempt; before that moment nothing can have left, after
it everything may have. A send that ends without an answer is cut hard (SO_LINGER 0, then abort), because a mere
timeout leaves Python and the kernel delivering the rest of the body to a peer we have already given up on.
Source: docs/outcomes.md section 5, "Ending an attempt on the wire".
"""

import asyncio
import logging
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.connector import Connection

from aggregator.sdk import waypoints
from aggregator.sdk.adapter import Class
from aggregator.sdk.dialect import CURRENT
from aggregator.sdk.trace import MARK
from aggregator.sdk.waypoints import passing
from aggregator.sdk.wire import CAP, Reply, Sent, Trail, WireError, effect_trail

for _name in ("aiohttp", "asyncio"):
    # Bodies and URLs of citizens are in their DEBUG lines.
    logging.getLogger(_name).setLevel(logging.WARNING)

_NOW = struct.pack("ii", 1, 0)
_STREAMED_ABOVE = 1_048_576
_PIECE = 65_536
_KEPT_ALIVE_S = 15.0
_DNS_KEPT_S = 10
_HEADERS = {"User-Agent": "citizen-service-aggregator", "Accept-Encoding": "gzip, deflate"}

Shown = Callable[[Mapping[str, Any]], None]
"""Gets the certificate the other end showed, as `ssl` tells it; empty without TLS."""
Accept = Callable[[asyncio.Transport | None], None]
"""Raises WireError for an end that is not the agency's; asked before anything is sent."""


class _Attempt:
    """What the connector and the sender know of one send."""

    __slots__ = ("accept", "mark", "shown", "stopped", "trail", "transport")

    def __init__(
        self, trail: Trail, mark: Callable[[str], None] | None, shown: Shown | None, accept: Accept | None
    ) -> None:
        self.trail, self.mark, self.shown, self.accept = trail, mark, shown, accept
        self.transport: asyncio.Transport | None = None
        self.stopped: BaseException | None = None

    def handed(self, connection: Connection) -> None:
        """Nothing is awaited between this and the first byte."""
        try:
            if self.accept is not None:
                self.accept(connection.transport)
            self.trail.recheck()
        except BaseException as exc:
            self.stopped = exc
            connection.close()
            raise
        self.transport = connection.transport
        self.trail.sent = Sent.MAYBE
        if self.shown is not None and self.transport is not None:
            self.shown(self.transport.get_extra_info("peercert") or {})
        if self.mark is not None:
            self.mark("connection")

    def cut(self) -> None:
        """Nothing more reaches the peer: not what Python buffers, and not what the kernel does."""
        if self.transport is None:
            return
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NOW)
        self.transport.abort()


_ATTEMPT: ContextVar[_Attempt] = ContextVar("attempt")


class _Noting(aiohttp.TCPConnector):
    """Tells the attempt when a connection is handed to it."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        _ATTEMPT.get().handed(connection)
        return connection


class AiohttpWire:
    """One agency's door: its own connections, no cookies, no redirects, no proxy from the environment.

    `connect_timeout_s` covers the wait for a free connection, the name and the handshake, and must be the shorter;
    `total_timeout_s` everything from there to the last byte; `read_timeout_s` the silence between two reads.
    `linger_s` is how long the kernel goes on trying for an unacknowledged byte (TCP_USER_TIMEOUT).
    """

    def __init__(  # noqa: PLR0913 - every limit is passed, none is a default
        self,
        *,
        connect_timeout_s: float,
        total_timeout_s: float,
        read_timeout_s: float,
        max_connections: int,
        linger_s: float = 30.0,
        ssl_context: ssl.SSLContext | None = None,
        accept: Accept | None = None,
        resolver: AbstractResolver | None = None,
        shown: Shown | None = None,
    ) -> None:
        if not 0 < connect_timeout_s < total_timeout_s:
            raise ValueError("connect_timeout_s must be above 0 and below total_timeout_s")
        if max_connections < 1:
            raise ValueError("max_connections must be at least 1")
        self._timeout = aiohttp.ClientTimeout(
            total=total_timeout_s,
            connect=connect_timeout_s,
            sock_connect=connect_timeout_s,
            sock_read=read_timeout_s,
            ceil_threshold=float("inf"),  # else aiohttp rounds waits above 5 s up to a whole second
        )
        self._max_connections = max_connections
        self._linger_ms = int(linger_s * 1000)
        self._ssl: ssl.SSLContext | bool = ssl_context or True
        self._resolver, self._shown, self._accept = resolver, shown, accept
        self._kept: aiohttp.ClientSession | None = None
        self._fresh: aiohttp.ClientSession | None = None

    async def send(  # noqa: PLR0913 - the port's parts
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        effect: bool = True,
        cap: int = CAP,
    ) -> Reply:
        """See `aggregator.sdk.wire.Wire`."""
        with effect_trail(effect=effect) as trail:
            await trail.journal(method, url, headers, body or b"")
            _refuse_split(headers)
            attempt = _Attempt(trail, MARK.get(), self._shown, self._accept)
            token = _ATTEMPT.set(attempt)
            try:
                reply = await self._exchange(self._session(effect=effect), method, url, headers, body, cap, attempt)
            except BaseException as exc:
                attempt.cut()
                if attempt.stopped is not None:
                    raise attempt.stopped from None  # aiohttp makes its own error of a TimeoutError
                if not isinstance(exc, (aiohttp.ClientError, OSError, ValueError)):
                    raise
                # Never handed a connection, it cannot have sent; the exception's name proves nothing.
                raise WireError(trail.sent, type(exc).__name__, tls=_about_tls(exc)) from exc
            finally:
                _ATTEMPT.reset(token)
            trail.answered = True
            trail.reply = reply
            return reply

    async def close(self) -> None:
        """Closes every connection. The wire opens again when it is used again."""
        sessions = [session for session in (self._kept, self._fresh) if session is not None]
        self._kept = self._fresh = None
        for session in sessions:
            await session.close()

    async def _exchange(  # noqa: PLR0913, PLR0917 - the port's parts
        self,
        session: aiohttp.ClientSession,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        cap: int,
        attempt: _Attempt,
    ) -> Reply:
        data: Any = body
        watched = waypoints.watch is not None and attempt.trail.opened
        if body and (watched or len(body) > _STREAMED_ABOVE):
            # aiohttp would write it in one go, on the loop, and leave a harness no point between two bytes.
            headers = {**headers, "Content-Length": str(len(body))}
            data = _watched(body) if watched else _pieces(body)
        got = await session.request(method, url, headers=headers, data=data, allow_redirects=False)
        try:
            if attempt.trail.opened:
                passing("first_answer_byte")
            if attempt.mark is not None:
                attempt.mark("head")
            content = await _capped(got, cap)
        except BaseException:
            attempt.cut()  # before close(), which would let buffered bytes flow out first
            got.close()
            raise
        if attempt.mark is not None:
            attempt.mark("body")
        return Reply(got.status, {name.lower(): value for name, value in got.headers.items()}, content)

    def _session(self, *, effect: bool) -> aiohttp.ClientSession:
        """Opaque writes get a fresh connection: one kept alive may be closed under them, and nobody could tell."""
        if effect and CURRENT.get().effective is Class.OPAQUE:
            if self._fresh is None:
                self._fresh = self._open(force_close=True)
            return self._fresh
        if self._kept is None:
            self._kept = self._open(force_close=False)
        return self._kept

    def _open(self, *, force_close: bool) -> aiohttp.ClientSession:
        reuse: dict[str, Any] = {"force_close": True} if force_close else {"keepalive_timeout": _KEPT_ALIVE_S}
        connector = _Noting(
            limit=self._max_connections,
            limit_per_host=0,
            ttl_dns_cache=_DNS_KEPT_S,
            ssl=self._ssl,
            resolver=self._resolver,
            socket_factory=self._socket,
            **reuse,
        )
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),  # else one citizen's session cookie goes out with the next one's call
            trust_env=False,  # a proxy is a registry setting
            timeout=self._timeout,
            headers=_HEADERS,
        )
        # aiohttp silently sends GET, HEAD, PUT and DELETE again when a kept-alive connection turns out stale.
        session._retry_connection = False  # noqa: SLF001 - no public switch; guarded by a test on a real socket
        return session

    def _socket(self, address: Any) -> socket.socket:
        family, kind, protocol, _name, _where = address
        made = socket.socket(family=family, type=kind, proto=protocol)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, self._linger_ms)
        return made


def _refuse_split(headers: Mapping[str, str]) -> None:
    """A line break in a value would be a second header, or a second request."""
    for name, value in headers.items():
        if not {"\r", "\n", "\0"}.isdisjoint(name + value):
            raise WireError(Sent.NO, "HeaderValue")


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    view = memoryview(body)
    for start in range(0, len(body), _PIECE):
        yield bytes(view[start : start + _PIECE])


async def _watched(body: bytes) -> AsyncIterator[bytes]:
    """The same bytes in two halves, with the points of a harness between and after them."""
    yield body[: len(body) // 2]
    passing("mid_body")
    yield body[len(body) // 2 :]
    passing("after_the_last_byte")


async def _capped(got: aiohttp.ClientResponse, cap: int) -> bytes:
    """The decompressed body, read in pieces so that a bomb is seen after `cap` bytes and not after a gigabyte."""
    if got.content_length is not None and got.content_length > cap:
        raise _too_big()
    first = await got.content.readany()
    size = len(first)
    parts = [first]
    while size <= cap and not got.content.at_eof():
        part = await got.content.readany()
        size += len(part)
        parts.append(part)
    if size > cap:
        raise _too_big()
    return first if len(parts) == 1 else b"".join(parts)


def _about_tls(exc: BaseException | None) -> bool:
    """Whether TLS itself said no: a certificate, a version, or the peer's alert about ours."""
    while exc is not None:
        if isinstance(exc, ssl.SSLError):
            return True
        exc = exc.__cause__ or exc.__context__
    return False


def _too_big() -> WireError:
    return WireError(Sent.MAYBE, "TooBig", too_big=True)
