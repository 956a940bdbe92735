"""What the transport department says, and what it means to us. Facts only; tables with conditions live elsewhere.

Phrases come from public help pages, codes and the application part from our own contract (README.md).
"""

from collections.abc import Mapping

from aggregator.sdk.reading import Word
from aggregator.sdk.status import Status

STATUS: Mapping[str, Word] = {
    "SUB": Status.SUBMITTED,
    "CON": (Status.AWAITING_CITIZEN, "CONSENT"),
    "FEE": Status.AWAITING_PAYMENT,
    "ACK": Status.ACKNOWLEDGED,
    "APT": (Status.SCHEDULED, "INSPECTION"),
    "PEN": Status.ASSIGNED,
    "SCR": (Status.IN_PROGRESS, "SCRUTINY"),
    "VER": (Status.IN_PROGRESS, "VERIFY"),
    "ISS": (Status.IN_PROGRESS, "ISSUE"),
    "HLD": (Status.IN_PROGRESS, "HOLD"),
    "REV": (Status.AWAITING_CITIZEN, "DOCUMENTS"),
    "APR": Status.APPROVED,
    "DSP": Status.DISPATCHED,
    "DLV": Status.COMPLETED,
    "DIS": Status.REJECTED,
    "CAN": Status.WITHDRAWN,
    "TRF": Status.TRANSFERRED,
}

PHRASES: Mapping[str, Word] = {
    r"Submitted|Application received": STATUS["SUB"],
    r"Pending for consent": STATUS["CON"],
    r"Fee pending": STATUS["FEE"],
    r"Fee received": STATUS["ACK"],
    r"Appointment booked": STATUS["APT"],
    r"Pending at RTO": STATUS["PEN"],
    r"Under processing at RTO level - Scrutiny \(verification of proof documents\)": STATUS["SCR"],
    r"Verified": STATUS["VER"],
    r"Under processing at RTO level - Issue of driving licence": STATUS["ISS"],
    r"On hold": STATUS["HLD"],
    r"Reverted to applicant": STATUS["REV"],
    r"Approved": STATUS["APR"],
    r"Dispatched": STATUS["DSP"],
    r"Delivered": STATUS["DLV"],
    r"Disposed|Rejected": STATUS["DIS"],
    r"Cancelled by applicant": STATUS["CAN"],
    r"Transferred to RTO .+": STATUS["TRF"],
}
"""Heard only where the code is missing."""

REASONS: Mapping[str, str] = {
    "101": "not_found",
    "102": "not_found",  # the chassis digits are wrong; the same words, so that nobody learns which half was right
    "103": "encumbrance",
    "104": "already_open",
    "105": "consent_missing",
    "106": "fee_mismatch",
    "107": "document_missing",
    "201": "slot_gone",
    "211": "duplicate",
    "221": "not_found",  # no mobile number in the record
    "231": "code_wrong",
    "232": "code_expired",
    "233": "code_used",
    "234": "code_blocked",
    "299": "wrong_state",
    "301": "not_found",
    "498": "fields_invalid",
}

OUR_FAULT: Mapping[str, str] = {
    "401": "the department rejects us: look at client_id, shared_secret and the address list",
    "409": "this reference went out before with other content",
}

ABSENT_TEXT = "Vehicle Details not Found"
INVALID_TEXT = "Vehicle Registration No not valid"
REJECTS_US = frozenset({"client id not valid", "ip not registered"})
"""Bare texts, in lower case."""

SERVICE_CODES: Mapping[str, str] = {
    "transfer_ownership": "TO",
    "dl_renewal": "DLR",
    "duplicate_rc": "DRC",
    "change_of_address": "ADR",
    "noc": "NOC",
}
"""Our offers in their codes. Hypothecation end (HPT) is not offered yet."""
