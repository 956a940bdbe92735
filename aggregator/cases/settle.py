"""What follows from what is known: pure decisions, no clock, no store, no agency.

The settle clock starts when the attempt ended with its connection cut, or when its sender was *seen dead* plus
`wire_linger_s`. An absence counts only at or after `settle_at`, with the control record found over the same path;
two counted absences at least `look_gap_s` apart prove it. A write is never repeated on hope.
Source: docs/outcomes.md sections 2, 4, 6, 9.
"""

from dataclasses import dataclass
from typing import assert_never

from aggregator.cases.lifecycle import State
from aggregator.cases.operation import SYSTEM, Operation
from aggregator.resilience.outcome import Confirmed, NotSent, Outcome, Rejected, Unknown
from aggregator.sdk.adapter import Class, Declared

MARGIN_S = 5.0
DAY_MS = 86_400_000
LATER_LOOKS_S = (1_800.0, 7_200.0, 21_600.0, 86_400.0)
"""After the two counted looks: half an hour, two, six, twenty-four hours; then a person."""
HOLD_FIRST_S = 2.0
HOLD_MAX_S = 300.0
DOUBT_TEXTS = frozenset({"state.in_doubt", "state.absent_once", "state.withdraw_asked"})
"""Sentences of a doubt that machines are settling."""
RESENDS = frozenset({Class.IDEMPOTENT, Class.KEYED, Class.UNIQUE})


@dataclass(frozen=True, slots=True)
class Step:
    """A decided move. `next_action_ms` is the exit timer: no state waits for ever."""

    after: State
    reason: str
    text: str
    next_action_ms: int
    owner: str = SYSTEM
    doubtful: bool = False
    counted: bool = False
    """It rests on a look whose absence counts."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look saw: how many different records carry our reference, and whether an absence would count."""

    matches: int
    agency_reference: str = ""
    same: bool = True
    """The one match agrees with us in every field that identifies it."""
    pending: bool = False
    refused_code: str = ""
    """The one match is there and says definitely no."""
    control_found: bool = False


def settle_at_ms(op: Operation, declared: Declared) -> int:
    """The first moment, epoch ms, at which a negative look counts.

    Raises ValueError for an operation without `max_apply_delay_s`: it is opaque and is never looked absent.
    """
    if op.ended_ms is None or declared.max_apply_delay_s is None:
        raise ValueError("an operation that has not ended, or has no bound, has no settle time")
    return op.ended_ms + _ms(declared.max_apply_delay_s + declared.query_lag_s + MARGIN_S)


def queue_of(agency: str) -> str:
    """The named queue of people who settle what no machine can."""
    return f"worklist:{agency}"


def held(op: Operation, reason: str, retry_after_s: float | None, now_ms: int, spread: float) -> Step:
    """It stays READY: nothing was sent. `spread` in [0, 1) keeps returning callers apart."""
    backoff = min(HOLD_FIRST_S * 2 ** min(op.holds, 20), HOLD_MAX_S) * (0.5 + spread / 2)
    wait_s = min(max(retry_after_s or 0.0, backoff), HOLD_MAX_S)
    text = "state.in_doubt" if op.doubtful else "state.ready"
    return Step(State.READY, reason, text, now_ms + _ms(wait_s), doubtful=op.doubtful)


def concluded(op: Operation, outcome: Outcome, declared: Declared, now_ms: int, spread: float) -> Step:
    """Where an attempt that was journaled (the row is SENDING) leads."""
    match outcome:
        case Confirmed(receipt=receipt) if receipt.pending:
            due = now_ms + min(_ms(declared.answer_due_s), DAY_MS)
            return Step(State.PENDING, "agency_decides", "state.pending", due)
        case Confirmed():
            return Step(State.CONFIRMED, "confirmed", "state.confirmed", now_ms)
        case Rejected(code=code, reason=reason):
            exists = code in declared.already_exists_codes or reason == "duplicate"
            if op.doubtful and (exists or declared.effective in RESENDS):
                # Evidence of success after a doubt, if the record is ours; or a no to the second try alone, which says
                # nothing of the first: a look decides, now.
                return Step(State.IN_DOUBT, "already_exists", "state.in_doubt", now_ms, doubtful=True)
            return Step(State.REJECTED, reason, "state.rejected", now_ms)
        case NotSent() as not_sent:
            return held(op, hold_reason(not_sent), not_sent.retry_after_s, now_ms, spread)
        case Unknown():
            return doubt(op, declared, now_ms)
        case _:
            assert_never(outcome)


