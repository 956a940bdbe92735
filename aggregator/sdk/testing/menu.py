"""The whole fault menu against one driver and its simulator, over the production wire, in a few seconds.

Faults that hang are cut by a short attempt timeout, everything runs side by side, and the simulator's clock is moved
instead of waiting. What is reported is what the ledger says, next to what the driver said.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from aggregator.sdk.adapter import Class
from aggregator.sdk.callback import Notifies
from aggregator.sdk.clock import SystemClock
from aggregator.sdk.model import Order
from aggregator.sdk.testing.callbacks import Letterbox, listening
from aggregator.sdk.testing.conformance import (
    ABSENT_AFTER,
    FOUND_AFTER,
    HANGING,
    NAIVE_TRAPS,
    SEARCH_FAULTS,
    WITHOUT_IDENTIFIER,
    Candidate,
    Ended,
    call,
)
from aggregator.sdk.testing.faults import MENU
from aggregator.sdk.testing.sandbox import Control, Sandbox
from aggregator.sdk.wire import Sent
from aggregator.sdk.wire_aiohttp import AiohttpWire

_SIDE_BY_SIDE = 3
"""Below the smallest limit of a simulated agency, with room for connections it has not yet seen die."""
PATIENT_S, HASTY_S = 10.0, 0.35
_PAST_EVERYTHING_S = 3600.0
_TRIES = 5
"""On a machine so busy that time was over before there was a connection, the fault was not met: once more."""

Ledger = dict[str, tuple[int, int]]
"""(rows, acted) by the hash of the request's bytes."""


@dataclass(frozen=True, slots=True)
class Played:
    """One fault against one operation. `took_s` is the call alone; `rows` and `acted` are the
    ledger's, `late` what acted within an hour more.

    `found`: how many records a look by our reference shows afterwards; None where nobody looked.
    """

    operation: str
    fault: str
    ref: str
    ended: Ended
    took_s: float
    rows: int = 0
    acted: int = 0
    late: int = 0
    found: int | None = None


