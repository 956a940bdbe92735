"""What the police say, and what it means to us. Facts only; the rules that join them live in `records` and `answers`.

All of it is our own contract in the style of the citizen portal (README.md): no public machine interface is known.
"""

from collections.abc import Mapping

from aggregator.sdk.reading import Word
from aggregator.sdk.status import Status

STATUS: Mapping[str, Word] = {
    "01": Status.SUBMITTED,
    "02": Status.AWAITING_PAYMENT,
    "03": (Status.ACKNOWLEDGED, "SP_OFFICE"),
    "04": Status.ASSIGNED,
    "05": (Status.IN_PROGRESS, "ENQUIRY"),
    "06": (Status.IN_PROGRESS, "REPORT"),
    "07": (Status.AWAITING_CITIZEN, "DOCUMENTS"),
    "08": (Status.SCHEDULED, "VISIT"),
    "09": Status.APPROVED,
    "10": Status.COMPLETED,
    "11": Status.REJECTED,
    "12": Status.REJECTED,
    "13": Status.COMPLETED,
    "14": (Status.IN_PROGRESS, "FIR"),
    "15": Status.TRANSFERRED,
    "16": Status.WITHDRAWN,
}

CODES: Mapping[str, str] = {
    "Submitted": "01",
    "Fee Pending": "02",
    "Forwarded to SP Office": "03",
    "Assigned to Police Station": "04",
    "Enquiry in Progress": "05",
    "Enquiry Report Submitted": "06",
    "Additional Documents Required": "07",
    "Visit Scheduled": "08",
    "Approved": "09",
    "Certificate Issued": "10",
    "Rejected": "11",
    "Adverse Report": "12",
    "Closed": "13",
    "FIR Registered": "14",
    "Transferred to other District": "15",
    "Withdrawn by Applicant": "16",
}
"""STATUS_DESC in STATUS_CD; compared without regard to case, white space and a final full stop."""

ASSIGNED, ADVERSE, CLOSED, TRANSFERRED = "04", "12", "13", "15"
"""The codes with a rule of their own."""

REASONS: Mapping[str, str] = {
    "11": "service_closed",
    "12": "fields_invalid",
    "13": "not_found",  # the mobile is another's; the same words, so that nobody learns that the number exists
    "14": "fields_invalid",
    "15": "document_unsuitable",
    "16": "sensitive",
    "21": "not_found",
    "22": "wrong_state",
    "24": "fee_mismatch",
}
"""ResultCode, ERROR_CD, and what follows `CS-` in a Fault."""

TROUBLED = frozenset({"91", "92"})
"""Database busy (they may have acted) and announced maintenance (they have not: `shed_unsent_codes`)."""

COMPLAINT, MISSING = "CMP", "MIS"
SERVICE_CODES: Mapping[str, str] = {
    "employee_verification": "EMV",
    "tenant_verification": "TNV",
    "domestic_help_verification": "DHV",
    "character_certificate": "CHC",
    "complaint": COMPLAINT,
    "fir_copy": "FIR",
    "missing_person": MISSING,
    "lost_property": "LPR",
    "procession": "PRC",
    "protest": "PRT",
    "event": "EVT",
}
"""Our offers in their codes."""
