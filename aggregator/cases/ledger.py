"""The rows behind a case, and the only functions that write them. Each runs inside one durable transaction.

Every change of an operation is a compare-and-set on (id, state, attempt, looks, next action) in the same commit as its
event: a look that another worker merely postponed is a change too, and is not written over. The leg and the case are
brought up to date in that commit too: whoever reads sees one consistent story.
Source: docs/outcomes.md sections 6 and 7.
"""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from aggregator.cases.lifecycle import TERMINAL, State, event_for
from aggregator.cases.operation import COLUMNS, Operation, operation_of
from aggregator.cases.settle import Looked, Step, to_person
from aggregator.cases.standing import refresh
from aggregator.citizens.envelopes import Envelopes
from aggregator.feed.events import NewEvent
from aggregator.sdk.clock import epoch_ms
from aggregator.store import Run

NAMING_AGAIN = frozenset({"cancel", "consent", "rate", "remind", "reopen", "reply", "reschedule"})
"""Operations that answer with their application's number again; any other number belongs to one operation alone."""


REQUEST_CAP = 65_536
"""Bytes of a request kept as evidence; documents in it are on the shelf, and its digest is over all of it."""
AGE_WARNS_MS = 2 * 3_600_000
"""How long something waits for an answer before its owner is told of it the first time."""


OVERTAKEN = (
    "select id from operation where leg_id = $1 and created_ms >= $2 and id <> $3 and first_sent_ms is not null limit 1"
)
"""Something later of the same leg that was sent: (leg, made at, but not this one)."""


class Stale(Exception):
    """The row is no longer where the writer believed it: somebody else moved it. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a move writes beside the state; None leaves a column as it is."""

    attempt: int | None = None
    sends: int | None = None
    holds: int | None = None
    epoch: int | None = None
    worker: str | None = None
    first_sent_ms: int | None = None
    ended_ms: int | None = None
    looks: int | None = None
    agency_reference: str | None = None
    intent_ms: int | None = None
    sends_unknown: bool | None = None


async def operation(run: Run, operation_id: str) -> Operation | None:
    rows = await run(f"select {COLUMNS} from operation where id = $1", operation_id)  # noqa: S608 - a constant
    return operation_of(rows[0]) if rows else None


@dataclass(frozen=True, slots=True)
class Moved:
    """The operation after its steps, and the events that tell of them, not yet appended."""

    op: Operation
    events: list[NewEvent]


AS_IT_IS = Mark()
_MARKED = tuple(field.name for field in fields(Mark))


async def move(run: Run, op: Operation, step: Step, at: datetime, mark: Mark = AS_IT_IS) -> Moved:
    """Moves `op` by `step` and brings its leg and case up to date.

    What cannot rest where it is (an opaque doubt, a conflict) goes on to a person in the same commit.
    Raises IllegalStep for a step that does not exist, Stale when the row is not where `op` says it is.
    """
    again = op.state is step.after and step.after is not State.READY
    event = None if again else event_for(op.state, step.after)
    after = _after(op, step, mark, epoch_ms(at))
    await _write(run, op, after, epoch_ms(at))
    told = [] if event is None or _same_hold(op, step) else [_told(event, op, after, at)]
    if step.after is State.CONFLICT or (step.after is State.IN_DOUBT and step.reason == "opaque_doubt"):
        person = replace(to_person(after, step.reason, epoch_ms(at)), text=_text_of(step))
        onward = await move(run, after, person, at)
        return Moved(onward.op, told + onward.events)
    return Moved(after, told + await refresh(run, after, at))


def _text_of(step: Step) -> str:
    return step.text if step.after is State.CONFLICT else "state.needs_human_doubt"


def _same_hold(op: Operation, step: Step) -> bool:
    """Held again for the same reason: the row's next try moves, and readers of the log have heard it already."""
    return op.state is State.READY is step.after and op.holds > 0 and op.reason_code == step.reason


def _after(op: Operation, step: Step, mark: Mark, now_ms: int) -> Operation:
    changes: dict[str, Any] = {name: value for name in _MARKED if (value := getattr(mark, name)) is not None}
    changes |= _absence(op, step, now_ms) | _waiting(op, step, now_ms)
    not_sent = step.after is State.READY and op.state in {State.READY, State.SENDING}
    changes.setdefault("holds", op.holds + 1 if not_sent else 0)
    if step.after in TERMINAL:
        changes["doubtful"] = False
    else:
        changes["doubtful"] = step.doubtful
    return replace(
        op,
        state=step.after,
        reason_code=step.reason,
        citizen_text_key=step.text,
        owner=step.owner,
        next_action_ms=step.next_action_ms,
        **changes,
    )


def _absence(op: Operation, step: Step, now_ms: int) -> dict[str, Any]:
    """A counted absence is remembered with its time; a look that did not count moves neither."""
    if step.counted and step.after is State.ABSENT_ONCE:
        return {"absent_ms": now_ms, "absences": op.absences + 1}
    if step.after in {op.state, State.ABSENT}:
        return {}
    return {"absent_ms": None, "absences": 0}


