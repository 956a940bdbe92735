"""One send of one write: journaled before its first byte, checked once more before the write, concluded after.

T2 happens inside the wire, when the exact bytes are known; its compare-and-set is also the claim, so two workers
can never both send. T3 reads the row again and believes the store over its own memory.
Source: docs/outcomes.md sections 4, 7 and 8.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aggregator.cases import late, ledger
from aggregator.cases.late import Late
from aggregator.cases.ledger import Beginning, Ending, Mark
from aggregator.cases.lifecycle import State
from aggregator.cases.operation import Operation
from aggregator.cases.settle import RESENDS, Step, concluded, doubt, held, hold_reason, to_person
from aggregator.cases.worker import Worker
from aggregator.citizens.consents import STILL_HOLDS, Consents
from aggregator.citizens.envelopes import Envelopes
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.registry.agency import Agency
from aggregator.resilience.outcome import Confirmed, NotSent, Outcome, Rejected, Unknown, outcome_of
from aggregator.sdk.adapter import Class, Declared
from aggregator.sdk.clock import Chance, Clock, epoch_ms
from aggregator.sdk.errors import ConsentMissing, NotAttempted
from aggregator.sdk.model import Order
from aggregator.sdk.waypoints import passing
from aggregator.sdk.wire import Sent, Trail
from aggregator.store import Damaged, Run, Store, StoreUnavailable

REPLY_CAP = 65_536  # bytes of a raw answer kept as evidence
LEASE_MARGIN_S = 5.0
T3_RETRY_S = 0.5
STOPPED_S = 60.0  # when to look again at an agency that is stopped; lifting the stop does not wait for it
_ORPHANS_AGAIN = "update inbox set next_ms = $1 where agency = $2 and state in ('NEW', 'ORPHAN') and next_ms > $1"
"""A new number of the agency: what it pushed ahead of it may be placed now."""
_STOPPED = "select agency from agency_switch where agency = $1 and (until_ms is null or until_ms > $2)"


@dataclass(frozen=True, slots=True)
class Desktop:
    """What an attempt works with. Without `consents` nothing that needs a citizen's leave is sent."""

    store: Store
    vault: Envelopes
    clock: Clock
    chance: Chance
    worker: Worker
    consents: Consents | None = None


class LeaseOver(NotAttempted):
    """Between journal and write too much time passed, or this worker was fenced: the write is not begun."""


class Quarantined(NotAttempted):
    """After a restore nothing is sent to this agency until what it may hold already is known."""


class Stopped(NotAttempted):
    """An operator has stopped this agency: nothing is begun."""


class Overtaken(NotAttempted):
    """Something later about the same matter was sent: a repeat could undo it."""


class BytesDiffer(NotAttempted):
    """A repeat must send the same bytes, and the driver made others."""


