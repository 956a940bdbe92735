"""What the network's codes mean, code by code and message by message; whatever is not listed is never guessed.

Two families: BFR from the biller (verified), BPR and the words of a status (our choice: the real ones are not
public). G codes come in the acknowledgement and are read there. Source: the electricity protocol, section 3.
"""

from collections.abc import Mapping

from aggregator.sdk.reading import Word
from aggregator.sdk.status import Status

DONE, FAILED = "000", "200"
"""responseCode. `200` is a failure and no HTTP status."""
NOTHING_DUE = frozenset({"BFR003", "BFR004"})
UNREACHABLE = "BFR008"
PENDING = "BPR903"
PAST_DUE = "BFR007"
REVERSAL = "REVERSAL TYPE RESPONSE"

REASONS: Mapping[str, str] = {
    "BFR001": "not_found",
    "BFR002": "fields_invalid",
    "BFR003": "wrong_state",
    "BFR004": "already_paid",
    "BFR005": "account_closed",
    "BFR006": "not_eligible",  # the account is not activated
    "BFR007": "wrong_state",  # its due date has passed
    "BFR009": "not_eligible",  # the biller holds an incomplete profile
    "BRP046": "not_eligible",  # quick pay only, nothing to fetch
    "BPR901": "payment_declined",
    "BPR902": "duplicate",
}
FETCH_ONLY = frozenset({"BRP046"})
PAYMENT_ONLY = frozenset({"BPR901", "BPR902"})

PAYMENT: Mapping[str, Word] = {
    "SUCCESS": Status.COMPLETED,
    "PENDING": Status.SUBMITTED,
    "FAILURE": Status.REJECTED,
    "REVERSED": (Status.REJECTED, "REVERSED"),
}
COMPLAINT: Mapping[str, Word] = {
    "OPEN": Status.ACKNOWLEDGED,
    "ASSIGNED": Status.ASSIGNED,
    "REOPENED": Status.IN_PROGRESS,
    "RESOLVED": Status.RESOLVED_BY_AGENCY,
    "CLOSED": Status.COMPLETED,
}
DISPOSITIONS = ("D11", "D12", "D13", "D21", "D22", "D23", "D31", "D32")
NO_TRANSACTION = "No transaction found"
NO_COMPLAINT = "Complaint not found"
ALREADY_RAISED = "complaint already exists"
