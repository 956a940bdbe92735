"""The driver and the simulated police on real sockets: life by the clock, and what the ledger says of it."""

from datetime import datetime
from typing import Any

import pytest
from police_sandbox import FORM, about, magic, new

from aggregator.sdk.clock import IST
from aggregator.sdk.errors import OutcomeUnknown, Refused
from aggregator.sdk.model import Absent, Document, Order
from aggregator.sdk.status import Status

FEE = {"amount_paise": 10000, "paid_at": "2026-01-15T10:00:00+05:30"}


async def test_a_verification_goes_from_submission_to_certificate_by_the_clock(either: Any) -> None:
    receipt = await either.driver.submit(new())
    number = receipt.agency_reference
    assert number == f"OP{datetime.now(IST):%y}EMV0000001"
    assert receipt.facts == {"fee_paise": "10000"}
    seen = [(await either.driver.track(about(number))).agency_code]
    await either.driver.pay(about(number, "01JCZ5PAYMENT0000000000001", **FEE))
    for days in (0, 1, 1, 2, 3, 1):
        await either.days_pass(days)
        seen.append((await either.driver.track(about(number))).agency_code)
    assert await either.driver.document(about(number)) == Absent("31")
    await either.days_pass(1)
    assert (await either.driver.track(about(number))).status is Status.COMPLETED
    assert isinstance(await either.driver.document(about(number)), Document)
    assert seen == ["02", "02", "03", "04", "05", "06", "09"]
    codes = [step.agency_code for step in await either.driver.history(about(number))]
    assert codes == ["01", "02", "03", "04", "05", "06", "09", "10"]
    assert await either.control("GET", "/duplicates") == []


@pytest.mark.parametrize(
    ("service", "codes"),
    [
        ("complaint", ["01", "04", "05", "13"]),
        ("fir_copy", ["01", "04", "13"]),
        ("event", ["01", "03", "04", "09"]),
        ("tenant_verification", ["01", "03", "04", "05", "06", "09", "10"]),
    ],
)
async def test_a_service_without_a_fee_begins_at_once(sandbox: Any, service: str, codes: list[str]) -> None:
    number = (await sandbox.driver.submit(new(service=service))).agency_reference
    await sandbox.days_pass(30)
    assert [step.agency_code for step in await sandbox.driver.history(about(number))] == codes
    last = await sandbox.driver.track(about(number))
    assert last.status is (Status.RESOLVED_BY_AGENCY if service == "complaint" else last.status)


async def test_a_reference_sent_twice_makes_two_requests_and_the_ledger_shows_it(sandbox: Any) -> None:
    numbers = {(await sandbox.driver.submit(new())).agency_reference for _ in range(2)}
    assert {one.agency_reference for one in await sandbox.driver.find(new())} == numbers
    (double,) = await sandbox.control("GET", "/duplicates")
    assert (double["natural_key"], double["times"]) == ("REF-1", 2)


async def test_a_challan_is_recorded_once_and_named_at_the_second_time(sandbox: Any) -> None:
    number = (await sandbox.driver.submit(new())).agency_reference
    with pytest.raises(Refused) as wrong:
        await sandbox.driver.pay(about(number, "PAY-1", **FEE | {"amount_paise": 5000}))
    await sandbox.driver.pay(about(number, "PAY-1", **FEE))
    again = (await sandbox.ended("pay", about(number, "PAY-1", **FEE))).got
    assert (wrong.value.reason, again.reason, again.reference) == ("fee_mismatch", "duplicate", number)
    late = (await sandbox.ended("pay", about(number, "PAY-2", **FEE))).got
    assert late.reason == "wrong_state"
    assert await sandbox.acted("pay") == [0, 1, 0, 0]


async def test_a_question_of_the_police_is_answered_once_they_asked_it(sandbox: Any) -> None:
    number = (await sandbox.driver.submit(new(service="character_certificate"))).agency_reference
    reply = about(number, "REPLY-1", reply_text="Here it is", document_name="deed.pdf", document_base64="JVBERi0xLjQK")
    with pytest.raises(Refused) as early:
        await sandbox.driver.reply(reply)
    assert early.value.reason == "wrong_state"
    await sandbox.control("POST", "/advance", {"ref": number, "to": "07"})
    assert (await sandbox.driver.track(about(number))).status is Status.AWAITING_CITIZEN
    assert await sandbox.driver.find(reply) == []
    await sandbox.driver.reply(reply)
    (found,) = await sandbox.driver.find(reply)
    assert (found.agency_reference, found.reference) == (number, "REPLY-1")
    last = (await sandbox.driver.history(about(number)))[-1]
    assert (last.agency_code, last.remark) == ("05", "Reply received with REPLY-1-deed.pdf")


async def test_a_withdrawal_is_the_same_twice(sandbox: Any) -> None:
    number = (await sandbox.driver.submit(new())).agency_reference
    for _ in range(2):
        await sandbox.driver.cancel(about(number))
    assert [step.agency_code for step in await sandbox.driver.history(about(number))] == ["01", "02", "16"]
    assert await sandbox.acted("cancel") == [1, 0]


