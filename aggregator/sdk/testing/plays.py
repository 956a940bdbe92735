"""What a bad line can do, by name: each play is one fault of the table, or one doubt the declared class must survive.

`straight` is the control: a line that does nothing wrong must change nothing.
"""

import asyncio
import re
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

from aggregator.sdk.testing.pages import MEBIBYTE
from aggregator.sdk.testing.proxy import Answered, Line, NotThere, Play

GIGABYTE = 1024 * MEBIBYTE
_PIECE = b" " * 65_536
_SKEW = timedelta(minutes=15)
_SIGNATURE = re.compile(rb"<(\w+:)?Signature[ >].*?</(\w+:)?Signature>", re.DOTALL)
_ISCII = b"\xb3\xcf\xb3\xda\xa4"
OLD_SERVER_HELLO = (
    b"\x16\x03\x01\x00\x2a" + b"\x02\x00\x00\x26" + b"\x03\x01" + b"\x00" * 32 + b"\x00" + b"\x00\x2f" + b"\x00"
)
"""What a server that knows nothing newer than TLS 1.0 answers to any client. Source: RFC 2246, section 7.4.1.3."""


async def straight(line: Line, request: bytes) -> None:
    await line.say((await line.ask(request)).whole())


async def reset(line: Line, _: bytes) -> None:
    line.reset()


async def reset_in_headers(line: Line, request: bytes) -> None:
    whole = (await line.ask(request)).whole()
    await _partly(line, whole[: whole.index(b"\r\n\r\n") // 2])
    line.reset()


async def reset_in_body(line: Line, request: bytes) -> None:
    answer = await line.ask(request)
    await _partly(line, answer.head(b"Content-Length: %d" % len(answer.body)), answer.body[: len(answer.body) // 2])
    line.reset()


async def short(line: Line, request: bytes) -> None:
    answer = await line.ask(request)
    await line.say(answer.head(b"Content-Length: %d" % (len(answer.body) + 100)), answer.body)


async def endless_chunks(line: Line, request: bytes) -> None:
    answer = await line.ask(request)
    await line.say(answer.head(b"Transfer-Encoding: chunked"), b"%x\r\n%s\r\n" % (len(answer.body), answer.body))
    await line.left()


async def drip(line: Line, request: bytes) -> None:
    answer = await line.ask(request)
    await line.say(answer.head(b"Content-Length: %d" % len(answer.body)))
    for at in range(len(answer.body)):
        await line.say(answer.body[at : at + 1])
        await asyncio.sleep(1.0)


async def swallow(line: Line, _: bytes) -> None:
    """The request is lost on the way; nobody ever says so."""
    await line.left()


async def lose_the_answer(line: Line, request: bytes) -> None:
    """The agency heard it; its answer is lost."""
    await line.ask(request)
    await line.left()


async def continue_then_silence(line: Line, _: bytes) -> None:
    await line.say(b"HTTP/1.1 100 Continue\r\n\r\n")
    await line.left()


async def close(line: Line, request: bytes) -> None:
    """As an agency that drops a kept-alive connection just as the request arrives."""


async def twice(line: Line, request: bytes) -> None:
    """The request reaches the agency two times, as from a gateway that repeats."""
    answer = await line.ask(request)
    await line.ask(request)
    await line.say(answer.whole())


def late(seconds: float) -> Play:
    """The request reaches the agency only after the client has given up."""

    async def play(line: Line, request: bytes) -> None:
        await line.left()
        await asyncio.sleep(seconds)
        await line.ask(request)

    return play


async def utf16_without_a_mark(line: Line, request: bytes) -> None:
    answer = await line.ask(request)
    await _spoilt(line, answer, answer.body.decode("utf-8", "replace").encode("utf-16-le"))


async def iscii_as_utf8(line: Line, request: bytes) -> None:
    answer = await line.ask(request)
    mark = answer.body.find(b'"') if b'"' in answer.body else answer.body.find(b">")
    await _spoilt(line, answer, answer.body[: mark + 1] + _ISCII + answer.body[mark + 1 :])


async def charset_nobody_reads(line: Line, request: bytes) -> None:
    answer = await line.ask(request)
    media = {name.lower(): value for name, value in answer.headers}.get(b"content-type", b"text/plain")
    martian = media.partition(b";")[0] + b"; charset=martian"
    await line.say(answer.with_header(b"Content-Type", martian).whole())


async def a_gigabyte_announced(line: Line, request: bytes) -> None:
    answer = await line.ask(request)
    await line.say(answer.head(b"Content-Length: %d" % GIGABYTE))
    await _flood(line, b"")


async def a_gigabyte_in_chunks(line: Line, request: bytes) -> None:
    answer = await line.ask(request)
    await line.say(answer.head(b"Transfer-Encoding: chunked"))
    await _flood(line, b"%x\r\n" % len(_PIECE))


async def unsigned(line: Line, request: bytes) -> None:
    answer = await line.ask(request)
    body, found = _SIGNATURE.subn(b"", answer.body)
    if not found:
        raise NotThere
    await _spoilt(line, answer, body)


def agency_clock(off: timedelta) -> Play:
    """The agency's Date header is wrong by so much."""

    async def play(line: Line, request: bytes) -> None:
        answer = await line.ask(request)
        told = next((value for name, value in answer.headers if name.lower() == b"date"), b"")
        at: datetime = parsedate_to_datetime(told.decode("ascii"))
        await line.say(answer.with_header(b"Date", format_datetime(at + off, usegmt=True).encode("ascii")).whole())

    return play


PLAYS: dict[str, Play] = {
    "straight": straight,
    "reset": reset,
    "reset_in_headers": reset_in_headers,
    "reset_in_body": reset_in_body,
    "short": short,
    "endless_chunks": endless_chunks,
    "drip": drip,
    "swallow": swallow,
    "lose_the_answer": lose_the_answer,
    "continue_then_silence": continue_then_silence,
    "close": close,
    "twice": twice,
    "utf16_without_a_mark": utf16_without_a_mark,
    "iscii_as_utf8": iscii_as_utf8,
    "charset_nobody_reads": charset_nobody_reads,
    "a_gigabyte_announced": a_gigabyte_announced,
    "a_gigabyte_in_chunks": a_gigabyte_in_chunks,
    "unsigned": unsigned,
    "clock_ahead": agency_clock(_SKEW),
    "clock_behind": agency_clock(-_SKEW),
}


async def _partly(line: Line, *parts: bytes) -> None:
    """These bytes arrive; a reset that follows at once would throw away what the kernel still holds."""
    await line.say(*parts)
    await asyncio.sleep(0.05)


async def _spoilt(line: Line, answer: Answered, body: bytes) -> None:
    await line.say(answer.head(b"Content-Length: %d" % len(body)), body)


async def _flood(line: Line, before_each: bytes) -> None:
    after_each = b"\r\n" if before_each else b""
    for _ in range(GIGABYTE // len(_PIECE)):
        if line.writer.is_closing():
            return
        await line.say(before_each + _PIECE + after_each)
