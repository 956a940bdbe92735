"""The cctns driver at a server in another stack, in both versions of SOAP: header, DataSets and Faults of its own."""

from typing import Any

import pytest
from independent_agencies import police_driver

from aggregator.resilience.outcome import Unknown, outcome_of
from aggregator.sdk.adapter import operations_of
from aggregator.sdk.errors import ContractBroken, Misconfigured, OutcomeUnknown, Refused
from aggregator.sdk.model import Absent, Order
from aggregator.sdk.status import Status
from aggregator.sdk.wire import Sent

FORM = {
    "name": "ପରୀକ୍ଷା ନାଗରିକ",
    "father_name": "Test Parent",
    "gender": "F",
    "date_of_birth": "1990-01-01",
    "mobile": "9000000000",
    "address_line1": "ପ୍ଲଟ ୧ & <ଡେମୋ କଲୋନୀ>",
    "police_station": "9901",
    "district": "99",
    "pin": "751001",
    "id_type": "VOTER",
    "id_last4": "4566",
    "person_name": "Test Worker",
    "purpose": "A job",
}
PHP = pytest.mark.parametrize("police", ["php-1.2", "php-1.1"], indirect=True)


def new(reference: str = "REF-1", **form: str) -> Order:
    return Order(reference, "employee_verification", {**FORM, **form})


def about(number: str, mobile: str = "9000000000") -> Order:
    return Order("OP-1", "employee_verification", {"mobile": mobile}, agency_reference=number)


async def test_a_verification_is_taken_found_and_followed(police: Any) -> None:
    receipt = await police.driver.submit(new())
    assert receipt.reference == "REF-1"
    assert receipt.facts == {"fee_paise": "10000"}
    assert receipt.at is not None
    (found,) = await police.driver.find(new())
    assert (found.agency_reference, found.reference) == (receipt.agency_reference, "REF-1")
    reading = await police.driver.track(about(receipt.agency_reference))
    assert reading.status in {Status.SUBMITTED, Status.AWAITING_PAYMENT}
    assert await police.driver.find(new("REF-NOBODY")) == []


async def test_a_request_nobody_has_is_absent_and_anothers_mobile_opens_nothing(police: Any) -> None:
    assert isinstance(await police.driver.track(about("OP26EMV7777777")), Absent)
    number = (await police.driver.submit(new())).agency_reference
    with pytest.raises(Refused) as caught:
        await police.driver.track(about(number, "9000000001"))
    assert caught.value.reason == "not_found"


async def test_a_reference_sent_twice_makes_two_requests_and_the_search_shows_both(police: Any) -> None:
    numbers = {(await police.driver.submit(new())).agency_reference for _ in range(2)}
    assert {one.agency_reference for one in await police.driver.find(new())} == numbers
    assert len(numbers) == 2


async def test_a_station_elsewhere_is_refused_and_the_field_is_named(police: Any) -> None:
    with pytest.raises(Refused) as caught:
        await police.driver.submit(new(police_station="9801"))
    assert (caught.value.code, set(caught.value.fields)) == ("14", {"police_station"})


@pytest.mark.parametrize("kind", ["text", "digest"])
async def test_the_security_header_is_read_by_the_other_side_in_both_kinds(police: Any, kind: str) -> None:
    ours = police_driver(police.wire, police.url, soap=police.version, password_type=kind)
    assert await ours.find(new("REF-NOBODY")) == []
    stranger = police_driver(police.wire, police.url, "a wrong password", soap=police.version, password_type=kind)
    with pytest.raises(Misconfigured):
        await stranger.find(new("REF-NOBODY"))


@pytest.mark.parametrize(
    ("code", "expected"),
    [("501", "unknown"), ("204", "broken")],
    ids=["uncaught-exception", "empty-200"],
)
async def test_a_write_that_met_a_broken_server_is_in_doubt_and_is_found_afterwards(
    police: Any, code: str, expected: str
) -> None:
    order = new(mobile=f"9000000{code}")
    ended = await police.ended("submit", order)
    assert ended.word(read=False) == expected
    assert ended.trail.sent is Sent.MAYBE
    assert isinstance(outcome_of(ended.got, ended.trail, operations_of(type(police.driver))["submit"]), Unknown)
    (found,) = await police.driver.find(order)
    assert found.reference == order.reference


@PHP
async def test_a_fault_with_a_listed_code_in_its_detail_is_a_refusal_in_both_versions(police: Any) -> None:
    with pytest.raises(Refused) as caught:
        await police.driver.submit(new(mobile="9000000709"))
    assert caught.value.reason == "fields_invalid"
    assert await police.driver.find(new()) == []


@PHP
async def test_a_fault_nobody_listed_leaves_a_write_in_doubt(police: Any) -> None:
    ended = await police.ended("submit", new(mobile="9000000506"))
    assert isinstance(ended.got, OutcomeUnknown)
    assert "line 12" not in str(ended.got)


@PHP
async def test_a_read_that_met_a_broken_server_is_no_answer(police: Any) -> None:
    assert await police.word("track", about("OP99EMV0000501")) == "unavailable"
    assert await police.word("track", about("OP99EMV0000506")) == "unavailable"
    assert isinstance((await police.ended("track", about("OP99EMV0000204"))).got, ContractBroken)


@PHP
async def test_odia_survives_the_journey_through_another_stacks_dataset(police: Any) -> None:
    receipt = await police.driver.submit(new())
    reading = await police.driver.track(about(receipt.agency_reference))
    assert reading.remark == f"{FORM['name']}, {FORM['address_line1']}"
    assert reading.facts == {"office": "ଡେମୋ ଥାନା", "district": "ଖୋର୍ଦ୍ଧା"}