_HOLD_REASONS = {
    "CircuitOpen": "circuit_open",
    "Saturated": "saturated",
    "DeadlinePassed": "deadline_passed",
    "StoreUnavailable": "starting",
    "Quarantined": "quarantine",
    "Stopped": "paused",
    "ConsentMissing": "consent_missing",
}


def hold_reason(not_sent: NotSent) -> str:
    """The reason code a citizen's sentence is chosen by. A fault of our own is told as a queue, and alarmed apart."""
    if not_sent.why in _HOLD_REASONS:
        return _HOLD_REASONS[not_sent.why]
    by_kind = {"misconfigured": "misconfigured", "not_attempted": "not_attempted"}
    return by_kind.get(not_sent.kind, "agency_away")


def doubt(op: Operation, declared: Declared, now_ms: int) -> Step:
    """A send may have acted. What happens next is the class's business."""
    cls = declared.effective
    if cls is Class.OPAQUE:
        return Step(State.IN_DOUBT, "opaque_doubt", "state.in_doubt", now_ms, doubtful=True)
    if cls in RESENDS and op.sends < declared.max_sends:
        wait_ms = _ms(HOLD_FIRST_S * 2 ** max(op.sends - 1, 0))
        return Step(State.IN_DOUBT, "asking_again", "state.in_doubt", now_ms + wait_ms, doubtful=True)
    first = now_ms + _ms(declared.first_look_s)
    return Step(State.IN_DOUBT, "not_confirmed", "state.in_doubt", first, doubtful=True)


def resend(op: Operation, declared: Declared, now_ms: int) -> Step | None:
    """IN_DOUBT -> READY where the class makes a repeat harmless; None where it does not, or no longer does."""
    cls = declared.effective
    if op.state is not State.IN_DOUBT or cls not in RESENDS or op.sends >= declared.max_sends:
        return None
    if op.reason_code == "already_exists":
        return None
    if cls is Class.KEYED and not key_alive(op, declared, now_ms):
        return None
    return Step(State.READY, "asking_again", "state.in_doubt", now_ms, doubtful=True)


def to_person(op: Operation, reason: str, now_ms: int) -> Step:
    """No machine can settle it; a named queue answers within a day."""
    text = "state.needs_human_stale" if reason == "stale_intent" else "state.needs_human_doubt"
    doubtful = reason != "stale_intent"
    return Step(State.NEEDS_HUMAN, reason, text, now_ms + DAY_MS, queue_of(op.agency), doubtful)


def after_look(op: Operation, declared: Declared, seen: Looked, now_ms: int) -> Step:
    """Where a look that the agency answered leads. `op.looks` counts the looks before this one."""
    if seen.matches:
        return _found(op, declared, seen, now_ms)
    if not (seen.control_found and now_ms >= settle_at_ms(op, declared)):
        return _look_again(op, declared, now_ms)
    if op.absent_ms is not None and now_ms - op.absent_ms < _ms(declared.look_gap_s):
        again = op.absent_ms + _ms(declared.look_gap_s)
        return Step(op.state, "not_confirmed", "state.absent_once", again, doubtful=True)
    counted = max(op.absences, 0 if op.absent_ms is None else 1)
    if counted + 1 < declared.absences_needed:
        again = now_ms + _ms(declared.look_gap_s)
        return Step(State.ABSENT_ONCE, "not_confirmed", "state.absent_once", again, doubtful=True, counted=True)
    return Step(State.ABSENT, "absent", "state.absent", now_ms, counted=True)


def _found(op: Operation, declared: Declared, seen: Looked, now_ms: int) -> Step:
    if seen.matches > 1 or not seen.same:
        return Step(State.CONFLICT, "conflict", "state.conflict", now_ms, queue_of(op.agency))
    if seen.refused_code:
        return _refused(op, declared, now_ms)
    if seen.pending:
        return Step(State.PENDING, "agency_decides", "state.pending", now_ms + min(_ms(declared.answer_due_s), DAY_MS))
    return Step(State.CONFIRMED, "confirmed", "state.confirmed", now_ms)


def another_may_act(op: Operation, declared: Declared, now_ms: int) -> bool:
    """Whether a send of this operation besides the one that was refused may still take effect.

    An agency that got it twice may refuse the one and carry out the other, later: a no is final when none can act.
    After a restore nobody knows how often it got it.
    """
    if op.sends <= 1 and not op.sends_unknown:
        return False
    bounded = op.ended_ms is not None and declared.max_apply_delay_s is not None
    return not (bounded and now_ms >= settle_at_ms(op, declared))


