"""One honest status out of many facts: pure functions of operations, readings and legs.

A leg follows its first operation until the agency's own words arrive; from then on it is a fold over the *set* of
its readings: any order, any repetition, the same result. A word nobody listed and a step that cannot be are kept
and shown to operators, never obeyed. A case is a pure function of its legs, and one leg that failed to be sent is
never hidden by another that was. Source: docs/outcomes.md sections 11 and 15.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from aggregator.cases.lifecycle import TERMINAL, State
from aggregator.cases.operation import Operation
from aggregator.registry.agency import Watched
from aggregator.sdk.status import FINAL, Status

_S = Status
WATCHED = "watched"
"""Source of a leg that has no operation of ours."""
_PHASE = {
    _S.SUBMITTED: 1,
    _S.ACKNOWLEDGED: 2, _S.AWAITING_PAYMENT: 2, _S.AWAITING_CITIZEN: 2, _S.ASSIGNED: 2, _S.IN_PROGRESS: 2,
    _S.SCHEDULED: 2, _S.TRANSFERRED: 2,
    _S.APPROVED: 3,
    _S.DISPATCHED: 4,
    _S.RESOLVED_BY_AGENCY: 5,
    _S.COMPLETED: 6, _S.REJECTED: 6, _S.WITHDRAWN: 6,
}  # fmt: skip
_BACK = {
    (_S.DISPATCHED, _S.AWAITING_CITIZEN),  # returned undelivered: the address must be corrected
    (_S.RESOLVED_BY_AGENCY, _S.IN_PROGRESS),  # the citizen was not content and reopened
    (_S.RESOLVED_BY_AGENCY, _S.ASSIGNED),
    (_S.RESOLVED_BY_AGENCY, _S.ACKNOWLEDGED),
}
_URGENCY = (
    _S.UNCONFIRMED, _S.HELD, _S.AWAITING_CITIZEN, _S.AWAITING_PAYMENT, _S.ACCEPTED, _S.SUBMITTED, _S.ACKNOWLEDGED,
    _S.ASSIGNED, _S.TRANSFERRED, _S.SCHEDULED, _S.IN_PROGRESS, _S.APPROVED, _S.DISPATCHED, _S.RESOLVED_BY_AGENCY,
    _S.REJECTED, _S.WITHDRAWN, _S.COMPLETED,
)  # fmt: skip
"""Which leg speaks for the case: doubt and what the citizen must do come first, the finished ones last."""


def legal(before: Status, after: Status) -> bool:
    """Whether an agency's reading may take a leg from one status to the other."""
    if before in FINAL:
        return False
    return _PHASE[after] >= _PHASE.get(before, 0) or (before, after) in _BACK


@dataclass(frozen=True, slots=True)
class Read:
    """A stored reading. `stamp_ms` is the agency's time if it gives one, else the start of our poll."""

    status: Status
    detail: str
    agency_code: str
    stamp_ms: int
    polled_ms: int
    dedupe: str


@dataclass(frozen=True, slots=True)
class Folded:
    """What the readings say together."""

    current: Read | None
    unmapped: frozenset[str]
    """Dedupe keys of readings whose word nobody listed."""
    out_of_order: frozenset[str]
    """Of readings that would be an impossible step."""
    regressed: frozenset[str]
    """Of readings that would leave a final status: shown as "being checked"."""


def fold(readings: Iterable[Read]) -> Folded:
    """The leg's status by its readings, in the order of their stamps; ties by phase, then by content."""
    current: Read | None = None
    unmapped, out_of_order, regressed = set(), set(), set()
    for read in sorted(readings, key=lambda r: (r.stamp_ms, _PHASE.get(r.status, 0), r.dedupe)):
        if read.status not in _PHASE:
            unmapped.add(read.dedupe)
        elif current is None or current.status is read.status or legal(current.status, read.status):
            current = read
        elif current.status in FINAL:
            regressed.add(read.dedupe)
        else:
            out_of_order.add(read.dedupe)
    return Folded(current, frozenset(unmapped), frozenset(out_of_order), frozenset(regressed))


@dataclass(frozen=True, slots=True)
class LegView:
    """What a leg shows. `text_args` are machine values; the sentence is made in the caller's language."""

    status: Status
    detail: str
    reason_code: str
    text_key: str
    text_args: Mapping[str, str]
    effect: str
    agency_code: str
    as_of_ms: int
    source: str
    next_try_ms: int | None
    settled: bool
    flagged: bool


