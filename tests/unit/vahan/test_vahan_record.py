"""Who may know what of a vehicle."""

from typing import Any

import pytest

from adapters.rto.vahan.simulator_layers import written
from adapters.rto.vahan.simulator_vehicles import record
from aggregator.sdk.errors import ContractBroken, Misconfigured
from aggregator.sdk.model import Facts, Order

OPERATIONS = {"vehicle_number": "getDetails", "chassis_number": "getChasisDetails", "engine_number": "getEngineDetails"}
PERSONAL = {"owner_name", "father_name", "present_address", "permanent_address", "chassis_number", "engine_number"}
WHOLE = record("OD99ZZ0000", 1)


async def look(department: Any, changed: dict[str, str] | None = None, **form: str) -> Facts:
    department.router.routes.clear()
    told = written("VehicleDetails", list({**WHOLE, **(changed or {})}.items()))
    department.says(OPERATIONS[next(iter(form))], told)
    got = await department.driver.lookup(Order("ENQ-1", "vehicle_record", form))
    assert isinstance(got, Facts)
    return got


async def test_a_stranger_learns_make_class_fuel_validity_and_status_only(department: Any) -> None:
    got = await look(department, vehicle_number="OD99ZZ0000")
    assert set(got.values) == {
        "vehicle_number",
        "vehicle_class",
        "maker",
        "model",
        "fuel",
        "vehicle_status",
        "registration_valid_until",
        "fitness_valid_until",
        "insurance_valid_until",
        "tax_valid_until",
        "pollution_valid_until",
        "status_as_on",
    }


async def test_the_owner_proves_it_with_the_end_of_the_chassis_number(department: Any) -> None:
    got = await look(department, vehicle_number="od 99-zz 0000", chassis_last5="00000")
    assert got.values["owner_name"] == "Test Citizen 0000"
    assert got.values["present_address"].startswith("PLOT 0")


@pytest.mark.parametrize("guess", ["00001", "", "0000", "*****"])
async def test_a_wrong_proof_tells_no_more_and_no_less_than_none(department: Any, guess: str) -> None:
    without = await look(department, vehicle_number="OD99ZZ0000")
    assert await look(department, vehicle_number="OD99ZZ0000", chassis_last5=guess) == without


async def test_finding_a_vehicle_by_its_chassis_proves_nothing(department: Any) -> None:
    got = await look(department, chassis_number="SIMCHASSIS0000000", chassis_last5="00000")
    assert not PERSONAL & set(got.values)


async def test_a_masked_chassis_number_cannot_be_proved(department: Any) -> None:
    got = await look(
        department, {"rc_chasi_no": "SIMCHASSIS00*****"}, vehicle_number="OD99ZZ0000", chassis_last5="*****"
    )
    assert not PERSONAL & set(got.values)


async def test_the_engine_number_finds_a_vehicle_and_the_chassis_proves_it(department: Any) -> None:
    got = await look(department, engine_number="SIMENG0000", chassis_last5="00000")
    assert "owner_name" in got.values


async def test_a_masked_name_stays_masked_and_is_said_to_be(department: Any) -> None:
    got = await look(department, {"rc_owner_name": "T**T C*****N"}, vehicle_number="OD99ZZ0000", chassis_last5="00000")
    assert (got.values["owner_name"], got.masked) == ("T**T C*****N", frozenset({"owner_name"}))


@pytest.mark.parametrize(
    ("form", "changed"),
    [
        ({"vehicle_number": "OD99ZZ0000"}, {"rc_regn_no": "OD99ZZ0001"}),
        ({"chassis_number": "SIMCHASSIS0000000"}, {"rc_chasi_no": "SIMCHASSIS0000001"}),
        ({"engine_number": "SIMENG0000"}, {"rc_eng_no": "SIMENG0001"}),
        ({"vehicle_number": "OD99ZZ0000"}, {"rc_regn_no": ""}),
    ],
)
async def test_another_vehicles_record_is_shown_to_nobody(
    department: Any, form: dict[str, str], changed: dict[str, str]
) -> None:
    with pytest.raises(ContractBroken):
        await look(department, changed, **form)


async def test_dates_are_read_in_english_and_impossible_seconds_leave_the_day(department: Any) -> None:
    got = await look(department, vehicle_number="OD99ZZ0000")
    assert got.values["fitness_valid_until"] == "2034-02-02"
    assert got.values["status_as_on"] == "2026-02-03"
    assert got.values["tax_valid_until"] == "LTT"


async def test_sentinel_dates_are_absent(department: Any) -> None:
    changed = {"rc_fit_upto": "0001-01-01", "rc_pucc_upto": "00/00/0000", "rc_regn_upto": "NA"}
    got = await look(department, changed, vehicle_number="OD99ZZ0000")
    assert not {"fitness_valid_until", "pollution_valid_until", "registration_valid_until"} & set(got.values)


async def test_the_misspelt_flag_decides_and_the_right_spelling_would_do_too(department: Any, enquiry: Order) -> None:
    department.says("getDetails", "<VehicleDetails><stautsMessage>ERROR</stautsMessage></VehicleDetails>")
    with pytest.raises(ContractBroken):
        await department.driver.lookup(enquiry)
    department.router.routes.clear()
    department.says("getDetails", "<VehicleDetails><stautsMessage>IP not registered</stautsMessage></VehicleDetails>")
    with pytest.raises(Misconfigured):
        await department.driver.lookup(enquiry)
    department.router.routes.clear()
    department.says(
        "getDetails",
        "<VehicleDetails><statusMessage>OK</statusMessage><rc_regn_no>OD99ZZ0000</rc_regn_no></VehicleDetails>",
    )
    assert isinstance(await department.driver.lookup(enquiry), Facts)
