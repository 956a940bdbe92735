"""The states of an operation, and every legal step between them with the event it emits.

A state says where our operation is. It is not an outcome (what one attempt proved) and not a status (where the
citizen's leg is). A step that is not in `EDGES` cannot be written: the journal refuses it.
Source: docs/outcomes.md section 6; a test compares this table with the document's.
"""

from enum import StrEnum


class State(StrEnum):
    READY = "READY"
    SENDING = "SENDING"
    PENDING = "PENDING"
    IN_DOUBT = "IN_DOUBT"
    ABSENT_ONCE = "ABSENT_ONCE"
    ABSENT = "ABSENT"
    NEEDS_HUMAN = "NEEDS_HUMAN"
    CONFLICT = "CONFLICT"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


TERMINAL = frozenset({State.CONFIRMED, State.REJECTED, State.EXPIRED, State.CANCELLED})
"""Nothing leaves these except into CONFLICT, when evidence says it was done after all or twice."""

LOOKED_AT = frozenset({State.IN_DOUBT, State.ABSENT_ONCE})
"""States in which the agency is asked by our reference."""

_S = State
EDGES: dict[tuple[State, State], str] = {
    (_S.READY, _S.SENDING): "operation.sending",
    (_S.READY, _S.READY): "operation.held",
    (_S.READY, _S.NEEDS_HUMAN): "operation.needs_human",
    (_S.READY, _S.EXPIRED): "operation.expired",
    (_S.READY, _S.CANCELLED): "operation.cancelled",
    (_S.READY, _S.IN_DOUBT): "operation.in_doubt",
    (_S.SENDING, _S.CONFIRMED): "operation.confirmed",
    (_S.SENDING, _S.PENDING): "operation.pending",
    (_S.SENDING, _S.REJECTED): "operation.rejected",
    (_S.SENDING, _S.READY): "operation.not_sent",
    (_S.SENDING, _S.IN_DOUBT): "operation.in_doubt",
    (_S.PENDING, _S.CONFIRMED): "operation.confirmed",
    (_S.PENDING, _S.REJECTED): "operation.rejected",
    (_S.PENDING, _S.IN_DOUBT): "operation.in_doubt",
    (_S.IN_DOUBT, _S.CONFIRMED): "operation.confirmed",
    (_S.IN_DOUBT, _S.REJECTED): "operation.rejected",
    (_S.IN_DOUBT, _S.PENDING): "operation.pending",
    (_S.IN_DOUBT, _S.ABSENT_ONCE): "operation.absent_once",
    (_S.IN_DOUBT, _S.READY): "operation.resend",
    (_S.IN_DOUBT, _S.NEEDS_HUMAN): "operation.needs_human",
    (_S.IN_DOUBT, _S.CONFLICT): "operation.conflict",
    (_S.ABSENT_ONCE, _S.CONFIRMED): "operation.confirmed",
    (_S.ABSENT_ONCE, _S.PENDING): "operation.pending",
    (_S.ABSENT_ONCE, _S.ABSENT): "operation.absent",
    (_S.ABSENT_ONCE, _S.IN_DOUBT): "operation.in_doubt",
    (_S.ABSENT_ONCE, _S.CONFLICT): "operation.conflict",
    (_S.ABSENT, _S.READY): "operation.resend",
    (_S.ABSENT, _S.CANCELLED): "operation.cancelled",
    (_S.ABSENT, _S.NEEDS_HUMAN): "operation.needs_human",
    (_S.ABSENT, _S.IN_DOUBT): "operation.in_doubt",
    (_S.NEEDS_HUMAN, _S.CONFIRMED): "operation.confirmed",
    (_S.NEEDS_HUMAN, _S.REJECTED): "operation.rejected",
    (_S.NEEDS_HUMAN, _S.READY): "operation.resend_authorised",
    (_S.NEEDS_HUMAN, _S.CANCELLED): "operation.cancelled",
    (_S.NEEDS_HUMAN, _S.EXPIRED): "operation.expired",
    (_S.CONFLICT, _S.NEEDS_HUMAN): "operation.needs_human",
    (_S.CONFIRMED, _S.CONFLICT): "operation.conflict",
    (_S.SENDING, _S.CONFLICT): "operation.conflict",
    (_S.REJECTED, _S.CONFLICT): "operation.conflict",
    (_S.EXPIRED, _S.CONFLICT): "operation.conflict",
    (_S.CANCELLED, _S.CONFLICT): "operation.conflict",
}


class IllegalStep(Exception):
    """The state machine has no such edge; nothing was written."""


def event_for(before: State, after: State) -> str:
    """The event this step emits. Raises IllegalStep when there is no such step."""
    try:
        return EDGES[before, after]
    except KeyError:
        raise IllegalStep(f"{before} -> {after}") from None
