"""The vehicle register has several faces and one record: what it tells, and to whom, is decided here for all of them.

A record holds another person's name and address. Proof of ownership is the last five characters of the chassis
number. Without it only make, class, fuel, validity and status leave this file; a wrong proof gives the same short
record, so guessing tells nothing. Names are those of the register's XML; a face that spells them otherwise says how.
"""

from collections.abc import Callable, Mapping

from aggregator.sdk.form import normalise
from aggregator.sdk.model import Facts, Order
from aggregator.sdk.reading import clean, day

Told = Callable[[str], str]
"""The text of a record's field by its name in the register's XML; empty where there is none."""

_DAY = "dd-MMM-yyyy"
_FOR_ALL = {
    "vehicle_number": "rc_regn_no",
    "vehicle_class": "rc_vh_class_desc",
    "maker": "rc_maker_desc",
    "model": "rc_maker_model",
    "fuel": "rc_fuel_desc",
    "vehicle_status": "rc_status",  # a fact of the vehicle, shown as it is; never the status of a case
}
_VALIDITY = {
    "registration_valid_until": "rc_regn_upto",
    "fitness_valid_until": "rc_fit_upto",
    "insurance_valid_until": "rc_insurance_upto",
    "tax_valid_until": "rc_tax_upto",
    "pollution_valid_until": "rc_pucc_upto",
    "permit_valid_until": "rc_permit_valid_upto",
}
_FOR_THE_OWNER = {
    "owner_name": "rc_owner_name",
    "father_name": "rc_f_name",
    "present_address": "rc_present_address",
    "permanent_address": "rc_permanent_address",
    "owner_serial": "rc_owner_sr",
    "category": "rc_vch_catg",
    "body_type": "rc_body_type_desc",
    "chassis_number": "rc_chasi_no",  # sic
    "engine_number": "rc_eng_no",
    "made_in": "rc_manu_month_yr",
    "unladen_weight_kg": "rc_unld_wt",
    "gross_weight_kg": "rc_gvw",
    "cylinders": "rc_no_cyl",
    "cubic_capacity_cc": "rc_cubic_cap",
    "registered_at": "rc_registered_at",
    "blacklist_status": "rc_blacklist_status",
}


def chassis_tail(chassis: str) -> str:
    """The five characters that are the proof."""
    return normalise(chassis)[-5:]


def proves_ownership(told: Told, order: Order) -> bool:
    """Whether the form knows the end of this vehicle's chassis number; a masked number cannot be proved."""
    given, chassis = normalise(str(order.form.get("chassis_last5", ""))), told("rc_chasi_no")
    return len(given) == 5 and "*" not in chassis and given == chassis_tail(chassis)


def vehicle_facts(told: Told, *, owner: bool) -> Facts:
    """What this caller may know. Dates are ISO; `tax_valid_until` may be `LTT` (for life).

    Values the department masked are named in `masked`. Raises ContractBroken for a date in another format.
    """
    values = _texts(told, _FOR_ALL)
    values |= {key: _validity(told(name)) for key, name in _VALIDITY.items()}
    # The time behind the date has impossible seconds.
    values["status_as_on"] = _iso((told("rc_status_as_on").split() or [""])[0])
    if owner:
        values |= _texts(told, _FOR_THE_OWNER)
        values["registered_on"] = _iso(told("rc_regn_dt"))
    shown = {key: value for key, value in values.items() if value}
    return Facts(shown, masked=frozenset(key for key, value in shown.items() if "*" in value))


def _texts(told: Told, names: Mapping[str, str]) -> dict[str, str]:
    texts = {key: clean(told(name)) for key, name in names.items()}
    return {key: "" if key.endswith("_kg") and text == "0" else text for key, text in texts.items()}


def _validity(text: str) -> str:
    return "LTT" if text.upper() == "LTT" else _iso(text)


def _iso(text: str) -> str:
    on = day(text, _DAY)
    return on.isoformat() if on else ""
