"""What an attempt at a write proved. The wire's own record outranks the adapter; everything unforeseen is Unknown.

Four outcomes, from docs/outcomes.md section 4. An adapter may call an *answer* a refusal or a shed; it may never
explain a silence, because a silence explains nothing.
"""

from asyncio import CancelledError
from dataclasses import dataclass
from typing import Literal

from aggregator.sdk.adapter import Declared
from aggregator.sdk.errors import (
    AgencyError,
    ContractBroken,
    DeadlinePassed,
    Misconfigured,
    NotAttempted,
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from aggregator.sdk.model import Receipt
from aggregator.sdk.wire import Sent, Trail, WireError

Kind = Literal["not_attempted", "unavailable", "misconfigured", "other"]

_EXPECTED = (AgencyError, NotAttempted, WireError, TimeoutError, CancelledError)
"""What a silence may look like without anybody having made a mistake."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The agency holds it."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Rejected:
    """It certainly said no and holds nothing. `code` is the agency's, `reason` ours."""

    code: str
    reason: str
    refused: Refused


@dataclass(frozen=True, slots=True)
class NotSent:
    """It certainly did not act. `why` is the name of an error class, never a text from outside.

    `alarm`: the operator has to look, because no waiting mends it (TLS).
    """

    why: str
    retry_after_s: float | None = None
    kind: Kind = "other"
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have acted. `alarm`: somebody has to look at the driver or the agency's contract."""

    why: str
    alarm: bool = False


Outcome = Confirmed | Rejected | NotSent | Unknown


def outcome_of(got: object, trail: Trail, declared: Declared) -> Outcome:
    """What the attempt proved. `got` is what the driver returned, or the exception that ended it.

    Source: docs/outcomes.md section 4, row by row.
    """
    why = type(got).__name__
    if trail.sent is Sent.NO:
        return _not_sent(got, why)
    if not trail.answered:
        return Unknown(why, alarm=not isinstance(got, _EXPECTED) or _worth_a_look(got))
    match got:
        case Receipt() if got.agency_reference.strip():
            return Confirmed(got)
        case Refused() if _listed(got, declared):
            return Rejected(got.code, got.reason, got)
        case Unavailable() | Misconfigured():
            return _not_sent(got, why)
        case _:
            return Unknown(why, alarm=not isinstance(got, OutcomeUnknown) or got.alarm)


def ended_by(end: TimeoutError | WireError, trail: Trail | None, *, ours: bool, short: bool) -> Exception:
    """One of our errors for an attempt that ended without an answer. `trail` is None for a safe operation.

    `ours`: our timer ended it, not the driver's wire; `short`: the deadline left it less than its own timeout.
    """
    if trail is None:
        if isinstance(end, WireError) and end.too_big:
            return ContractBroken("the answer is longer than its cap", too_big=True)
        return Unavailable("no answer within the attempt's time" if ours else "no answer on the wire")
    if trail.sent is Sent.MAYBE:
        why = "no answer within the attempt's time" if ours else "no answer on the wire"
        return OutcomeUnknown(why, alarm=_worth_a_look(end))
    if ours and short:
        return DeadlinePassed("the deadline passed before the first byte")
    return Unavailable("no connection was handed to the attempt", alarm=_worth_a_look(end))


def _worth_a_look(got: object) -> bool:
    """A silence that is not an ordinary one: an answer without end, or two ends that do not agree on TLS."""
    return any(getattr(got, name, False) for name in ("alarm", "too_big", "tls"))


def _listed(refused: Refused, declared: Declared) -> bool:
    """Whether this code is known to mean "no, and nothing is held".

    A driver that declares no codes at all keeps the list in its own code table, and only raises Refused from there.
    """
    if not declared.refusal_codes:
        return True
    return refused.code in declared.refusal_codes or refused.code in declared.already_exists_codes


def _not_sent(got: object, why: str) -> NotSent:
    match got:
        case NotAttempted():
            return NotSent(why, got.retry_after_s, "not_attempted")
        case Unavailable():
            return NotSent(why, got.retry_after_s, "unavailable", got.alarm)
        case Misconfigured():
            return NotSent(why, None, "misconfigured")
        case _:
            return NotSent(why)
