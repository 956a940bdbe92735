"""The wire against peers that misbehave on real sockets: what may have been sent, and what is then cut off."""

import asyncio
import contextlib
import gc
import gzip
import resource
import socket
import tracemalloc

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver
from bad_peers import answer

from aggregator.sdk.adapter import Class, Declared
from aggregator.sdk.dialect import CURRENT
from aggregator.sdk.wire import TRAIL, SecondEffect, Sent, Trail, WireError


class Noted(Trail):
    """A deliverer's trail that writes down the order of things."""

    def __init__(self, refuse: BaseException | None = None) -> None:
        super().__init__()
        self.steps: list[str] = []
        self._refuse = refuse

    async def journal(self, method, url, headers, body):
        self.steps.append(f"journal {method} {len(body)}")
        await asyncio.sleep(0)

    def recheck(self):
        self.steps.append("recheck")
        if self._refuse is not None:
            raise self._refuse


@pytest.fixture
def trail():
    made = Noted()
    token = TRAIL.set(made)
    yield made
    TRAIL.reset(token)


@pytest.fixture
def keyed():
    """Writes of a class that may use a kept-alive connection."""
    token = CURRENT.set(Declared(cls=Class.KEYED, max_apply_delay_s=60.0, key_ttl_s=3600.0))
    yield
    CURRENT.reset(token)


async def send(wire, url, *, method="POST", body=b"{}", effect=True, headers=None, cap=1_048_576):
    return await wire.send(method, url, headers=headers or {}, body=body, effect=effect, cap=cap)


async def polite(peer, reader, writer):
    while True:
        await peer.request(reader)
        writer.write(answer(b'{"requestNo":"R1"}'))
        await writer.drain()


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


class NoSuchName(AbstractResolver):
    async def resolve(self, host, port=0, family=socket.AF_INET):
        raise OSError(None, "no such name")

    async def close(self):
        pass


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


async def silent(peer, reader, writer):
    await peer.request(reader)
    await peer.go.wait()


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
