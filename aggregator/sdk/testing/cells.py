"""One cell is one operation meeting one fault, through the city's own guard and over the production wire.

What is kept is what can be judged later: how it ended, how long it took, and whether the agency's ledger agrees.
The guard is handed in, because the waist knows nothing of the core; outcomes are therefore told by their names.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from aggregator.sdk.adapter import Class, Declared
from aggregator.sdk.callback import Notifies
from aggregator.sdk.clock import SystemClock
from aggregator.sdk.errors import AgencyError, NotAttempted
from aggregator.sdk.model import Order
from aggregator.sdk.testing import certificates
from aggregator.sdk.testing.callbacks import Letterbox, listening
from aggregator.sdk.testing.conformance import Candidate, Ended, Noting
from aggregator.sdk.testing.faults40 import FAULTS, From, Variant, outcomes_for
from aggregator.sdk.testing.line_wires import Nobody, production_wire
from aggregator.sdk.testing.plays import OLD_SERVER_HELLO, PLAYS
from aggregator.sdk.testing.proxy import Detour, Proxy, overcrowded, proxied, refusing, saying
from aggregator.sdk.testing.pulse import Pulse, Stuck
from aggregator.sdk.testing.sandbox import Control, Sandbox
from aggregator.sdk.wire import NoWire, Trail, Wire

PATIENT_S, HASTY_S = 8.0, 0.6
SLOWER = (1, 2, 4)
_SIDE_BY_SIDE = 3
_WITHOUT_TLS = frozenset({"only_tls_1_0", "refused", "unresolvable", "full_backlog"})


class Guard(Protocol):
    """What a guarded driver can do: `aggregator.resilience.pipeline.Guarded`."""

    async def read(self, operation: str, order: Order, *, deadline_s: float | None = None, cached: bool = True) -> Any:
        """What the agency says; `.value` is the driver's."""
        ...

    async def attempt(
        self, operation: str, order: Order, trail: Trail, *, deadline_s: float | None = None
    ) -> object: ...


class MakeGuard(Protocol):
    def __call__(  # noqa: PLR0913 - the limits a fault is played with
        self,
        driver: object,
        operations: Mapping[str, Declared],
        *,
        deadline_s: float,
        fail_max: int = 1000,
        places: int = 64,
        waiting: int = 64,
    ) -> Guard: ...


Judge = Callable[[object, Trail, Declared], object]
"""`aggregator.resilience.outcome.outcome_of`."""


@dataclass(frozen=True, slots=True)
class Cell:
    """`got` and `allowed` as in `faults40`; `rows` and `acted` are the ledger's, None where nobody asked it.

    `lag_s` is how long the event loop itself was late meanwhile: a busy machine is not the driver's fault, and a
    driver that holds the loop is found by another rule.
    """

    fault: str
    how: str
    operation: str
    got: str
    allowed: frozenset[str]
    took_s: float = 0.0
    limit_s: float = PATIENT_S
    lag_s: float = 0.0
    sha256: str = ""
    rows: int | None = None
    acted: int | None = None

    @property
    def name(self) -> str:
        return f"{self.fault} {self.how}"

    def complaint(self, slack_s: float) -> str:
        """What is wrong with it, in a sentence; empty when nothing is."""
        if self.got not in self.allowed:
            return f"{self.name}: ended as {self.got}, expected {' or '.join(sorted(self.allowed))}"
        if self.took_s > self.limit_s + slack_s + self.lag_s:
            return f"{self.name}: took {self.took_s:.2f} s, its deadline was {self.limit_s:g} s"
        if self.got == "Confirmed" and self.acted == 0:
            return f"{self.name}: confirmed, and the agency's ledger shows nothing"
        if self.got in {"NotSent", "NotSent!", "Rejected"} and self.acted:
            return f"{self.name}: ended as {self.got}, and the agency acted"
        return ""


def named(outcome: object) -> str:
    """The outcome's class, with `!` where somebody is alarmed."""
    return type(outcome).__name__ + ("!" if getattr(outcome, "alarm", False) else "")