class JournaledTrail(Trail):
    """Makes the attempt durable before the first byte, and asks once more before the write."""

    def __init__(self, desk: Desktop, op: Operation, declared: Declared, driver_version: str) -> None:
        super().__init__()
        self.op = op
        self.n = op.attempt + 1
        self.consent_id = ""
        self.refused = ""
        """Why this repeat may never be made: the reason a person gets."""
        self.halted: Callable[[], bool] = lambda: False
        """Whether the agency has been stopped since the attempt began."""
        self._desk = desk
        self._declared = declared
        self._driver_version = driver_version
        self.taken = False
        """Whether this attempt is ours: who lost the claim has nothing to say about the winner's."""
        self._lease_until = 0.0

    async def journal(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:  # noqa: ARG002 - headers may hold credentials: not kept
        self.request_sha256 = hashlib.sha256(body).hexdigest()
        request = f"{method} {url}\n\n".encode() + body
        worker = self._desk.worker
        beginning = Beginning(self.n, worker.id, worker.epoch, self.request_sha256, request, self._driver_version)
        passing("before_t2")
        # From before the commit: who is stopped between it and the next line must not wake with a fresh lease.
        self._lease_until = self._desk.clock.monotonic() + self._declared.timeout_s + LEASE_MARGIN_S
        await self._desk.store.write(lambda run: self._take(run, beginning))
        self.taken = True
        passing("after_t2")

    async def _take(self, run: Run, beginning: Beginning) -> None:
        op = await ledger.operation(run, self.op.id)
        if op is None or op.state is not State.READY or op.attempt != self.op.attempt:
            raise LeaseOver("another worker has it")
        at = self._desk.clock.now()
        now_ms = epoch_ms(at)
        if await run(_STOPPED, op.agency, now_ms):
            raise Stopped("stopped by an operator", STOPPED_S)
        if self.consent_id and not await run(STILL_HOLDS, self.consent_id, now_ms):
            raise ConsentMissing("withdrawn meanwhile")
        await counted_send(run, op.agency, self._desk.worker.quarantine_id)
        await self._not_overtaken(run, op)
        await self._same_bytes(run, op)
        step = Step(State.SENDING, op.reason_code, "state.sending", now_ms + 60_000, doubtful=op.doubtful)
        mark = Mark(
            attempt=self.n, epoch=beginning.epoch, worker=beginning.worker, holds=op.holds,
            first_sent_ms=op.first_sent_ms or now_ms,
        )  # fmt: skip
        moved = await ledger.move(run, op, step, at, mark)
        await ledger.begin(run, op, at, beginning, self._desk.vault)
        await events.append(run, moved.events)

    async def _not_overtaken(self, run: Run, op: Operation) -> None:
        """A repeat of an idempotent write after something later of the same matter would undo that (sequence fence)."""
        if not (op.doubtful and self._declared.effective is Class.IDEMPOTENT):
            return
        if await run(ledger.OVERTAKEN, op.leg_id, op.created_ms, op.id):
            self.refused = "overtaken"
            raise Overtaken("something later was sent")

    async def _same_bytes(self, run: Run, op: Operation) -> None:
        if not (op.doubtful and self._declared.resend == "same_bytes" and self._declared.effective in RESENDS):
            return
        rows = await run("select request_sha256 from attempt where operation_id = $1 order by n limit 1", op.id)
        if rows and rows[0]["request_sha256"] != self.request_sha256:
            self.refused = "bytes_differ"
            raise BytesDiffer("the driver does not repeat its bytes")

    def recheck(self) -> None:
        passing("before_the_write")
        if self.halted():
            raise Stopped("stopped by an operator", STOPPED_S)
        if self._desk.worker.fenced or self._desk.clock.monotonic() > self._lease_until:
            raise LeaseOver("the lease ended before the write")


async def counted_send(run: Run, agency: str, known: int) -> None:
    """One more send, for the watermark. Raises Quarantined: this is the gate no send gets past.

    `known`: the last quarantine this process has heard of; after a later one nobody has looked for what it now sends.
    """
    left = "select 1 from quarantine_left l where l.quarantine_id = q.id and l.agency = $1"
    shut = f"select 1 from quarantine q where q.id > $2 or q.ended_ms is null and not exists ({left})"  # noqa: S608 - ours
    if await run(shut, agency, known):
        raise Quarantined("the agency is in quarantine")
    await run("update event_counter set last = last + 1 where name = 'send'")


async def make(desk: Desktop, agency: Agency, op: Operation, order: Order) -> Outcome:
    """One attempt, from READY to its recorded conclusion. Cancelled, it records what the trail proves and re-raises."""
    declared = agency.operations[op.name]
    trail = JournaledTrail(desk, op, declared, agency.manifest.version)
    trail.halted = lambda: agency.guarded.halted
    trail.consent_id = order.consent.id if order.consent is not None else ""
    desk.worker.sending.add(op.id)
    try:
        share = "settling" if op.doubtful else "interactive"
        outcome = await agency.guarded.attempt(op.name, order, trail, share=share)
        passing("before_t3")
        await conclude(desk, agency, trail, outcome)
        passing("after_t3")
    except asyncio.CancelledError as gone:
        await asyncio.shield(conclude(desk, agency, trail, outcome_of(gone, trail, declared)))
        raise
    finally:
        desk.worker.sending.discard(op.id)
    return outcome


async def conclude(desk: Desktop, agency: Agency, trail: JournaledTrail, outcome: Outcome) -> None:
    """T3, until the store takes it: while this process lives, nobody else may say how the attempt ended."""
    while True:
        try:
            await desk.store.write(lambda run: _record(run, desk, agency, trail, outcome))
        except Damaged:
            return  # it will never take it: the attempt is in doubt, as if this process had died in it
        except ledger.Stale:
            continue  # moved between our look and our write by one that knows no decision 103: look again
        except StoreUnavailable:
            await desk.clock.sleep(T3_RETRY_S)
        else:
            return


async def _record(run: Run, desk: Desktop, agency: Agency, trail: JournaledTrail, outcome: Outcome) -> None:
    at = desk.clock.now()
    op = await ledger.operation(run, trail.op.id)
    if op is None or op.attempt < trail.n - 1:
        return
    if op.attempt == trail.n - 1 and trail.sent is Sent.MAYBE:
        told = await _forgotten(run, desk, agency.operations[op.name], op, Made(trail, outcome))
    elif op.state is State.SENDING and op.attempt == trail.n and op.worker == desk.worker.id:
        told = await _after_sending(run, desk, agency.operations[op.name], op, Made(trail, outcome))
    elif op.state is State.READY and op.attempt == trail.n - 1:
        told = await _before_sending(run, desk, agency, op, Made(trail, outcome))
    elif op.attempt >= trail.n and trail.taken:
        told = await late.arrived(run, desk, op, Late(outcome, _ending(trail, outcome)))
    else:
        return
    if isinstance(outcome, Confirmed):
        await _fee(run, op, outcome.receipt.facts.get("fee_paise", ""))
    await events.append(run, told + _alarms(op, outcome, at))


async def _fee(run: Run, op: Operation, named: str) -> None:
    """What the agency asks for, as it said when it took the application: nobody else knows it better."""
    if named.isascii() and named.isdecimal():
        await run("update leg set fee_paise = $1 where id = $2", int(named), op.leg_id)


@dataclass(frozen=True, slots=True)
class Made:
    """An attempt that ended: the wire's own record, and what it proves."""

    trail: JournaledTrail
    outcome: Outcome


async def _after_sending(run: Run, desk: Desktop, declared: Declared, op: Operation, made: Made) -> list[NewEvent]:
    trail, outcome = made.trail, made.outcome
    at = desk.clock.now()
    sends = op.sends + (1 if trail.sent is Sent.MAYBE else 0)
    counted = replace(op, sends=sends)
    step = concluded(counted, outcome, declared, epoch_ms(at), desk.chance.random())
    reference = ledger.claimable(op, outcome.receipt.agency_reference) if isinstance(outcome, Confirmed) else ""
    other = op.attempt > 1 and await late.other_number(run, op, reference)
    if reference and (other or await ledger.claimed(run, op, reference)):
        step = Step(State.CONFLICT, "conflict", "state.conflict", epoch_ms(at), doubtful=True)
        reference = ""
    ended = epoch_ms(at) if isinstance(outcome, Unknown) else None
    mark = Mark(sends=sends, ended_ms=ended, agency_reference=reference or None)
    await ledger.end(run, op, at, _ending(trail, outcome), desk.vault)
    if reference:
        await run(_ORPHANS_AGAIN, epoch_ms(at), op.agency)
    return (await ledger.move(run, op, step, at, mark)).events


async def _forgotten(run: Run, desk: Desktop, declared: Declared, op: Operation, made: Made) -> list[NewEvent]:
    """The database lost our T2 (a replica was promoted without it), and yet the bytes left: a doubt, or its answer."""
    now_ms = epoch_ms(desk.clock.now())
    told: list[NewEvent] = []
    if op.state is State.READY:
        counted = replace(op, sends=op.sends + 1)
        step = doubt(counted, declared, now_ms)
        step = replace(step, reason="not_confirmed") if isinstance(made.outcome, Confirmed) else step
        first_ms = op.first_sent_ms or now_ms
        mark = Mark(attempt=made.trail.n, sends=counted.sends, ended_ms=now_ms, first_sent_ms=first_ms)
        moved = await ledger.move(run, op, step, desk.clock.now(), mark)
        op, told = moved.op, moved.events
    if op.state is State.IN_DOUBT and isinstance(made.outcome, Confirmed):
        told += await late.arrived(run, desk, op, Late(made.outcome, _ending(made.trail, made.outcome)))
    return told


async def _before_sending(run: Run, desk: Desktop, agency: Agency, op: Operation, made: Made) -> list[NewEvent]:
    """Nothing was journaled as sent: the operation stays READY, with a reason and a next try."""
    outcome = made.outcome
    at = desk.clock.now()
    if made.trail.refused:
        return (await ledger.move(run, op, to_person(op, made.trail.refused, epoch_ms(at)), at)).events
    not_sent = outcome if isinstance(outcome, NotSent) else NotSent(type(outcome).__name__)
    wait_s = max(not_sent.retry_after_s or 0.0, agency.guarded.admits_in_s(op.name))
    step = held(op, hold_reason(not_sent), wait_s, epoch_ms(at), desk.chance.random())
    return (await ledger.move(run, op, step, at)).events


def _ending(trail: JournaledTrail, outcome: Outcome) -> Ending:
    why = outcome.code if isinstance(outcome, Rejected) else getattr(outcome, "why", "")
    status = trail.reply.status if trail.reply else None
    body = trail.reply.body[:REPLY_CAP] if trail.reply else b""
    return Ending(
        trail.n, trail.sent.value, trail.answered, type(outcome).__name__.lower(), str(why)[:200], status, body
    )


def _alarms(op: Operation, outcome: Outcome, at: Any) -> list[NewEvent]:
    """What somebody must look at beside the case itself; never the agency's text."""
    if isinstance(outcome, Unknown) and outcome.alarm:
        kind = "agency.contract-broken"
    elif isinstance(outcome, NotSent) and (outcome.kind == "misconfigured" or outcome.alarm):
        kind = "agency.misconfigured"
    else:
        return []
    return [NewEvent(type=kind, at=at, agency=op.agency, data={"operation": op.name, "why": outcome.why[:120]})]
