"""What an event of each type may say: a closed list of fields, none of which has room for personal data.

The log refuses an event of another type or with another field, and readers get the same list as JSON Schema at the
address each event names as its `dataschema`.
"""

from typing import Any

_STATUS = {"before", "status", "reason"}
_OPERATION = {"operation", "before", "state", "attempt", "reason"}
_READING = {"agency_code", "status"}
_DECIDED = {"item", "action", "operation", "by", "second"}
_OPERATIONS = (
    "ready", "sending", "held", "not-sent", "pending", "confirmed", "rejected", "in-doubt", "absent-once", "absent",
    "late-answer", "resend", "resend-authorised", "needs-human", "conflict", "expired", "cancelled",
)  # fmt: skip

EVENTS: dict[str, set[str]] = {
    "case.accepted": {"service", "kind", "livemode", "status"},
    "case.rebuilt": {"service", "kind", "livemode"},
    "case.status-changed": _STATUS,
    "case.withdrawal-remembered": set(),
    "case.withdrawal-too-late": {"reason"},
    "leg.status-changed": _STATUS,
    **{f"operation.{name}": _OPERATION for name in _OPERATIONS},
    "status.unmapped": _READING,
    "status.out-of-order": _READING,
    "status.regressed": _READING,
    "agency.contract-broken": {"operation", "why"},
    "agency.misconfigured": {"operation", "why"},
    "agency.breaker-changed": {"operation_class", "before", "breaker", "why"},
    "agency.quarantine-left": set(),
    "feed.epoch-changed": {"reason"},
    "citizen.erased": set(),
    "assistance.began": {"assistance", "assistant", "minutes"},
    "assistance.acted": {"assistance", "assistant", "act"},
    "assistance.ended": {"assistance", "assistant"},
    **{f"nominee.{name}": {"nomination"} for name in ("named", "accepted", "declined", "withdrawn")},
    "nominee.asked": {"item", "reason"},
    "nominee.proposed": {"item", "action", "by"},
    "nominee.decided": {"item", "action", "by", "second"},
    "nominee.stopped": {"item"},
    "nominee.acted": {"assistance", "assistant", "act"},
    "access.recorded": {"looks", "digest"},
    "payment.opened": {"phase"},
    "payment.changed": {"before", "phase", "reason"},
    "payment.refund-wanted": set(),
    "payment.overdue": {"reason"},
    "payment.mismatch": {"reason"},
    "agency.record-missing": {"operation"},
    "agency.switched": {"action", "by"},
    "callback.received": set(),
    "callback.altered": set(),
    "callback.echo": set(),
    "callback.refused": {"why"},
    "worklist.ageing": {"item", "kind", "operation", "reason", "owner", "level", "age_s"},
    "worklist.opened": {"item", "kind", "reason"},
    "worklist.noted": _DECIDED,
    "worklist.proposed": _DECIDED,
    "worklist.decided": _DECIDED,
}
"""Every type of event, by its short name, with the fields of its `data`."""

_FIELDS: dict[str, tuple[str, dict[str, Any]]] = {
    "service": ("Service id of the catalogue", {"type": "string", "maxLength": 120}),
    "kind": (
        "Kind of case (APPLICATION, COMPLAINT ...) or of worklist item (operation, orphan ...)",
        {"type": "string", "maxLength": 40},
    ),
    "livemode": ("False when a sandbox is involved", {"type": "boolean"}),
    "status": ("The status after this event", {"type": "string", "maxLength": 40}),
    "before": ("The status or state before it", {"type": "string", "maxLength": 40}),
    "reason": ("Reason code; its sentence is in the case", {"type": "string", "maxLength": 80}),
    "operation": ("What is asked of the agency: submit, pay, cancel ...", {"type": "string", "maxLength": 40}),
    "state": ("State of the operation after this event", {"type": "string", "maxLength": 40}),
    "attempt": ("Number of the attempt, from 1; 0 before the first", {"type": "integer", "minimum": 0}),
    "agency_code": ("The agency's code, or sha256: of its free words", {"type": "string", "maxLength": 200}),
    "why": ("Name of an error class or of the check that failed", {"type": "string", "maxLength": 120}),
    "operation_class": ("Agency and class of operation whose circuit turned", {"type": "string", "maxLength": 80}),
    "phase": ("Where the money is: WAITING, POSTING, REFUNDED ...", {"type": "string", "maxLength": 40}),
    "item": ("What waits for a person: an operation, or another room's item", {"type": "string", "maxLength": 40}),
    "action": (
        "What was decided: CONFIRM, REJECT, RESEND, CANCEL, EXPIRE, NOTE ...",
        {"type": "string", "maxLength": 40},
    ),
    "by": ("Code of the person's name, never the name", {"type": "string", "maxLength": 20}),
    "second": ("Code of the second person's name", {"type": "string", "maxLength": 20}),
    "owner": ("system, or the queue of people whose it is", {"type": "string", "maxLength": 80}),
    "level": ("warn after two hours, page after a day", {"type": "string", "maxLength": 10}),
    "age_s": ("Seconds it has waited", {"type": "integer", "minimum": 0}),
    "looks": ("How many looks at citizens' records were written down", {"type": "integer", "minimum": 1}),
    "digest": ("SHA-256 over those lines, in hex", {"type": "string", "maxLength": 64}),
    "assistance": ("Somebody acting for a citizen with the citizen's code", {"type": "string", "maxLength": 40}),
    "assistant": ("Pseudonym of who acts, never a name", {"type": "string", "maxLength": 40}),
    "nomination": ("Somebody named for after death or incapacity", {"type": "string", "maxLength": 40}),
    "act": ("What was done: OPEN_CASE, UPLOAD_DOCUMENT ...", {"type": "string", "maxLength": 60}),
    "minutes": ("How long it may last", {"type": "integer", "minimum": 1}),
    "breaker": ("closed, open or half-open", {"type": "string", "maxLength": 20}),
}


def schema_of(event_type: str) -> dict[str, Any] | None:
    """The JSON Schema (2020-12) of an event's `data`, or None for a type that does not exist."""
    fields = EVENTS.get(event_type)
    if fields is None:
        return None
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": event_type,
        "type": "object",
        "properties": {name: {"description": _FIELDS[name][0], **_FIELDS[name][1]} for name in sorted(fields)},
        "additionalProperties": False,
    }
