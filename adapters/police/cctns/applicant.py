"""ApplicantXml: one document as text inside the request. The same order gives the same text, byte by byte.

Documents are named by their hashes only; a document itself goes to the police when they ask for it (`reply`).
Dates are Indian, identifiers normalised, and what the citizen left empty has no element.
Source: the police protocol, section 3.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from adapters.police.cctns.words import SERVICE_CODES
from aggregator.sdk.clock import IST
from aggregator.sdk.form import normal, normalise
from aggregator.sdk.model import Order
from aggregator.sdk.reading import clean
from aggregator.sdk.xml import Element, element, to_bytes

Form = Mapping[str, Any]
Named = Mapping[str, str]

_WHO: Named = {"ApplicantName": "name", "FatherName": "father_name", "Gender": "gender"}
_ADDRESS: Named = {
    "Line1": "address_line1",
    "Line2": "address_line2",
    "PoliceStationCode": "police_station",
    "DistrictCode": "district",
}
_PERSON: Named = {
    "PermanentAddress": "person_permanent_address",
    "PresentAddress": "person_present_address",
    "Employer": "person_employer",
    "Designation": "person_designation",
    "PhotoSha256": "person_photo_sha256",
}
_ELSE: Named = {
    "Premises": "premises",
    "Purpose": "purpose",
    "IncidentPlace": "incident_place",
    "Text": "text",
    "FirNo": "fir_no",
    "FirYear": "fir_year",
    "Article": "article",
    "LostPlace": "lost_place",
    "Route": "route",
    "Venue": "venue",
    "ExpectedPersons": "expected_persons",
    "Organiser": "organiser",
}
_READ_APART: Named = {
    "DOB": "date_of_birth",
    "Mobile": "mobile",
    "Email": "email",
    "Pin": "pin",
    "IdType": "id_type",
    "IdLast4": "id_last4",
    "Subject": "person_name",
    "Tenant": "person_name",
    "IncidentAt": "incident_at",
    "AccusedKnown": "accused_known",
    "LostAt": "lost_at",
    "From": "from",
    "To": "to",
}
_FIELD_OF: Named = {**_WHO, **_ADDRESS, **_ELSE, **_READ_APART}


def applicant_xml(order: Order) -> str:
    """The document for a submission of this order."""
    code, form = SERVICE_CODES[order.service], order.form
    root = _element("ServiceRequest", {**_common(form), **_SPECIAL.get(code, _nothing)(form)})
    root.set("service", code)
    return to_bytes(root, declaration=False).decode()


def fields_named(message: str) -> dict[str, str]:
    """The fields of our form whose element their message names, each with the word they use."""
    return {_FIELD_OF[word]: word for word in re.findall(r"\w+", message) if word in _FIELD_OF}


def _common(form: Form) -> Form:
    return {
        **_texts(form, _WHO),
        "DOB": day(form.get("date_of_birth", "")),
        "Mobile": mobile(form),
        "Email": form.get("email", ""),
        "Address": {**_texts(form, _ADDRESS), "Pin": normalise(str(form.get("pin", "")))},
        "IdType": form.get("id_type", ""),
        "IdLast4": normalise(str(form.get("id_last4", ""))),
        "Documents": {"Document": [_document(one) for one in form.get("documents", ())]},
    }


def _person(form: Form) -> Form:
    return {
        "Name": form.get("person_name", ""),
        "FatherName": form.get("person_father_name", ""),
        "DOB": day(form.get("person_date_of_birth", "")),
        "Mobile": normal("mobile", form.get("person_mobile", "")),
        **_texts(form, _PERSON),
    }


def _document(told: Form) -> Form:
    return {"Type": told.get("type", ""), "FileName": told.get("name", ""), "Sha256": told.get("sha256", "")}


def _texts(form: Form, names: Named | tuple[str, ...]) -> Form:
    table = names if isinstance(names, Mapping) else {name: _ELSE[name] for name in names}
    return {name: form.get(field, "") for name, field in table.items()}


def _verified(form: Form) -> Form:
    return {"Subject": _person(form)}


def _tenant(form: Form) -> Form:
    return {"Tenant": _person(form), **_texts(form, ("Premises",))}


def _character(form: Form) -> Form:
    return _texts(form, ("Purpose",))


def _complaint(form: Form) -> Form:
    told = _texts(form, ("IncidentPlace", "Text"))
    known = "Y" if form.get("accused_known") else "N"
    return {"IncidentAt": minute(form.get("incident_at", "")), **told, "AccusedKnown": known}


def _fir_copy(form: Form) -> Form:
    station = form.get("fir_police_station") or form.get("police_station", "")
    return {**_texts(form, ("FirNo", "FirYear")), "PoliceStationCode": station}


def _lost_property(form: Form) -> Form:
    lost_at = minute(form.get("lost_at", ""))
    return {**_texts(form, ("Article",)), "LostAt": lost_at, **_texts(form, ("LostPlace",))}


def _gathering(form: Form) -> Form:
    span = {"From": minute(form.get("from", "")), "To": minute(form.get("to", ""))}
    return {**span, **_texts(form, ("Route", "Venue", "ExpectedPersons", "Organiser"))}


def _nothing(_form: Form) -> Form:
    return {}


_SPECIAL: Mapping[str, Callable[[Form], Form]] = {
    "EMV": _verified,
    "DHV": _verified,
    "TNV": _tenant,
    "CHC": _character,
    "CMP": _complaint,
    "FIR": _fir_copy,
    "LPR": _lost_property,
    "PRC": _gathering,
    "PRT": _gathering,
    "EVT": _gathering,
}
"""What a service asks beyond the common part; a missing person is the common part alone."""


def _element(name: str, content: Form) -> Element:
    """Nested mappings and lists as elements; what is empty leaves none."""
    made = element(name)
    for child, value in content.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Mapping):
                inner = _element(child, one)
                made.extend([inner] if len(inner) else [])
            elif clean(one):
                made.append(element(child, text=clean(one)))
    return made


def mobile(form: Form) -> str:
    return normal("mobile", str(form.get("mobile", "")))


def day(iso: str) -> str:
    """dd/MM/yyyy of an ISO date; empty for none."""
    return f"{date.fromisoformat(iso):%d/%m/%Y}" if iso else ""


def minute(iso: str) -> str:
    """dd/MM/yyyy HH:mm in Asia/Kolkata of an ISO moment with a zone; empty for none."""
    return f"{datetime.fromisoformat(iso).astimezone(IST):%d/%m/%Y %H:%M}" if iso else ""
