"""Complaints (PGR): what is sent, and what of a complaint's record passes the waist.

A complaint carries our reference in `additionalDetail.clientRef`, which is returned and not searchable: it is looked
for by mobile number and day, and told from a stranger's by that reference.
"""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson

from adapters.municipal.digit.vocabulary import COMPLAINTS
from aggregator.sdk.clock import epoch_ms
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.form import fits, normal
from aggregator.sdk.model import Order, Receipt
from aggregator.sdk.reading import clean, moment, need, value_of

CREATE = "/pgr-services/v2/request/_create"
SEARCH = "/pgr-services/v2/request/_search"
UPDATE = "/pgr-services/v2/request/_update"
HISTORY = "/egov-workflow-v2/egov-wf/process/_search"
_BEFORE = timedelta(minutes=5)
"""How far our clock and theirs may be apart when looking for what we sent."""


def service_of(order: Order, *, tenant: str, state: str, source: str) -> dict[str, Any]:
    """The `service` of a new complaint."""
    form = order.form
    address: dict[str, Any] = {
        "tenantId": tenant,
        "city": form.get("city", ""),
        "landmark": form.get("landmark", ""),
        "pincode": form.get("pin", ""),
        "locality": {"code": form["locality"]},
    }
    if "latitude" in form and "longitude" in form:
        address["geoLocation"] = {"latitude": form["latitude"], "longitude": form["longitude"]}
    return {
        "tenantId": tenant,
        "serviceCode": COMPLAINTS[order.service],
        "source": source,
        "description": form["details"],
        "citizen": {
            "name": form["name"],
            "mobileNumber": mobile_of(order),
            "type": "CITIZEN",
            "tenantId": state,
            "roles": [{"code": "CITIZEN", "name": "Citizen", "tenantId": state}],
        },
        "address": address,
        "additionalDetail": {"clientRef": order.reference},
    }


def mobile_of(order: Order) -> str:
    """The citizen's mobile number as they keep it; empty if the form has none."""
    return normal("mobile", str(order.form.get("mobile", "")))


def since(order: Order) -> int | None:
    """The `fromDate` of a look for this order, epoch ms; None for an order without a time."""
    return epoch_ms(order.at - _BEFORE) if order.at else None


def service_in(wrapper: Mapping[str, Any]) -> Mapping[str, Any]:
    found = wrapper.get("service")
    if not isinstance(found, Mapping):
        raise ContractBroken("a complaint without its service")
    return found


def client_ref(service: Mapping[str, Any]) -> str:
    """Our reference as the record shows it; empty where it has none."""
    detail = service.get("additionalDetail")
    return str(value_of(detail, "clientRef", "")) if isinstance(detail, Mapping) else ""


def another_citizen(service: Mapping[str, Any], mobile: str) -> bool:
    """Whether the record names another mobile number; one that comes masked says nothing."""
    citizen = service.get("citizen")
    told = str(value_of(citizen, "mobileNumber", "")) if isinstance(citizen, Mapping) else ""
    return bool(mobile) and fits("mobile", told) and normal("mobile", told) != mobile


def receipt(service: Mapping[str, Any]) -> Receipt:
    """The complaint as a look or a submission shows it."""
    return Receipt(
        str(need(service, "serviceRequestId")),
        agency_code=str(value_of(service, "applicationStatus", "")),
        reference=client_ref(service),
        at=stamp(service, "createdTime"),
        match=_match(service),
    )


def _match(service: Mapping[str, Any]) -> dict[str, str]:
    address = service.get("address")
    locality = address.get("locality") if isinstance(address, Mapping) else None
    code = value_of(locality, "code", "") if isinstance(locality, Mapping) else ""
    return {"locality": str(code), "details": str(service.get("description") or "")}


def may_be_ours(service: Mapping[str, Any], order: Order) -> bool:
    """By our reference; a record without any, or an order without any, by what it says."""
    if order.reference and (reference := client_ref(service)):
        return reference == order.reference
    asked = {name: str(order.form.get(name, "")) for name in ("locality", "details")}
    return service.get("serviceCode") == COMPLAINTS.get(order.service) and _match(service) == asked


def confirmed(order: Order, service: Mapping[str, Any]) -> Receipt:
    """Raises ContractBroken when what they took is not what we sent."""
    got = receipt(service)
    if got.reference not in {"", order.reference} or another_citizen(service, mobile_of(order)):
        raise ContractBroken("the reply shows another complaint")
    return got


def stamp(record: Mapping[str, Any], name: str) -> Any:
    """A time of `auditDetails`, UTC; None for 0 and for none."""
    audit = record.get("auditDetails")
    return moment(audit.get(name), "epoch_ms") if isinstance(audit, Mapping) else None


def sent_back(value: Any) -> Any:
    """A record as it was read, to be sent back unchanged: its numbers keep their digits."""
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    if isinstance(value, Mapping):
        return {key: sent_back(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [sent_back(inner) for inner in value]
    return value


def note(order: Order) -> str:
    """The comment of a later step, by which it is found again."""
    return f"{clean(order.form.get('reason', ''))[:400]} [{order.reference}]".strip()


def step(order: Order, number: str, rows: list[Mapping[str, Any]]) -> list[Receipt]:
    """Which steps in a complaint's history carry our reference."""
    mark = f"[{order.reference}]"
    return [
        Receipt(
            number, agency_code=str(row.get("action") or ""), reference=order.reference, at=stamp(row, "createdTime")
        )
        for row in rows
        if str(row.get("comment") or "").endswith(mark)
    ]