class Player:
    """Plays the menu. `patient` answers within seconds, `hasty` gives up on what hangs."""

    def __init__(
        self, candidate: Candidate, url: str, control: Control, secrets: Mapping[str, str] | None = None
    ) -> None:
        self._candidate = candidate
        self._control = control
        self._wires = {hangs: _wire(HASTY_S if hangs else PATIENT_S) for hangs in (False, True)}
        self.letterbox = Letterbox()
        self._drivers = {
            hangs: candidate.make(wire, url, mailbox=self.letterbox, secrets=secrets)
            for hangs, wire in self._wires.items()
        }
        self._clock = SystemClock()
        self._places = asyncio.Semaphore(_SIDE_BY_SIDE)
        self.elsewhere = 0
        """How many requests reached the other host of fault 308."""

    @asynccontextmanager
    async def reachable(self) -> AsyncIterator[None]:
        """A door for the agency's callbacks, where its driver takes any."""
        driver = self._drivers[False]
        if not isinstance(driver, Notifies):
            yield
            return
        async with listening(self.letterbox, driver.notified) as url:
            await self._control.callback_url(url)
            yield

    async def close(self) -> None:
        for wire in self._wires.values():
            await wire.close()

    async def everything(self) -> list[Played]:
        """Every applicable fault on every operation, each operation on an emptied simulator."""
        health = await self._control.health()
        played: list[Played] = []
        for operation in self._candidate.sandbox["orders"]:
            await self._control.reset()
            wanted = [fault for fault in MENU if self._candidate.expected(operation, fault)]
            played += await self.menu(operation, [f for f in wanted if not _without_meaning(health, operation, f)])
            self.elsewhere += (await self._control.calls())["elsewhere"]
        return played

    async def naive(self) -> dict[tuple[str, str], tuple[int, int]]:
        """A client that repeats until it hears yes: (rows, acted) in the ledger by operation and fault."""
        seen: dict[tuple[str, str], tuple[int, int]] = {}
        for operation in self._writes():
            await self._control.reset()
            sent = await asyncio.gather(*(self._repeat(operation, fault) for fault in NAIVE_TRAPS))
            await self._control.advance_clock(_PAST_EVERYTHING_S)
            ledger = await self._ledger()
            seen |= {(operation, fault): ledger[key] for fault, key in zip(NAIVE_TRAPS, sent, strict=True)}
        return seen

    async def certified(self, operation: str) -> tuple[int, int, int]:
        """How often the same order acted when sent three times: as declared, and under 810, which takes it again.

        The third number is whether 810 means anything for this operation (1) or not (0).
        """
        health = await self._control.health()
        acted: list[int] = []
        for fault in ("000", "810"):
            await self._control.reset()
            order = self._candidate.order(operation, fault=fault, ref=f"C-{operation}-{fault}")
            sent = [await self._call(operation, order, hangs=False) for _ in range(3)]
            acted.append((await self._ledger())[sent[0].trail.request_sha256][1])
        return acted[0], acted[1], int(not _without_meaning(health, operation, "810"))

    async def menu(self, operation: str, faults: Sequence[str]) -> list[Played]:
        """The two faults that spoil searching come last."""
        if not self._candidate.is_magic(operation):
            return [await self._by_rule(operation, fault) for fault in faults if fault in WITHOUT_IDENTIFIER]
        played = await self._all((operation, fault) for fault in faults if fault not in SEARCH_FAULTS)
        played = [await self._looked(one) for one in played]
        played += await self._all((operation, fault) for fault in faults if fault in SEARCH_FAULTS)
        seen = await self._ledger()
        await self._control.advance_clock(_PAST_EVERYTHING_S)
        later = await self._ledger()
        return [_counted(one, seen, later) for one in played]

    async def _all(self, pairs: Iterable[tuple[str, str]]) -> list[Played]:
        return list(await asyncio.gather(*(self._one(operation, fault) for operation, fault in pairs)))

    async def _one(self, operation: str, fault: str) -> Played:
        ref = f"T-{operation}-{fault}"
        order = self._candidate.order(operation, fault=fault, ref=ref)
        ended, took_s = await self._timed(operation, order, hangs=fault in HANGING)
        return Played(operation, fault, ref, ended, took_s)

    async def _by_rule(self, operation: str, fault: str) -> Played:
        await self._control.faults([{"operation": "*", "fault": fault, "times": 1}])
        played = await self._one(operation, fault)
        await self._control.faults([])
        return played

    async def _call(self, operation: str, order: Order, *, hangs: bool) -> Ended:
        return (await self._timed(operation, order, hangs=hangs))[0]

    async def _timed(self, operation: str, order: Order, *, hangs: bool) -> tuple[Ended, float]:
        async with self._places:
            declared = replace(self._candidate.operations[operation], timeout_s=HASTY_S if hangs else PATIENT_S)
            for _ in range(_TRIES if hangs else 1):
                began = self._clock.monotonic()
                ended = await call(self._drivers[hangs], operation, declared, order)
                took_s = self._clock.monotonic() - began
                if ended.trail.sent is Sent.MAYBE or not ended.trail.opened:
                    break
            return ended, took_s

    async def _looked(self, one: Played) -> Played:
        """By our reference, as settling does, where the outcome was left open."""
        declared = self._candidate.operations[one.operation]
        if declared.cls is not Class.QUERYABLE or one.fault not in FOUND_AFTER | ABSENT_AFTER:
            return one
        order = self._candidate.order(one.operation, fault=one.fault, ref=one.ref)
        looked = await self._call("find", order, hangs=False)
        return replace(one, found=len(looked.got) if isinstance(looked.got, list) else None)

    async def _repeat(self, operation: str, fault: str) -> str:
        """The hash of what was sent again and again."""
        order = self._candidate.order(operation, fault=fault, ref=f"N-{operation}-{fault}")
        for _ in range(3):
            ended = await self._call(operation, order, hangs=fault in HANGING)
            if ended.word(read=False) == "value":
                break
        return ended.trail.request_sha256

    async def _ledger(self) -> Ledger:
        """What arrived, by the hash of its bytes."""
        found: Ledger = {}
        for row in await self._control.ledger():
            rows, acted = found.get(row["request_sha256"], (0, 0))
            found[row["request_sha256"]] = rows + 1, acted + row["acted"]
        return found

    def _writes(self) -> list[str]:
        return [
            name for name in self._candidate.sandbox["orders"] if self._candidate.operations[name].cls is not Class.SAFE
        ]


@asynccontextmanager
async def player(candidate: Candidate, sandbox: Sandbox) -> AsyncIterator[Player]:
    """A player, closed at the end."""
    async with sandbox.control as control:
        playing = Player(candidate, sandbox.url, control, sandbox.secrets)
        try:
            async with playing.reachable():
                yield playing
        finally:
            await playing.close()


def _counted(one: Played, seen: Ledger, later: Ledger) -> Played:
    key = one.ended.trail.request_sha256
    rows, acted = seen.get(key, (0, 0))
    return replace(one, rows=rows, acted=acted, late=later.get(key, (0, 0))[1] - acted)


def _without_meaning(health: dict[str, Any], operation: str, fault: str) -> bool:
    told = health["not_applicable"]
    return fault in told.get("*", ()) or fault in told.get(operation, ())


def _wire(timeout_s: float) -> AiohttpWire:
    return AiohttpWire(
        connect_timeout_s=timeout_s * 0.8,
        total_timeout_s=timeout_s,
        read_timeout_s=timeout_s,
        max_connections=_SIDE_BY_SIDE,
    )
