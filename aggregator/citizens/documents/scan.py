"""Who looks a file through before it may leave the house: clamd, over its own protocol.

A scanner that is away has no opinion, and no opinion is not a yes: the document waits, and is never passed on
unchecked. The protocol is forty lines (INSTREAM: length and bytes, an empty piece, one line back); the libraries for it
block or are not kept. Source: clamd(8).
"""

import asyncio
from typing import Protocol
from urllib.parse import urlsplit

PIECE_BYTES = 65_536
PATIENCE_S = 20.0
_ANSWER_BYTES = 4096
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""The test file of all virus scanners; it does nothing."""


class ScannerAway(Exception):
    """Nobody looked: the scanner cannot be reached, is too slow or does not speak its protocol."""


class Scanner(Protocol):
    """Looks through one file."""

    async def harmful(self, content: bytes) -> bool:
        """Whether something harmful is in it. Raises ScannerAway."""
        ...


class Clamd:
    """A clamd on this machine or beside it. `address` is `tcp://host:port` or `unix:///path`."""

    def __init__(self, address: str, patience_s: float = PATIENCE_S) -> None:
        parts = urlsplit(address)
        if parts.scheme not in {"tcp", "unix"} or not (parts.path if parts.scheme == "unix" else parts.port):
            raise ValueError(f"a scanner's address is tcp://host:port or unix:///path, got {address!r}")
        self._parts = parts
        self._patience_s = patience_s

    async def harmful(self, content: bytes) -> bool:
        try:
            async with asyncio.timeout(self._patience_s):
                return _verdict(await self._asked(content))
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as exc:
            raise ScannerAway(type(exc).__name__) from exc

    async def _asked(self, content: bytes) -> bytes:
        if self._parts.scheme == "unix":
            reader, writer = await asyncio.open_unix_connection(self._parts.path)
        else:
            reader, writer = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        try:
            writer.write(b"zINSTREAM\0")
            for at in range(0, len(content), PIECE_BYTES):
                piece = content[at : at + PIECE_BYTES]
                writer.write(len(piece).to_bytes(4, "big") + piece)
                await writer.drain()
            writer.write(bytes(4))
            await writer.drain()
            return await reader.read(_ANSWER_BYTES)
        finally:
            writer.close()


def _verdict(answer: bytes) -> bool:
    """The verdict in clamd's line. Whatever is neither its yes nor its no is no verdict. Raises ScannerAway."""
    line = answer.rstrip(b"\0\n\r ")
    if line == b"stream: OK":
        return False
    if line.startswith(b"stream: ") and line.endswith(b" FOUND"):
        return True
    raise ScannerAway("an answer that is no verdict")


class NoScanner:
    """Nobody set one up: everything waits, and the operator is told at start."""

    async def harmful(self, content: bytes) -> bool:  # noqa: ARG002 - the port's shape
        raise ScannerAway("no scanner is set up")


class SandboxScanner:
    """Knows one file only, the test file: enough to try both ways, and never used beside a live agency."""

    async def harmful(self, content: bytes) -> bool:
        return EICAR in content