def word_of_read(got: object) -> str:
    if isinstance(got, asyncio.CancelledError):
        return "cancelled"
    if isinstance(got, NotAttempted):
        return "not_attempted"
    return Ended(got, Trail()).word(read=True)


class Bench:
    """A driver, its running simulator, and the guard it is proved behind."""

    def __init__(self, candidate: Candidate, sandbox: Sandbox, control: Control, guard: MakeGuard) -> None:
        self.candidate, self.control, self.guard = candidate, control, guard
        self.url, self._secrets = sandbox.url, sandbox.secrets
        self._letterbox = Letterbox()
        self.patience_s = PATIENT_S
        self._clock = SystemClock()
        self._orders = 0
        self._places = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def line_faults(self, operation: str) -> list[Cell]:
        """Every fault of line and door against this operation, judged by the ledger."""
        todo = [(fault, how) for fault in FAULTS.values() for how in fault.variants if self._playable(how)]
        cells = await asyncio.gather(*(self._limited(fault.id, how, operation) for fault, how in todo))
        return await self.judged([cell for cell in cells if cell is not None])

    async def judged(self, cells: Iterable[Cell]) -> list[Cell]:
        """The cells, each with what the ledger knows of its request."""
        seen: dict[str, tuple[int, int]] = {}
        for row in await self.control.ledger():
            rows, acted = seen.get(row["request_sha256"], (0, 0))
            seen[row["request_sha256"]] = rows + 1, acted + row["acted"]
        return [
            replace(cell, rows=seen.get(cell.sha256, (0, 0))[0], acted=seen.get(cell.sha256, (0, 0))[1])
            if cell.sha256
            else cell
            for cell in cells
        ]

    async def cell(self, fault: str, variant: Variant, operation: str) -> Cell | None:
        """None where the fault means nothing to this driver.

        On a machine so busy that the request never came down the line, the fault was not met: once more, slower.
        """
        for slower in SLOWER:
            limit_s = HASTY_S * slower if variant.hangs else PATIENT_S
            async with self.line(variant, operation, limit_s) as (driver, proxy):
                cell = await self.played(fault, variant, operation, driver, limit_s)
                if proxy is None or proxy.arrived or variant.made is From.DOOR:
                    break
        return None if proxy is not None and proxy.meaningless else cell

    async def played(self, fault: str, variant: Variant, operation: str, driver: object, limit_s: float) -> Cell:
        """One call through a guard of its own."""
        declared = replace(self.candidate.operations[operation], timeout_s=limit_s)
        guard = self.guard(driver, {operation: declared}, deadline_s=limit_s)
        trail = Noting(declared.volatile_fields)
        async with Pulse() as pulse:
            began = self._clock.monotonic()
            got = await self.ask(guard, operation, self.order(operation), trail, limit_s)
            took_s = self._clock.monotonic() - began
        allowed, lag_s = self.allowed(variant, operation), pulse.late_s
        return Cell(fault, variant.how, operation, got, allowed, took_s, limit_s, lag_s, trail.request_sha256)

    async def plainly(self, operation: str) -> tuple[str, int]:
        """One call under the magic identifier of a good day: how it ended, and how many rows it brought."""
        declared = replace(self.candidate.operations[operation], timeout_s=self.patience_s)
        wire = production_wire(self.patience_s)
        try:
            guard = self.guard(self.make(wire), {operation: declared}, deadline_s=self.patience_s)
            order = self.candidate.order(operation, ref="PLAIN-0001")
            if not self.reads(operation):
                return await self.ask(guard, operation, order, Noting(declared.volatile_fields), self.patience_s), 0
            got = (await guard.read(operation, order, deadline_s=self.patience_s, cached=False)).value
            return word_of_read(got), len(got) if isinstance(got, list) else 1
        except (AgencyError, NotAttempted) as exc:
            return word_of_read(exc), 0
        finally:
            await wire.close()

    async def ask(self, guard: Guard, operation: str, order: Order, trail: Trail, deadline_s: float | None) -> str:
        """How the call ended, by name."""
        try:
            if self.reads(operation):
                answer = await guard.read(operation, order, deadline_s=deadline_s, cached=False)
                return word_of_read(answer.value)
            return named(await guard.attempt(operation, order, trail, deadline_s=deadline_s))
        except (AgencyError, NotAttempted) as exc:
            return word_of_read(exc)
        except asyncio.CancelledError:
            return "cancelled"
        except (Exception, Stuck) as exc:  # noqa: BLE001 - whatever gets through the guard is the finding
            return type(exc).__name__

    @asynccontextmanager
    async def line(
        self, variant: Variant, operation: str, limit_s: float, *, connections: int = 8
    ) -> AsyncIterator[tuple[Any, Proxy | None]]:
        """The driver at the end of a line with this fault, and the proxy where it is one."""
        async with AsyncExitStack() as stack:
            url, proxy, tls = await _door(variant.how, self.url, stack)
            resolver = Nobody() if variant.how == "unresolvable" else None
            wire = production_wire(limit_s, connections=connections, ssl_context=tls, resolver=resolver)
            stack.push_async_callback(wire.close)
            write = not self.reads(operation)
            detour = Detour(wire, self.url, url, write=write, spared=tuple(self.candidate.before(operation)))
            yield self.make(detour), proxy

    def make(self, wire: Wire) -> Any:
        """The driver over this wire, with the simulator's own secrets and a letterbox for its callbacks."""
        return self.candidate.make(wire, self.url, mailbox=self._letterbox, secrets=self._secrets)

    @asynccontextmanager
    async def reachable(self) -> AsyncIterator[None]:
        """A door for the agency's callbacks, where its driver takes any."""
        driver = self.make(NoWire())
        if not isinstance(driver, Notifies):
            yield
            return
        async with listening(self._letterbox, driver.notified) as url:
            await self.control.callback_url(url)
            yield

    def order(self, operation: str) -> Order:
        """A fresh one each time, under an identifier no fault is tied to."""
        self._orders += 1
        return self.candidate.order(operation, fault=f"{self._orders % 99 + 1:03d}", ref=f"L-{self._orders:04d}")

    def reads(self, operation: str) -> bool:
        return self.candidate.operations[operation].cls is Class.SAFE

    def allowed(self, variant: Variant, operation: str) -> frozenset[str]:
        """What this variant may end as, with the driver's own deviation before the table's word."""
        told = self.candidate.deviation(operation, variant.how)
        if told:
            return frozenset(told) if self.reads(operation) else outcomes_for(told)
        words = variant.read if self.reads(operation) else variant.write
        # A record that is not there is as good an answer as one that is: the line changed nothing.
        return words | {"absent"} if "value" in words else words

    def _playable(self, variant: Variant) -> bool:
        if variant.made is From.DOOR:
            return variant.how in _WITHOUT_TLS or certificates.available()
        return variant.made is From.LINE

    async def _limited(self, fault: str, variant: Variant, operation: str) -> Cell | None:
        async with self._places:
            return await self.cell(fault, variant, operation)


@asynccontextmanager
async def bench(candidate: Candidate, sandbox: Sandbox, guard: MakeGuard) -> AsyncIterator[Bench]:
    """A bench with an emptied simulator behind it."""
    async with sandbox.control as control:
        await control.reset()
        made = Bench(candidate, sandbox, control, guard)
        async with made.reachable():
            yield made


async def _door(how: str, agency_url: str, stack: AsyncExitStack) -> tuple[str, Proxy | None, Any]:
    """Where the line begins: its address, the proxy if it is one, and the client's TLS if it needs any."""
    match how:
        case "refused":
            return stack.enter_context(refusing()), None, None
        case "full_backlog":
            return stack.enter_context(overcrowded()), None, None
        case "unresolvable":
            return "http://no-such-agency.example", None, None
        case "only_tls_1_0":
            return await stack.enter_async_context(saying(OLD_SERVER_HELLO)), None, certificates.trusting()
    if how in PLAYS:
        proxy = await stack.enter_async_context(proxied(agency_url, PLAYS[how]))
        return proxy.url, proxy, None
    ends = certificates.ends(how)
    proxy = await stack.enter_async_context(proxied(agency_url, PLAYS["straight"], tls=ends.server))
    return proxy.url, proxy, ends.client
