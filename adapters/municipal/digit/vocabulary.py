"""The platform's words, as data: published workflow states, error codes, and what each of our offers is called there.

A deployment may have other states: those are read from its own workflow service (`workflow`), and this table is what
stands in when it cannot be asked. Marks: V published contracts and server code, O ours.
"""

import re
from dataclasses import dataclass

from aggregator.sdk.reading import Word
from aggregator.sdk.status import Status

COMPLAINTS = {  # offer -> serviceCode, V: the state's published master data
    "street_light": "Streetlightsnotfunctioning",
    "garbage": "Garbagenotliftedfromroadauthorisedcollectionpoint",
    "dustbin": "Garbagebinoverflowing",
    "water_leak": "RepairingofPipeline",
    "low_water_pressure": "Lesswatercomingwithlowpressure",
    "pothole": "PotholesBadpatchesontheroad",
    "drain": "Drainchocking",
    "mosquito": "MosquitoNuisance",
    "stray_dogs": "Nuisanceduetostraydogs",
    "dead_animal": "Removalofdeadanimal",
}

BILLS = {"water_bill": "WS", "holding_tax": "PT", "hall_booking": "chb-services"}
"""Offer -> businessService."""

PGR = "PGR"
PGR_STATES: dict[str, Word] = {  # V
    "PENDINGFORASSIGNMENT": Status.ACKNOWLEDGED,
    "PENDINGATLME": Status.ASSIGNED,
    "PENDINGFORREASSIGNMENT": (Status.IN_PROGRESS, "REASSIGN"),
    "PENDINGATSUPERVISOR": (Status.IN_PROGRESS, "ESCALATED"),
    "RESOLVED": Status.RESOLVED_BY_AGENCY,
    "RESOLVEDBYSUPERVISOR": Status.RESOLVED_BY_AGENCY,
    "CLOSEDAFTERRESOLUTION": Status.COMPLETED,
    "REJECTED": Status.REJECTED,
    "CLOSEDAFTERREJECTION": Status.REJECTED,
    "CANCELLED": Status.WITHDRAWN,
}

QUEUED = "QUEUED"
MISSING = "confirmed_but_missing"

PAYMENT_STATES: dict[str, Word] = {  # V
    "NEW": Status.COMPLETED,
    "DEPOSITED": Status.COMPLETED,
    "RECONCILED": Status.COMPLETED,
    "CANCELLED": Status.REJECTED,
    "DISHONOURED": Status.REJECTED,
}

BOOKING_STATES: dict[str, Word] = {  # of two versions of the hall service; V
    "BOOKING_CREATED": Status.SUBMITTED,
    "INITIATED": Status.SUBMITTED,
    "PENDING_FOR_VERIFICATION": Status.IN_PROGRESS,
    "VENUE_INSPECTION": Status.IN_PROGRESS,
    "CANCELLATION_REQUESTED": Status.IN_PROGRESS,
    "CITIZEN_ACTION_REQUIRED": Status.AWAITING_CITIZEN,
    "PENDING_FOR_PAYMENT": Status.AWAITING_PAYMENT,
    "PENDING_PAYMENT": Status.AWAITING_PAYMENT,
    "PAYMENT_FAILED": Status.AWAITING_PAYMENT,
    "BOOKED": Status.SCHEDULED,
    "PAYMENT_DONE": Status.SCHEDULED,
    "CANCELLED": Status.WITHDRAWN,
    "REFUND_COMPLETED": Status.WITHDRAWN,
}


@dataclass(frozen=True, slots=True)
class Module:
    """One application module. `business` is its business service in the workflow, `grants` whether a paper follows."""

    business: str
    path: str
    asked_by: str
    rows: str
    number: str
    status: str = "applicationStatus"
    grants: bool = False


APPLICATIONS = {
    "trade_licence_status": Module(
        "NewTL", "/tl-services/v1/_search", "applicationNumber", "Licenses", "applicationNumber", "status", grants=True
    ),
    "building_plan_status": Module(
        "BPA", "/bpa-services/v1/bpa/_search", "applicationNo", "BPA", "applicationNo", "status", grants=True
    ),
    "water_connection_status": Module(
        "NewWS1", "/ws-services/wc/_search", "applicationNumber", "WaterConnection", "applicationNo"
    ),
}

# applicationStatus -> state, where the published configurations call one thing by two names.
STATE_OF = {"CITIZEN_APPROVAL_INPROCESS": "CITIZEN_APPROVAL_PENDING", "PERMIT REVOCATION": "REVOCATED"}

