"""A send without an answer is cut so that no byte leaves later; an answer is read up to its cap and no further."""

import asyncio
import contextlib
import gc
import gzip
import resource
import socket
import tracemalloc

import aiohttp
import pytest
from bad_peers import answer
from wire_calls import polite, send

from aggregator.sdk.wire import Sent, WireError


async def stalls_then_counts(peer, reader, writer):
    """Takes a little, stalls until told, then counts what still arrives."""
    await reader.readuntil(b"\r\n\r\n")
    peer.arrived.set()
    await peer.go.wait()
    got = 0
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(1_048_576):
            got += len(piece)
    peer.requests.append(str(got).encode())


SIZE = 20 * 1_048_576


async def _delivered_after_the_end(peer):
    peer.go.set()
    await peer.ended.wait()
    return int(peer.requests[0])


async def test_ac14_no_byte_leaves_after_the_outcome_was_called_unknown(peers, wires, trail):
    naive_peer = await peers(stalls_then_counts)

    async def pieces():
        for _ in range(SIZE // 65_536):
            yield b"x" * 65_536

    timeout = aiohttp.ClientTimeout(total=0.3)
    async with aiohttp.ClientSession(timeout=timeout) as naive:
        with pytest.raises(TimeoutError):
            await naive.post(naive_peer.url, data=pieces(), headers={"Content-Length": str(SIZE)})
        naive_late = await _delivered_after_the_end(naive_peer)
    assert naive_late > 65_536  # the naive control: the kernel's share arrived after the attempt had "ended"

    peer = await peers(stalls_then_counts)
    with pytest.raises(WireError) as caught:
        await send(wires(connect_timeout_s=0.2, total_timeout_s=0.3), peer.url, body=b"x" * SIZE)
    assert (caught.value.sent, trail.sent) == (Sent.MAYBE, Sent.MAYBE)
    late = await _delivered_after_the_end(peer)
    # What the peer's own kernel already holds cannot be called back, but the connection is reset, not finished.
    assert late < naive_late
    assert late < SIZE // 2


async def test_the_peer_of_a_cut_send_sees_a_reset_and_not_an_end(peers, wires):
    seen = []

    async def watches(peer, reader, writer):
        await peer.request(reader)
        try:
            seen.append(await reader.read())
        except ConnectionResetError:
            seen.append("reset")

    peer = await peers(watches)
    with pytest.raises(WireError):
        await send(wires(connect_timeout_s=0.1, total_timeout_s=0.2), peer.url)
    await peer.ended.wait()
    assert seen == ["reset"]


async def test_a_body_above_a_mebibyte_goes_out_whole_with_its_length(peers, wires):
    peer = await peers(polite)
    body = bytes(range(256)) * 8192
    await send(wires(), peer.url, body=body)  # as one piece aiohttp would warn, and warnings are errors here
    head, _, got = peer.requests[0].partition(b"\r\n\r\n")
    assert got == body
    assert b"chunked" not in head.lower()


async def endless(peer, reader, writer):
    await peer.request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b" " * 65_536 + b"\r\n")
        await writer.drain()


async def test_a_chunked_body_without_end_stops_at_the_cap(peers, wires, trail):
    peer = await peers(endless)
    with pytest.raises(WireError) as caught:
        await send(wires(), peer.url, cap=200_000)
    assert (caught.value.too_big, caught.value.sent) == (True, Sent.MAYBE)


async def test_one_byte_a_second_ends_at_the_total_timeout(peers, wires):
    async def drips(peer, reader, writer):
        await peer.request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not peer.go.is_set():
            writer.write(b" ")
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(peer.go.wait(), 0.05)

    peer = await peers(drips)
    with pytest.raises(WireError) as caught:
        await send(wires(connect_timeout_s=0.1, total_timeout_s=0.3, read_timeout_s=0.2), peer.url)
    assert (caught.value.sent, caught.value.too_big) == (Sent.MAYBE, False)
    peer.go.set()


async def test_a_length_above_the_cap_is_refused_before_the_body_is_read(peers, wires):
    async def boasts(peer, reader, writer):
        await peer.request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n")
        await peer.go.wait()

    peer = await peers(boasts)
    with pytest.raises(WireError) as caught:
        await send(wires(), peer.url, cap=1_048_576)
    assert caught.value.too_big
    peer.go.set()


async def test_ac5_a_gzip_bomb_is_seen_at_the_cap_with_flat_memory(peers, wires):
    bomb = gzip.compress(b"\0" * (64 * 1_048_576), compresslevel=1)

    async def throws(peer, reader, writer):
        await peer.request(reader)
        writer.write(answer(bomb, extra=b"Content-Encoding: gzip\r\n"))
        await writer.drain()

    peer = await peers(throws)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    with pytest.raises(WireError) as caught:
        await send(wires(), peer.url, cap=1_048_576)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.too_big
    assert peak < 16 * 1_048_576
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 48 * 1024


async def test_an_answer_exactly_at_the_cap_is_an_answer(peers, wires):
    async def answers(peer, reader, writer):
        await peer.request(reader)
        writer.write(answer(b"x" * 1000))

    peer = await peers(answers)
    assert len((await send(wires(), peer.url, cap=1000)).body) == 1000


async def test_a_gzip_answer_is_read_plain(peers, wires):
    async def zips(peer, reader, writer):
        await peer.request(reader)
        writer.write(answer(gzip.compress(b'{"a":1}'), extra=b"Content-Encoding: gzip\r\n"))

    peer = await peers(zips)
    assert (await send(wires(), peer.url)).body == b'{"a":1}'


async def test_every_socket_gives_up_on_unacknowledged_bytes_after_the_linger(peers, wires):
    peer = await peers(polite)
    wire = wires(linger_s=7.0)
    await send(wire, peer.url, effect=False)
    connector = wire._kept.connector
    kept = next(iter(connector._conns.values()))[0][0]
    sock = kept.transport.get_extra_info("socket")
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 7000


@pytest.mark.parametrize(("connect_s", "total_s"), [(2.0, 2.0), (3.0, 2.0), (0.0, 2.0)])
def test_a_connect_timeout_that_is_not_the_shorter_is_refused(wires, connect_s, total_s):
    with pytest.raises(ValueError, match="connect_timeout_s"):
        wires(connect_timeout_s=connect_s, total_timeout_s=total_s)


async def test_a_closed_wire_has_let_go_of_every_connection(peers, wires):
    peer = await peers(polite)
    wire = wires()
    await send(wire, peer.url, effect=False)
    await wire.close()
    await asyncio.wait_for(peer.ended.wait(), 2)
