"""What the simulated city takes reports for, the questions of its forms, and which faults mean nothing here."""

from collections.abc import Mapping
from typing import Any

from aggregator.sdk.testing.simulator import Bounds

KEY = "sim-key"
RESOLVED_AFTER_S = 60
RESPONSIBLE_AFTER_H, CLOSED_AFTER_H = 1, 26
TWINS_WITHIN_H = 24
DUPLICATE = "base is a duplicate"
OFFICE = "Ward office, Demo Colony"


def _service(code: str, name: str, kind: str, group: str, *, metadata: bool = False) -> dict[str, Any]:
    told = {"service_code": code, "service_name": name, "description": f"{name}, simulated"}
    return told | {"metadata": str(metadata).lower(), "type": kind, "keywords": "sim", "group": group}


SERVICES = {
    "001": _service("001", "Street light out", "realtime", "light", metadata=True),
    "002": _service("002", "Garbage not lifted", "batch", "sanitation"),
    "003": _service("003", "Suggestion", "blackbox", "other"),
    "004": _service("004", "Damaged road", "realtime", "road", metadata=True),
    "005": _service("005", "Public toilet", "realtime", "sanitation"),
}


def _question(code: str, datatype: str, order: int, text: str, **more: Any) -> dict[str, Any]:
    told = {"variable": "true", "code": code, "datatype": datatype, "required": "false", "datatype_description": ""}
    return told | {"order": str(order), "description": text} | more


def _choices(**named: str) -> list[dict[str, str]]:
    return [{"key": key, "name": name} for key, name in named.items()]


QUESTIONS: Mapping[str, list[dict[str, Any]]] = {
    "001": [_question("POLE", "string", 1, "Number on the pole")],
    "004": [
        _question("NOTE", "text", 1, "Roads of the highway authority are not ours", variable="false"),
        _question(
            "SURFACE",
            "singlevaluelist",
            2,
            "Surface",
            required="true",
            values=_choices(ASPHALT="Asphalt", CONCRETE="Concrete", PAVING="Paving blocks"),
        ),
        _question(
            "HAZARD",
            "multivaluelist",
            3,
            "Danger to",
            values=_choices(TWO="Two-wheelers", FOOT="People on foot", WATER="Water pipes"),
        ),
        _question("SIZE_CM", "number", 4, "Size in centimetres"),
        _question("SEEN_AT", "datetime", 5, "Seen at"),
        _question("LANDMARK", "string", 6, "Landmark"),
        _question("DETAILS", "text", 7, "Details"),
    ],
}

READS = frozenset({"probe", "list_services", "form", "find", "track", "changes", "history"})
_NOWHERE = frozenset({"104", "106", "108", "109", "401"}) | {str(code) for code in range(900, 910)}
_STATES = frozenset({"800", "801", "802", "804", "805", "812", "813", "814"})
_WRITES = frozenset({"206", "811"})
"""The answer to a post echoes nothing that another citizen's could differ in."""
NOT_APPLICABLE: Mapping[str, frozenset[str]] = {
    "*": _NOWHERE,
    "submit": _WRITES,
    "submit_blackbox": _WRITES | {"105", "107"},
    "reply": _WRITES | {"105", "107"},
    "track": frozenset({"105", "107", "803"}),
    "history": _STATES | {"105", "107", "206", "803", "811"},
    "find": frozenset({"105", "107"}),
    "form": frozenset({"105", "107"}),
    "probe": frozenset({"808", "809"}),
}
BOUNDS = {name: Bounds(300, 120) for name in ("submit", "reply")}
STATUS_OF_FAULT = {"800": "", "801": "PASSED_TO_MARS", "804": "शिकायत खुली है"}
BACKWARDS = ("closed", "closed", "open")
