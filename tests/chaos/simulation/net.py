"""The network between a process and an agency: bytes take their time, connections break, and a dead sender's live on.

The wire does what `aggregator.sdk.wire_aiohttp` does, step by step: journal, connection, re-check, first byte, answer,
and a hard cut when a send ends without one. A cut takes back what a stalled peer has not read yet, not what is on its
way; what a killed process had handed to its kernel is delivered for as long as the connection lingers.
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from aggregator.sdk.wire import CAP, Reply, Sent, WireError, effect_trail
from simulation.loop import Owner, abroad

if TYPE_CHECKING:
    from simulation.world import City


class Exchange:
    """One request on its way, and the answer on its way back."""

    def __init__(self, city: "City", owner: Owner, agency: str, effect: bool) -> None:
        self.city, self.owner, self.agency, self.effect = city, owner, agency, effect
        self.answer: asyncio.Future[Any] = city.loop.create_future()
        self.cut = self.stalled = False
        self.told: Any = None
        self.method = self.path = ""
        self.query: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self.body = b""

    def depart(self) -> None:
        """The bytes leave, unless whoever wrote them is gone."""
        if self.owner.dead:
            return
        net = self.city.random
        delay = 0.002 + 0.2 * net.random() ** 3
        self.stalled = net.random() < self.city.knobs.stall
        if self.stalled:
            delay = self.city.knobs.linger_s * 1.2 * net.random()
        abroad(self.city.loop, self.arrive, delay=delay)

    def arrive(self) -> None:
        lingered = self.city.loop.now > self.owner.died_at + self.city.knobs.linger_s
        if (self.cut and self.stalled) or (self.owner.dead and lingered):
            return
        if self.effect:
            self.city.judge.arrived(self)
        self.city.agencies[self.agency].receive(self)

    def reply(self, status: int, body: bytes, kind: str = "application/json", after_s: float = 0.0) -> None:
        reply = Reply(status, {"content-type": kind}, body)
        self._back(after_s, lambda: self.answer.set_result(reply))

    def reset(self, after_s: float = 0.0) -> None:
        self._back(after_s, lambda: self.answer.set_exception(WireError(Sent.MAYBE, "Reset")))

    def _back(self, after_s: float, do: Any) -> None:
        def land() -> None:
            if not self.answer.done() and not self.owner.dead:
                if self.told is not None:
                    self.told()
                do()

        abroad(self.city.loop, land, delay=after_s + 0.002 + 0.2 * self.city.random.random() ** 3)


class SimWire:
    """One process's door to one agency."""

    def __init__(self, city: "City", owner: Owner, agency: str) -> None:
        self._city, self._owner, self._agency = city, owner, agency

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
        with effect_trail(effect=effect) as trail:
            await trail.journal(method, url, headers, body or b"")
            city = self._city
            await asyncio.sleep(0.001 + 0.05 * city.random.random() ** 4)
            if city.agencies[self._agency].refuses():
                raise WireError(trail.sent, "ConnectionRefused")
            if effect and city.stop_perhaps(self._owner):
                await city.thawed(self._owner)
            trail.recheck()
            trail.sent = Sent.MAYBE
            going = self._out(method, url, headers, body or b"", effect=effect)
            try:
                reply: Reply = await going.answer
            except BaseException as error:
                going.cut = True
                if isinstance(error, WireError):
                    raise WireError(trail.sent, error.why) from error
                raise
            trail.answered = True
            trail.reply = reply
            return reply

    def _out(self, method: str, url: str, headers: Mapping[str, str], body: bytes, *, effect: bool) -> Exchange:
        city = self._city
        split = urlsplit(url)
        going = Exchange(city, self._owner, self._agency, effect)
        going.method, going.path, going.query = method, split.path, dict(parse_qsl(split.query))
        going.headers = {name.lower(): value for name, value in headers.items()}
        going.body = body
        if effect and city.chance(city.knobs.freeze_at_write):
            # SIGSTOP between the last check and the write: the bytes leave when the process wakes, if it ever does.
            seconds = city.freeze(self._owner, drop_locks=False)
            abroad(city.loop, going.depart, delay=seconds)
        else:
            going.depart()
            if effect:
                city.stop_perhaps(self._owner)
        return going
