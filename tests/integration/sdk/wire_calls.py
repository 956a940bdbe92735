"""One send over the wire and what its trail noted; peers that answer as agencies do."""

import asyncio
import socket

from aiohttp.abc import AbstractResolver
from bad_peers import answer

from aggregator.sdk.wire import Trail


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


async def send(wire, url, *, method="POST", body=b"{}", effect=True, headers=None, cap=1_048_576):
    return await wire.send(method, url, headers=headers or {}, body=body, effect=effect, cap=cap)


async def polite(peer, reader, writer):
    while True:
        await peer.request(reader)
        writer.write(answer(b'{"requestNo":"R1"}'))
        await writer.drain()


class NoSuchName(AbstractResolver):
    async def resolve(self, host, port=0, family=socket.AF_INET):
        raise OSError(None, "no such name")

    async def close(self):
        pass


async def silent(peer, reader, writer):
    await peer.request(reader)
    await peer.go.wait()