_OURS: dict[State, tuple[Status, str]] = {
    State.READY: (_S.ACCEPTED, "none"),
    State.SENDING: (_S.ACCEPTED, "unknown"),
    State.ABSENT: (_S.ACCEPTED, "none"),
    State.PENDING: (_S.SUBMITTED, "done"),
    State.CONFIRMED: (_S.SUBMITTED, "done"),
    State.REJECTED: (_S.REJECTED, "none"),
    State.CANCELLED: (_S.WITHDRAWN, "none"),
    State.EXPIRED: (_S.WITHDRAWN, "none"),
    State.IN_DOUBT: (_S.UNCONFIRMED, "unknown"),
    State.ABSENT_ONCE: (_S.UNCONFIRMED, "unknown"),
    State.CONFLICT: (_S.UNCONFIRMED, "done"),
    State.NEEDS_HUMAN: (_S.UNCONFIRMED, "unknown"),
}


def leg_view(op: Operation, readings: Sequence[Read], changed_ms: int) -> LegView:
    """The leg as its first operation and its readings make it. `changed_ms`: when the operation last moved."""
    folded = fold(readings)
    status, effect = _ours(op)
    as_of_ms, source, detail, code = changed_ms, "ours", "", ""
    told = folded.current
    if told is not None and op.state in {State.CONFIRMED, State.PENDING}:
        status, detail, code = told.status, told.detail, told.agency_code
        as_of_ms, source = told.polled_ms, "agency"
    moving = op.state not in TERMINAL
    return LegView(
        status=status,
        detail=detail,
        reason_code=op.reason_code,
        text_key="state.withdraw_asked" if _taken_back(op) else op.citizen_text_key,
        text_args=_text_args(op),
        effect=effect,
        agency_code=code,
        as_of_ms=as_of_ms,
        source=source,
        next_try_ms=op.next_action_ms if moving else None,
        settled=op.state in TERMINAL or op.state in {State.PENDING, State.NEEDS_HUMAN},
        flagged=bool(folded.regressed) or op.state is State.CONFLICT,
    )


def _ours(op: Operation) -> tuple[Status, str]:
    if op.state in {State.READY, State.SENDING} and op.doubtful:
        return _S.UNCONFIRMED, "unknown"
    if op.state in {State.READY, State.SENDING} and op.holds:
        return _S.HELD, _OURS[op.state][1]
    if op.state is State.NEEDS_HUMAN and op.reason_code == "conflict":
        return _S.UNCONFIRMED, "done"
    if op.state is State.NEEDS_HUMAN and not op.doubtful:
        return _S.HELD, "none"
    return _OURS[op.state]


def _taken_back(op: Operation) -> bool:
    """It was withdrawn while nobody knows whether the agency has it."""
    return op.withdraw and op.doubtful and op.state not in TERMINAL and op.reason_code != "conflict"


def _text_args(op: Operation) -> dict[str, str]:
    """Machine values for the sentence; its time is the leg's own `next_try_ms`, which may move by itself."""
    args = {"agency": op.agency, "reason": op.reason_code}
    if op.agency_reference:
        args["reference"] = op.agency_reference
    return args


def watched_view(readings: Iterable[Read], watched: Watched, op: Operation) -> LegView | None:
    """The leg an agency runs elsewhere and only tells of, by its readings; None before the first of them.

    It ends by its own word, or when the agency has gone on to grant or refuse.
    """
    told = None
    for read in sorted(readings, key=lambda r: (r.stamp_ms, _PHASE.get(r.status, 0), r.dedupe)):
        if read.detail.startswith(watched.begins):
            told = read
        elif told is not None and _PHASE.get(read.status, 0) > _PHASE[_S.IN_PROGRESS]:
            told = replace(told, detail=watched.done[0], polled_ms=read.polled_ms)
    if told is None:
        return None
    done = told.detail in watched.done
    return LegView(
        status=_S.COMPLETED if done else told.status,
        detail=told.detail,
        reason_code="watched",
        text_key="state.watched_done" if done else "state.watched",
        text_args={"agency": op.agency},
        effect="done",
        agency_code=told.agency_code,
        as_of_ms=told.polled_ms,
        source=WATCHED,
        next_try_ms=None,
        settled=True,
        flagged=False,
    )


@dataclass(frozen=True, slots=True)
class CaseView:
    """What a case shows: its most pressing leg, and the oldest knowledge among its open ones."""

    status: Status
    reason_code: str
    text_key: str
    text_args: Mapping[str, str]
    as_of_ms: int
    next_check_ms: int | None
    settled: bool


def case_view(legs: Sequence[LegView]) -> CaseView:
    """The case as its legs make it. Raises ValueError for a case without legs: there is none."""
    speaker = min(legs, key=lambda leg: _URGENCY.index(leg.status))
    times = [leg.next_try_ms for leg in legs if leg.next_try_ms is not None]
    return CaseView(
        status=speaker.status,
        reason_code=speaker.reason_code,
        text_key=speaker.text_key,
        text_args=speaker.text_args,
        as_of_ms=min(leg.as_of_ms for leg in legs),
        next_check_ms=min(times, default=None),
        settled=all(leg.settled for leg in legs),
    )
