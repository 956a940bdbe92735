"""The simulated department's words, codes, and what on the fault menu has no meaning for which operation."""

from collections.abc import Mapping

from aggregator.sdk.testing.faults import MENU
from aggregator.sdk.testing.simulator import Bounds

INFO: Mapping[str, str] = {
    "getDetails": "lookup",
    "getChasisDetails": "lookup",
    "getEngineDetails": "lookup",
    "parseCurrentDateToString": "probe",
}
APPLICATION: Mapping[str, str] = {
    "getServiceList": "list_services",
    "submitApplication": "submit",
    "findApplication": "find",
    "getApplicationStatus": "track",
    "recordConsent": "consent",
    "payFee": "pay",
    "getSlots": "slots",
    "bookSlot": "book",
    "cancelApplication": "cancel",
    "sendOtp": "send_code",
    "verifyOtp": "check_code",
}
"""Their operations by service, and ours: the ledger, the faults and the counts speak our names."""
WRITES = frozenset({"submit", "consent", "pay", "book", "cancel", "send_code", "check_code"})
MAGIC_MOBILE = r"900000(\d{4})"
STORED_SKIPS = frozenset({"101", "102", "103", "104", "105", "106", "108"})
SEARCH_FAULTS = frozenset({"100", "206", "803", "811"})
"""808 and 809 are kept by the machine: hidden references and broken searches."""
INNER = frozenset({"203", "209", "703", "704", "706"})
TEXTS = {
    "101": "Vehicle Details not Found",
    "102": "Vehicle Registration No not valid",
    "103": "Data not available at State Server",
    "403": "IP not registered",
}
READ_CODES = {"101": "301", "102": "105", "103": "199", "104": "301", "106": "103", "403": "401"}
WRITE_CODES = {"101": "301", "102": "102", "103": "199", "104": "102", "105": "104", "106": "103", "108": "106"}
WRITE_CODES |= {"403": "401"}
NEEDED = {
    "submit": {"applicationNo"},
    "pay": {"receiptNo"},
    "consent": {"recordedOn"},
    "book": {"bookingNo"},
    "cancel": {"cancelledOn"},
    "send_code": {"otpTxn"},
    "check_code": {"verifiedOn"},
    "track": {"statusCode", "statusText"},
}
BOUNDS = {
    "submit": Bounds(300, 15),
    "pay": Bounds(600, 15),
    "book": Bounds(120, 5),
    "consent": Bounds(60, 5),
    "cancel": Bounds(60, 5),
    "check_code": Bounds(60, 5),
}
MESSAGES = {
    "0": "OK",
    "101": "Vehicle or licence not found",
    "102": "Chassis digits do not match",
    "103": "Vehicle blacklisted or hypothecated",
    "104": "Application already pending",
    "105": "Consent missing",
    "106": "Fee wrong",
    "107": "Document missing",
    "199": "Some other trouble",
    "201": "Slot gone",
    "211": "Slot already booked",
    "221": "No mobile number in the record",
    "231": "Code wrong",
    "232": "Code too old",
    "233": "Code used already",
    "234": "Too many tries",
    "299": "Not in this state",
    "301": "Application not found",
    "401": "Client not known",
    "409": "Reference already used with other content",
    "498": "Request not readable",
    "500": "Internal error",
}
_OF_STATUS = frozenset({"109", "800", "801", "802", "804", "813", "814"})
_NOT_FOR_INFO = frozenset({"100", "104", "105", "106", "108", "803"}) | (_OF_STATUS - {"800", "801", "813"})
_NOT_FOR_WRITES = frozenset({"100", "206", "803", "805", "812"}) | (_OF_STATUS - {"109"})
NAMELESS = frozenset({"probe", "list_services"})
"""They ask for nobody: no identifier of theirs can be magic, only `PUT /faults` reaches them."""
NOT_APPLICABLE: Mapping[str, frozenset[str]] = {
    "*": frozenset({"107"}),
    **dict.fromkeys(NAMELESS, frozenset(MENU) - {"000"}),
    "lookup": _NOT_FOR_INFO,
    **dict.fromkeys(WRITES, _NOT_FOR_WRITES),
    **dict.fromkeys(("send_code", "check_code"), _NOT_FOR_WRITES | {"104", "105", "108", "109"}),
    "slots": frozenset({"105", "108", "206", "208", "803", "805", "811", "812"}) | _OF_STATUS,
    "find": frozenset({"105", "108", "208", "805", "812"}) | _OF_STATUS,
    "track": frozenset({"100", "105", "108", "803", "805"}),
}
