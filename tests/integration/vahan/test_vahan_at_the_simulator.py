"""Applications and records at the simulated department, over real sockets."""

import asyncio
import json
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.rto.vahan import Driver
from aggregator.sdk.adapter import Settings
from aggregator.sdk.errors import ContractBroken, Misconfigured, OutcomeUnknown, Refused, Unavailable
from aggregator.sdk.model import Absent, Facts, Order, Reading, Receipt
from aggregator.sdk.status import Status
from aggregator.sdk.testing.faults import MENU, Way
from aggregator.sdk.wire_aiohttp import AiohttpWire

FORM = {
    "vehicle_number": "OD02AB1234",
    "chassis_last5": "01234",
    "name": "Test Citizen",
    "mobile": "9000000000",
    "address": "Plot 1, Demo Colony",
    "buyer_name": "Test Buyer",
    "buyer_mobile": "9000000009",
    "buyer_address": "Plot 2, Demo Colony",
    "office": "OD-02",
}
HANGS = {Way.SILENT, Way.ENDLESS, Way.DRIP, Way.SLOW, Way.FLOOD, Way.BOMB}


def transfer(reference: str = "REF-1", **changed: str) -> Order:
    return Order(reference, "transfer_ownership", {**FORM, **changed})


def about(number: str, reference: str = "OP-1", **form: Any) -> Order:
    return Order(reference, "transfer_ownership", {**FORM, **form}, agency_reference=number)


async def paid(sandbox: Any, order: Order) -> str:
    """A transfer with both consents and its fee paid; its number."""
    receipt = await sandbox.driver.submit(order)
    number = str(receipt.agency_reference)
    for party in ("SELLER", "BUYER"):
        consent = {"party": party, "otp_txn": "OTP1", "consented_at": "2026-01-15T10:00:00+05:30"}
        await sandbox.driver.consent(about(number, **consent))
    fee = {"amount_paise": receipt.facts["fee_paise"], "bank_ref": "SIMBANK1", "paid_at": "2026-01-15T10:00:00+05:30"}
    await sandbox.driver.pay(about(number, "PAY-" + order.reference, **fee))
    return number


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


WORDS = {
    Refused: "refused",
    Misconfigured: "misconfigured",
    Unavailable: "unavailable",
    OutcomeUnknown: "unknown",
    ContractBroken: "broken",
    Absent: "absent",
}


def word(got: Any) -> str:
    """The menu's word for what a call ended as."""
    if got == []:
        return "absent"
    return "value" if isinstance(got, Receipt | Reading | Facts | list) else WORDS.get(type(got), repr(got))


async def ended(call: Any) -> str:
    (got,) = await asyncio.gather(call, return_exceptions=True)
    return word(got)


def misread(menu: dict[str, str], got: dict[str, str], same: dict[str, str]) -> dict[str, str]:
    """Codes whose end the menu does not allow; `same`: words that mean the same for this kind of operation."""
    return {
        code: f"{got[code]}, not {allowed}"
        for code, allowed in menu.items()
        if allowed and same.get(got[code], got[code]) not in allowed.split("|")
    }


async def test_every_fault_ends_a_write_as_the_menu_says(sandbox: Any) -> None:
    codes = [code for code, fault in MENU.items() if fault.way not in HANGS]
    got = {code: await ended(sandbox.driver.submit(transfer(f"R-{code}", mobile=f"9000000{code}"))) for code in codes}
    # 206 has no meaning for a write: no answer of a write carries an echoed field.
    expected = {code: MENU[code].write for code in codes} | {"206": "value"}
    assert misread(expected, got, {}) == {}


async def test_every_fault_ends_a_read_of_a_state_as_the_menu_says(sandbox: Any) -> None:
    codes = [code for code, fault in MENU.items() if fault.way not in HANGS]
    got = {code: await ended(sandbox.driver.track(about(f"OD99A0000000{code}"))) for code in codes}
    assert misread({code: MENU[code].read for code in codes}, got, {"unknown": "unavailable"}) == {}


