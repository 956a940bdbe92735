"""Peers and wires that are closed whatever the test does."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from bad_peers import Peer, Script

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
