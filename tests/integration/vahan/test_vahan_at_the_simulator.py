"""Applications and records at the simulated department, over real sockets."""

from typing import Any

import pytest
from vahan_orders import about, paid, transfer

from adapters.rto.vahan import Driver
from aggregator.sdk.adapter import Settings
from aggregator.sdk.errors import Misconfigured, OutcomeUnknown, Refused
from aggregator.sdk.model import Absent, Order
from aggregator.sdk.status import Status


async def test_a_transfer_goes_from_submission_to_delivery_by_the_clock(sandbox: Any) -> None:
    number = await paid(sandbox, transfer())
    seen: list[str] = []

    async def look() -> None:
        seen.append((await sandbox.driver.track(about(number))).agency_code)

    await look()
    slot = (await sandbox.driver.slots(about(number)))[0]
    await sandbox.driver.book(about(number, slot_id=slot.slot_id))
    await look()
    for days in (1, 1, 3, 2, 1, 4):
        await sandbox.days_pass(days)
        await look()
    assert seen == ["ACK", "APT", "PEN", "SCR", "VER", "APR", "DSP", "DLV"]
    last = await sandbox.driver.track(about(number))
    assert (last.status, last.facts["postal_item"]) == (Status.COMPLETED, "EE123456785IN")
    with pytest.raises(Refused) as caught:
        await sandbox.driver.cancel(about(number))
    assert caught.value.reason == "wrong_state"
    assert await sandbox.control("GET", "/duplicates") == []


async def test_a_repeat_under_its_key_gives_the_same_number_and_acts_once(sandbox: Any) -> None:
    first, second = await sandbox.driver.submit(transfer()), await sandbox.driver.submit(transfer())
    assert first == second
    rows = await sandbox.control("GET", "/ledger?operation=submit&ref=REF-1")
    assert [row["acted"] for row in rows] == [1, 0]
    with pytest.raises(Misconfigured, match="other content"):
        await sandbox.driver.submit(transfer(name="Somebody Else"))


async def test_a_department_that_forgets_its_keys_is_caught_by_the_ledger(sandbox: Any) -> None:
    order = transfer(mobile="9000000810")
    numbers = {(await sandbox.driver.submit(order)).agency_reference for _ in range(2)}
    assert len(numbers) == 2
    assert len(await sandbox.driver.find(order)) == 2
    (double,) = await sandbox.control("GET", "/duplicates")
    assert (double["natural_key"], double["times"]) == ("REF-1", 2)


async def test_a_second_payment_under_another_reference_is_a_duplicate(sandbox: Any) -> None:
    number = await paid(sandbox, transfer())
    fee = {"amount_paise": 55000, "bank_ref": "SIMBANK1", "paid_at": "2026-01-15T10:00:00+05:30"}
    await sandbox.driver.pay(about(number, "PAY-REF-1", **fee))
    assert await sandbox.control("GET", "/duplicates") == []
    await sandbox.driver.pay(about(number, "PAY-AGAIN", **fee))
    assert len(await sandbox.control("GET", "/duplicates")) == 1


async def test_one_booking_lives_and_a_second_points_to_it(sandbox: Any) -> None:
    number = await paid(sandbox, transfer())
    slots = await sandbox.driver.slots(about(number))
    booked = await sandbox.driver.book(about(number, slot_id=slots[0].slot_id))
    with pytest.raises(Refused) as caught:
        await sandbox.driver.book(about(number, slot_id=slots[1].slot_id))
    refused = caught.value
    assert (refused.code, refused.reference) == ("211", booked.agency_reference)
    assert refused.fields == {"slot_id": slots[0].slot_id}


async def test_the_order_of_steps_is_kept(sandbox: Any) -> None:
    number = (await sandbox.driver.submit(transfer())).agency_reference
    fee = {"amount_paise": 55000, "bank_ref": "B", "paid_at": "2026-01-15T10:00:00+05:30"}
    with pytest.raises(Refused) as early:
        await sandbox.driver.pay(about(number, "PAY-1", **fee))
    assert early.value.reason == "consent_missing"
    with pytest.raises(Refused) as unpaid:
        await sandbox.driver.book(about(number, slot_id="OD-02-20990101-1000"))
    assert unpaid.value.reason == "fee_mismatch"
    await sandbox.driver.cancel(about(number))
    assert (await sandbox.driver.track(about(number))).status is Status.WITHDRAWN


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"chassis_last5": "99999"}, "not_found"),
        ({"vehicle_number": "OD99ZZ0101", "chassis_last5": "00101"}, "not_found"),
        ({"vehicle_number": "OD99ZZ0106", "chassis_last5": "00106"}, "encumbrance"),
        ({"mobile": "9000000105"}, "already_open"),
        ({"mobile": "9000000108"}, "fee_mismatch"),
        ({"name": ""}, "fields_invalid"),
    ],
)
async def test_a_refused_application_is_nowhere(sandbox: Any, changed: dict[str, str], reason: str) -> None:
    with pytest.raises(Refused) as caught:
        await sandbox.driver.submit(transfer(**changed))
    assert caught.value.reason == reason
    (row,) = await sandbox.control("GET", "/ledger")
    assert row["acted"] == 0
    assert await sandbox.driver.find(transfer()) == []


