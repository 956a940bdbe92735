"""The simulated police's words, codes and faults, and what on the menu has no meaning for which operation."""

from collections.abc import Mapping

from aggregator.sdk.testing.faults import MENU, Fault, Way
from aggregator.sdk.testing.simulator import Bounds

READS: Mapping[str, str] = {
    "GetServiceList": "list_services",
    "GetPoliceStations": "lookup",
    "SearchServiceRequest": "find",
    "GetServiceRequestStatus": "track",
    "GetServiceRequestHistory": "history",
    "GetCertificate": "document",
}
WRITES: Mapping[str, str] = {
    "SubmitServiceRequest": "submit",
    "RespondToQuery": "reply",
    "PayServiceFee": "pay",
    "LodgeReminder": "remind",
    "CancelServiceRequest": "cancel",
}
"""Their operations and ours: the ledger, the faults and the counts speak our names."""
DATASETS = frozenset({"list_services", "lookup", "find", "track", "history"})
MAGIC_MOBILE = r"900000(\d{4})"
MAGIC_NUMBER = r"OP99[A-Z]{3}000(\d{4})"
STORED_SKIPS = frozenset({"101", "102", "103", "104", "105", "106", "108"})
SEARCH_FAULTS = frozenset({"100", "206", "207", "208", "703", "704", "705", "706", "707", "708", "710"})
SEARCH_FAULTS |= {"800", "801", "803", "804", "808", "809", "811", "812"}
KEPT_BY_THE_MACHINE = frozenset({"808", "809"})
"""Of a stored record: hidden references and broken searches are the shared machine's business."""
CODES = {"101": "21", "102": "12", "103": "77", "104": "13", "106": "11", "108": "24", "713": "91", "715": "92"}
MESSAGES: Mapping[str, str] = {
    "0": "Success",
    "11": "Service is not active",
    "12": "Mandatory field missing",
    "13": "Mobile number does not match",
    "14": "Police station not of this district",
    "15": "Document type or size not allowed",
    "16": "FIR is sensitive, copy not available online",
    "21": "Service request not found",
    "22": "Not allowed in this state",
    "23": "Challan already recorded",
    "24": "Amount differs from the fee",
    "31": "Certificate not ready",
    "77": "Something nobody has listed",
    "91": "Database busy",
    "92": "Under maintenance till 15/01/2026 06:00:00",
}
BOUNDS = {"submit": Bounds(300, 20), "pay": Bounds(300, 20), "reply": Bounds(120, 20), "cancel": Bounds(60, 20)}

_NO, _YES, _ONCE, _ALWAYS = False, True, True, False
OWN_FAULTS: Mapping[str, Fault] = {
    row[0]: Fault(*row)
    for row in (
        ("707", _YES, _ALWAYS, Way.ANSWER, "value", "value"),
        ("708", _YES, _ALWAYS, Way.ANSWER, "value", "value"),
        ("709", _NO, _ALWAYS, Way.PAGE, "refused", "refused"),
        ("710", _YES, _ALWAYS, Way.ANSWER, "value", "value"),
        ("711", _NO, _ONCE, Way.PAGE, "value", "misconfigured"),
        ("712", _NO, _ONCE, Way.PAGE, "value", "unknown"),
        ("713", _NO, _ONCE, Way.REFUSAL, "unavailable", "unknown"),
        ("714", _YES, _ONCE, Way.ANSWER, "value", "unknown"),
        ("715", _NO, _ONCE, Way.REFUSAL, "unavailable", "unavailable"),
    )
}
NAMELESS = frozenset({"list_services", "lookup"})
"""They ask for nobody: no identifier of theirs can be magic, only `PUT /faults` reaches them."""
_OF_STATUS = frozenset({"109", "800", "801", "802", "804", "812", "813", "814"})
_CONTENT = frozenset(code for code, fault in MENU.items() if fault.way in {Way.ANSWER, Way.REFUSAL})
_OF_DATASETS = frozenset({"707", "708", "710"})
_NOT_FOR_READS = frozenset({"105", "108", "714"})
_NOT_FOR_WRITES = _OF_DATASETS | _OF_STATUS - {"109"} | {"100", "803"}
NOT_APPLICABLE: Mapping[str, frozenset[str]] = {
    "*": frozenset({"107", "805"}),
    **dict.fromkeys(NAMELESS, _CONTENT - {"000", "203", "205", "700"} | _NOT_FOR_READS | {"808", "809"}),
    "find": (frozenset(MENU) | OWN_FAULTS.keys()) - SEARCH_FAULTS - {"000"},
    "track": _NOT_FOR_READS | {"803"},
    "history": _NOT_FOR_READS | {"109", "802", "803", "814"},
    "document": _NOT_FOR_READS | _OF_DATASETS | _OF_STATUS | {"803"},
    "pay": _NOT_FOR_WRITES,
    **dict.fromkeys(("submit", "reply", "remind", "cancel"), _NOT_FOR_WRITES | {"105"}),
}
