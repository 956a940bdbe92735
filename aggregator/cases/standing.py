"""Where a leg and its case stand, brought up to date in the same commit as the operation that moved.

A leg follows its first operation and its readings, a case its legs (consolidate.py says how); here is what that
makes of their rows, and the events for what a citizen now sees differently.
"""

from datetime import datetime
from typing import Any

import orjson

from aggregator.cases.consolidate import WATCHED, CaseView, LegView, Read, case_view, leg_view
from aggregator.cases.lifecycle import State
from aggregator.cases.operation import COLUMNS, Operation, operation_of
from aggregator.feed.events import NewEvent
from aggregator.sdk.clock import epoch_ms
from aggregator.sdk.status import Status
from aggregator.store import Run


async def first_operation(run: Run, leg_id: str) -> Operation:
    rows = await run(f"select {COLUMNS} from operation where leg_id = $1 order by created_ms, id limit 1", leg_id)  # noqa: S608 - a constant
    return operation_of(rows[0])


async def readings_of(run: Run, leg_id: str) -> list[Read]:
    rows = await run(
        "select status, detail, agency_code, at_ms, polled_ms, dedupe from reading where leg_id = $1", leg_id
    )
    return [
        Read(
            Status(row["status"]),
            row["detail"],
            row["agency_code"],
            row["polled_ms"] if row["at_ms"] is None else row["at_ms"],
            row["polled_ms"],
            row["dedupe"],
        )
        for row in rows
    ]


async def refresh(run: Run, op: Operation, at: datetime) -> list[NewEvent]:
    """Recomputes the operation's leg and its case; the events for what the citizen now sees differently.

    The leg follows its first operation. A later one that the agency confirmed (a cancellation, a reminder) only
    makes us ask at once how the agency sees it now.
    """
    legs = await legs_of(run, op.case_id)
    before = next(row for row in legs if row["id"] == op.leg_id)
    due = before["poll_due_ms"]
    if op.name != "submit" and (first := await first_operation(run, op.leg_id)).id != op.id:
        due = epoch_ms(at) if op.state is State.CONFIRMED else due
        op = first
    held = op.state in {State.CONFIRMED, State.PENDING}
    view = leg_view(op, await readings_of(run, op.leg_id) if held else [], epoch_ms(at))
    if held and due is None and before["agency_reference"] == "":
        due = epoch_ms(at)
    await _write_leg(run, op, view, due)
    told: list[NewEvent] = []
    if before["status"] != view.status.value:
        told.append(status_changed("leg.status-changed", op, before["status"], view, at))
    views = [view if row["id"] == op.leg_id else _leg_of(row) for row in legs]
    return told + await _refresh_case(run, op, views, before["case_status"], at)


async def _write_leg(run: Run, op: Operation, view: LegView, poll_due_ms: int | None) -> None:
    await run(
        "update leg set status = $1, detail = $2, reason_code = $3, text_key = $4, text_args = $5, effect = $6,"
        " agency_reference = case when $7 = '' then agency_reference else $7 end, agency_code = $8, source = $9,"
        " flagged = $10, as_of_ms = $11, next_try_ms = $12, poll_due_ms = $13, settled = $14 where id = $15",
        view.status.value,
        view.detail,
        view.reason_code,
        view.text_key,
        orjson.dumps(dict(view.text_args)).decode(),
        view.effect,
        op.agency_reference,
        view.agency_code,
        view.source,
        int(view.flagged),
        view.as_of_ms,
        view.next_try_ms,
        poll_due_ms,
        int(view.settled),
        op.leg_id,
    )


def status_changed(kind: str, op: Operation, before: str, view: LegView | CaseView, at: datetime) -> NewEvent:
    return NewEvent(
        type=kind,
        at=at,
        case_id=op.case_id,
        agency=op.agency,
        data={"before": before, "status": view.status.value, "reason": view.reason_code},
    )


async def _refresh_case(run: Run, op: Operation, legs: list[LegView], before: str, at: datetime) -> list[NewEvent]:
    """The case as its legs now make it; its version moves, so that whoever waits for a change wakes."""
    view = case_view(legs)
    changed = before != view.status.value
    await run(
        "update cases set status = $1, reason_code = $2, text_key = $3, text_args = $4, as_of_ms = $5,"
        " next_check_ms = $6, settled = $7, since_ms = case when $8 = 1 then $9 else since_ms end,"
        " version = version + 1, updated_ms = $9 where id = $10",
        view.status.value,
        view.reason_code,
        view.text_key,
        orjson.dumps(dict(view.text_args)).decode(),
        view.as_of_ms,
        view.next_check_ms,
        int(view.settled),
        int(changed),
        epoch_ms(at),
        op.case_id,
    )
    return [status_changed("case.status-changed", op, before, view, at)] if changed else []


async def legs_of(run: Run, case_id: str) -> list[Any]:
    """The case's legs in their order, each row with the case's own status as `case_status`."""
    return await run(
        "select l.*, c.status as case_status from leg l join cases c on c.id = l.case_id where l.case_id = $1"
        " order by l.position",
        case_id,
    )


def _leg_of(row: Any) -> LegView:
    return LegView(
        status=Status(row["status"]),
        detail=row["detail"],
        reason_code=row["reason_code"],
        text_key=row["text_key"],
        text_args=orjson.loads(row["text_args"]),
        effect=row["effect"],
        agency_code=row["agency_code"],
        as_of_ms=row["as_of_ms"],
        source=row["source"],
        next_try_ms=row["next_try_ms"],
        settled=bool(row["settled"]),
        flagged=bool(row["flagged"]),
    )


async def put_watched(run: Run, op: Operation, view: LegView) -> None:
    """The second leg's row: made at its first news, kept up to date afterwards. It has no operation of ours."""
    row = (view.status.value, view.detail, view.text_key, view.agency_code, view.as_of_ms)
    args = orjson.dumps(dict(view.text_args)).decode()
    known = await run("select id from leg where case_id = $1 and source = $2", op.case_id, WATCHED)
    if known:
        await run(
            "update leg set status = $1, detail = $2, text_key = $3, agency_code = $4, as_of_ms = $5,"
            " checked_ms = $5 where id = $6",
            *row,
            known[0]["id"],
        )
        return
    await run(
        "insert into leg (id, case_id, position, agency, status, detail, reason_code, text_key, text_args, effect,"
        " agency_reference, agency_code, agency_text_sealed, facts_sealed, source, flagged, as_of_ms, checked_ms,"
        " polls, settled)"
        " values ($6, $7, 2, $8, $1, $2, 'watched', $3, $9, 'done', '', $4, '', '', $10, 0, $5, $5, 0, 1)",
        *row,
        op.leg_id + "-2",
        op.case_id,
        op.agency,
        args,
        WATCHED,
    )
