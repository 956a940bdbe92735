"""After a connection was handed over anything may have been sent; nothing of one citizen rides with another's call."""

import asyncio
import contextlib
import socket

import aiohttp
import pytest
from bad_peers import answer
from wire_calls import NoSuchName, polite, send, silent

from aggregator.sdk.adapter import Class, Declared
from aggregator.sdk.dialect import CURRENT
from aggregator.sdk.wire import Sent, WireError


async def reset(peer, reader, writer):
    await peer.request(reader)
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    writer.transport.abort()


async def half_a_body(peer, reader, writer):
    await peer.request(reader)
    writer.write(answer(b'{"requestNo":"R1"}')[:-5])


async def cut_chunks(peer, reader, writer):
    await peer.request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")


async def garbage(peer, reader, writer):
    await peer.request(reader)
    writer.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")


async def closes(peer, reader, writer):
    await peer.request(reader)


async def not_gzip(peer, reader, writer):
    await peer.request(reader)
    writer.write(answer(b"this is not gzip", extra=b"Content-Encoding: gzip\r\n"))


@pytest.mark.parametrize(
    "script", [reset, half_a_body, cut_chunks, garbage, closes, not_gzip], ids=lambda s: s.__name__
)
async def test_ac10_whatever_goes_wrong_after_the_handover_may_have_been_sent(peers, wires, trail, script):
    peer = await peers(script)
    with pytest.raises(WireError) as caught:
        await send(wires(), peer.url)
    assert (caught.value.sent, trail.sent, trail.answered) == (Sent.MAYBE, Sent.MAYBE, False)
    assert len(peer.requests) == 1


async def second_request_closes(peer, reader, writer):
    await peer.request(reader)
    writer.write(answer())
    await writer.drain()
    await peer.request(reader)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "GET"])
async def test_ac3_a_put_is_not_sent_again_on_a_stale_connection(peers, wires, keyed, method):
    naive_peer = await peers(second_request_closes)
    async with aiohttp.ClientSession() as naive:
        async with naive.request(method, naive_peer.url) as got:
            await got.read()
        with contextlib.suppress(aiohttp.ClientError):
            async with naive.request(method, naive_peer.url) as got:
                await got.read()
    assert len(naive_peer.requests) == 3  # the naive control: one of the two was silently sent twice

    peer = await peers(second_request_closes)
    wire = wires()
    await send(wire, peer.url, method=method, body=None)
    with pytest.raises(WireError) as caught:
        await send(wire, peer.url, method=method, body=None)
    assert (caught.value.sent, len(peer.requests), peer.connections) == (Sent.MAYBE, 2, 1)


async def test_an_opaque_write_never_rides_on_a_kept_alive_connection(peers, wires):
    peer = await peers(polite)
    wire = wires()
    token = CURRENT.set(Declared(cls=Class.OPAQUE))
    for _ in range(3):
        await send(wire, peer.url)
    CURRENT.reset(token)
    assert peer.connections == 3


async def test_reads_and_repeatable_writes_share_a_connection(peers, wires, keyed):
    peer = await peers(polite)
    wire = wires()
    await send(wire, peer.url, effect=False)
    await send(wire, peer.url)
    await send(wire, peer.url, method="GET", body=None, effect=False)
    assert peer.connections == 1


async def greets_with_a_cookie(peer, reader, writer):
    while True:
        await peer.request(reader)
        writer.write(answer(extra=b"Set-Cookie: JSESSIONID=citizen-a; Path=/\r\n"))
        await writer.drain()


async def test_ac1_a_citizens_session_cookie_never_goes_out_with_anothers_call(peers, wires):
    naive_peer = await peers(greets_with_a_cookie)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as naive:
        for _ in range(2):
            async with naive.get(naive_peer.url) as got:
                await got.read()
    assert b"citizen-a" in naive_peer.requests[1]  # the naive control

    peer = await peers(greets_with_a_cookie)
    wire = wires()
    for _ in range(2):
        await send(wire, peer.url, effect=False)
    assert b"citizen-a" not in peer.requests[1]


async def test_ac4_a_permanent_redirect_delivers_nothing_to_the_other_host(peers, wires):
    other = await peers(polite)

    async def moved(peer, reader, writer):
        await peer.request(reader)
        where = f"Location: {other.url}/login\r\n".encode()
        writer.write(answer(status="308 Permanent Redirect", extra=where))

    naive_peer = await peers(moved)
    async with aiohttp.ClientSession() as naive, naive.post(naive_peer.url, data=b"the citizen's data") as got:
        await got.read()
    assert other.connections == 1  # the naive control posted it there

    peer = await peers(moved)
    reply = await send(wires(), peer.url, body=b"the citizen's data")
    assert (reply.status, other.connections) == (308, 1)


async def test_ac13_proxy_variables_do_not_divert_the_citizens_request(peers, wires, monkeypatch):
    stranger = await peers(polite)
    peer = await peers(polite)
    monkeypatch.setenv("HTTP_PROXY", stranger.url)
    monkeypatch.setenv("http_proxy", stranger.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    await send(wires(), peer.url)
    assert (peer.connections, stranger.connections) == (1, 0)


async def test_ac2_a_silent_agency_does_not_take_the_connections_of_another(peers, wires):
    dead, alive = await peers(silent), await peers(polite)
    ours, theirs = wires(max_connections=2), wires(max_connections=2)
    stuck = [asyncio.create_task(send(theirs, dead.url, effect=False)) for _ in range(4)]
    await dead.arrived.wait()
    assert (await send(ours, alive.url, effect=False)).status == 200
    for task in stuck:
        task.cancel()
    await asyncio.gather(*stuck, return_exceptions=True)


@pytest.mark.parametrize("value", ["a\r\nX-Injected: 1", "a\nb", "a\0b"])
async def test_ac9_a_line_break_in_a_header_value_is_refused_before_anything_is_sent(peers, wires, trail, value):
    peer = await peers(polite)
    with pytest.raises(WireError) as caught:
        await send(wires(), peer.url, headers={"X-Ref": value})
    assert (caught.value.sent, trail.sent, peer.connections) == (Sent.NO, Sent.NO, 0)


@pytest.mark.parametrize(
    "url", ["ftp://agency.example/x", "http://", "agency", "http://user:pw@[bad/", "http://h:99999/"]
)
async def test_ac8_a_url_that_is_none_is_provably_unsent(wires, trail, url):
    with pytest.raises(WireError) as caught:
        await send(wires(resolver=NoSuchName()), url)
    assert (caught.value.sent, trail.sent) == (Sent.NO, Sent.NO)


async def test_a_caller_gone_in_mid_send_leaves_a_trail_that_says_maybe(peers, wires, trail):
    peer = await peers(silent)
    task = asyncio.create_task(send(wires(), peer.url))
    await peer.arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (trail.sent, trail.answered) == (Sent.MAYBE, False)
    peer.go.set()


async def test_a_caller_gone_before_the_connection_leaves_a_trail_that_says_no(wires, trail):
    class Slow(NoSuchName):
        async def resolve(self, host, port=0, family=socket.AF_INET):
            started.set()
            await asyncio.Event().wait()

    started = asyncio.Event()
    task = asyncio.create_task(send(wires(resolver=Slow()), "http://agency.invalid/"))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert trail.sent is Sent.NO
