"""The simulated platform's documents with their content spoilt, fault by fault."""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aggregator.sdk.testing.pages import words_for

Part = dict[str, Any]
_KEYS = {
    "list_services": "serviceCode",
    "history": "businessId",
    "bill": "consumerCode",
    "pay": "transactionNumber",
    "payment_status": "transactionNumber",
    "lookup": "registrationno",
    "slots": "hallCode",
    "book": "bookingNo",
}
_NUMBERS = ("serviceRequestId", "applicationNumber", "applicationNo")
_WANTED = {"bill": "totalAmount"}
_LISTS = (
    "ProcessInstances",
    "Bill",
    "Payments",
    "Licenses",
    "BPA",
    "WaterConnection",
    "birthCerts",
    "deathCerts",
    "hallsBookingApplication",
    "hallSlotAvailabilityDetails",
)


def parts_of(document: Mapping[str, Any]) -> list[Part]:
    """The records of a document, whatever they are called."""
    return list(_parts(document))


def _parts(document: Mapping[str, Any]) -> Iterator[Part]:
    for wrapper in document.get("ServiceWrappers", []):
        yield wrapper["service"]
    for name in _LISTS:
        yield from document.get(name, [])
    for module in document.get("MdmsRes", {}).values():
        yield from module["ServiceDefs"]


def bent(operation: str, document: Any, fault: str) -> Any:
    """The document as the fault wants it; the given one when the fault does not concern its content."""
    twist = _TWISTS.get(fault)
    if twist is None or not isinstance(document, dict) or "Errors" in document:
        return document
    document = copy.deepcopy(document)
    for part in parts_of(document):
        key = _KEYS.get(operation) or next((name for name in _NUMBERS if name in part), "id")
        twist(part, key, operation, fault)
    return document


def _another(part: Part, key: str, operation: str, _fault: str) -> None:
    if operation == "submit":
        part["additionalDetail"] = {"clientRef": "STRANGER-1"}
    elif operation == "book":
        part["purposeDescription"] = "Another purpose [STRANGER-1]"
    else:
        part[key] = "STRANGER-1"


def _another_citizen(part: Part, key: str, operation: str, fault: str) -> None:
    if "citizen" in part:
        part["citizen"] = {"name": "Another Citizen", "mobileNumber": "9000099999"}
    else:
        _another(part, key, operation, fault)


def _extra(part: Part, _key: str, _operation: str, _fault: str) -> None:
    part["newField"] = "1"


def _missing(part: Part, key: str, operation: str, _fault: str) -> None:
    part.pop(_WANTED.get(operation, key), None)


def _loose(part: Part, _key: str, _operation: str, _fault: str) -> None:
    for name in ("totalAmount", "totalAmountPaid", "transactionDate", "billDate"):
        if name in part:
            part[name] = str(part[name])
    audit = part.get("auditDetails")
    if isinstance(audit, dict):
        audit.update({name: str(value) for name, value in audit.items()})


def _worded(part: Part, _key: str, _operation: str, fault: str) -> None:
    part["remarks"] = words_for(fault)


def _masked(part: Part, _key: str, _operation: str, _fault: str) -> None:
    if "citizen" in part:
        part["citizen"] = {"name": "T**T C*****N", "mobileNumber": "9******000"}


def _undated(part: Part, _key: str, _operation: str, _fault: str) -> None:
    if "auditDetails" in part:
        part["auditDetails"] = {"createdTime": 0, "lastModifiedTime": 0}


_TWISTS: dict[str, Callable[[Part, str, str, str], None]] = {
    "206": _another,
    "207": _extra,
    "208": _missing,
    "209": _loose,
    "703": _worded,
    "704": _worded,
    "705": _worded,
    "706": _worded,
    "805": _masked,
    "811": _another_citizen,
    "812": _undated,
}
