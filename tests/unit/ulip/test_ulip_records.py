"""What the gateway tells of a vehicle or a licence, and to whom."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

import adapters.rto.ulip
from adapters.rto.ulip import simulator_registers as ours
from adapters.rto.vahan import simulator_vehicles as theirs
from aggregator.sdk.errors import ContractBroken, Refused, Unavailable
from aggregator.sdk.model import Absent, Facts, Order
from aggregator.sdk.testing.conformance import promised

FOLDER = Path(adapters.rto.ulip.__file__).parent
LICENCES = sorted((FOLDER / "samples" / "licence").iterdir())
ENDS = {Absent: "absent", Facts: "value", ContractBroken: "broken", Unavailable: "unavailable", Refused: "refused"}
PERSONAL = {"owner_name", "father_name", "present_address", "permanent_address", "chassis_number", "engine_number"}
WHOLE = ours.vehicle("OD99ZZ0000", 1)


async def look(town: Any, record: Any, **form: str) -> Facts:
    town.says(record)
    got = await town.driver.lookup(Order("", "vehicle_record", {"vehicle_number": "OD99ZZ0000", **form}))
    assert isinstance(got, Facts)
    return got


async def test_a_stranger_learns_make_class_fuel_validity_and_status_only(town: Any) -> None:
    got = await look(town, ours.as_camel(WHOLE))
    assert got.values["vehicle_status"] == "ACTIVE"
    assert got.values["maker"] == "DEMO MOTORS"
    assert not PERSONAL & set(got.values)


async def test_the_owner_proves_it_with_the_end_of_the_chassis_number(town: Any) -> None:
    got = await look(town, ours.as_camel(WHOLE), chassis_last5="00000")
    assert got.values["owner_name"] == "Test Citizen 0000"
    assert set(got.values) >= {"present_address", "chassis_number", "registered_on"}


@pytest.mark.parametrize("guess", ["00001", "", "0000", "*****"])
async def test_a_wrong_proof_tells_no_more_and_no_less_than_none(town: Any, guess: str) -> None:
    without = await look(town, ours.as_camel(WHOLE))
    assert await look(town, ours.as_camel(WHOLE), chassis_last5=guess) == without


async def test_json_and_the_xml_inside_it_are_one_record(town: Any) -> None:
    in_json = await look(town, ours.as_camel(WHOLE), chassis_last5="00000")
    assert await look(town, ours.as_xml(WHOLE), chassis_last5="00000") == in_json


async def test_impossible_seconds_leave_the_day(town: Any) -> None:
    assert (await look(town, ours.as_camel(WHOLE))).values["status_as_on"] == "2026-02-03"


async def test_a_question_by_chassis_is_told_that_this_register_goes_by_plate(town: Any) -> None:
    with pytest.raises(Refused) as caught:
        await town.driver.lookup(Order("", "vehicle_record", {"chassis_number": "SIMCHASSIS0000000"}))
    assert caught.value.reason == "plate_only"
    assert town.wire.requests == []


@pytest.mark.parametrize("option", [{"vahan": "01"}, {"sarathi": "02"}])
async def test_the_city_chooses_the_dataset(
    make_town: Callable[..., Any], vehicle: Order, licence: Order, option: dict[str, str]
) -> None:
    town = make_town(**option)
    town.says(None, "ERROR", {"code": 231, "text": "Vehicle Details not Found"})
    order = vehicle if "vahan" in option else licence
    if "vahan" in option:
        assert await town.driver.lookup(order) == Absent("231")
    else:
        with pytest.raises(ContractBroken):
            await town.driver.lookup(order)
    assert town.asked()[0].endswith("VAHAN/01" if "vahan" in option else "SARATHI/02")


@pytest.mark.parametrize("sample", LICENCES, ids=lambda sample: sample.stem)
async def test_a_recorded_licence_reads_as_its_file_name_says(town: Any, licence: Order, sample: Path) -> None:
    town.answers(lambda _: httpx.Response(200, json=json.loads(sample.read_text())))
    try:
        got: Any = await town.driver.lookup(licence)
    except (ContractBroken, Unavailable) as exc:
        got = exc
    assert ENDS[type(got)] == promised(sample)[1], got


async def test_the_status_of_a_licence_is_shown_as_it_is(town: Any, licence: Order) -> None:
    town.says(ours.spoiled_licence(ours.licence("OD9920990000000", 1), ""))
    got = await town.driver.lookup(licence)
    assert got.values["licence_status"] == "Active."
    assert got.values["non_transport_valid_until"] == "2039-12-31"
    assert "transport_valid_until" not in got.values
    assert "LIGHT MOTOR VEHICLE" in got.values["vehicle_classes"]


@pytest.mark.parametrize("seed", [1, 7])
def test_both_simulated_registers_know_the_same_vehicle_under_one_plate(seed: int) -> None:
    plates = ["OD99ZZ0000", "OD99ZZ0206", "OD99ZZ1408", "22BH1234AA", *(f"OD{n % 35:02d}AB{n:04d}" for n in range(300))]
    assert [ours.vehicle(plate, seed) for plate in plates] == [theirs.record(plate, seed) for plate in plates]


def test_one_form_serves_both_registers() -> None:
    beside = FOLDER.parent / "vahan" / "forms" / "vehicle_record.json"
    assert json.loads((FOLDER / "forms" / "vehicle_record.json").read_text()) == json.loads(beside.read_text())


@pytest.mark.parametrize("sample", sorted((FOLDER / "samples").rglob("*.json")), ids=lambda sample: sample.stem)
def test_a_recorded_answer_names_no_citizen(sample: Path) -> None:
    text = sample.read_text()
    assert "Test Citizen 0000" in text or "OwnerName" not in text or "T**T" in text
