"""What is behind each path of the simulated platform, how it says no, and the records that never change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.municipal.digit.simulator_door import errors
from adapters.municipal.digit.simulator_halls import ROWS as BOOKINGS
from adapters.municipal.digit.simulator_halls import taken
from adapters.municipal.digit.simulator_life import STATES
from adapters.municipal.digit.simulator_state import MAGIC_CODE
from adapters.municipal.digit.vocabulary import COMPLAINTS
from aggregator.sdk.testing.simulator import magic

_WF = "/egov-workflow-v2/egov-wf/"
STEPS = {"CANCEL": "cancel", "REOPEN": "reopen", "RATE": "rate", "COMMENT": "comment"}


@dataclass(frozen=True, slots=True)
class Route:
    """What a path is for. `asked_by`: the query's identifier of a read. `rows`: what its empty answer holds."""

    operation: str
    asked_by: str = ""
    rows: str = ""
    more: str = ""


ROUTES = {
    "/pgr-services/v2/request/_create": Route("submit"),
    "/pgr-services/v2/request/_update": Route("update"),
    "/pgr-services/v2/request/_search": Route("track", "serviceRequestId", "ServiceWrappers"),
    _WF + "process/_search": Route("history", "businessIds", "ProcessInstances"),
    _WF + "businessservice/_search": Route("workflow", "businessServices", "BusinessServices"),
    "/billing-service/bill/v2/_fetchbill": Route("bill", "consumerCode", "Bill"),
    "/collection-services/payments/_validate": Route("validate"),
    "/collection-services/payments/_create": Route("pay"),
    "/collection-services/payments/_search": Route("payment_status", "transactionNumber", "Payments"),
    "/tl-services/v1/_search": Route("track", "applicationNumber", "Licenses", "status"),
    "/bpa-services/v1/bpa/_search": Route("track", "applicationNo", "BPA", "status"),
    "/ws-services/wc/_search": Route("track", "applicationNumber", "WaterConnection", "applicationStatus"),
    "/birth-death-services/birth/_search": Route("lookup", "registrationNo", "birthCerts", "dateofbirth"),
    "/birth-death-services/death/_search": Route("lookup", "registrationNo", "deathCerts", "dateofdeath"),
    "/egov-mdms-service/v1/_search": Route("list_services"),
    "/user-otp/v1/_send": Route("send_code"),
    "/chb-services/booking/v1/_slot-search": Route("slots", "hallCode", "hallSlotAvailabilityDetails"),
    "/chb-services/booking/v1/_create": Route("book"),
    "/chb-services/booking/v1/_update": Route("cancel"),
    "/chb-services/booking/v1/_search": Route("track", "bookingNo", BOOKINGS),
}
_WORDS = {
    "Licenses": {"": "FIELDINSPECTION", "109": "CITIZENACTIONREQUIRED"},
    "BPA": {"": "DOC_VERIFICATION_PENDING", "109": "CITIZEN_APPROVAL_INPROCESS"},
    "WaterConnection": {
        "": "CONNECTION_ACTIVATED",
        "107": "PENDING_FOR_CONNECTION_ACTIVATION",
        "109": "PENDING_FOR_CITIZEN_ACTION",
    },
}
_NUMBER = {"Licenses": "applicationNumber", "BPA": "applicationNo", "WaterConnection": "applicationNo"}


def application(query: Mapping[str, str], fault: str, route: Route) -> dict[str, Any]:
    """A trade licence's, building plan's or water connection's row; its status by the code in its number."""
    number = query.get(route.asked_by, "")
    if fault == "100" or "/SIM/" not in number:
        return {route.rows: []}
    words = {"800": "", "801": "PENDINGATMARS", "804": "लंबित"} | _WORDS[route.rows]
    code = magic(MAGIC_CODE, number)[1:]
    row: dict[str, Any] = {"tenantId": "od.bhubaneswar", _NUMBER[route.rows]: number}
    row[route.more] = words.get(code, words[""])
    row["auditDetails"] = {"createdTime": 1_768_450_800_000, "lastModifiedTime": 1_768_450_800_000}
    if route.rows == "WaterConnection":
        row |= {"connectionNo": number, "connectionType": "Metered", "processInstance": None}
        row["status"] = "Inactive" if code == "106" else "Active"
    return {route.rows: [row], "TotalCount": 1}


