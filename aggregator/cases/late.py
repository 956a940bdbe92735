"""An answer that comes after its attempt was given up is evidence, whatever the row has become meanwhile.

It is stored beside its attempt and told. It settles the doubt of its own attempt; it undoes a belief in absence before
anything is sent again; and where the row is closed, or an answer names another number, it is a conflict for a person.
It never sets a state that the facts since then speak against. Source: docs/outcomes.md section 6.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from aggregator.cases import dossier, ledger
from aggregator.cases.dossier import NewEvidence
from aggregator.cases.ledger import Ending, Mark
from aggregator.cases.lifecycle import State
from aggregator.cases.operation import Operation
from aggregator.cases.settle import Step
from aggregator.citizens.envelopes import Envelopes
from aggregator.feed.events import NewEvent
from aggregator.resilience.outcome import Confirmed, Outcome, Rejected
from aggregator.sdk.clock import Chance, Clock, epoch_ms
from aggregator.store import Run

_BELIEVED_ABSENT = frozenset({State.ABSENT_ONCE, State.ABSENT, State.READY})
PENDING_LOOK_MS = 3_600_000
"""When to look at what a late answer says is still being decided."""
_CLOSED = frozenset({State.REJECTED, State.EXPIRED, State.CANCELLED})


class Tools(Protocol):
    """What `attempt.Desktop` has of this."""

    @property
    def vault(self) -> Envelopes: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def chance(self) -> Chance: ...


@dataclass(frozen=True, slots=True)
class Late:
    """What came, and of which attempt."""

    outcome: Outcome
    ending: Ending


async def arrived(run: Run, desk: Tools, op: Operation, late: Late) -> list[NewEvent]:
    """Stores a late answer, and lets it count where the row still allows it. `op` is the row as it is now."""
    at = desk.clock.now()
    await ledger.end(run, op, at, late.ending, desk.vault)
    if not late.ending.answered:
        return []
    took = late.outcome if isinstance(late.outcome, Confirmed) else None
    reference = "" if took is None else ledger.claimable(op, took.receipt.agency_reference)
    fact = NewEvidence(
        item=op.id,
        source=dossier.LATE_ANSWER,
        kind=late.ending.outcome,
        agency_reference=reference,
        body=late.ending.reply,
    )
    await dossier.keep(run, desk.vault, desk.clock, desk.chance, fact)
    told = [_told(op, late.ending, at)]
    step, mark = await _step(run, op, late, reference, epoch_ms(at))
    return told if step is None else told + (await ledger.move(run, op, step, at, mark)).events


async def other_number(run: Run, op: Operation, reference: str) -> bool:
    """Whether an earlier attempt of this operation was answered late with another number: two of one thing."""
    rows = await run(
        "select id from evidence where item = $1 and source = $2 and agency_reference not in ('', $3)",
        op.id,
        dossier.LATE_ANSWER,
        reference,
    )
    return bool(rows)


async def _step(run: Run, op: Operation, late: Late, reference: str, now_ms: int) -> tuple[Step | None, Mark]:
    """What the answer changes; None where it is kept and nothing else."""
    if _refused(op, late):
        return Step(State.REJECTED, "refused", "state.rejected", now_ms), Mark()
    if not _took(late):
        return None, Mark()
    if reference and await ledger.claimed(run, op, reference):
        return _taken(op, now_ms), Mark()
    if op.state is State.IN_DOUBT and op.attempt == late.ending.n:
        return _settled(late, now_ms), Mark(agency_reference=reference or None)
    if op.state in _BELIEVED_ABSENT or op.state is State.IN_DOUBT:
        again = Step(State.IN_DOUBT, "not_confirmed", "state.in_doubt", now_ms, doubtful=True)
        return again, Mark(ended_ms=now_ms)
    twice = op.state is State.CONFIRMED and reference not in {"", op.agency_reference}
    return (_conflict(now_ms) if twice or op.state in _CLOSED else None), Mark()


def _taken(op: Operation, now_ms: int) -> Step | None:
    """The number belongs to somebody else's operation."""
    return _conflict(now_ms) if op.state in {State.IN_DOUBT, State.ABSENT_ONCE} else None


def _settled(late: Late, now_ms: int) -> Step:
    if isinstance(late.outcome, Confirmed) and late.outcome.receipt.pending:
        return Step(State.PENDING, "agency_decides", "state.pending", now_ms + PENDING_LOOK_MS)
    return Step(State.CONFIRMED, "confirmed", "state.confirmed", now_ms)


def _conflict(now_ms: int) -> Step:
    return Step(State.CONFLICT, "conflict", "state.conflict", now_ms, doubtful=True)


def _took(late: Late) -> bool:
    return isinstance(late.outcome, Confirmed)


def _refused(op: Operation, late: Late) -> bool:
    """A plain no to the only send there was."""
    mine = op.state is State.IN_DOUBT and op.attempt == late.ending.n and op.sends <= 1 and not op.sends_unknown
    return mine and isinstance(late.outcome, Rejected)


def _told(op: Operation, ending: Ending, at: datetime) -> NewEvent:
    data = {"operation": op.name, "state": op.state.value, "attempt": ending.n, "reason": ending.outcome}
    return NewEvent(type="operation.late-answer", at=at, case_id=op.case_id, agency=op.agency, data=data)
