"""What a citizen asks for after the application is in: a slot, a payment, a reminder, an answer, taking it back.

Each is one more operation of the leg, journaled and settled like the first. What can be asked is what the driver can do
and the state allows; the case lists it, so that no portal computes rules.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aggregator.cases import standing
from aggregator.cases.attempt import Desktop
from aggregator.cases.consolidate import WATCHED
from aggregator.cases.lifecycle import TERMINAL, State
from aggregator.cases.opening import insert_operation
from aggregator.cases.operation import COLUMNS, Operation, operation_of
from aggregator.cases.orders import seal_more
from aggregator.cases.record import CaseRecord, LegRecord
from aggregator.cases.withdraw import ActionNotPossible, Before, further, nothing, withdraw
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.registry.agency import Agency, Registry
from aggregator.sdk.status import FINAL, Status
from aggregator.store import Run

OPERATIONS = {
    "WITHDRAW": "cancel",
    "REMIND": "remind",
    "BOOK": "book",
    "RESCHEDULE": "reschedule",
    "PAY": "pay",
    "CONSENT": "consent",
    "REPLY": "reply",
    "RATE": "rate",
    "REOPEN": "reopen",
}
"""An action of the API and the driver's operation that carries it out."""

NOTE = {"WITHDRAW": "reason", "REOPEN": "reason", "REMIND": "text", "REPLY": "reply_text", "RATE": "comment"}
"""Under which field of its form an action's operation takes a word to the agency; `note` for the rest."""

AFTER_THE_END = frozenset({"RATE", "REOPEN"})
TWICE = frozenset({"CONSENT", "REMIND", "REPLY", "RESCHEDULE"})
"""Actions that may be asked for again once the one before has ended."""


@dataclass(frozen=True, slots=True)
class Wish:
    """An action, and what the citizen adds to the form for it."""

    action: str
    form: Mapping[str, Any] = field(default_factory=dict)


def possible(registry: Registry, record: CaseRecord) -> list[str]:
    """The actions that make sense for this case now, in the order of `OPERATIONS`."""
    return [
        action
        for action in OPERATIONS
        if any(not hindered(action, leg, agency, record) for leg, agency in offering(registry, record, action))
    ]


def offering(registry: Registry, record: CaseRecord, action: str) -> Iterator[tuple[LegRecord, Agency]]:
    """The legs whose agency offers the action for what this case was made of, now or at another time."""
    for leg in record.legs:
        agency = registry.agencies.get(leg.agency)
        if agency is not None and _offered(registry, record, action, agency):
            yield leg, agency


def hindered(action: str, leg: LegRecord, agency: Agency, record: CaseRecord) -> str:
    """Why the leg's agency cannot be asked for it now: not_now, already_asked or already_done; "" when it can."""
    if not _allowed(action, leg, agency):
        return "not_now"
    if not _had(action, leg, record):
        return ""
    return "already_done" if done(record, action) else "already_asked"


def _offered(registry: Registry, record: CaseRecord, action: str, agency: Agency) -> bool:
    """Whether the offer this case was made of has the action: a hall is booked, a street light is not."""
    service = registry.services.get(record.service_id)
    offer = agency.manifest.offers.get(service.offer) if service is not None else None
    return offer is None or offer.actions is None or action in offer.actions


def _had(action: str, leg: LegRecord, record: CaseRecord) -> bool:
    """Whether it was asked for already, and may not or not yet be asked for again."""
    before = [asked.state for asked in record.asked if asked.leg_id == leg.id and asked.name == OPERATIONS[action]]
    if action == "WITHDRAW":
        return bool(before)
    return any(state not in TERMINAL or (state is State.CONFIRMED and action not in TWICE) for state in before)


def done(record: CaseRecord, action: str) -> bool:
    """Whether the last wish of this kind has come to its end, whichever that was."""
    if action == "WITHDRAW" and record.status is Status.WITHDRAWN:
        return True
    before = [asked.state for asked in record.asked if asked.name == OPERATIONS[action]]
    return bool(before) and before[-1] in TERMINAL


def waits(record: CaseRecord, action: str) -> bool:
    """Whether the end of the last wish of this kind may still come within seconds."""
    last = [asked for asked in record.asked if asked.name == OPERATIONS[action]][-1:]
    return any(
        (asked.state in {State.READY, State.SENDING} and not asked.held)
        or (asked.state is State.IN_DOUBT and asked.reason_code == "asking_again")
        for asked in last
    )


def _allowed(action: str, leg: LegRecord, agency: Agency) -> bool:
    if leg.source == WATCHED:
        return False
    ended = leg.status in FINAL or leg.status is Status.RESOLVED_BY_AGENCY
    if action == "WITHDRAW":
        return leg.status not in FINAL and (leg.effect != "done" or "cancel" in agency.operations)
    if OPERATIONS[action] not in agency.operations or leg.effect != "done" or not leg.agency_reference:
        return False
    return ended if action in AFTER_THE_END else not ended


async def act(
    desk: Desktop, registry: Registry, record: CaseRecord, wish: Wish, before: Before = nothing
) -> Operation | None:
    """Asks for the action at the case's first leg that allows it; `before` joins the same commit.

    The operation to begin with, now that it is journaled; None where a withdrawal needed none or left it to the scan.
    Raises ActionNotPossible with the reason, KeyError for no action of ours, Conflict when `before` does.
    """
    if wish.action == "WITHDRAW":
        await withdraw(desk, registry, record, wish.form, before)
        return None
    for leg, agency in offering(registry, record, wish.action):
        if _allowed(wish.action, leg, agency):
            return await desk.store.write(partial(_ask, desk=desk, agency=agency, leg=leg, wish=wish, before=before))
    raise ActionNotPossible("not_now")


async def _ask(  # noqa: PLR0913 - what is asked, of whom, for which leg
    run: Run, *, desk: Desktop, agency: Agency, leg: LegRecord, wish: Wish, before: Before
) -> Operation:
    name = OPERATIONS[wish.action]
    await before(run)  # first of all: of two requests with one key the second must hear of the key, not of the state
    rows = await run(f"select {COLUMNS} from operation where leg_id = $1 and name = $2", leg.id, name)  # noqa: S608 - a constant
    earlier = [operation_of(row) for row in rows]
    if any(op.state not in TERMINAL for op in earlier):
        raise ActionNotPossible("already_asked")
    if wish.action not in TWICE and any(op.state is State.CONFIRMED for op in earlier):
        raise ActionNotPossible("already_done")
    first = await standing.first_operation(run, leg.id)
    asked = further(desk, first, name)
    more = seal_more(desk.vault, asked, wish.form)
    await insert_operation(run, asked, agency.operations[name].effective.value, more)
    data = {"operation": name, "state": State.READY.value, "attempt": 0}
    told = NewEvent(type="operation.ready", at=desk.clock.now(), case_id=first.case_id, agency=agency.id, data=data)
    await events.append(run, [told])
    await run("update cases set version = version + 1 where id = $1", first.case_id)
    return asked