async def test_an_answer_lost_after_the_act_is_found_by_our_reference(sandbox: Any) -> None:
    order = transfer(mobile="9000000601")
    with pytest.raises(OutcomeUnknown):
        await sandbox.driver.submit(order)
    (found,) = await sandbox.driver.find(order)
    assert found.reference == "REF-1"
    assert (await sandbox.driver.submit(order)).agency_reference == found.agency_reference
    assert await sandbox.control("GET", "/duplicates") == []


async def test_a_record_inside_its_lag_is_absent_and_then_there(sandbox: Any) -> None:
    order = transfer(mobile="9000000808")
    with pytest.raises(OutcomeUnknown):
        await sandbox.driver.submit(order)
    assert await sandbox.driver.find(order) == []
    await sandbox.control("POST", "/clock", {"advance_s": 16})
    assert len(await sandbox.driver.find(order)) == 1


async def test_a_broken_search_does_not_find_the_control_record_either(sandbox: Any) -> None:
    control = Order("CONTROL-0001", "noc", {})
    (found,) = await sandbox.driver.find(control)
    assert found.agency_reference == "OD25A0000000001"
    with pytest.raises(OutcomeUnknown):
        await sandbox.driver.submit(transfer(mobile="9000000809"))
    assert await sandbox.driver.find(control) == []
    await sandbox.control("POST", "/clock", {"advance_s": 601})
    assert len(await sandbox.driver.find(control)) == 1


async def test_an_act_that_comes_late_comes_once(sandbox: Any) -> None:
    order = transfer(mobile="9000000806")
    with pytest.raises(OutcomeUnknown):
        await sandbox.driver.submit(order)
    await sandbox.control("POST", "/clock", {"advance_s": 298})
    assert await sandbox.driver.find(order) == []
    await sandbox.control("POST", "/clock", {"advance_s": 2})
    assert len(await sandbox.driver.find(order)) == 1


async def test_a_word_set_by_hand_is_told(sandbox: Any) -> None:
    number = (await sandbox.driver.submit(transfer())).agency_reference
    await sandbox.control("POST", "/advance", {"ref": number, "to": "REV"})
    got = await sandbox.driver.track(about(number))
    assert (got.status, got.detail) == (Status.AWAITING_CITIZEN, "DOCUMENTS")


async def test_somebody_elses_mobile_opens_nothing(sandbox: Any) -> None:
    number = (await sandbox.driver.submit(transfer())).agency_reference
    assert await sandbox.driver.track(about(number, mobile="9000000001")) == Absent("301")
    with pytest.raises(Refused):
        await sandbox.driver.cancel(about(number, mobile="9000000001"))


async def test_a_wrong_secret_or_client_is_misconfigured_before_anything_is_written(sandbox: Any) -> None:
    for secret, client in (("another-secret-16", "SIMCLIENT"), ("sim-vahan-secret-01", "NOBODY")):
        driver = Driver(sandbox.wire, Settings(sandbox.url, {"client_id": client}, {"shared_secret": secret}))
        with pytest.raises(Misconfigured):
            await driver.list_services(transfer())
    assert await sandbox.control("GET", "/ledger") == []


async def test_the_same_plate_is_the_same_vehicle_whoever_asks_and_however(sandbox: Any) -> None:
    by_plate = await sandbox.driver.lookup(Order("E", "vehicle_record", {"vehicle_number": "OD02AB1234"}))
    by_chassis = await sandbox.driver.lookup(Order("E", "vehicle_record", {"chassis_number": "SIMCHOD02AB123401234"}))
    by_engine = await sandbox.driver.lookup(Order("E", "vehicle_record", {"engine_number": "SIMENOD02AB1234"}))
    assert by_plate == by_chassis == by_engine


async def test_the_contract_is_served_where_soap_tools_look_for_it(sandbox: Any) -> None:
    async with sandbox.http.get(sandbox.url + "/vahanws/VahanApplication?wsdl") as got:
        assert b'definitions name="VahanApplication"' in await got.read()
