"""Every fault of the menu at the simulated VAHAN, and what its driver makes of it."""

import asyncio
import json
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from vahan_orders import FORM, about, paid, transfer

from adapters.rto.vahan import Driver
from aggregator.sdk.adapter import Settings
from aggregator.sdk.errors import ContractBroken, Misconfigured, OutcomeUnknown, Refused, Unavailable
from aggregator.sdk.model import Absent, Facts, Order, Reading, Receipt
from aggregator.sdk.testing.faults import MENU, Way
from aggregator.sdk.wire_aiohttp import AiohttpWire

HANGS = {Way.SILENT, Way.ENDLESS, Way.DRIP, Way.SLOW, Way.FLOOD, Way.BOMB}


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
