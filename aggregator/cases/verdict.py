"""What a person may decide about one operation, and what follows from it: pure, but for the steps it names.

Each decision is one of the legal ways out of NEEDS_HUMAN. What was never sent can be sent, cancelled or let go; what
may have acted can be confirmed, refused, sent again or closed, each on evidence; a conflict is never sent again.
Source: docs/outcomes.md section 6.
"""

from aggregator.cases.dossier import Dossier
from aggregator.cases.items import Decision, Undecidable
from aggregator.cases.ledger import AS_IT_IS, NAMING_AGAIN, Mark
from aggregator.cases.lifecycle import State
from aggregator.cases.operation import Operation
from aggregator.cases.settle import Step

CONFIRM, REJECT, RESEND, CANCEL, EXPIRE, NOTE = "CONFIRM", "REJECT", "RESEND", "CANCEL", "EXPIRE", "NOTE"
ASK_AGENCY = "ASK_AGENCY"
"""Suggested where no machine knows better: a person asks the agency, and notes what it said."""


def possible(op: Operation) -> tuple[str, ...]:
    """The decisions that make sense for an operation that needs a person."""
    if op.reason_code == "conflict":
        return (CONFIRM, CANCEL, NOTE)
    send = () if op.withdraw else (RESEND,)
    if not may_have_acted(op):
        return (*send, CANCEL, EXPIRE, NOTE)
    return (CONFIRM, REJECT, *send, CANCEL, NOTE)


def suggested(op: Operation, dossier: Dossier) -> str:
    """What the evidence speaks for; ASK_AGENCY where it speaks for nothing."""
    if op.reason_code == "conflict":
        return ASK_AGENCY
    if not may_have_acted(op):
        return CANCEL if op.withdraw else RESEND
    return CONFIRM if len(dossier.numbers) == 1 else ASK_AGENCY


def may_have_acted(op: Operation) -> bool:
    return op.doubtful or op.sends > 0


def verdict(op: Operation, decision: Decision, now_ms: int) -> tuple[Step, Mark]:
    """The step a decision means. Raises Undecidable."""
    if decision.action not in possible(op):
        raise Undecidable("not_possible_here")
    if not decision.note.strip():
        raise Undecidable("evidence_missing")
    match decision.action:
        case "CONFIRM":
            return _confirmed(op, decision, now_ms)
        case "REJECT":
            return Step(State.REJECTED, "refused", "state.rejected", now_ms), AS_IT_IS
        case "RESEND":
            text = "state.ready_again" if may_have_acted(op) else "state.ready"
            return Step(State.READY, "resend_authorised", text, now_ms), Mark(intent_ms=now_ms)
        case "CANCEL":
            reason = "withdrawn" if op.withdraw else "closed_by_person"
            return Step(State.CANCELLED, reason, "state.cancelled", now_ms), AS_IT_IS
        case "EXPIRE":
            return Step(State.EXPIRED, "expired", "state.expired", now_ms), AS_IT_IS
        case _:
            raise Undecidable("not_possible_here")


def _confirmed(op: Operation, decision: Decision, now_ms: int) -> tuple[Step, Mark]:
    reference = decision.agency_reference.strip()
    makes_number = op.name not in NAMING_AGAIN
    if makes_number and not reference and not op.agency_reference:
        raise Undecidable("reference_missing")
    mark = Mark(agency_reference=reference or None) if makes_number else AS_IT_IS
    return Step(State.CONFIRMED, "confirmed", "state.confirmed", now_ms), mark
