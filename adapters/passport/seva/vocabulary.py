"""The passport authority's words, as data. Keys are looked at first, then phrases; nothing is ever the nearest word.

A public tracker maps every unknown phrase to "Police Verification": the mistake not to make.
Marks beside a word: V published by applicants or help pages, R recalled, O ours.
"""

from aggregator.sdk.reading import Word
from aggregator.sdk.status import Status

KEYS: dict[str, Word] = {
    "trackstatus.submitted": Status.SUBMITTED,
    "trackstatus.review": (Status.IN_PROGRESS, "RPO"),
    "trackstatus.police.verification": (Status.IN_PROGRESS, "POLICE"),
    "trackstatus.pre.verification.printed": (Status.IN_PROGRESS, "POLICE_PRE_PRINTED"),
    "trackstatus.granted": (Status.APPROVED, "GRANTED"),
    "trackstatus.dispatched": Status.DISPATCHED,
    "trackstatus.delivered": Status.COMPLETED,
}

_DAY = r"\d{2}[-/]\d{2}[-/]\d{4}"
PHRASES: dict[str, Word] = {
    r".*application has been submitted": Status.SUBMITTED,  # R
    r".*application has been received at the Passport Seva Kendra": (Status.ACKNOWLEDGED, "PSK"),  # O: visit done
    rf"Appointment .*scheduled for {_DAY}": (Status.SCHEDULED, "APPOINTMENT"),  # R
    r"Application is under review at Regional Passport Office": (Status.IN_PROGRESS, "RPO"),  # V
    r"Police Verification has been initiated": (Status.IN_PROGRESS, "POLICE"),  # R
    r"Pending for Police Verification": (Status.IN_PROGRESS, "POLICE"),  # R
    r"Police Report Has Not Been Received": (Status.IN_PROGRESS, "POLICE"),  # V
    r".*printed.*police verification.*": (Status.IN_PROGRESS, "POLICE_PRE_PRINTED"),  # R
    r"Police report.*clear": (Status.IN_PROGRESS, "POLICE_DONE"),  # R
    r"Please furnish.*": (Status.AWAITING_CITIZEN, "DOCUMENTS"),  # V
    r"clarification": (Status.AWAITING_CITIZEN, "DOCUMENTS"),
    r"show cause": (Status.AWAITING_CITIZEN, "DOCUMENTS"),
    r"Passport application has been granted": (Status.APPROVED, "GRANTED"),  # R
    r"Passport has been printed": (Status.APPROVED, "PRINTED"),  # V
    rf"Passport has been dispatched on {_DAY} via Speed Post.*tracking.*": Status.DISPATCHED,  # V
    # "undelivered" ends in "delivered", and a dispatch may promise to be: neither is in the citizen's hands.
    r"(?!Passport has been dispatched).*\bdelivered": Status.COMPLETED,  # R
    r".*returned undelivered": (Status.AWAITING_CITIZEN, "RETURNED"),  # R
    r"Adverse police report": (Status.IN_PROGRESS, "POLICE_ADVERSE"),  # R
    r"refused": Status.REJECTED,  # R
    r"rejected": Status.REJECTED,  # R
    r"closed.*non appearance": (Status.WITHDRAWN, "NON_APPEARANCE"),  # R
    r"impounded": (Status.REJECTED, "IMPOUNDED"),  # R
}

STATES: dict[str, Word] = {  # of searchApplication, before the file is open; O
    "DRAFT": Status.SUBMITTED,
    "FEE_PENDING": Status.AWAITING_PAYMENT,
    "FEE_PAID": Status.ACKNOWLEDGED,
    "APPOINTMENT_BOOKED": (Status.SCHEDULED, "APPOINTMENT"),
    "APPOINTMENT_MISSED": (Status.AWAITING_CITIZEN, "APPOINTMENT_MISSED"),
    "CANCELLED": Status.WITHDRAWN,
}
FILE_OPEN = "FILE_OPEN"

REASONS = {  # O
    "PSP-101": "file_closed",
    "PSP-102": "not_eligible",
    "PSP-103": "slot_gone",
    "PSP-104": "reschedule_limit",
    "PSP-105": "duplicate",
    "PSP-106": "fee_mismatch",
    "PSP-107": "already_paid",
}

FIELDS = {  # theirs -> ours, for complaints about a field
    "applDob": "date_of_birth",
    "fileNo": "file_no",
    "refNo": "file_no",
    "givenName": "given_name",
    "placeOfBirth": "place_of_birth",
    "policeStation": "police_station",
    "bankRef": "bank_ref",
}

MISS = r"is either wrong or information not available"
"""One answer for an unknown number and a wrong birth date (V), wherever in the sentence."""
NO_RECORD = "not available"
"""They give a sentence with the citizen's number in it instead of a code; this part of it may be logged."""
SPEED_POST = r"\b[A-Z]{2}[0-9]{9}IN\b"
EXISTING = ("arn", "appointmentId", "receiptNo")
"""Where "already exists" names the first one."""
