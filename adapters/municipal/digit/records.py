"""Applications and certificates: a state for a number, and a certificate for those who know its number and its day."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.municipal.digit.bills import on_day
from adapters.municipal.digit.vocabulary import Module
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.model import Absent, Facts, Order
from aggregator.sdk.reading import clean, need, need_rows, value_of

_SHOWN = {
    "connection_no": "connectionNo",
    "connection_type": "connectionType",
    "connection_status": "status",
    "licence_no": "licenseNumber",
    "approval_no": "approvalNo",
}
"""Ours -> theirs. Nothing of a person: a number alone proves nothing."""


@dataclass(frozen=True, slots=True)
class Register:
    """One register of births or deaths. Its misspelt lower case is theirs."""

    path: str
    rows: str
    day: str
    asked_day: str


CERTIFICATES = {
    "birth_certificate": Register("/birth-death-services/birth/_search", "birthCerts", "dateofbirth", "date_of_birth"),
    "death_certificate": Register("/birth-death-services/death/_search", "deathCerts", "dateofdeath", "date_of_death"),
}

MASTERS = "/egov-mdms-service/v1/_search"
_MODULE, _MASTER = "RAINMAKER-PGR", "ServiceDefs"


def service_definitions(state: str) -> dict[str, Any]:
    """The question for what may be complained about."""
    modules = [{"moduleName": _MODULE, "masterDetails": [{"name": _MASTER}]}]
    return {"MdmsCriteria": {"tenantId": state, "moduleDetails": modules}}


def definitions(reply: Mapping[str, Any]) -> list[Facts]:
    """Its answer: code and name of each kind that is in use."""
    modules = reply.get("MdmsRes")
    module = modules.get(_MODULE) if isinstance(modules, Mapping) else None
    return [
        Facts({"code": str(need(row, "serviceCode")), "name": clean(row.get("name"))})
        for row in need_rows(module or {}, _MASTER)
        if isinstance(row, Mapping) and row.get("active") is not False
    ]


def number_of(order: Order) -> str:
    """The application or complaint number an order is about, as the citizen typed it or as we hold it."""
    return (order.agency_reference or str(order.form.get("number", ""))).strip().upper()


def word_of(row: Mapping[str, Any], module: Module, number: str) -> tuple[str | None, str]:
    """The state word, and the business service it belongs to. Raises ContractBroken for another application's row.

    `state.state` is believed before applicationStatus: of property applications the latter tells nothing.
    """
    if str(need(row, module.number)).upper() != number:
        raise ContractBroken("the reply shows another application")
    process = row.get("processInstance")
    state = process.get("state") if isinstance(process, Mapping) else None
    inner = value_of(state, "state") if isinstance(state, Mapping) else None
    word = inner or value_of(row, module.status)
    business = value_of(row, "workflowCode") or value_of(row, "businessService") or module.business
    return (None if word is None else str(word)), str(business)


def shown(row: Mapping[str, Any]) -> dict[str, str]:
    """What else of an application may be told."""
    told = {
        ours: clean(row.get(theirs)) for ours, theirs in _SHOWN.items() if theirs != "status" or "connectionNo" in row
    }
    return {key: value for key, value in told.items() if value}


def certificate(rows: list[Mapping[str, Any]], register: Register, order: Order) -> Facts | Absent:
    """That the certificate is there, and since when. Names stay with the register.

    The day is the second factor: a wrong one reads as no certificate.
    """
    number = asked_number(order)
    for row in rows:
        if str(need(row, "registrationno")).strip().upper() != number:
            raise ContractBroken("the reply shows another registration")
        if on_day(need(row, register.day)) == str(order.form[register.asked_day]):
            told = {
                "registration_no": number,
                register.asked_day: str(order.form[register.asked_day]),
                "registered_on": on_day(row.get("dateofreport")),
                "hospital": clean(row.get("hospitalname")),
            }
            return Facts({key: value for key, value in told.items() if value})
    return Absent("no certificate")


def asked_number(order: Order) -> str:
    return str(order.form["registration_no"]).strip().upper()