def _waiting(op: Operation, step: Step, now_ms: int) -> dict[str, Any]:
    """Since when nobody knows, or a person has it; its owner is first told after `AGE_WARNS_MS`."""
    if step.after is State.NEEDS_HUMAN or (step.doubtful and step.after not in TERMINAL):
        if op.doubt_since_ms is not None:
            return {}
        return {"doubt_since_ms": now_ms, "age_due_ms": now_ms + AGE_WARNS_MS}
    return {"doubt_since_ms": None, "age_due_ms": None}


async def _write(run: Run, before: Operation, after: Operation, now_ms: int) -> None:
    rows = await run(
        "update operation set state = $1, attempt = $2, sends = $3, holds = $4, doubtful = $5, epoch = $6,"
        " worker = $7, owner = $8, reason_code = $9, citizen_text_key = $10, next_action_ms = $11,"
        " first_sent_ms = $12, ended_ms = $13, looks = $14, absent_ms = $15, agency_reference = $16,"
        " updated_ms = $17, absences = $18, doubt_since_ms = $19, age_due_ms = $20, intent_ms = $21,"
        " sends_unknown = $22"
        " where id = $23 and state = $24 and attempt = $25 and looks = $26 and next_action_ms = $27 returning id",
        after.state.value,
        after.attempt,
        after.sends,
        after.holds,
        int(after.doubtful),
        after.epoch,
        after.worker,
        after.owner,
        after.reason_code,
        after.citizen_text_key,
        after.next_action_ms,
        after.first_sent_ms,
        after.ended_ms,
        after.looks,
        after.absent_ms,
        after.agency_reference,
        now_ms,
        after.absences,
        after.doubt_since_ms,
        after.age_due_ms,
        after.intent_ms,
        int(after.sends_unknown),
        before.id,
        before.state.value,
        before.attempt,
        before.looks,
        before.next_action_ms,
    )
    if not rows:
        raise Stale(before.id)


def _told(event: str, before: Operation, after: Operation, at: datetime) -> NewEvent:
    return NewEvent(
        type=event.replace("_", "-"),
        at=at,
        case_id=after.case_id,
        agency=after.agency,
        data={
            "operation": after.name,
            "before": before.state.value,
            "state": after.state.value,
            "attempt": after.attempt,
            "reason": after.reason_code,
        },
    )


async def begin(run: Run, op: Operation, at: datetime, attempt: "Beginning", vault: Envelopes) -> None:
    """T2's half of the attempt row: its exact bytes, sealed, before the first of them leaves."""
    body = vault.seal(
        attempt.request[:REQUEST_CAP], owner=op.sealed_for, table="attempt", row=f"{op.id}/{attempt.n}",
        column="request_sealed",
    )  # fmt: skip
    await run(
        "insert into attempt (operation_id, n, worker, epoch, started_ms, request_sha256, request_sealed, sent,"
        " answered, outcome, why, driver_version, reply_sealed) values"
        " ($1, $2, $3, $4, $5, $6, $7, 'unknown', 0, '', '', $8, '')",
        op.id,
        attempt.n,
        attempt.worker,
        attempt.epoch,
        epoch_ms(at),
        attempt.sha256,
        body,
        attempt.driver_version,
    )


@dataclass(frozen=True, slots=True)
class Beginning:
    """What T2 writes of an attempt."""

    n: int
    worker: str
    epoch: int
    sha256: str
    request: bytes
    driver_version: str


@dataclass(frozen=True, slots=True)
class Ending:
    """What T3 writes of an attempt. `reply` is the raw answer, capped by the caller."""

    n: int
    sent: str
    answered: bool
    outcome: str
    why: str
    reply_status: int | None
    reply: bytes


async def end(run: Run, op: Operation, at: datetime, ending: Ending, vault: Envelopes) -> None:
    """T3's half of the attempt row: what was proved, and the sealed answer it was proved by."""
    sealed = ""
    if ending.reply:
        sealed = vault.seal(
            ending.reply, owner=op.sealed_for, table="attempt", row=f"{op.id}/{ending.n}", column="reply_sealed"
        )
    await run(
        "update attempt set ended_ms = $1, sent = $2, answered = $3, outcome = $4, why = $5, reply_status = $6,"
        " reply_sealed = $7 where operation_id = $8 and n = $9",
        epoch_ms(at),
        ending.sent,
        int(ending.answered),
        ending.outcome,
        ending.why,
        ending.reply_status,
        sealed,
        op.id,
        ending.n,
    )


def claimable(op: Operation, reference: str) -> str:
    """The agency's number if this kind of operation makes one of its own, else ""."""
    return "" if op.name in NAMING_AGAIN else reference


async def claimed(run: Run, op: Operation, reference: str) -> bool:
    """Whether the agency's number already belongs to another operation of ours: one number, one operation."""
    rows = await run(
        "select id from operation where agency = $1 and name = $2 and agency_reference = $3 and agency_reference <> ''"
        " and id <> $4",
        op.agency,
        op.name,
        reference,
        op.id,
    )
    return bool(rows)


async def looked(run: Run, op: Operation, at: datetime, step: Step, seen: Looked) -> None:
    """The look's own row: when, what it led to, whether it counted. `op` as it was before the step."""
    await run(
        "insert into look (operation_id, n, at_ms, result, counted, control, matches)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        op.id,
        op.looks + 1,
        epoch_ms(at),
        step.after.value,
        int(step.counted),
        "found" if seen.control_found else "not found",
        seen.matches,
    )
