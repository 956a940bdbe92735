"""The vahan driver at a server in another stack: what is true at our simulator is true at PHP's SoapServer."""

from typing import Any

import pytest
import soap_peer

from aggregator.resilience.outcome import Unknown, outcome_of
from aggregator.sdk.adapter import operations_of
from aggregator.sdk.errors import Misconfigured, Refused
from aggregator.sdk.model import Absent, Order
from aggregator.sdk.status import Status
from aggregator.sdk.wire import Sent

FORM = {
    "vehicle_number": "OD02AB1234",
    "chassis_last5": "01234",
    "name": "ପରୀକ୍ଷା ନାଗରିକ",
    "mobile": "9000000000",
    "address": "Plot 1, Demo Colony & <Lane>",
    "buyer_name": "Test Buyer",
    "buyer_mobile": "9000000009",
    "buyer_address": "Plot 2, Demo Colony",
    "office": "OD-02",
}

PHP = pytest.mark.parametrize("office", ["php"], indirect=True)


def transfer(reference: str = "REF-1", **changed: str) -> Order:
    return Order(reference, "transfer_ownership", {**FORM, **changed})


def about(number: str, **form: str) -> Order:
    return Order("OP-1", "transfer_ownership", {"mobile": "9000000000", **form}, agency_reference=number)


def record_of(plate: str, **form: str) -> Order:
    return Order("", "vehicle_record", {"vehicle_number": plate, **form})


async def test_a_vehicle_is_found_and_shown_to_its_owner_only(office: Any) -> None:
    facts = await office.driver.lookup(record_of("OD 02 AB 1234"))
    assert facts.values["vehicle_number"] == "OD02AB1234"
    assert "owner_name" not in facts.values
    owned = await office.driver.lookup(record_of("OD02AB1234", chassis_last5="01234"))
    assert owned.values["owner_name"]


async def test_a_vehicle_nobody_has_is_absent_and_no_failure(office: Any) -> None:
    assert isinstance(await office.driver.lookup(record_of("OD99ZZ0101")), Absent)


async def test_an_application_is_taken_found_and_followed(office: Any) -> None:
    receipt = await office.driver.submit(transfer())
    assert receipt.facts == {"fee_paise": "55000"}
    (found,) = await office.driver.find(transfer())
    assert (found.agency_reference, found.reference) == (receipt.agency_reference, "REF-1")
    reading = await office.driver.track(about(receipt.agency_reference))
    assert (reading.status, reading.agency_code) == (Status.AWAITING_CITIZEN, "CON")
    assert isinstance(await office.driver.track(about(receipt.agency_reference, mobile="9000000001")), Absent)
    assert await office.driver.find(transfer("REF-NOBODY")) == []


async def test_a_repeat_is_byte_for_byte_the_same_and_acts_once(office: Any) -> None:
    first, second = await office.driver.submit(transfer()), await office.driver.submit(transfer())
    assert first == second
    with pytest.raises(Misconfigured, match="other content"):
        await office.driver.submit(transfer(name="Somebody Else"))


async def test_a_wrong_proof_is_refused_in_the_agencys_own_words(office: Any) -> None:
    with pytest.raises(Refused) as caught:
        await office.driver.submit(transfer(chassis_last5="99999"))
    assert (caught.value.code, caught.value.reason) == ("102", "not_found")


@pytest.mark.parametrize(
    ("code", "expected"),
    [("501", "unavailable"), ("506", "unavailable"), ("204", "broken")],
    ids=["uncaught-exception", "fault-or-maintenance", "empty-200"],
)
async def test_a_read_that_met_a_broken_server_is_no_answer(office: Any, code: str, expected: str) -> None:
    assert await office.word("lookup", record_of(f"OD99ZZ0{code}")) == expected
    assert await office.word("track", about(f"OD99A0000000{code}")) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [("501", "unknown"), ("506", "unknown"), ("204", "broken")],
    ids=["uncaught-exception", "fault-or-maintenance", "empty-200"],
)
async def test_a_write_that_met_a_broken_server_is_in_doubt_and_is_found_afterwards(
    office: Any, code: str, expected: str
) -> None:
    order = transfer(mobile=f"9000000{code}")
    ended = await office.ended("submit", order)
    assert ended.word(read=False) == expected
    assert ended.trail.sent is Sent.MAYBE
    assert isinstance(outcome_of(ended.got, ended.trail, operations_of(type(office.driver))["submit"]), Unknown)
    (found,) = await office.driver.find(order)
    assert found.reference == order.reference


@PHP
async def test_odia_survives_the_journey_through_another_stacks_cipher(office: Any) -> None:
    owned = await office.driver.lookup(record_of("OD02AB1234", chassis_last5="01234"))
    assert owned.values["owner_name"] == "ପରୀକ୍ଷା ନାଗରିକ"
    assert owned.values["present_address"] == "ପ୍ଲଟ ୧, ଡେମୋ କଲୋନୀ, ଭୁବନେଶ୍ୱର & <ଓଡ଼ିଶା>"
    receipt = await office.driver.submit(transfer())
    assert (await office.driver.track(about(receipt.agency_reference))).remark == "ସମ୍ମତି ଅପେକ୍ଷାରେ"


@PHP
async def test_an_uncaught_exception_really_died_and_none_of_its_text_came_back(php_ledger: Any, office: Any) -> None:
    before = soap_peer.deaths(php_ledger)
    ended = await office.ended("lookup", record_of("OD99ZZ0501"))
    assert soap_peer.deaths(php_ledger) == before + 1
    assert "SQLSTATE" not in str(ended.got)
    assert "OD99ZZ0501" not in str(ended.got)
