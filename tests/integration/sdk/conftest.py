"""Peers and wires that are closed whatever the test does."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from bad_peers import Peer, Script
from wire_calls import Noted

from aggregator.sdk.adapter import Class, Declared
from aggregator.sdk.dialect import CURRENT
from aggregator.sdk.wire import TRAIL
from aggregator.sdk.wire_aiohttp import AiohttpWire


@pytest.fixture
async def peers() -> AsyncIterator[Callable[[Script], Awaitable[Peer]]]:
    started: list[Peer] = []

    async def start(script: Script) -> Peer:
        peer = Peer(script)
        await peer.start()
        started.append(peer)
        return peer

    yield start
    for peer in started:
        await peer.close()


@pytest.fixture
async def wires() -> AsyncIterator[Callable[..., AiohttpWire]]:
    made: list[AiohttpWire] = []

    def make(**settings) -> AiohttpWire:
        limits = {"connect_timeout_s": 1.0, "total_timeout_s": 3.0, "read_timeout_s": 2.0, "max_connections": 4}
        wire = AiohttpWire(**{**limits, **settings})
        made.append(wire)
        return wire

    yield make
    for wire in made:
        await wire.close()


@pytest.fixture
def trail() -> Iterator[Noted]:
    made = Noted()
    token = TRAIL.set(made)
    yield made
    TRAIL.reset(token)


@pytest.fixture
def keyed() -> Iterator[None]:
    """Writes of a class that may use a kept-alive connection."""
    token = CURRENT.set(Declared(cls=Class.KEYED, max_apply_delay_s=60.0, key_ttl_s=3600.0))
    yield
    CURRENT.reset(token)
