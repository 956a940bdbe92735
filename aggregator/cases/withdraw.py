"""Taking an application back: at once while nothing was sent, remembered while in doubt, asked of the agency after.

Source: docs/outcomes.md section 6.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import orjson

from aggregator.cases import ledger, standing
from aggregator.cases.attempt import Desktop
from aggregator.cases.consolidate import WATCHED
from aggregator.cases.lifecycle import State
from aggregator.cases.opening import insert_operation
from aggregator.cases.operation import COLUMNS, Operation, operation_of, ready
from aggregator.cases.orders import seal_more
from aggregator.cases.record import CaseRecord
from aggregator.cases.settle import Step
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.registry.agency import Registry
from aggregator.sdk.clock import epoch_ms
from aggregator.sdk.status import FINAL
from aggregator.store import Run

Before = Callable[[Run], Awaitable[None]]
"""What belongs into the same commit, ahead of the rest: spending the key of who asks."""
DOUBTFUL = frozenset({State.SENDING, State.IN_DOUBT, State.ABSENT_ONCE, State.ABSENT})


class ActionNotPossible(Exception):
    """The action makes no sense in this state; `reason` has a sentence in texts."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def nothing(_run: Run) -> None:
    """Nothing goes ahead."""


async def withdraw(
    desk: Desktop, registry: Registry, record: CaseRecord, more: Mapping[str, Any], before: Before = nothing
) -> None:
    """Withdraws every leg of the case that can be; `more` is for the agency. Raises ActionNotPossible when none can."""
    open_legs = [leg for leg in record.legs if leg.status not in FINAL and leg.source != WATCHED]
    if not open_legs:
        raise ActionNotPossible("already_final")

    async def put(run: Run) -> None:
        await before(run)
        for leg in open_legs:
            op = await standing.first_operation(run, leg.id)
            await _withdraw_leg(run, desk, registry, op, more)

    await desk.store.write(put)


async def _withdraw_leg(run: Run, desk: Desktop, registry: Registry, op: Operation, more: Mapping[str, Any]) -> None:
    at = desk.clock.now()
    if (op.state is State.READY and not op.doubtful) or (
        op.state is State.NEEDS_HUMAN and not op.doubtful and op.sends == 0
    ):
        step = Step(State.CANCELLED, "withdrawn", "state.cancelled", epoch_ms(at))
        await events.append(run, (await ledger.move(run, op, step, at)).events)
    elif op.state in DOUBTFUL or op.state is State.READY or _with_a_person(op):
        sealed = _sealed(desk, op, more)
        await run("update operation set withdraw = 1, withdraw_sealed = $1 where id = $2", sealed, op.id)
        remembered = await standing.refresh(run, replace(op, withdraw=True), at)
        told = NewEvent(type="case.withdrawal-remembered", at=at, case_id=op.case_id, agency=op.agency)
        await events.append(run, [told, *remembered])
    elif op.state in {State.CONFIRMED, State.PENDING}:
        await _ask_agency(run, desk, registry, op, more)
    else:
        raise ActionNotPossible("with_a_person")


def _with_a_person(op: Operation) -> bool:
    """A doubt, and no conflict: whoever settles it sees that it was taken back."""
    return op.state is State.NEEDS_HUMAN and op.reason_code != "conflict"


def _sealed(desk: Desktop, op: Operation, more: Mapping[str, Any]) -> str:
    """What the citizen said when taking it back, for the agency's own form; the first word stands."""
    if op.withdraw_sealed or not more:
        return op.withdraw_sealed
    word = orjson.dumps(dict(more))
    return desk.vault.seal(word, owner=op.sealed_for, table="operation", row=op.id, column="withdraw_sealed")


def _remembered(desk: Desktop, op: Operation) -> Mapping[str, Any]:
    if not op.withdraw_sealed:
        return {}
    whole = desk.vault.open(op.withdraw_sealed, table="operation", row=op.id, column="withdraw_sealed")
    found: dict[str, Any] = orjson.loads(whole)
    return found


async def late(desk: Desktop, registry: Registry) -> int:
    """Withdrawals remembered while in doubt, now that the agency turned out to hold the thing; how many were asked."""
    rows = await desk.store.read(f"select {COLUMNS} from operation where state = 'CONFIRMED' and withdraw = 1")  # noqa: S608 - a constant
    for op in map(operation_of, rows):
        await desk.store.write(partial(_ask_late, desk=desk, registry=registry, op=op))
    return len(rows)


async def _ask_late(run: Run, *, desk: Desktop, registry: Registry, op: Operation) -> None:
    await run("update operation set withdraw = 2 where id = $1", op.id)
    try:
        await _ask_agency(run, desk, registry, op, _remembered(desk, op))
    except ActionNotPossible as error:
        told = NewEvent(
            type="case.withdrawal-too-late",
            at=desk.clock.now(),
            case_id=op.case_id,
            agency=op.agency,
            data={"reason": error.reason},
        )
        await events.append(run, [told])


async def _ask_agency(run: Run, desk: Desktop, registry: Registry, op: Operation, more: Mapping[str, Any]) -> None:
    agency = registry.agencies.get(op.agency)
    if agency is None or "cancel" not in agency.operations:
        raise ActionNotPossible("agency_cannot_cancel")
    if await run("select id from operation where leg_id = $1 and name = 'cancel'", op.leg_id):
        raise ActionNotPossible("already_asked")
    at = desk.clock.now()
    asked = further(desk, op, "cancel")
    sealed = seal_more(desk.vault, asked, more)
    await insert_operation(run, asked, agency.operations["cancel"].effective.value, sealed)
    told = NewEvent(type="operation.ready", at=at, case_id=op.case_id, agency=op.agency, data={"operation": "cancel"})
    await events.append(run, [told])


def further(desk: Desktop, first: Operation, name: str) -> Operation:
    """One more thing asked of a leg's agency."""
    return ready(
        desk.clock,
        desk.chance,
        case_id=first.case_id,
        leg_id=first.leg_id,
        agency=first.agency,
        name=name,
        service=first.service,
        sealed_for=first.sealed_for,
    )
