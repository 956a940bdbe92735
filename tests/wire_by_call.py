"""The wire port over a function call; the trail is told exactly what a socket would tell it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.sdk.wire import CAP, Reply, Sent, WireError, effect_trail


@dataclass(frozen=True)
class Asked:
    """One request as it arrives. `told` is its body, read; {} without one."""

    path: str
    query: str
    body: bytes
    told: Any
    effect: bool


class WireByCall:
    """A subclass is the agency: whether it is there, what happens around a write, and what it answers."""

    def away(self) -> bool:
        """Whether nobody takes the connection."""
        return False

    async def before_write(self) -> None:
        """After the journal, before the first byte."""

    async def answer(self, asked: Asked) -> Reply:
        raise NotImplementedError

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        effect: bool = True,
        cap: int = CAP,
    ) -> Reply:
        path, _, query = ("/" + url.partition("//")[2].partition("/")[2]).partition("?")
        with effect_trail(effect=effect) as trail:
            await trail.journal(method, url, headers, body or b"")
            if self.away():
                raise WireError(Sent.NO, "ClientConnectorError")
            if effect:
                await self.before_write()
            trail.recheck()
            trail.sent = Sent.MAYBE
            reply = await self.answer(Asked(path, query, body or b"", json.loads(body) if body else {}, effect))
            trail.answered, trail.reply = True, reply
            return reply


def as_json(value: Any) -> Reply:
    return Reply(200, {"content-type": "application/json"}, json.dumps(value).encode())
