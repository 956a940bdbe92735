"""One thing asked of an agency, as its row in the journal stands."""

from dataclasses import dataclass, fields
from operator import itemgetter
from typing import Any

from aggregator.cases.lifecycle import State
from aggregator.sdk.clock import Chance, Clock, epoch_ms, new_id

SYSTEM = "system"
"""The owner of every row that moves by itself; anything else is a named queue with people in it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of table `operation`. Times are epoch milliseconds."""

    id: str
    leg_id: str
    case_id: str
    agency: str
    name: str
    service: str
    reference: str
    state: State
    attempt: int
    sends: int
    """Attempts whose trail said MAYBE."""
    holds: int
    """Tries since the last send that ended before a byte left."""
    doubtful: bool
    """An earlier attempt may have acted, and nothing has settled that yet."""
    epoch: int
    worker: str
    owner: str
    reason_code: str
    citizen_text_key: str
    next_action_ms: int
    first_sent_ms: int | None
    ended_ms: int | None
    """When the last doubtful attempt ended, or its sender was seen dead plus `wire_linger_s`."""
    looks: int
    absent_ms: int | None
    """When the first counted absence was seen."""
    withdraw: bool
    agency_reference: str
    created_ms: int
    intent_ms: int = 0
    """From when the intent grows stale; 0: since it was made."""
    ends_ms: int | None = None
    """The intent's own end; it is not first sent after it."""
    absences: int = 0
    """Counted absences of this doubt."""
    doubt_since_ms: int | None = None
    """Since when it is in doubt, or with a person."""
    age_due_ms: int | None = None
    """When its owner is told of it next."""
    withdraw_sealed: str = ""
    """What the citizen said when taking it back while in doubt."""
    audit_due_ms: int | None = None
    sealed_for: str = ""
    """The name of the key all that is sealed with it is under."""
    sends_unknown: bool = False
    """A restore has forgotten how often it was sent: there may have been more sends than `sends`."""


_COLUMNS = tuple(field.name for field in fields(Operation))
COLUMNS = ", ".join(_COLUMNS)
_VALUES = itemgetter(*_COLUMNS)
_STATE = _COLUMNS.index("state")
_FLAGS = tuple(_COLUMNS.index(name) for name in ("doubtful", "withdraw", "sends_unknown"))


def operation_of(row: Any) -> Operation:
    """The operation in a row that holds `COLUMNS`."""
    values = list(_VALUES(row))
    values[_STATE] = State(values[_STATE])
    for flag in _FLAGS:
        values[flag] = bool(values[flag])
    return Operation(*values)


def ready(  # noqa: PLR0913 - what is asked, of whom, for which leg
    clock: Clock, chance: Chance, *, case_id: str, leg_id: str, agency: str, name: str, service: str, sealed_for: str
) -> Operation:
    """A new operation, READY from this moment, under a reference of its own."""
    now_ms = epoch_ms(clock.now())
    operation_id = new_id("op", clock, chance)
    return Operation(
        id=operation_id,
        leg_id=leg_id,
        case_id=case_id,
        agency=agency,
        name=name,
        service=service,
        reference=operation_id.removeprefix("op_"),
        state=State.READY,
        attempt=0,
        sends=0,
        holds=0,
        doubtful=False,
        epoch=0,
        worker="",
        owner=SYSTEM,
        reason_code="accepted",
        citizen_text_key="state.ready",
        next_action_ms=now_ms,
        first_sent_ms=None,
        ended_ms=None,
        looks=0,
        absent_ms=None,
        withdraw=False,
        agency_reference="",
        created_ms=now_ms,
        sealed_for=sealed_for,
    )