def _refused(op: Operation, declared: Declared, now_ms: int) -> Step:
    """The agency's no, believed once no other send of ours can act; until then it is looked at again."""
    if not another_may_act(op, declared, now_ms):
        return Step(State.REJECTED, "refused", "state.rejected", now_ms)
    if op.ended_ms is None or declared.max_apply_delay_s is None:
        return to_person(op, "looks_exhausted", now_ms)
    again_ms = settle_at_ms(op, declared)
    return Step(op.state, "already_exists", op.citizen_text_key, again_ms, op.owner, op.doubtful)


def after_pending_look(op: Operation, declared: Declared, seen: Looked, now_ms: int) -> Step:
    """Where a look for what the agency said it would decide leads; a record that is gone, or not ours, is a doubt."""
    if seen.matches == 1 and seen.same:
        return _found(op, declared, seen, now_ms)
    return Step(State.IN_DOUBT, "agency_silent", "state.in_doubt", now_ms, doubtful=True)


def after_absence(op: Operation, declared: Declared, now_ms: int) -> Step:
    """Absence is proved: send once more, or let it go if the citizen withdrew meanwhile."""
    if op.withdraw:
        return Step(State.CANCELLED, "withdrawn", "state.cancelled", now_ms)
    if op.sends >= declared.max_sends:
        return to_person(op, "looks_exhausted", now_ms)
    if stale(op, declared, now_ms):
        return to_person(op, "stale_intent", now_ms)
    return Step(State.READY, "absent", "state.ready_again", now_ms)


def kept_from_sending(op: Operation, declared: Declared, now_ms: int) -> Step | None:
    """What keeps an operation that is ready from being sent now, whatever the agency does; None when it may go.

    A repeat is only as harmless as the key it goes under: however long it was held, the key is asked again now.
    """
    if op.doubtful:
        dead = declared.effective is Class.KEYED and not key_alive(op, declared, now_ms)
        return Step(State.IN_DOUBT, "key_expired", "state.in_doubt", now_ms, doubtful=True) if dead else None
    if op.withdraw:
        return Step(State.CANCELLED, "withdrawn", "state.cancelled", now_ms)
    if op.ends_ms is not None and now_ms >= op.ends_ms:
        never = op.sends == 0
        return Step(State.EXPIRED, "expired", "state.expired", now_ms) if never else to_person(op, "expired", now_ms)
    return to_person(op, "stale_intent", now_ms) if stale(op, declared, now_ms) else None


def stale(op: Operation, declared: Declared, now_ms: int) -> bool:
    """An intent this old is never first sent without asking the citizen; who confirmed it starts its time anew."""
    return now_ms - (op.intent_ms or op.created_ms) > _ms(declared.stale_after_s)


def not_asked(op: Operation, declared: Declared, now_ms: int, retry_after_s: float | None) -> int:
    """When to look again after a look that could not be asked; it counts for nothing."""
    wait_s = min(max(retry_after_s or 0.0, min(declared.look_gap_s, 30.0) * (1 + min(op.looks, 9))), HOLD_MAX_S)
    return now_ms + _ms(wait_s)


def _look_again(op: Operation, declared: Declared, now_ms: int) -> Step:
    if op.state is State.ABSENT_ONCE:
        # The first absence was counted; this look could not be: a new doubt, and the count starts again.
        again = now_ms + _ms(declared.look_gap_s)
        return Step(State.IN_DOUBT, "not_confirmed", "state.in_doubt", again, doubtful=True)
    due = next_look_ms(op, declared, now_ms)
    if due is None:
        return to_person(op, "looks_exhausted", now_ms)
    return Step(op.state, "not_confirmed", "state.in_doubt", due, doubtful=True)


def next_look_ms(op: Operation, declared: Declared, now_ms: int) -> int | None:
    """The next look of the schedule after look number `op.looks`; None when the schedule is used up."""
    settle = settle_at_ms(op, declared)
    plan = [settle, settle + _ms(declared.look_gap_s)]
    plan += [settle + _ms(later) for later in LATER_LOOKS_S]
    waiting = [due for due in plan if due > now_ms]
    return waiting[0] if waiting else None


def key_alive(op: Operation, declared: Declared, now_ms: int) -> bool:
    if op.first_sent_ms is None or declared.key_ttl_s is None or declared.max_apply_delay_s is None:
        return False
    margin_s = declared.timeout_s + declared.max_apply_delay_s + MARGIN_S
    return now_ms < op.first_sent_ms + _ms(declared.key_ttl_s - margin_s)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