def workflow(business: str) -> dict[str, Any]:
    """The states of a business service as this deployment has them."""
    states = [
        {"state": state, "applicationStatus": word, "isTerminateState": state in {"REJECTED", "RESOLVED"}}
        for word, state in STATES.get(business, {}).items()
    ]
    start = {"state": None, "applicationStatus": None, "isStartState": True}
    return {"BusinessServices": [{"businessService": business, "states": [start, *states]}] if states else []}


def refusal(operation: str, fault: str, *, water: bool) -> dict[str, Any] | None:
    """The document that says no; None where this operation has no such no."""
    if fault == "103":
        return errors("SIM_UNLISTED", "an unlisted reason")
    if fault == "105" and operation == "book":
        return taken("CHB-SIM-000105")
    if fault == "105" and operation == "pay":
        return errors("TXN_CREATE_BILL_ALREADY_PAID", "Bill has already been paid")
    codes = {"101": _UNKNOWN, "102": _LISTED, "106": _CLOSED}.get(fault)
    if codes is None or (fault == "106" and water):
        return None
    return errors(codes.get(operation, codes["*"]), "refused")


def booking_of(asked: Mapping[str, Any]) -> tuple[str, str, str]:
    """Our reference, the slot and the applicant's mobile number."""
    slot = asked["bookingSlotDetails"][0]
    ref = str(asked.get("purposeDescription") or "").rpartition("[")[2].rstrip("]")
    key = f"{slot['hallCode']} {slot['bookingDate']} {slot['bookingFromTime']}"
    return ref, key, str(asked["applicantDetail"]["applicantMobileNo"])


_UNKNOWN = {"*": "INVALID_UPDATE", "submit": "INVALID_REQUEST", "book": "INVALID_REQUEST", "pay": "INVALID_BILL_ID"}
_LISTED = {
    "*": "INVALID_SEARCH",
    "submit": "INVALID_SERVICECODE",
    "book": "INVALID_REQUEST",
    "pay": "INVALID_PAYMENT",
    "bill": "EG_BS_BILL_INVALID",
} | dict.fromkeys(("cancel", "reopen", "rate", "comment"), "INVALID_ACTION")
_CLOSED = {"*": "INVALID_ACCOUNTID", "pay": "INVALID_PAYMENT", "bill": "EG_BS_BILL_INVALID"}


def complaint(route: Route, query: Mapping[str, str], body: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the platform checks before it looks at anything else; several errors at once are normal."""
    if route.asked_by and not query.get("tenantId") and route.operation != "payment_status":
        return errors("TENANT_ID_LIST_EMPTY", "TenantId is mandatory")
    if route.operation == "submit":
        service = body["service"]
        wrong = [] if service["serviceCode"] in COMPLAINTS.values() else ["INVALID_SERVICECODE"]
        wrong += [] if (service["address"].get("locality") or {}).get("code") else ["INVALID_BOUNDARY"]
        wrong += [] if service["source"] in {"web", "mobile", "whatsapp", "ivr"} else ["INVALID_SOURCE"]
        wrong += [] if service["citizen"].get("name") else ["INVALID_REQUEST"]
        if wrong:
            document = errors(wrong[0])
            document["Errors"] = [errors(code)["Errors"][0] for code in wrong]
            return document
    if route.operation in {"pay", "validate"}:
        payment = body["Payment"]
        if sum(part["totalAmountPaid"] for part in payment["paymentDetails"]) != payment["totalAmountPaid"]:
            return errors("INVALID_PAYMENT", "The totals do not agree")
    return None


def definitions() -> dict[str, Any]:
    rows = [
        {"serviceCode": code, "name": code, "department": "DEPT_1", "slaHours": 48, "active": True}
        for code in COMPLAINTS.values()
    ]
    return {"MdmsRes": {"RAINMAKER-PGR": {"ServiceDefs": rows}}}
