"""Every vehicle and licence of the simulated state, made from its number and the seed instead of being stored.

The vehicles are those of the simulated transport department, made a second time: drivers may not import each other,
and neither product code nor the kind's package is a place for a simulator's inventions. A test in tests/unit/ulip
compares the two, plate by plate.
"""

import re
from hashlib import sha256
from typing import Any
from xml.sax.saxutils import escape

from aggregator.sdk.testing.pages import words_for

PLATE = re.compile(r"^(?:[A-Z]{2}\d{1,2}[A-Z]{0,3}\d{1,4}|\d{2}BH\d{4}[A-Z]{1,2})$")
LICENCE = re.compile(r"^[A-Z]{2}\d{2,3}(?:19|20)\d{2}\d{7}$")
BORN = "1990-01-01"
_MAGIC = re.compile(r"^OD99ZZ(\d{4})$")
_MAKES = (
    ("DEMO MOTORS", "MODEL ZERO", "Motor Car", "LMV", "PETROL", "1197.00", "4"),
    ("SAMPLE AUTO", "ALPHA", "Motor Car", "LMV", "CNG", "998.00", "3"),
    ("TEST WHEELS", "BETA 125", "M-Cycle/Scooter", "2WN", "PETROL", "124.70", "1"),
    ("DEMO ELECTRIC", "VOLT", "Motor Car", "LMV", "ELECTRIC(BOV)", "0", "0"),
)
_CLASSES = (("LMV", "LIGHT MOTOR VEHICLE"), ("MCWG", "MOTOR CYCLE WITH GEAR"))


def _number(text: str, seed: int) -> int:
    return int(sha256(f"{seed}:{text}".encode()).hexdigest()[:8], 16)


def vehicle(plate: str, seed: int) -> dict[str, str]:
    """The record under the names of the register's XML, in the order of the recorded answers."""
    magic = _MAGIC.match(plate)
    number = _number(plate, seed)
    maker, model, kind, category, fuel, capacity, cylinders = _MAKES[0 if magic else number % len(_MAKES)]
    year = 2019 if magic else 2012 + number % 12
    who = int(magic[1]) if magic else number % 9000 + 1000
    tail = "".join(char for char in plate if char.isdigit())[-4:].zfill(5)
    return {
        "stautsMessage": "OK",
        "rc_regn_no": plate,
        "rc_regn_dt": f"03-Feb-{year}",
        "rc_owner_sr": "1",
        "rc_owner_name": f"Test Citizen {who:04d}",
        "rc_f_name": "NA",
        "rc_present_address": f"PLOT {who}, DEMO COLONY, BHUBANESWAR",
        "rc_permanent_address": "",
        "rc_mobile_no": "9000000000",
        "rc_vch_catg": category,
        "rc_vh_class_desc": kind,
        "rc_chasi_no": f"SIMCHASSIS000{magic[1]}" if magic else f"SIMCH{plate}{tail}",
        "rc_eng_no": f"SIMENG{magic[1]}" if magic else f"SIMEN{plate}",
        "rc_maker_desc": maker,
        "rc_maker_model": model,
        "rc_body_type_desc": "SALOON" if category == "LMV" else "SOLO",
        "rc_fuel_desc": fuel,
        "rc_manu_month_yr": f"01/{year}",
        "rc_unld_wt": "900",
        "rc_gvw": "0",
        "rc_no_cyl": cylinders,
        "rc_cubic_cap": capacity,
        "rc_fit_upto": f"02-Feb-{year + 15}",
        "rc_regn_upto": f"02-Feb-{year + 15}",
        "rc_insurance_upto": "01-Feb-2027",
        "rc_tax_upto": "LTT",
        "rc_pucc_upto": "15-Jul-2026",
        "rc_permit_valid_upto": "",
        "rc_registered_at": "BHUBANESWAR-I RTO, Odisha",
        "rc_blacklist_status": "NA",
        "rc_status": "ACTIVE",
        "rc_status_as_on": "03-Feb-2026 05:02:62604",
        "state_cd": plate[:2] if plate[:2].isalpha() else "OD",
        "rto_cd": "2",
    }


def spoiled(record: dict[str, str], fault: str) -> dict[str, str]:
    """The vehicle as the faults 206, 208, 800, 801, 805, 811 and 812 show it."""
    stranger = {"rc_regn_no": "OD99YY9999", "rc_chasi_no": "SIMCHASSIS9999999", "rc_eng_no": "SIMENG9999"}
    changes: dict[str, dict[str, str]] = {
        "206": stranger,
        "800": {"rc_status": ""},
        "801": {"rc_status": "GONE FISHING"},
        "805": {"rc_owner_name": "T**T C*****N"},
        "811": stranger,
        "812": {"rc_regn_dt": "0001-01-01", "rc_fit_upto": "00/00/0000", "rc_regn_upto": "", "rc_pucc_upto": "NA"},
    }
    shown = {**record, **changes.get(fault, {})}
    shown["rc_owner_name"] = words_for(fault) or shown["rc_owner_name"]
    return {name: value for name, value in shown.items() if fault != "208" or name != "rc_regn_no"}


def licence(number: str, seed: int) -> dict[str, Any]:
    """What stands behind `response` for a licence that is found."""
    who = int(number[-4:]) if number.startswith("OD992099") else _number(number, seed) % 9000 + 1000
    count = 1 + _number(number, seed) % len(_CLASSES)
    return {
        "DL_Number": number,
        "DL_Holder_FullName": f"Test Citizen {who:04d}",
        "DL_status": "Active.",
        "NonTransportValidityTodate": "31-12-2039",
        "TransportValidityTodate": "NA",
        "Classofcovs": [{"CovDiscription": words, "CovCode": code} for code, words in _CLASSES[:count]],
    }


def spoiled_licence(shown: dict[str, Any], fault: str) -> dict[str, Any]:
    """The licence under `DLinformation`, as the same faults show it."""
    changes: dict[str, dict[str, Any]] = {
        "206": {"DL_Number": "OD9920990009999"},
        "800": {"DL_status": ""},
        "801": {"DL_status": "Gone fishing."},
        "805": {"DL_Holder_FullName": "T**T C*****N"},
        "811": {"DL_Number": "OD9920990009999"},
        "812": {"NonTransportValidityTodate": "0001-01-01"},
    }
    shown = {**shown, **changes.get(fault, {})}
    shown["DL_Holder_FullName"] = words_for(fault) or shown["DL_Holder_FullName"]
    return {"DLinformation": {name: value for name, value in shown.items() if fault != "208" or name != "DL_Number"}}


def as_xml(record: dict[str, str]) -> str:
    """As VAHAN/01 puts it into a string."""
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in record.items())
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    return f"{head}<VehicleDetails>{inner}</VehicleDetails>"


def as_camel(record: dict[str, str]) -> dict[str, str]:
    """As VAHAN/04 spells it."""
    return {
        "".join(part if not at else part[:1].upper() + part[1:] for at, part in enumerate(name.split("_"))): value
        for name, value in record.items()
    }
