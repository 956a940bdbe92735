"""A line between a driver and its agency that goes wrong on purpose: real sockets, because only they can lie so well.

A play decides what becomes of one connection. The agency behind it is the simulator with its ledger, so that what
the line did to a request is one fact, and whether the agency acted is another. The driver is not told: a `Detour`
sends its calls down the bad line and leaves the calls that only lead up to them (a login) on the good one.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from aggregator.sdk.wire import CAP, Reply, Wire

LOOPBACK = "127.0.0.1"
_NOW_RST = struct.pack("ii", 1, 0)
_LARGEST_HEAD = 65_536
_HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"content-length"})


@dataclass(frozen=True, slots=True)
class Answered:
    """The agency's whole answer, before the line spoils it. Header names as they came."""

    start: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def head(self, *more: bytes) -> bytes:
        """The head with these lines instead of the ones about length and connection, up to the empty line."""
        kept = [name + b": " + value for name, value in self.headers if name.lower() not in _HOP_BY_HOP]
        return b"\r\n".join([self.start, *kept, b"Connection: close", *more]) + b"\r\n\r\n"

    def whole(self) -> bytes:
        return self.head(b"Content-Length: %d" % len(self.body)) + self.body

    def with_header(self, name: bytes, value: bytes) -> "Answered":
        others = [(known, told) for known, told in self.headers if known.lower() != name.lower()]
        return replace(self, headers=(*others, (name, value)))


@dataclass(eq=False)
class Line:
    """One connection of the client, and the way to the agency."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    agency: tuple[str, int]

    async def request(self) -> bytes:
        """The next whole request; empty when the client left without one."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = next((int(value) for name, value in _fields(head) if name.lower() == b"content-length"), 0)
            return head + await self.reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            return b""

    async def ask(self, request: bytes) -> Answered:
        """Carries the request to the agency and brings its whole answer."""
        reader, writer = await asyncio.open_connection(*self.agency, limit=_LARGEST_HEAD)
        try:
            head, _, body = request.partition(b"\r\n\r\n")
            kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
            writer.write(b"\r\n".join([*kept, b"Connection: close"]) + b"\r\n\r\n" + body)
            got = await reader.read()
        finally:
            await _closed(writer)
        head, _, body = got.partition(b"\r\n\r\n")
        return Answered(head.partition(b"\r\n")[0], tuple(_fields(head)), body)

    async def say(self, *parts: bytes) -> None:
        """Hands bytes to the kernel; a client that has left is not an error of ours."""
        with suppress(ConnectionError):
            for part in parts:
                self.writer.write(part)
                await self.writer.drain()

    async def left(self) -> None:
        """Until the client hangs up."""
        with suppress(ConnectionError, ssl.SSLError):
            while await self.reader.read(_LARGEST_HEAD):
                pass

    def reset(self) -> None:
        """RST, now."""
        found = self.writer.get_extra_info("socket")
        if found is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NOW_RST)
        self.writer.transport.abort()


class NotThere(Exception):
    """Raised by a play whose answer has nothing it could spoil (no signature): the fault means nothing here."""


Play = Callable[[Line, bytes], Awaitable[None]]
"""What becomes of one connection, once its first request is in."""


@dataclass(eq=False)
class Proxy:
    """A running bad line. `arrived` counts the requests that came down it, `came` is set by the first.

    `meaningless`: the play found nothing to spoil (`NotThere`).
    """

    url: str
    agency: tuple[str, int]
    play: Play
    arrived: int = 0
    meaningless: bool = False
    came: asyncio.Event = field(default_factory=asyncio.Event)
    lines: set["asyncio.Task[Any]"] = field(default_factory=set)

    def begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Not a coroutine: asyncio would complain aloud of every connection we end by cancelling it."""
        line = asyncio.create_task(self._answer(reader, writer))
        self.lines.add(line)
        line.add_done_callback(self.lines.discard)
        # Cancelled before its first step, a coroutine closes nothing.
        line.add_done_callback(lambda _: writer.close())

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = Line(reader, writer, self.agency)
            if request := await line.request():
                self.arrived += 1
                self.came.set()
                await self.play(line, request)
        except NotThere:
            self.meaningless = True
        finally:
            await _closed(writer)


@asynccontextmanager
async def proxied(agency_url: str, play: Play, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Proxy]:
    """A bad line to the agency at `agency_url`, on a free port; with `tls` it is the one that ends TLS."""
    proxy = Proxy("", _address(agency_url), play)
    server = await asyncio.start_server(proxy.begin, LOOPBACK, 0, ssl=tls, limit=_LARGEST_HEAD)
    proxy.url = f"{'https' if tls else 'http'}://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        lines = list(proxy.lines)
        for line in lines:
            line.cancel()
        await asyncio.gather(*lines, return_exceptions=True)
        # A transport closes in the next turn of the loop.
        await asyncio.sleep(0)


@asynccontextmanager
async def saying(what: bytes) -> AsyncIterator[str]:
    """An address that answers the first bytes of any client with these, whatever they were, and hangs up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read(_LARGEST_HEAD)
            writer.write(what)
            await writer.drain()
        await _closed(writer)

    server = await asyncio.start_server(answer, LOOPBACK, 0)
    try:
        yield f"https://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await asyncio.sleep(0)


@contextmanager
def refusing() -> Iterator[str]:
    """An address where nobody listens, and nobody else can begin to: bound, and deaf."""
    with socket.socket() as deaf:
        deaf.bind((LOOPBACK, 0))
        yield f"http://{LOOPBACK}:{deaf.getsockname()[1]}"


@contextmanager
def overcrowded() -> Iterator[str]:
    """An address whose queue of connections is full: the next one is neither accepted nor refused."""
    with socket.socket() as busy:
        busy.bind((LOOPBACK, 0))
        busy.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        try:
            for one in waiting:
                one.settimeout(0.0)
                with suppress(BlockingIOError):
                    one.connect(busy.getsockname())
            yield f"http://{LOOPBACK}:{busy.getsockname()[1]}"
        finally:
            for one in waiting:
                one.close()


class Detour:
    """A wire that sends what matters down another line.

    Of a write that is its effect-bearing send; of a read every send but those to the `spared` ends of paths.
    """

    def __init__(self, inner: Wire, agency_url: str, line_url: str, *, write: bool, spared: Sequence[str] = ()) -> None:
        self._inner = inner
        self._agency_url, self._line_url = agency_url, line_url
        self._write, self._spared = write, tuple(spared)

    async def send(  # noqa: PLR0913 - the port's parts
        self,
        method: str,
        url: str,
        *,
        headers: Any,
        body: bytes | None,
        effect: bool = True,
        cap: int = CAP,
    ) -> Reply:
        """See `aggregator.sdk.wire.Wire`."""
        matters = effect if self._write else not urlsplit(url).path.endswith(self._spared or ("\0",))
        target = self._line_url + url.removeprefix(self._agency_url) if matters else url
        return await self._inner.send(method, target, headers=headers, body=body, effect=effect, cap=cap)


def _fields(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    for line in head.split(b"\r\n")[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            yield name, value.strip()


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError, ssl.SSLError):
        await writer.wait_closed()


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or LOOPBACK, parts.port or 80
