"""The simulated authority's documents with their content spoilt, fault by fault."""

import copy
from collections.abc import Callable
from typing import Any

from aggregator.sdk.testing.pages import words_for

_WANTED = {
    "submit": "arn",
    "find": "arn",
    "pay": "receiptNo",
    "slots": "time",
    "book": "appointmentId",
    "reschedule": "appointmentId",
    "cancel": "cancelledOn",
    "remind": "reminderNo",
    "document": "pdf",
    "track": "FILE_NO",
}
_ROWS = ("applicationStatus", "applications", "slots")
_STRANGER = {
    "clientRef": "STRANGER-1",
    "arn": "26-9999999999",
    "applDob": "31/12/1999",
    "DATE_OF_BIRTH": "31/12/1999",
    "fileNo": "SI9999999999999",
    "refNo": "SI9999999999999",
    "FILE_NO": "SI9999999999999",
}


def bent(operation: str, document: Any, fault: str) -> Any:
    """The envelope as the fault wants it; the given one when the fault does not concern its content."""
    twist = _TWISTS.get(fault)
    if twist is None or not isinstance(document.get("requestResponseMap"), dict):
        return document
    document = copy.deepcopy(document)
    result = document["requestResponseMap"]
    rows: list[dict[str, Any]] = next((result[name] for name in _ROWS if name in result), [])
    twist(operation, result, rows, fault)
    return document


def _another(_operation: str, result: dict[str, Any], rows: list[dict[str, Any]], _fault: str) -> None:
    for part in (result, *rows):
        part.update({name: value for name, value in _STRANGER.items() if name in part})


def _another_birth(_operation: str, result: dict[str, Any], rows: list[dict[str, Any]], _fault: str) -> None:
    for part in (result, *rows):
        part.update({name: _STRANGER[name] for name in ("applDob", "DATE_OF_BIRTH") if name in part})


def _extra(_operation: str, result: dict[str, Any], rows: list[dict[str, Any]], _fault: str) -> None:
    for part in (result, *rows):
        part["NEW_FIELD"] = "1"


def _missing(operation: str, result: dict[str, Any], rows: list[dict[str, Any]], _fault: str) -> None:
    for part in rows or [result]:
        part.pop(_WANTED[operation], None)


def _loose(_operation: str, result: dict[str, Any], rows: list[dict[str, Any]], _fault: str) -> None:
    for part in (result, *rows):
        for name, value in part.items():
            if name in {"IVR_CODE", "SMS_CODE", "SERVICE_MASTER_FK", "PV_VERIFICATION_FK"} and value:
                part[name] = int(value)
            elif name == "feeAmount":
                part[name] = 1500
            elif name in {"free", "left"}:
                part[name] = str(value)


def _worded(_operation: str, result: dict[str, Any], rows: list[dict[str, Any]], fault: str) -> None:
    result["message"] = words_for(fault)
    for row in rows:
        row["APPL_SURNAME" if "APPL_SURNAME" in row else "message"] = words_for(fault)


def _masked(_operation: str, _result: dict[str, Any], rows: list[dict[str, Any]], _fault: str) -> None:
    for row in rows:
        row.update({"APPL_GIVEN_NAME": "T**T", "APPL_SURNAME": "C*****N"})


def _undated(_operation: str, _result: dict[str, Any], rows: list[dict[str, Any]], _fault: str) -> None:
    for row in rows:
        row.update({"APP_SUB_DATE": "", "LAST_MODIFIED_DATEZ": "0001-01-01"})


def _odd_seconds(_operation: str, _result: dict[str, Any], rows: list[dict[str, Any]], _fault: str) -> None:
    for row in rows:
        row["LAST_MODIFIED_DATEZ"] = "15/01/2026 05:02:62604"


_TWISTS: dict[str, Callable[[str, dict[str, Any], list[dict[str, Any]], str], None]] = {
    "206": _another,
    "207": _extra,
    "208": _missing,
    "209": _loose,
    "703": _worded,
    "704": _worded,
    "705": _worded,
    "706": _worded,
    "805": _masked,
    "811": _another_birth,
    "812": _undated,
    "813": _odd_seconds,
}
