"""The wire on real sockets: what is journaled before a send, and what is provably unsent."""

import asyncio
import contextlib
import socket

import aiohttp
import pytest
from wire_calls import NoSuchName, Noted, polite, send, silent

from aggregator.sdk.wire import TRAIL, SecondEffect, Sent, WireError


async def test_an_answer_comes_with_lower_case_headers_and_the_trail_says_answered(peers, wires, trail):
    peer = await peers(polite)
    reply = await send(wires(), peer.url)
    assert (reply.status, reply.headers["content-type"], reply.body) == (200, "application/json", b'{"requestNo":"R1"}')
    assert (trail.sent, trail.answered, trail.reply) == (Sent.MAYBE, True, reply)


async def test_the_attempt_is_journaled_before_the_agency_sees_a_connection(peers, wires):
    class Looking(Noted):
        async def journal(self, method, url, headers, body):
            await super().journal(method, url, headers, body)
            self.steps.append(f"connections {peer.connections}")

    peer = await peers(polite)
    looking = Looking()
    token = TRAIL.set(looking)
    await send(wires(), peer.url, body=b"12345")
    TRAIL.reset(token)
    assert looking.steps == ["journal POST 5", "connections 0", "recheck"]


async def test_a_journal_that_fails_keeps_the_citizens_request_at_home(peers, wires):
    class Full(Noted):
        async def journal(self, method, url, headers, body):
            raise OSError("disk full")

    peer = await peers(polite)
    full = Full()
    token = TRAIL.set(full)
    with pytest.raises(OSError, match="disk full"):
        await send(wires(), peer.url)
    TRAIL.reset(token)
    assert (full.sent, peer.connections) == (Sent.NO, 0)


@pytest.mark.parametrize("refusal", [RuntimeError("fenced"), ValueError("fenced"), TimeoutError("fenced")])
async def test_a_recheck_that_says_no_sends_nothing_and_its_words_pass_unchanged(peers, wires, keyed, refusal):
    peer = await peers(polite)
    wire = wires()
    noted = Noted(refusal)
    token = TRAIL.set(noted)
    with pytest.raises(type(refusal)) as caught:
        await send(wire, peer.url)
    TRAIL.reset(token)
    assert caught.value is refusal
    assert (noted.sent, noted.answered) == (Sent.NO, False)
    # The connection went back unused: the next citizen's request is the first this peer sees.
    await send(wire, peer.url, effect=False)
    assert len(peer.requests) == 1


async def test_one_operation_makes_one_effect_bearing_send(peers, wires, trail):
    peer = await peers(polite)
    wire = wires()
    await send(wire, peer.url, effect=False)
    await send(wire, peer.url)
    with pytest.raises(SecondEffect):
        await send(wire, peer.url)
    assert len(peer.requests) == 2


async def test_a_refused_connection_is_provably_unsent_ac7(wires, trail):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(WireError) as caught:
            await send(wires(), f"http://127.0.0.1:{port}")
    assert (caught.value.sent, caught.value.why, trail.sent) == (Sent.NO, "ClientConnectorError", Sent.NO)
    assert isinstance(caught.value.__cause__, aiohttp.ClientOSError)  # the naive reading: the same class as a reset


async def test_a_name_that_does_not_resolve_is_provably_unsent(wires, trail):
    with pytest.raises(WireError) as caught:
        await send(wires(resolver=NoSuchName()), "http://agency.invalid/x")
    assert (caught.value.sent, caught.value.why) == (Sent.NO, "ClientConnectorDNSError")


async def test_a_full_backlog_ends_as_a_connect_timeout_and_provably_unsent(wires, trail):
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        with pytest.raises(WireError) as caught:
            await send(wires(connect_timeout_s=0.2), f"http://127.0.0.1:{full.getsockname()[1]}")
    assert (caught.value.sent, caught.value.why) == (Sent.NO, "ConnectionTimeoutError")


async def test_ac6_a_wait_for_a_free_connection_is_provably_unsent(peers, wires, trail):
    peer = await peers(silent)
    wire = wires(max_connections=1, connect_timeout_s=0.2)
    first = asyncio.create_task(send(wire, peer.url, effect=False))
    await peer.arrived.wait()
    with pytest.raises(WireError) as caught:
        await send(wire, peer.url, effect=False)
    assert (caught.value.sent, len(peer.requests)) == (Sent.NO, 1)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_ac6_even_a_total_timeout_in_the_pool_is_provably_unsent(peers, wires):
    peer = await peers(silent)
    # The naive witness first: with only `total` set, aiohttp says TimeoutError for a call of which no byte left.
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=0.2)) as naive:
        held = asyncio.create_task(naive.post(peer.url, timeout=aiohttp.ClientTimeout(total=30)))
        await peer.arrived.wait()
        with pytest.raises(TimeoutError) as caught:
            await naive.post(peer.url)
        assert not isinstance(caught.value, aiohttp.ClientConnectorError)
        held.cancel()
        await asyncio.gather(held, return_exceptions=True)
    peer.arrived.clear()
    wire = wires(max_connections=1, connect_timeout_s=0.2, total_timeout_s=0.21)
    held = asyncio.create_task(send(wire, peer.url, effect=False))
    await peer.arrived.wait()
    with pytest.raises(WireError) as unsent:
        await send(wire, peer.url, effect=False)
    assert unsent.value.sent is Sent.NO
    await asyncio.gather(held, return_exceptions=True)
