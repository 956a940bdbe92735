"""Open311's words, as data: two of the specification, the rest from extensions that two open clients show.

`_` stands for a blank in some servers; it is read as one. Marks: V verified, O ours.
"""

from aggregator.sdk.reading import Word
from aggregator.sdk.status import Status

OPEN = "open"
STATUS: dict[str, Word] = {
    OPEN: Status.SUBMITTED,  # V; being worked on once somebody is named as responsible, see reports.reading
    "closed": Status.RESOLVED_BY_AGENCY,  # V
    "investigating": Status.IN_PROGRESS,  # V (extension), as all below
    "in progress": Status.IN_PROGRESS,
    "for triage": Status.IN_PROGRESS,
    "action scheduled": Status.SCHEDULED,
    "planned": Status.SCHEDULED,
    "fixed": Status.RESOLVED_BY_AGENCY,
    "duplicate": (Status.RESOLVED_BY_AGENCY, "DUPLICATE"),
    "no further action": (Status.RESOLVED_BY_AGENCY, "NO_FURTHER_ACTION"),
    "not councils responsibility": Status.TRANSFERRED,
    "internal referral": Status.TRANSFERRED,
    "cancelled": Status.WITHDRAWN,
    "reopen": (Status.IN_PROGRESS, "REOPENED"),
}

REQUESTS = frozenset({"service_requests"})
SERVICES = frozenset({"services"})
DEFINITION = frozenset({"service_definition"})
UPDATES = frozenset({"service_requests_updates", "service_request_updates"})
"""One name in the answer to GET, another in the answer to POST (V); read as one."""
DISCOVERY = frozenset({"discovery"})

FIELDS = {  # theirs, as it may stand in the text of an error -> ours
    "service_code": "service_code",
    "lat": "latitude",
    "long": "longitude",
    "address_string": "address",
    "address_id": "address",
    "description": "text",
    "media_url": "photo_url",
    "email": "email",
    "phone": "mobile",
    "first_name": "first_name",
    "last_name": "last_name",
}
REALTIME, BATCH, BLACKBOX = "realtime", "batch", "blackbox"
