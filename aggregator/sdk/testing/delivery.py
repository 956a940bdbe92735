"""How an answer leaves the simulator: mostly whole, and otherwise exactly as broken as the fault says.

The broken ways write raw bytes to the connection's transport, because a web framework would repair them.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable

from aiohttp import web

from aggregator.sdk.testing.faults import Way
from aggregator.sdk.testing.pages import MEBIBYTE, bomb, flood
from aggregator.sdk.testing.simulator import Answer

SLOW_S = 8.0
_LOOK_S = 0.05
_PATIENCE_S = 60.0
_NOW_RST = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: close() sends RST and drops what is unsent


async def deliver(request: web.Request, answer: Answer, way: Way) -> web.StreamResponse:
    """Sends `answer` in this way; the returned response is already sent or deliberately unsendable."""
    match way:
        case Way.FLOOD:
            xml = "xml" in answer.content_type
            return await _stream(request, answer, flood(xml=xml), {"Content-Length": str(64 * MEBIBYTE)})
        case Way.BOMB:
            return await _stream(request, answer, bomb(), {"Content-Encoding": "gzip"})
        case Way.SLOW:
            await _while_open(request, SLOW_S)
            return _whole(answer)
        case Way.ANSWER | Way.REFUSAL | Way.PAGE:
            return _whole(answer)
        case _:
            await _broken(request, answer, way)
            return web.Response()


def _whole(answer: Answer) -> web.Response:
    headers = dict(answer.headers)
    if answer.content_type:
        headers["Content-Type"] = answer.content_type
    return web.Response(status=answer.status, body=answer.body, headers=headers)


async def _stream(
    request: web.Request, answer: Answer, pieces: Iterable[bytes], headers: dict[str, str]
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": answer.content_type, **headers})
    response.force_close()
    await response.prepare(request)
    for piece in pieces:
        if gone(request):
            break
        try:
            await response.write(piece)
        except ConnectionError:
            break  # whoever hangs up on a flood does what we want of him
    return response


async def _broken(request: web.Request, answer: Answer, way: Way) -> None:
    if (transport := _transport(request)) is None:
        return
    write, body = transport.write, answer.body
    if way in {Way.TORN, Way.SHORT, Way.DRIP}:
        write(_head(answer, f"Content-Length: {len(body) + (100 if way is Way.SHORT else 0)}"))
    if way is Way.TORN:
        write(body[: len(body) // 2])
        # Let the first half leave: RST throws away what the kernel still holds.
        await asyncio.sleep(_LOOK_S)
    elif way is Way.SHORT:
        write(body)
    elif way is Way.DRIP:
        await _drip(request, write, body)
    elif way is Way.ENDLESS:
        write(_head(answer, "Transfer-Encoding: chunked") + b"%x\r\n%s\r\n" % (len(body), body))
        await _while_open(request, _PATIENCE_S)
    elif way is Way.SILENT:
        await _while_open(request, _PATIENCE_S)
    if way in {Way.RESET, Way.TORN, Way.LATE}:
        _reset(transport)
    else:
        transport.close()


def _head(answer: Answer, length: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {answer.content_type}\r\n{length}\r\n\r\n".encode()


async def _drip(request: web.Request, write: Callable[[bytes], None], body: bytes) -> None:
    for at in range(len(body)):
        if gone(request):
            return
        write(body[at : at + 1])
        await _while_open(request, 1.0)


async def _while_open(request: web.Request, seconds: float) -> None:
    """Waits, but not for a client that has left."""
    for _ in range(round(seconds / _LOOK_S)):
        if gone(request):
            return
        await asyncio.sleep(_LOOK_S)


def _transport(request: web.Request) -> asyncio.Transport | None:
    return request.transport


def gone(request: web.Request) -> bool:
    """Whether the client has hung up."""
    transport = request.transport
    return transport is None or transport.is_closing()


def _reset(transport: asyncio.Transport) -> None:
    found = transport.get_extra_info("socket")
    if found is not None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NOW_RST)
    transport.abort()