_RULES: tuple[tuple[str, Word], ...] = (  # on state.state, the first match counts; V
    (r"INITIATED|OPEN|SEND_TO_CITIZEN|INPROGRESS", Status.SUBMITTED),
    (r"APPLIED", Status.ACKNOWLEDGED),
    (
        r"CITIZENACTIONREQUIRED.*|PENDING_FOR_CITIZEN_ACTION|CORRECTIONPENDING|CITIZEN_APPROVAL_PENDING|BACK_FROM_.*",
        Status.AWAITING_CITIZEN,
    ),
    (r"PENDING.*PAYMENT.*", Status.AWAITING_PAYMENT),
    (
        r"PAID|.*VERIF.*|.*INSPECTION.*|PENDINGAPPROVAL|PENDING_(?:FOR_APPROVAL|APPROVAL_.*)|PENDING_FOR_COUNTER.*",
        Status.IN_PROGRESS,
    ),
    (r"PENDING_FOR_.*(?:ACTIVATION|EXECUTION)", Status.IN_PROGRESS),
    (r"CONNECTION_ACTIVATED|DISCONNECTION_EXECUTED", Status.COMPLETED),
    (r"REJECTED|REVOCATED", Status.REJECTED),
    (r"CANCELLED", Status.WITHDRAWN),
    (r"EXPIRED|MANUALEXPIRED", (Status.COMPLETED, "EXPIRED")),
)
APPROVED: dict[bool, Word] = {True: (Status.APPROVED, "GRANTED"), False: Status.COMPLETED}
"""By whether a paper follows the approval."""


def meaning_of(state: str, *, grants: bool) -> Word | None:
    """What an application's state means; None for one that no published configuration has."""
    plain = STATE_OF.get(state, state)
    if plain == "APPROVED":
        return APPROVED[grants]
    return next((meaning for pattern, meaning in _RULES if re.fullmatch(pattern, plain)), None)


REASONS = {
    "INVALID_SERVICECODE": "fields_invalid",
    "INVALID_SOURCE": "fields_invalid",
    "INVALID_BOUNDARY": "fields_invalid",
    "INVALID_BOUNDARY_CODE": "fields_invalid",
    "INVALID_REQUEST": "fields_invalid",
    "INVALID_ACCOUNTID": "account_closed",
    "INVALID_ASSIGNMENT": "refused",
    "INVALID_ACTION": "wrong_state",
    "INVALID_UPDATE": "not_found",
    "INVALID_BILL_ID": "not_found",
    "INVALID_PAYMENT": "fee_mismatch",
    "INVALID_PAYMENT_MODE": "fields_invalid",
    "INVALID_PAYMENT_DETAILS": "fee_mismatch",
    "INVALID_PAYMENT_DETAIL": "fee_mismatch",
    "TXN_CREATE_BILL_ALREADY_PAID": "already_paid",
    "TXN_ABRUPTLY_DISCARDED": "already_open",
    "EG_BS_BILL_INVALID": "refused",
    "CHB_SLOT_ALREADY_BOOKED": "slot_gone",
    "CHB_HOLD_EXPIRED": "slot_gone",
    "OTP.UNKNOWN_USER": "not_found",
}

FIELDS = {  # code -> the field of our form it is about
    "INVALID_SERVICECODE": "complaint",
    "INVALID_BOUNDARY": "locality",
    "INVALID_BOUNDARY_CODE": "locality",
    "INVALID_PAYMENT": "amount_paise",
    "INVALID_BILL_ID": "bill_id",
}

OUR_MISTAKES = frozenset(
    {"JsonParseException", "ResourceNotFoundException", "INVALID_SEARCH", "INVALID SEARCH", "TENANT_ID_LIST_EMPTY"}
    | {"INVALID_REQUESTINFO", "EG_BS_BUSINESSSERVICE", "INVALID_TENANT_ID_MDMS_KEY"}
)
"""Codes that reject us, not the citizen."""

TROUBLES = frozenset({"JSONPATH_ERROR", "PARSING_ERROR", "BOUNDARY_SERVICE_SEARCH_ERROR"})
"""By their source raised before anything is queued; a doubt all the same."""

NOT_YET = "INVALID_UPDATE"
TOKEN = "InvalidAccessTokenException"  # noqa: S105 - the name of an error
THROTTLED = "RateLimitExceededException"
AUTH_DOWN = "User authentication service is down"
