"""Settles doubts: asks the agency by our reference until it is known whether it acted, and never sends on hope.

A look that could not be asked is postponed and counts for nothing. What a wall clock does never shortens a wait: a
clock that was set starts every settle wait again, also when it was set while nobody ran.
Source: docs/outcomes.md sections 8 and 9.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from aggregator.cases import ageing, ledger, wallclock, withdraw
from aggregator.cases.attempt import Desktop
from aggregator.cases.audit import Audit
from aggregator.cases.lifecycle import State
from aggregator.cases.look import CouldNotAsk, Looks
from aggregator.cases.operation import COLUMNS, Operation, operation_of
from aggregator.cases.settle import (
    DAY_MS,
    Looked,
    Step,
    after_absence,
    after_look,
    after_pending_look,
    not_asked,
    resend,
    settle_at_ms,
    to_person,
)
from aggregator.feed import events
from aggregator.feed.stream import Stream
from aggregator.registry.agency import Agency, Registry
from aggregator.sdk.adapter import Class, Declared
from aggregator.sdk.clock import epoch_ms
from aggregator.sdk.waypoints import passing
from aggregator.store import Run, StoreUnavailable

SCAN_S = 1.0
BATCH = 50
_DUE = (
    f"select {COLUMNS} from operation where state in ('IN_DOUBT', 'ABSENT_ONCE', 'ABSENT', 'PENDING', 'NEEDS_HUMAN')"  # noqa: S608 - a constant
    " and next_action_ms <= $1 and agency = $2 order by next_action_ms, id limit $3"
)
_AGENCIES = (
    "select distinct agency from operation where state in"
    " ('IN_DOUBT', 'ABSENT_ONCE', 'ABSENT', 'PENDING', 'NEEDS_HUMAN') and next_action_ms <= $1"
)


class Reconciliation:
    """The settler of this process."""

    def __init__(
        self, desk: Desktop, registry: Callable[[], Registry], stream: Stream, nudge: Callable[[], None]
    ) -> None:
        self._desk = desk
        self._registry = registry
        self._stream = stream
        self._nudge = nudge
        self._looks = Looks(desk)
        self._audit = Audit(desk, registry, self._looks)
        self._clock = wallclock.WallClock(desk)

    async def run(self) -> None:
        """Settles what is due until cancelled; a store that is away is asked again."""
        while True:
            with suppress(StoreUnavailable):
                await self._watch_clock()
                await self._settle_due()
                await self._audit.work()
            await self._desk.clock.sleep(SCAN_S)

    async def _settle_due(self) -> None:
        """One round: agencies side by side, so that a silent one holds up nobody else's doubts."""
        await ageing.tell(self._desk)
        now_ms = epoch_ms(self._desk.clock.now())
        agencies = [row["agency"] for row in await self._desk.store.read(_AGENCIES, now_ms)]
        settled = await asyncio.gather(*(self._settle_at(agency, now_ms) for agency in agencies))
        if any(settled) or await withdraw.late(self._desk, self._registry()):
            self._nudge()

    async def _settle_at(self, agency: str, now_ms: int) -> int:
        rows = await self._desk.store.read(_DUE, now_ms, agency, BATCH)
        for row in rows:
            await self.settle(operation_of(row))
        return len(rows)

    async def settle(self, op: Operation) -> None:
        """One step for one operation that is due."""
        agency = self._registry().agencies.get(op.agency)
        declared = agency.operations.get(op.name, Declared()) if agency else Declared()
        now_ms = epoch_ms(self._desk.clock.now())
        match op.state:
            case State.NEEDS_HUMAN:
                await self._age(op)
            case State.ABSENT:
                passing("before_the_resend")
                await self._move(op, after_absence(op, declared, now_ms))
            case State.PENDING if agency is not None and "find" in agency.operations:
                await self._look(agency, op, declared)
            case State.PENDING:
                silent = Step(State.IN_DOUBT, "agency_silent", "state.in_doubt", now_ms, doubtful=True)
                await self._move(op, silent, ledger.Mark(ended_ms=now_ms))
            case _:
                await self._doubt(agency, op, declared, now_ms)

    async def _doubt(self, agency: Agency | None, op: Operation, declared: Declared, now_ms: int) -> None:
        finds = agency is not None and "find" in agency.operations and declared.max_apply_delay_s is not None
        again = resend(op, declared, now_ms)
        if again is not None and op.withdraw and finds:
            again = None  # taken back meanwhile: asking is enough, and files nothing
        if again is not None and declared.effective is Class.IDEMPOTENT and await self._overtaken(op):
            again = None if finds else to_person(op, "overtaken", now_ms)
        if again is not None:
            await self._move(op, again)
        elif agency is None or not finds:
            await self._move(op, to_person(op, _why_a_person(op, declared), now_ms))
        else:
            await self._look(agency, op, declared)

    async def _overtaken(self, op: Operation) -> bool:
        """Whether something later about the same matter was sent: repeating this could undo it (sequence fence)."""
        return bool(await self._desk.store.read(ledger.OVERTAKEN, op.leg_id, op.created_ms, op.id))

    async def _look(self, agency: Agency, op: Operation, declared: Declared) -> None:
        passing("before_a_look")
        early_s = await self._looks.too_early_s(op, declared)
        if early_s > 0.0:
            await self._wait(op, epoch_ms(self._desk.clock.now()) + round(early_s * 1000))
            return
        try:
            seen = await self._looks.see(agency, op, declared, may_count=self._may_count(op, declared))
        except CouldNotAsk as error:
            now_ms = epoch_ms(self._desk.clock.now())
            await self._wait(op, not_asked(op, declared, now_ms, error.retry_after_s))
            return
        passing("after_a_look")
        now_ms = epoch_ms(self._desk.clock.now())
        pending = op.state is State.PENDING
        step = after_pending_look(op, declared, seen, now_ms) if pending else after_look(op, declared, seen, now_ms)
        with suppress(ledger.Stale):
            await self._desk.store.write(lambda run: self._record_look(run, op, step, seen))
        self._stream.wake(op.case_id)
        if step.after in {State.ABSENT_ONCE, State.ABSENT}:
            passing(f"after_{step.after.value.lower()}")

    def _may_count(self, op: Operation, declared: Declared) -> bool:
        """Whether an absence seen now would count: then the control record has to be found first."""
        if op.state is State.PENDING:
            return False
        return epoch_ms(self._desk.clock.now()) >= settle_at_ms(op, declared)

    async def _record_look(self, run: Run, op: Operation, step: Step, seen: Looked) -> None:
        at = self._desk.clock.now()
        known = step.after in {State.CONFIRMED, State.PENDING}
        reference = ledger.claimable(op, seen.agency_reference) if known else ""
        if reference and await ledger.claimed(run, op, reference):
            step, reference = Step(State.CONFLICT, "conflict", "state.conflict", epoch_ms(at), doubtful=True), ""
        ended = epoch_ms(at) if op.state is State.PENDING and step.after is State.IN_DOUBT else None
        mark = ledger.Mark(looks=op.looks + 1, agency_reference=reference or None, ended_ms=ended)
        moved = await ledger.move(run, op, step, at, mark)
        await ledger.looked(run, op, at, step, seen)
        await events.append(run, moved.events)

    async def _wait(self, op: Operation, due_ms: int) -> None:
        """It stays where it is; only its next action moves."""
        await self._move(op, Step(op.state, op.reason_code, op.citizen_text_key, due_ms, op.owner, op.doubtful))

    async def _age(self, op: Operation) -> None:
        """A person has not decided yet: its exit timer is set anew. Its owner is told by ageing.py."""
        await self._wait(op, epoch_ms(self._desk.clock.now()) + DAY_MS)

    async def _move(self, op: Operation, step: Step, mark: ledger.Mark = ledger.AS_IT_IS) -> None:
        at = self._desk.clock.now()

        async def put(run: Run) -> None:
            moved = await ledger.move(run, op, step, at, mark)
            await events.append(run, moved.events)

        try:
            await self._desk.store.write(put)
        except ledger.Stale:
            return
        self._stream.wake(op.case_id)

    async def _watch_clock(self) -> None:
        """A wall clock that was set starts every settle wait again: clock doubt only lengthens a wait."""
        if not await self._clock.was_set():
            return
        rows = await self._desk.store.read(
            f"select {COLUMNS} from operation where state in ('IN_DOUBT', 'ABSENT_ONCE')"  # noqa: S608 - a constant
        )
        now_ms = epoch_ms(self._desk.clock.now())
        for op in map(operation_of, rows):
            again = Step(State.IN_DOUBT, op.reason_code, "state.in_doubt", now_ms, doubtful=True)
            await self._move(op, again, ledger.Mark(ended_ms=now_ms))


def _why_a_person(op: Operation, declared: Declared) -> str:
    """Why no machine goes on: the reason on the worklist."""
    if declared.effective is Class.KEYED and op.sends < declared.max_sends:
        return "key_expired"
    return "max_sends" if op.sends >= declared.max_sends else "looks_exhausted"
