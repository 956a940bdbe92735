"""The guarded path over the production wire and real sockets: what the trail proves, and who pays for a dead agency."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from aggregator.resilience.breaker import CLOSED, OPEN
from aggregator.resilience.outcome import Confirmed, NotSent, Unknown
from aggregator.resilience.pipeline import Guarded, NullMeter
from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import Class, operation, operations_of
from aggregator.sdk.clock import SeededChance, SystemClock
from aggregator.sdk.errors import AgencyError, NotAttempted, Unavailable
from aggregator.sdk.model import Order, Receipt
from aggregator.sdk.reading import need
from aggregator.sdk.rest import RestClient
from aggregator.sdk.wire import Sent, Trail
from aggregator.sdk.wire_aiohttp import AiohttpWire

ORDER = Order("R-1", "transfer_ownership", {"vehicle": "OD02AB1234"})
POLICY = Policy(max_rps=1e6, max_wait_s=0.3, deadline_s=3.0, breaker_reset_s=60.0)
FOUND = b'{"requestNo": "RTO-1"}'


class Office:
    """A REST driver as an author writes it: build, call, read."""

    def __init__(self, wire, url):
        self.api = RestClient(wire, url)

    @operation(Class.QUERYABLE, timeout_s=0.4, max_apply_delay_s=60)
    async def submit(self, order):
        reply = await self.api.post("/requests", {"ref": order.reference})
        return Receipt(need(reply, "requestNo"))

    @operation(Class.SAFE, timeout_s=0.4)
    async def track(self, order):
        return need(await self.api.get("/requests"), "requestNo")


class Peer:
    """A socket that answers with one body, or accepts and never answers; counts what it is sent."""

    def __init__(self):
        self.requests = 0
        self.status, self.body = 200, FOUND
        self.silent = False
        self._leaving = asyncio.Event()

    async def serve(self, reader, writer):
        try:
            while line := await reader.readline():
                if line.startswith((b"GET", b"POST")):
                    self.requests += 1
                    length = await self._headers(reader)
                    await reader.readexactly(length)
                    await self._answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the caller cut the connection, as it should
        finally:
            writer.close()

    async def _headers(self, reader):
        length = 0
        while (line := (await reader.readline()).strip()) and not line.startswith(b"\r"):
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return length

    async def _answer(self, writer):
        if self.silent:
            await self._leaving.wait()
            raise ConnectionError
        head = (
            f"HTTP/1.1 {self.status} OK\r\ncontent-type: application/json\r\ncontent-length: {len(self.body)}\r\n\r\n"
        )
        writer.write(head.encode() + self.body)
        await writer.drain()

    def leave(self):
        self._leaving.set()


@asynccontextmanager
async def agency(policy=POLICY):
    """A peer, the guarded driver in front of it, and everything closed at the end."""
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    wire = AiohttpWire(connect_timeout_s=0.3, total_timeout_s=2.0, read_timeout_s=2.0, max_connections=20)
    office = Office(wire, url)
    parts = {"clock": SystemClock(), "chance": SeededChance(1), "meter": NullMeter()}
    rto = Guarded("rto", office, operations_of(Office), policy, **parts)
    try:
        yield peer, rto, server
    finally:
        await rto.close()
        await wire.close()
        peer.leave()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0)


async def ended(awaitable):
    try:
        await awaitable
    except (AgencyError, NotAttempted) as error:
        return type(error).__name__
    return "ok"


async def test_an_answered_write_is_confirmed_and_an_unanswered_one_is_a_doubt():
    async with agency() as (peer, rto, _):
        assert await rto.attempt("submit", ORDER, Trail()) == Confirmed(Receipt("RTO-1"))
        peer.silent = True
        trail = Trail()
        outcome = await rto.attempt("submit", ORDER, trail)
        assert isinstance(outcome, Unknown)
        assert (trail.sent, trail.answered, peer.requests) == (Sent.MAYBE, False, 2)


async def test_a_write_to_an_agency_that_is_not_there_was_certainly_not_sent():
    async with agency() as (peer, rto, server):
        server.close()
        await server.wait_closed()
        trail = Trail()
        outcome = await rto.attempt("submit", ORDER, trail)
        assert isinstance(outcome, NotSent)
        assert outcome.kind == "unavailable"
        assert (trail.sent, peer.requests) == (Sent.NO, 0)


async def test_a_503_is_repeated_for_a_read_and_never_for_a_write():
    async with agency() as (peer, rto, _):
        peer.status, peer.body = 503, b'{"error": "busy"}'
        assert await ended(rto.read("track", ORDER)) == "Unavailable"
        assert peer.requests == 3
        outcome = await rto.attempt("submit", ORDER, Trail())
        assert isinstance(outcome, Unknown)
        assert peer.requests == 4


async def test_r7_of_three_hundred_callers_of_a_silent_agency_few_reach_it_and_the_live_one_serves():
    async with agency() as (dead, dead_one, _), agency() as (_alive, live_one, _):
        dead.silent = True
        flood = [asyncio.create_task(ended(dead_one.read("track", ORDER, person=str(n)))) for n in range(300)]
        live = [await ended(live_one.read("track", ORDER, person=str(n))) for n in range(20)]
        ends = await asyncio.gather(*flood)
        assert live == ["ok"] * 20
        assert set(ends) <= {"Unavailable", "Saturated", "CircuitOpen"}
        assert dead.requests <= POLICY.max_concurrency * POLICY.retry_max_attempts
        assert dead_one.health().breakers["safe"] == OPEN
        asked = dead.requests
        again = await asyncio.gather(*(ended(dead_one.read("track", ORDER, person=str(n))) for n in range(300)))
        assert set(again) == {"CircuitOpen"}
        assert dead.requests == asked


async def test_the_last_answer_stands_in_while_the_agency_is_silent():
    async with agency(replace(POLICY, breaker_fail_max=50)) as (peer, rto, _):
        first = await rto.read("track", ORDER)
        peer.silent = True
        shown = await rto.read("track", ORDER, deadline_s=0.2)
        assert (shown.value, shown.as_of, shown.stale) == ("RTO-1", first.as_of, True)
        with pytest.raises(Unavailable):
            await rto.read("track", ORDER, deadline_s=0.2, cached=False)
        assert rto.health().breakers["safe"] == CLOSED