async def test_reminders_leave_no_trace_but_in_the_ledger(sandbox: Any) -> None:
    number = (await sandbox.driver.submit(new())).agency_reference
    before = await sandbox.driver.history(about(number))
    for _ in range(2):
        await sandbox.driver.remind(about(number))
    assert await sandbox.driver.history(about(number)) == before
    assert await sandbox.acted("remind") == [1, 1]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"father_name": ""}, "fields_invalid"),
        ({"police_station": "9801"}, "fields_invalid"),
        ({"service": "fir_copy", "fir_no": "116"}, "sensitive"),
        ({"service": "protest"}, "service_closed"),
        ({"mobile": "9000000104"}, "not_found"),
    ],
)
async def test_a_refused_application_is_nowhere(sandbox: Any, changed: dict[str, str], reason: str) -> None:
    with pytest.raises(Refused) as caught:
        await sandbox.driver.submit(new(**changed))
    assert caught.value.reason == reason
    assert await sandbox.acted("submit") == [0]
    assert await sandbox.driver.find(new()) == []


async def test_somebody_elses_mobile_opens_nothing(sandbox: Any) -> None:
    number = (await sandbox.driver.submit(new())).agency_reference
    for call in (sandbox.driver.track, sandbox.driver.cancel, sandbox.driver.document, sandbox.driver.history):
        with pytest.raises(Refused) as caught:
            await call(about(number, mobile="9000000001"))
        assert caught.value.reason == "not_found"
    assert await sandbox.driver.track(about("OP26EMV9999999")) == Absent()


async def test_an_answer_lost_after_the_act_is_found_by_our_reference(either: Any) -> None:
    order = new(mobile="9000000601")
    with pytest.raises(OutcomeUnknown):
        await either.driver.submit(order)
    (found,) = await either.driver.find(order)
    assert found.reference == "REF-1"


async def test_a_record_inside_its_lag_is_absent_and_then_there(sandbox: Any) -> None:
    order = new(mobile="9000000808")
    with pytest.raises(OutcomeUnknown):
        await sandbox.driver.submit(order)
    assert await sandbox.driver.find(order) == []
    await sandbox.control("POST", "/clock", {"advance_s": 21})
    assert len(await sandbox.driver.find(order)) == 1


async def test_a_broken_search_does_not_find_the_control_record_either(sandbox: Any) -> None:
    control = Order("CONTROL-0001", "tenant_verification", {})
    (found,) = await sandbox.driver.find(control)
    assert found.agency_reference == "OP25TNV0000001"
    with pytest.raises(OutcomeUnknown):
        await sandbox.driver.submit(new(mobile="9000000809"))
    assert await sandbox.driver.find(control) == []
    await sandbox.control("POST", "/clock", {"advance_s": 601})
    assert len(await sandbox.driver.find(control)) == 1
    assert await sandbox.control("GET", "/ledger?ref=CONTROL-0001") == []


async def test_an_act_that_comes_late_comes_once_although_its_token_is_old(sandbox: Any) -> None:
    order = new(mobile="9000000806")
    with pytest.raises(OutcomeUnknown):
        await sandbox.driver.submit(order)
    await sandbox.control("POST", "/clock", {"advance_s": 298})
    assert await sandbox.driver.find(order) == []
    await sandbox.control("POST", "/clock", {"advance_s": 2})
    assert len(await sandbox.driver.find(order)) == 1


async def test_forty_five_requests_of_one_mobile_come_in_pages(sandbox: Any) -> None:
    for place in range(45):
        await sandbox.driver.submit(new(f"REF-{place}", "tenant_verification", mobile="9123456789"))
    found = await sandbox.driver.find(Order("", "tenant_verification", {"mobile": "9123456789"}))
    assert len({one.agency_reference for one in found}) == len(found) == 45
    assert (await sandbox.control("GET", "/calls"))["operations"]["find"] == 3


async def test_the_same_page_for_every_number_is_noticed(sandbox: Any) -> None:
    found = await sandbox.driver.find(Order("", "tenant_verification", {"mobile": "9000000803"}))
    assert len(found) == 20
    assert (await sandbox.control("GET", "/calls"))["operations"]["find"] == 2


async def test_a_search_for_everybody_is_what_their_memory_dies_of(sandbox: Any) -> None:
    assert await sandbox.word("find", Order("", "complaint", {})) == "unavailable"


async def test_stations_are_told_by_district(sandbox: Any) -> None:
    got = await sandbox.driver.lookup(Order("", "police_stations", {"district": "98"}))
    assert dict(got.values)["9803"] == "DEMO PS 3"
    assert await sandbox.driver.lookup(Order("", "police_stations", {"district": "11"})) == Absent()


async def test_a_state_that_goes_back_or_disappears_does_so_at_the_third_look(sandbox: Any) -> None:
    back = [(await sandbox.driver.track(about(magic("802")))).agency_code for _ in range(3)]
    assert back == ["05", "05", "01"]
    gone = [await sandbox.driver.track(about(magic("814"))) for _ in range(3)]
    assert gone[2] == Absent()
    assert gone[1] != Absent()


async def test_a_magic_number_may_be_of_any_service(sandbox: Any) -> None:
    assert (await sandbox.driver.track(about(magic("0", "CMP")))).agency_code == "05"
    assert FORM["mobile"] == "9000000000"
