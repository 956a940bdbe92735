"""The citizen's words for where a leg is. Agencies' own words are kept beside them, never instead.

A status is where a leg is; an outcome (resilience/outcome.py) is what one attempt proved; a state
(cases/lifecycle.py) is where our operation is. The three vocabularies are never mixed.
"""

from enum import StrEnum


class Status(StrEnum):
    """Source: shared vocabulary of the protocols, section 4. UPPER_SNAKE on the wire; the list may grow."""

    ACCEPTED = "ACCEPTED"  # we hold it durably, nothing sent yet; ours alone
    HELD = "HELD"  # we cannot send or ask now; ours alone
    UNCONFIRMED = "UNCONFIRMED"  # sent, and nobody has confirmed it; ours alone
    SUBMITTED = "SUBMITTED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    ASSIGNED = "ASSIGNED"
    IN_PROGRESS = "IN_PROGRESS"
    AWAITING_CITIZEN = "AWAITING_CITIZEN"
    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    SCHEDULED = "SCHEDULED"
    APPROVED = "APPROVED"
    DISPATCHED = "DISPATCHED"
    RESOLVED_BY_AGENCY = "RESOLVED_BY_AGENCY"
    COMPLETED = "COMPLETED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"
    TRANSFERRED = "TRANSFERRED"
    UNKNOWN = "UNKNOWN"  # of a reading only: blank, unlisted or contradictory


OURS = frozenset({Status.ACCEPTED, Status.HELD, Status.UNCONFIRMED})
"""No agency word maps to these."""

FINAL = frozenset({Status.COMPLETED, Status.REJECTED, Status.WITHDRAWN})
"""A leg leaves these only by a word its driver declares to reopen."""
