"""The bad line itself: what it does to bytes is what its name says, seen from a plain socket client."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from aggregator.sdk.testing.plays import PLAYS, late
from aggregator.sdk.testing.proxy import overcrowded, proxied, refusing

REQUEST = b"POST /v2/requests HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
ANSWER = b'{"requestNo": "R1"}'


@asynccontextmanager
async def agency():
    """An agency that counts what reaches it."""
    heard = []

    async def answer(reader, writer):
        heard.append(await reader.readuntil(b"{}"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 19\r\n\r\n" + ANSWER)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heard
    finally:
        server.close()
        await asyncio.sleep(0)


async def said(play, *, patience_s=2.0):
    """(what the client got, how often the agency was asked, whether it ended by itself)."""
    async with agency() as (url, heard), proxied(url, play) as line:
        host, port = line.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(REQUEST)
        got, ended = b"", True
        try:
            async with asyncio.timeout(patience_s):
                while part := await reader.read(4096):
                    got += part
        except TimeoutError:
            ended = False
        except ConnectionResetError:
            got += b"(reset)"
        writer.close()
        if not ended:
            await asyncio.sleep(0.3)
        return got, len(heard), ended


async def test_a_straight_line_carries_request_and_answer():
    got, asked, ended = await said(PLAYS["straight"])
    assert got.endswith(ANSWER)
    assert (asked, ended) == (1, True)


async def test_a_line_may_deliver_twice_and_tell_nobody():
    got, asked, _ = await said(PLAYS["twice"])
    assert got.endswith(ANSWER)
    assert asked == 2


@pytest.mark.parametrize(("play", "asked"), [("swallow", 0), ("lose_the_answer", 1), ("continue_then_silence", 0)])
async def test_silence_has_three_reasons_and_the_client_cannot_tell_them_apart(play, asked):
    got, heard, ended = await said(PLAYS[play], patience_s=0.3)
    assert got in {b"", b"HTTP/1.1 100 Continue\r\n\r\n"}
    assert (heard, ended) == (asked, False)


async def test_a_late_line_delivers_after_the_client_has_given_up():
    _, heard, ended = await said(late(0.05), patience_s=0.2)
    assert (heard, ended) == (1, False)


@pytest.mark.parametrize("play", ["reset", "reset_in_headers", "reset_in_body"])
async def test_a_reset_is_a_reset(play):
    got, _, ended = await said(PLAYS[play])
    assert got.endswith(b"(reset)")
    assert ended
    assert ANSWER not in got


async def test_a_short_answer_promises_more_than_it_brings():
    got, _, _ = await said(PLAYS["short"])
    assert b"Content-Length: 119" in got
    assert got.endswith(ANSWER)


async def test_nobody_listens_at_a_refusing_door_and_a_full_one_never_answers():
    with refusing() as url, pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    with overcrowded() as url, pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
