"""The fault menu in SOAP 1.1, and in both versions what only the police do. (SOAP 1.2: tests/conformance.)"""

from typing import Any

import pytest
from police_sandbox import about, magic, new

from adapters.police.cctns.simulator_words import NOT_APPLICABLE, OWN_FAULTS, SEARCH_FAULTS
from aggregator.sdk.model import Order
from aggregator.sdk.testing.faults import MENU, Way

HANGS = {Way.SILENT, Way.ENDLESS, Way.DRIP, Way.SLOW, Way.FLOOD, Way.BOMB}
QUICK = [code for code, fault in MENU.items() if fault.way not in HANGS]
FEE = {"amount_paise": 10000, "paid_at": "2026-01-15T10:00:00+05:30"}
TEXT = {"reply_text": "Here", "reminder_text": "Still waiting"}
WRITES = ("reply", "pay", "remind", "cancel")
READS = ("track", "history", "document")


def misread(operation: str, got: dict[str, str], *, write: bool) -> dict[str, str]:
    """Codes whose end the menu does not allow; what has no meaning here is as 000."""
    menu = {**MENU, **OWN_FAULTS}
    wrong = {}
    for code, word in got.items():
        row = menu["000"] if code in NOT_APPLICABLE["*"] | NOT_APPLICABLE[operation] else menu[code]
        allowed = row.write if write else row.read
        if allowed and word not in allowed.split("|"):
            wrong[code] = f"{word}, not {allowed}"
    return wrong


async def test_in_soap_11_a_submission_ends_as_the_menu_says(sandbox: Any) -> None:
    old = sandbox.speaking(soap="1.1")
    got = {code: await old.word("submit", new(f"R-{code}", mobile=f"9000000{code}")) for code in QUICK}
    assert misread("submit", got, write=True) == {}


@pytest.mark.parametrize("operation", WRITES)
async def test_in_soap_11_every_other_write_ends_as_the_menu_says(sandbox: Any, operation: str) -> None:
    old = sandbox.speaking(soap="1.1")
    got = {}
    for code in QUICK:
        got[code] = await old.word(operation, about(magic(code), f"W-{code}", **FEE, **TEXT))
    assert misread(operation, got, write=True) == {}


@pytest.mark.parametrize("operation", READS)
async def test_in_soap_11_every_read_ends_as_the_menu_says(sandbox: Any, operation: str) -> None:
    old = sandbox.speaking(soap="1.1")
    got = {code: await old.word(operation, about(magic(code))) for code in QUICK}
    assert misread(operation, got, write=False) == {}


@pytest.mark.parametrize("operation", ["submit", *WRITES])
async def test_what_only_the_police_do_ends_a_write_as_their_menu_says(either: Any, operation: str) -> None:
    got = {}
    for code in OWN_FAULTS:
        order = about(magic(code), f"W-{code}", **FEE, **TEXT)
        if operation == "submit":
            order = new(f"W-{code}", mobile=f"9000000{code}")
        got[code] = await either.word(operation, order)
    assert misread(operation, got, write=True) == {}
    acts = [int(OWN_FAULTS[code].acts) for code in OWN_FAULTS]
    assert await either.acted(operation) == acts


@pytest.mark.parametrize("operation", READS)
async def test_what_only_the_police_do_ends_a_read_as_their_menu_says(either: Any, operation: str) -> None:
    got = {code: await either.word(operation, about(magic(code))) for code in OWN_FAULTS}
    assert misread(operation, got, write=False) == {}


async def test_a_database_that_was_busy_after_acting_is_found_out(sandbox: Any) -> None:
    """713 and 714 look alike; only a look tells them apart."""
    found = {}
    for code in ("713", "714"):
        order = new(f"REF-{code}", mobile=f"9000000{code}")
        assert await sandbox.word("submit", order) == "unknown"
        found[code] = len(await sandbox.driver.find(order))
    assert found == {"713": 0, "714": 1}


async def test_nobody_comes_to_the_trap_of_a_reply(either: Any) -> None:
    for operation in ("track", "history"):
        assert await either.word(operation, about(magic("707"))) == "value"
    assert await either.word("find", Order("", "complaint", {"mobile": "9000000707"})) == "value"
    assert "trap" not in (await either.control("GET", "/calls"))["operations"]
    async with either.http.get(either.url + "/trap/remote.xsd"):
        pass
    assert (await either.control("GET", "/calls"))["operations"]["trap"] == 1  # the control: it does catch


async def test_two_result_sets_out_of_order_are_read_as_the_first_in_order(either: Any) -> None:
    got = await either.driver.history(about(magic("710")))
    assert [step.agency_code for step in got] == ["01", "05"]
    assert (await either.driver.track(about(magic("710")))).agency_code == "05"


async def test_every_second_server_fault_speaks_the_other_version(sandbox: Any) -> None:
    words = [await sandbox.word("track", about(magic("1500"))) for _ in range(4)]
    assert words == ["unavailable"] * 4
    assert (await sandbox.control("GET", "/calls"))["statuses"]["500"] == 4


async def test_a_search_meets_faults_by_hand_that_no_identifier_chooses(sandbox: Any) -> None:
    order = new("CONTROL-0001")
    got = {}
    for code in QUICK:
        if code in SEARCH_FAULTS or MENU[code].way is Way.REFUSAL:
            continue
        await sandbox.control("PUT", "/faults", [{"operation": "find", "fault": code, "times": 1}])
        got[code] = await sandbox.word("find", order)
    wrong = {code: word for code, word in got.items() if MENU[code].read and word not in MENU[code].read.split("|")}
    assert wrong == {}
    assert len(got) > 25


@pytest.mark.parametrize("code", ["711", "713", "715"])
async def test_a_fault_of_the_police_can_be_set_by_hand(sandbox: Any, code: str) -> None:
    await sandbox.control("PUT", "/faults", [{"operation": "list_services", "fault": code, "times": 1}])
    expected = {"711": "value", "713": "unavailable", "715": "unavailable"}[code]
    assert await sandbox.word("list_services", new()) == expected
