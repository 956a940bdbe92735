"""Every vehicle of the simulated state, made from its plate and the seed instead of being stored.

Chassis and engine numbers carry the plate, so one vehicle is found by all three and the last five characters of a
chassis number are the last four digits of the plate with a zero before them: a demonstration needs no look-up table.
"""

import re
from hashlib import sha256

from aggregator.sdk.testing.pages import words_for

PLATE = re.compile(r"^(?:[A-Z]{2}\d{1,2}[A-Z]{0,3}\d{1,4}|\d{2}BH\d{4}[A-Z]{1,2})$")
_MAGIC = re.compile(r"^OD99ZZ(\d{4})$")
_CHASSIS = re.compile(r"^SIMCHASSIS000(\d{4})$")
_ENGINE = re.compile(r"^SIMENG(\d{4})$")
_MAKES = (
    ("DEMO MOTORS", "MODEL ZERO", "Motor Car", "LMV", "PETROL", "1197.00", "4"),
    ("SAMPLE AUTO", "ALPHA", "Motor Car", "LMV", "CNG", "998.00", "3"),
    ("TEST WHEELS", "BETA 125", "M-Cycle/Scooter", "2WN", "PETROL", "124.70", "1"),
    ("DEMO ELECTRIC", "VOLT", "Motor Car", "LMV", "ELECTRIC(BOV)", "0", "0"),
)
MASKED_OWNER = "T**T C*****N"


def chassis_of(plate: str) -> str:
    magic = _MAGIC.match(plate)
    if magic:
        return f"SIMCHASSIS000{magic[1]}"
    return f"SIMCH{plate}{_tail(plate)}"


def engine_of(plate: str) -> str:
    magic = _MAGIC.match(plate)
    return f"SIMENG{magic[1]}" if magic else f"SIMEN{plate}"


def plate_by_chassis(chassis: str) -> str:
    """The plate of a chassis number, empty for one we never gave."""
    magic = _CHASSIS.match(chassis)
    if magic:
        return f"OD99ZZ{magic[1]}"
    plate = chassis[5:-5] if chassis.startswith("SIMCH") else ""
    return plate if PLATE.match(plate) and chassis_of(plate) == chassis else ""


def plate_by_engine(engine: str) -> str:
    """The plate of an engine number, empty for one we never gave."""
    magic = _ENGINE.match(engine)
    if magic:
        return f"OD99ZZ{magic[1]}"
    plate = engine[5:] if engine.startswith("SIMEN") else ""
    return plate if PLATE.match(plate) else ""


def _tail(plate: str) -> str:
    return "".join(char for char in plate if char.isdigit())[-4:].zfill(5)


def record(plate: str, seed: int) -> dict[str, str]:
    """The children of `VehicleDetails`, in the order of the recorded answers."""
    magic = _MAGIC.match(plate)
    number = int(sha256(f"{seed}:{plate}".encode()).hexdigest()[:8], 16)
    make = _MAKES[0] if magic else _MAKES[number % len(_MAKES)]
    year = 2019 if magic else 2012 + number % 12
    who = int(magic[1]) if magic else number % 9000 + 1000
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
        "rc_vch_catg": make[3],
        "rc_vh_class_desc": make[2],
        "rc_chasi_no": chassis_of(plate),
        "rc_eng_no": engine_of(plate),
        "rc_maker_desc": make[0],
        "rc_maker_model": make[1],
        "rc_body_type_desc": "SALOON" if make[3] == "LMV" else "SOLO",
        "rc_fuel_desc": make[4],
        "rc_manu_month_yr": f"01/{year}",
        "rc_unld_wt": "900",
        "rc_gvw": "0",
        "rc_no_cyl": make[6],
        "rc_cubic_cap": make[5],
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


def spoiled(fields: dict[str, str], fault: str) -> dict[str, str]:
    """The record as the faults 206, 208, 800, 801, 805, 811 and 812 show it."""
    changes: dict[str, dict[str, str]] = {
        "206": {"rc_regn_no": "OD99YY9999", "rc_chasi_no": "SIMCHASSIS9999999", "rc_eng_no": "SIMENG9999"},
        "800": {"rc_status": ""},
        "801": {"rc_status": "GONE FISHING"},
        "805": {"rc_owner_name": MASKED_OWNER},
        "812": {"rc_regn_dt": "0001-01-01", "rc_fit_upto": "00/00/0000", "rc_regn_upto": "", "rc_pucc_upto": "NA"},
    }
    changes["811"] = changes["206"]
    shown = {**fields, **changes.get(fault, {})}
    if words_for(fault):
        shown["rc_owner_name"] = words_for(fault)
    if fault == "208":
        del shown["rc_regn_no"]
    return shown
