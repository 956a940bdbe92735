"""A posting that the biller confirmed and its file does not show: when to look for it, and what the looks prove.

The row is the schedule, so that neither a restart nor a second process forgets a look or makes one too many. Three
looks at most, each paid for before the question leaves; pure but for the rows. Source: docs/outcomes.md sections 3, 9
and 12, docs/decisions/042.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from aggregator.cases.look import RAIL_FIRST_MS, RAIL_LOOKS
from aggregator.cases.operation import Operation
from aggregator.cases.settle import MARGIN_S, Looked
from aggregator.payments.payment import Payment
from aggregator.sdk.adapter import Class, Declared
from aggregator.sdk.clock import epoch_ms
from aggregator.store import Row, Run, Store

PATIENCE_MS = 6 * 3_600_000
"""A biller that answers nothing for so long is asked by a person, the same day."""


class CheckState(StrEnum):
    OPEN = "OPEN"
    FOUND = "FOUND"  # the biller shows it when asked; only its file does not
    ABSENT = "ABSENT"  # proved: it is not there
    TWICE = "TWICE"  # the biller shows more than we asked for
    PERSON = "PERSON"  # nothing could be proved
    MOVED = "MOVED"  # something else settled it meanwhile


class Finding(StrEnum):
    """What one look says."""

    FOUND = "FOUND"
    TWICE = "TWICE"
    REFUSED = "REFUSED"
    MISSING = "MISSING"
    NOTHING = "NOTHING"  # not found, and that proves nothing


@dataclass(frozen=True, slots=True)
class Check:
    """A row of table `posting_check`. `asked`: looks begun, `answered`: by the biller, `absent`: counted absences."""

    payment_id: str
    round: int
    operation_id: str
    asked: int
    answered: int
    absent: int
    due_ms: int
    opened_ms: int


_COLUMNS = "payment_id, round, operation_id, asked, answered, absent, due_ms, opened_ms"
_DUE = f"select {_COLUMNS} from posting_check where closed_ms is null and due_ms <= $1 order by due_ms limit $2"  # noqa: S608 - a constant
_MINE = "where payment_id = $1 and round = $2 and asked = $3 and closed_ms is null returning round"


def check_of(row: Row) -> Check:
    return Check(**{name: row[name] for name in _COLUMNS.split(", ")})


async def due(store: Store, now_ms: int, limit: int) -> list[Check]:
    return [check_of(row) for row in await store.read(_DUE, now_ms, limit)]


async def latest(run: Any, payment_id: str) -> tuple[int, str]:
    """The last round's number and state; 0 and "" where the posting was never in question."""
    rows = await run(
        "select round, state from posting_check where payment_id = $1 order by round desc limit 1", payment_id
    )
    return (rows[0]["round"], rows[0]["state"]) if rows else (0, "")


async def schedule(run: Run, payment: Payment, at: datetime) -> bool:
    """Opens a round, unless this posting is being looked for or was; one that was posted anew since begins another."""
    round_, state = await latest(run, payment.id)
    if state not in {"", CheckState.ABSENT, CheckState.MOVED}:
        return False
    await run(
        "insert into posting_check (payment_id, round, operation_id, state, asked, answered, absent, due_ms,"
        " opened_ms) values ($1, $2, $3, $4, 0, 0, 0, $5, $5)",
        payment.id,
        round_ + 1,
        payment.post_id,
        CheckState.OPEN.value,
        epoch_ms(at),
    )
    return True


async def begin(run: Run, check: Check, due_ms: int) -> Check | None:
    """Counts one more look before its question leaves; None when another process was first.

    `due_ms`: when to ask again if this process does not live to hear the answer.
    """
    mine = await run(
        f"update posting_check set asked = asked + 1, due_ms = $4 {_MINE}",  # noqa: S608 - a constant
        check.payment_id,
        check.round,
        check.asked,
        due_ms,
    )
    return replace(check, asked=check.asked + 1, due_ms=due_ms) if mine else None


async def wait(run: Run, check: Check, due_ms: int) -> None:
    """Nothing was asked, or not answered: it is looked again then."""
    await run(
        f"update posting_check set due_ms = $4 {_MINE}",  # noqa: S608 - a constant
        check.payment_id,
        check.round,
        check.asked,
        due_ms,
    )


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer of the biller, and what it leads to; `due_ms`: the next look, where there is one."""

    finding: Finding
    state: CheckState
    at_ms: int
    due_ms: int

    @property
    def absent(self) -> int:
        return int(self.finding is Finding.MISSING)


async def heard(run: Run, check: Check, answer: Heard) -> bool:
    """Counts an answer; False when this round is no longer ours."""
    closed = None if answer.state is CheckState.OPEN else answer.at_ms
    return bool(
        await run(
            f"update posting_check set answered = answered + 1, absent = absent + $4, state = $5, due_ms = $6,"  # noqa: S608 - a constant
            f" closed_ms = $7 {_MINE}",
            check.payment_id,
            check.round,
            check.asked,
            answer.absent,
            answer.state.value,
            answer.due_ms,
            closed,
        )
    )


async def close(run: Run, check: Check, state: CheckState, at: datetime) -> bool:
    """Ends the round without another look; False when somebody else did."""
    return bool(
        await run(
            f"update posting_check set state = $4, closed_ms = $5 {_MINE}",  # noqa: S608 - a constant
            check.payment_id,
            check.round,
            check.asked,
            state.value,
            epoch_ms(at),
        )
    )


def first_look_ms(check: Check, declared: Declared) -> int:
    """When the biller is asked first: a payment rail's wait, and late enough that an absence would count."""
    late_s = (declared.max_apply_delay_s or 0.0) + declared.query_lag_s + MARGIN_S
    return check.opened_ms + max(RAIL_FIRST_MS, round(late_s * 1000))


def finding(op: Operation, declared: Declared, seen: Looked) -> Finding:
    """What a look that the biller answered says about a posting it has confirmed."""
    if seen.matches == 0:
        provable = seen.control_found and declared.effective is not Class.OPAQUE
        return Finding.MISSING if provable else Finding.NOTHING
    other = seen.agency_reference and op.agency_reference and seen.agency_reference != op.agency_reference
    if seen.matches > 1 or not seen.same or other:
        return Finding.TWICE
    return Finding.REFUSED if seen.refused_code else Finding.FOUND


def after(check: Check, declared: Declared, found: Finding) -> CheckState:
    """Where an answered look leads. `check` does not count its answer yet."""
    match found:
        case Finding.FOUND:
            return CheckState.FOUND
        case Finding.TWICE:
            return CheckState.TWICE
        case Finding.REFUSED:
            return CheckState.ABSENT
        case Finding.MISSING if check.absent + 1 >= declared.absences_needed:
            return CheckState.ABSENT
    return CheckState.PERSON if check.answered + 1 >= RAIL_LOOKS else CheckState.OPEN
