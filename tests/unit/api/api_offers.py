"""What the office offers: its forms, and the registry it stands in."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from api_office import Driver

from aggregator.ops.metrics import PrometheusMeter
from aggregator.registry.agency import Agency, City, Forwarding, Manifest, Offer, Poll, Registry, Service, TimeLimit
from aggregator.registry.form import Form
from aggregator.resilience.pipeline import Guarded
from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import Settings, operations_of
from aggregator.sdk.clock import Clock, SystemChance
from aggregator.sdk.wire import Wire

OFFICE = {"en": "The Office", "or": "କାର୍ଯ୍ୟାଳୟ", "hi": "कार्यालय"}


PERMIT_FORM = {
    "type": "object",
    "title": {"en": "Permit"},
    "additionalProperties": False,
    "required": ["name", "mobile"],
    "properties": {
        "name": {"type": "string", "title": {"en": "Name", "or": "ନାମ", "hi": "नाम"}, "maxLength": 100},
        "mobile": {
            "type": "string",
            "title": {"en": "Mobile"},
            "pattern": "^[6-9][0-9]{9}$",
            "x-error-message": {"en": "Ten digits", "or": "ଦଶଟି ଅଙ୍କ", "hi": "दस अंक"},
        },
        "remarks": {"type": "string", "title": {"en": "Remarks"}, "maxLength": 500},
    },
}


BILL_FORM = {
    "type": "object",
    "title": {"en": "Bill"},
    "additionalProperties": False,
    "required": ["consumer"],
    "properties": {"consumer": {"type": "string", "title": {"en": "Consumer"}, "pattern": "^[0-9]{4,12}$"}},
}


DUES_FORM = {
    "type": "object",
    "title": {"en": "Dues"},
    "additionalProperties": False,
    "required": ["account"],
    "properties": {"account": {"type": "string", "title": {"en": "Account"}, "maxLength": 20}},
}


PROOF_FORM = {
    **DUES_FORM,
    "required": ["account", "mobile"],
    "properties": {**DUES_FORM["properties"], "mobile": PERMIT_FORM["properties"]["mobile"]},
}


METER_FORM = {
    "type": "object",
    "title": {"en": "Meter"},
    "additionalProperties": False,
    "required": ["consumer_code"],
    "properties": {"consumer_code": {"type": "string", "title": {"en": "Consumer"}, "maxLength": 20}},
}


FILE_FORM = {
    "type": "object",
    "title": {"en": "File"},
    "additionalProperties": False,
    "required": ["file_no"],
    "properties": {"file_no": {"type": "string", "title": {"en": "File number"}, "maxLength": 20}},
}


PAPER = {"type": "string", "format": "uri", "contentMediaType": "application/octet-stream"}


LICENCE_FORM = {
    **PERMIT_FORM,
    "properties": {
        **PERMIT_FORM["properties"],
        "proof": {**PAPER, "title": {"en": "Proof of address"}},
        "photo": {**PAPER, "title": {"en": "Photograph"}, "contentMediaType": "image/png"},
    },
}


def registry_of(
    wire: Wire,
    clock: Clock,
    meter: PrometheusMeter,
    *,
    livemode: bool = False,
    leave: Mapping[str, str] | None = None,
) -> Registry:
    """One office, one application and one enquiry. `leave`: operation -> the purpose a citizen must have allowed."""
    policy = Policy(max_rps=50.0, max_concurrency=64, max_waiting=512)
    settings = Settings("http://office.example")
    operations = operations_of(Driver)
    takes = Forwarding(max_bytes=300_000, max_total_bytes=400_000, media_types=("application/pdf", "image/png"))
    offer = Offer("licence", "APPLICATION", "submit", {"en": "Licence"}, LICENCE_FORM)
    manifest = Manifest(
        name="office", kind="office", version="1", protocol="json", title={"en": "Office"}, summary="",
        quality={"certified": "1 2026-11-20"},
        documents=takes, offers={"licence": offer, **_wanting(leave or {})},
    )  # fmt: skip
    guarded = Guarded(
        "office", Driver(wire, settings), operations, policy, clock=clock, chance=SystemChance(), meter=meter,
        leave=manifest.leave,
    )  # fmt: skip
    agency = Agency(
        id="office", kind="office", driver="tests.office", title=OFFICE, enabled=True, livemode=livemode,
        settings=settings, policy=policy, operations=operations, manifest=manifest, guarded=guarded,
        capabilities=("submits", "tracks", "finds", "looks_up"), poll=Poll(every_s=60.0),
    )  # fmt: skip
    permit = Service(
        id="office.permit", title={"en": "Permit", "or": "ଅନୁମତି", "hi": "अनुमति"}, description={"en": "A permit"},
        kind="APPLICATION", agencies=("office",), offer="permit", operation="submit", form=_form(PERMIT_FORM),
        category="permits", time_limit=TimeLimit(30, "DAY", {"en": "complete application"}),
        documents=({"en": "Proof of address"},),
    )  # fmt: skip
    bill = replace(
        permit, id="office.bill", title={"en": "Bill"}, description={"en": "What is due"},
        kind="ENQUIRY", operation="lookup", form=_form(BILL_FORM),
        documents=(), time_limit=None,
    )  # fmt: skip
    dues = replace(bill, id="office.dues", title={"en": "Dues"}, operation="bill", form=_form(DUES_FORM))
    proof = replace(dues, id="office.proof", title={"en": "Proof"}, form=_form(PROOF_FORM))
    meter = replace(
        dues, id="office.meter", title={"en": "Meter"}, operation="lookup", form=_form(METER_FORM),
        proofs=("AGENCY_CODE",),
    )  # fmt: skip
    either = replace(proof, id="office.either", title={"en": "Either"}, proofs=("FACTOR", "AGENCY_CODE"))
    passport = replace(
        dues, id="office.file", title={"en": "File"}, form=_form(FILE_FORM), proofs=("AGENCY_CODE",)
    )  # fmt: skip
    licence = replace(
        permit, id="office.licence", title={"en": "Licence"}, description={"en": "For a shop"}, offer="licence",
        form=_form(LICENCE_FORM),
    )  # fmt: skip
    services = {service.id: service for service in (permit, bill, dues, proof, licence, meter, either, passport)}
    return Registry(City("Testpur", "Asia/Kolkata"), {"office": agency}, services, "digest")


def _wanting(leave: Mapping[str, str]) -> dict[str, Offer]:
    """Offers that want the citizen's consent: `permit` for its submission, its enquiries for `lookup`."""
    names = {"submit": ("permit", "APPLICATION"), "lookup": ("permit", "ENQUIRY")}
    return {
        names[operation][0]: Offer(names[operation][0], names[operation][1], operation, OFFICE, {}, consent=purpose)
        for operation, purpose in leave.items()
    }


def _form(form: Mapping[str, Any]) -> Mapping[str, Any]:
    return Form(form)
