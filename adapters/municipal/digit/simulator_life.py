"""A complaint's life is a table of hours by the simulator's clock; a step starts it anew. Nothing in it sleeps."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

HOUR_S = 3600
LIFE = (
    (0, "PENDINGFORASSIGNMENT", "APPLY"),
    (HOUR_S, "PENDINGATLME", "ASSIGN"),
    (25 * HOUR_S, "RESOLVED", "RESOLVE"),
    (97 * HOUR_S, "CLOSEDAFTERRESOLUTION", "RATE"),
)
ENDS = {"CANCEL": "CANCELLED", "RATE": "CLOSEDAFTERRESOLUTION"}
MAY = {
    "CANCEL": frozenset({"PENDINGFORASSIGNMENT", "PENDINGATLME", "RESOLVED"}),
    "REOPEN": frozenset({"RESOLVED", "REJECTED"}),
    "RATE": frozenset({"RESOLVED"}),
    "COMMENT": frozenset({"PENDINGFORASSIGNMENT", "PENDINGATLME", "RESOLVED"}),
}
STATES = {
    "PGR": {
        **{word: word for _, word, _ in LIFE},
        "PENDINGFORREASSIGNMENT": "PENDINGFORREASSIGNMENT",
        "PENDINGATSUPERVISOR": "PENDINGATSUPERVISOR",
        "REJECTED": "REJECTED",
        "CANCELLED": "CANCELLED",
        "CLOSEDAFTERREJECTION": "CLOSEDAFTERREJECTION",
    },
    "BPA": {
        "INITIATED": "SEND_TO_CITIZEN",
        "CITIZEN_APPROVAL_INPROCESS": "CITIZEN_APPROVAL_PENDING",
        "PENDINGAPPROVAL": "PENDINGAPPROVAL",
        "APPROVED": "APPROVED",
        "PERMIT REVOCATION": "REVOCATED",
        # Of this deployment alone: no published configuration says DESK_REVIEW.
        "DESK_REVIEW": "NOC_VERIFICATION_PENDING",
    },
    "NewTL": {
        word: word
        for word in (
            *("INITIATED", "APPLIED", "FIELDINSPECTION", "PENDINGAPPROVAL", "PENDINGPAYMENT", "APPROVED"),
            *("CITIZENACTIONREQUIRED", "REJECTED", "CANCELLED", "EXPIRED"),
        )
    },
    "NewWS1": {
        word: word
        for word in (
            *("INITIATED", "PENDING_FOR_DOCUMENT_VERIFICATION", "PENDING_FOR_FIELD_INSPECTION", "REJECTED"),
            *("PENDING_APPROVAL_FOR_CONNECTION", "PENDING_FOR_PAYMENT", "PENDING_FOR_CONNECTION_ACTIVATION"),
            *("CONNECTION_ACTIVATED", "PENDING_FOR_CITIZEN_ACTION"),
        )
    },
}
"""Per business service: application status -> state, as this deployment has them."""

_BACKWARDS = ("RESOLVED", "RESOLVED", "PENDINGATLME", "RESOLVED")
_FIXED = {"800": "", "801": "PENDINGATMARS", "804": "निस्तारण हेतु लंबित"}


def fixed(fault: str, polls: int) -> str:
    """The status of a magic complaint at its `polls`-th question, from 1."""
    return _BACKWARDS[min(polls, 4) - 1] if fault == "802" else _FIXED.get(fault, "PENDINGATLME")


def status_at(events: Sequence[Mapping[str, Any]], now: datetime) -> str:
    """The status after these steps, the last of which is what counts."""
    last = events[-1]
    if word := last.get("to") or ENDS.get(last["action"]):
        return str(word)
    age_s = (now - datetime.fromisoformat(last["at"])).total_seconds()
    return [word for from_s, word, _ in LIFE if from_s <= age_s or from_s == 0][-1]


def told_at(events: Sequence[Mapping[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """The steps and, after the last one, what the office did by itself."""
    told = [dict(one) for one in events]
    last = events[-1]
    if last.get("to") or last["action"] in ENDS:
        return told
    began = datetime.fromisoformat(last["at"])
    for after_s, word, action in LIFE[1:]:
        at = began + timedelta(seconds=after_s)
        if at <= now:
            told.append({"action": action, "at": at.isoformat(), "note": "", "ref": "", "to": word})
    return told