async def test_every_fault_ends_a_read_of_a_record_as_the_menu_says(sandbox: Any) -> None:
    codes = [code for code, fault in MENU.items() if fault.way not in HANGS]
    got = {
        code: await ended(sandbox.driver.lookup(Order("E", "vehicle_record", {"vehicle_number": f"OD99ZZ0{code}"})))
        for code in codes
    }
    expected = {code: MENU[code].read for code in codes} | {"104": "value", "106": "value"}
    assert misread(expected, got, {"unknown": "unavailable"}) == {}


async def test_a_state_that_goes_back_or_disappears_does_so_at_the_third_look(sandbox: Any) -> None:
    back = [(await sandbox.driver.track(about("OD99A0000000802"))).agency_code for _ in range(3)]
    assert back == ["SCR", "SCR", "SUB"]
    gone = [await sandbox.driver.track(about("OD99A0000000814")) for _ in range(3)]
    assert isinstance(gone[1], Reading)
    assert gone[2] == Absent("301")


async def test_composed_and_foreign_letters_arrive_composed(sandbox: Any) -> None:
    form = {"vehicle_number": "OD99ZZ0706", "chassis_last5": "00706"}
    got = await sandbox.driver.lookup(Order("E", "vehicle_record", form))
    assert got.values["owner_name"].startswith("\u0b15\u0b4b\u0b23\u0b3e")


async def test_what_was_answered_survives_kill_9(tmp_path: Path) -> None:
    async def started() -> tuple[asyncio.subprocess.Process, Driver, AiohttpWire]:
        arguments = ("-m", "adapters.rto.vahan.simulator", "--data", str(tmp_path), "--seed", "7", "--secret", "s3")
        process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        ports = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        wire = AiohttpWire(connect_timeout_s=2, total_timeout_s=3, read_timeout_s=3, max_connections=4)
        settings = Settings(f"http://127.0.0.1:{ports['port']}", {"client_id": "SIMCLIENT"}, {"shared_secret": "s3"})
        return process, Driver(wire, settings), wire

    process, driver, wire = await started()
    receipt = await driver.submit(transfer())
    process.send_signal(signal.SIGKILL)
    await process.wait()
    await wire.close()
    process, driver, wire = await started()
    (found,) = await driver.find(transfer())
    assert found.agency_reference == receipt.agency_reference
    assert replace(await driver.submit(transfer()), at=None) == replace(receipt, at=None)
    process.terminate()
    await process.wait()
    await wire.close()


async def test_a_caller_with_a_doctype_or_no_envelope_gets_a_fault(sandbox: Any) -> None:
    url = sandbox.url + "/vahanws/VahanApplication"
    for body in (b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><x>&e;</x>', b"<x/>", b"nothing"):
        async with sandbox.http.post(url, data=body, headers={"Content-Type": "text/xml"}) as got:
            assert (got.status, b"Fault" in await got.read()) == (500, True)
    async with aiohttp.ClientSession() as http, http.post(sandbox.url + "/elsewhere") as got:
        assert got.status == 404


async def test_an_outage_set_by_hand_reaches_the_operations_that_ask_for_nobody(sandbox: Any) -> None:
    await sandbox.control("PUT", "/faults", [{"operation": "*", "fault": "503", "times": 2}])
    with pytest.raises(Unavailable):
        await sandbox.driver.probe(transfer())
    with pytest.raises(Unavailable):
        await sandbox.driver.list_services(transfer())
    await sandbox.driver.probe(transfer())


async def test_a_slot_that_was_never_offered_is_gone(sandbox: Any) -> None:
    number = await paid(sandbox, transfer())
    for slot in ("OD-02-20200101-1000", "OD-02-20990231-1000", "OD-02-20990201-0300", "nonsense"):
        with pytest.raises(Refused) as caught:
            await sandbox.driver.book(about(number, slot_id=slot))
        assert caught.value.reason == "slot_gone"
        assert len(caught.value.fields["slot_id"].split()) == 3


async def test_a_search_by_vehicle_and_mobile_finds_what_another_portal_filed(sandbox: Any) -> None:
    receipt = await sandbox.driver.submit(transfer("ELSEWHERE"))
    (found,) = await sandbox.driver.find(Order("", "transfer_ownership", FORM))
    assert (found.agency_reference, found.reference) == (receipt.agency_reference, "ELSEWHERE")
