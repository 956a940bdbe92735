"""What the department says of an application, in the citizen's words."""

from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.rto.vahan import words
from adapters.rto.vahan.simulator_life import TEXTS
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.model import Absent, Order, Reading
from aggregator.sdk.status import OURS, Status

SAMPLE = (
    "<Result><code>0</code><message>OK</message><applicationNo>OD99A0000000000</applicationNo>"
    "<statusCode>SCR</statusCode><statusText>Under processing at RTO level - Scrutiny (verification of proof documents)"
    "</statusText><office>OD-02</office><desk>VERIFY</desk><lastActionOn>15/01/2026 11:20:00</lastActionOn>"
    "<remarks>NA</remarks><history><step><code>SUB</code><text>Submitted</text><on>10/01/2026 10:00:00</on></step>"
    "</history></Result>"
)


def said(code: str | None, text: str | None, **more: str) -> str:
    named = {"statusCode": code, "statusText": text, **more}
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in named.items() if value is not None)
    return f"<Result><code>0</code><applicationNo>OD99A0000000000</applicationNo>{inner}</Result>"


async def track(department: Any, order: Order, plain: str) -> Reading:
    department.says("getApplicationStatus", plain)
    got = await department.driver.track(order)
    assert isinstance(got, Reading)
    return got


async def test_the_published_state_is_read(department: Any, open_case: Order) -> None:
    got = await track(department, open_case, SAMPLE)
    assert got == Reading(
        Status.IN_PROGRESS,
        "SCR",
        at=datetime(2026, 1, 15, 5, 50, tzinfo=UTC),
        detail="SCRUTINY",
        facts={"office": "OD-02"},
    )


@pytest.mark.parametrize("code", sorted(TEXTS))
async def test_a_code_and_its_phrase_mean_the_same(department: Any, open_case: Order, code: str) -> None:
    by_code = await track(department, open_case, said(code.lower(), ""))
    department.router.routes.clear()
    by_phrase = await track(department, open_case, said(None, TEXTS[code].upper() + "."))
    assert by_code.status is by_phrase.status
    assert by_code.status not in OURS | {Status.UNKNOWN}


def test_the_vocabulary_is_total_over_what_the_department_can_say() -> None:
    assert set(words.STATUS) == set(TEXTS)


@pytest.mark.parametrize(("code", "text"), [("", ""), ("ZZZ", "Gone fishing"), ("ZZZ", "Approved")])
async def test_an_unknown_word_from_the_department_is_never_guessed(
    department: Any, open_case: Order, code: str, text: str
) -> None:
    got = await track(department, open_case, said(code, text))
    assert (got.status, got.agency_code) == (Status.UNKNOWN, code or text)


async def test_a_state_without_code_and_words_is_a_broken_contract(department: Any, open_case: Order) -> None:
    with pytest.raises(ContractBroken):
        await track(department, open_case, said(None, None))


async def test_a_hindi_phrase_is_read_by_its_code(department: Any, open_case: Order) -> None:
    assert (await track(department, open_case, said("SCR", "जाँच जारी है"))).detail == "SCRUTINY"


async def test_the_state_of_another_application_is_refused(department: Any, open_case: Order) -> None:
    with pytest.raises(ContractBroken, match="another"):
        await track(department, open_case, SAMPLE.replace("OD99A0000000000", "OD99A0000000001"))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("15/01/2026 05:02:62604", datetime(2026, 1, 14, 18, 30, tzinfo=UTC)),
        ("00/00/0000", None),
        ("", None),
        ("15-01-2026 11:20:00", datetime(2026, 1, 15, 5, 50, tzinfo=UTC)),
    ],
)
async def test_impossible_seconds_leave_the_day_and_sentinels_leave_nothing(
    department: Any, open_case: Order, text: str, at: datetime | None
) -> None:
    assert (await track(department, open_case, said("SCR", "", lastActionOn=text))).at == at


async def test_a_dispatched_certificate_names_its_postal_item(department: Any, open_case: Order) -> None:
    got = await track(department, open_case, said("DSP", "Dispatched", remarks="EE123456785IN"))
    assert got.facts == {"postal_item": "EE123456785IN"}


async def test_a_transfer_names_the_office_it_went_to(department: Any, open_case: Order) -> None:
    assert (await track(department, open_case, said("TRF", "Transferred to RTO Cuttack"))).detail == "Cuttack"


async def test_no_such_application_is_an_answer(department: Any, open_case: Order) -> None:
    department.says("getApplicationStatus", "<Result><code>301</code></Result>")
    assert await department.driver.track(open_case) == Absent("301")


def row(reference: str, number: str) -> str:
    return (
        f"<application><applicationNo>{number}</applicationNo><clientRef>{reference}</clientRef>"
        "<serviceCode>TO</serviceCode><statusCode>SUB</statusCode><receivedOn>15/01/2026 10:00:00</receivedOn>"
        "</application>"
    )


async def test_a_search_returns_every_number_once(department: Any, transfer: Order) -> None:
    rows = row("REF-1", "OD26A0000000001") * 2 + row("REF-1", "OD26A0000000002")
    department.says("findApplication", f"<Result><code>0</code>{rows}</Result>")
    found = await department.driver.find(transfer)
    assert [one.agency_reference for one in found] == ["OD26A0000000001", "OD26A0000000002"]
    assert department.asked() == {"clientRef": "REF-1"}


async def test_a_search_that_finds_nothing_is_an_empty_list(department: Any, transfer: Order) -> None:
    department.says("findApplication", "<Result><code>0</code></Result>")
    assert await department.driver.find(transfer) == []


async def test_a_search_that_shows_somebody_elses_reference_is_a_broken_contract(
    department: Any, transfer: Order
) -> None:
    department.says("findApplication", f"<Result><code>0</code>{row('REF-2', 'OD26A0000000001')}</Result>")
    with pytest.raises(ContractBroken):
        await department.driver.find(transfer)


async def test_slots_are_given_in_indian_time(department: Any, open_case: Order) -> None:
    slot = "<slot><slotId>S</slotId><date>20/01/2026</date><time>10:30</time><free>3</free></slot>"
    department.says("getSlots", f"<Result><code>0</code>{slot}</Result>")
    (got,) = await department.driver.slots(open_case)
    assert (got.slot_id, got.place, got.free) == ("S", "OD-02", 3)
    assert got.starts_at.astimezone(UTC) == datetime(2026, 1, 20, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date", "time", "free"), [("NA", "10:00", "1"), ("20/01/2026", "25:00", "1"), ("20/01/2026", "10:00", "few")]
)
async def test_a_slot_without_day_hour_or_places_is_not_offered(
    department: Any, open_case: Order, date: str, time: str, free: str
) -> None:
    slot = f"<slot><slotId>S</slotId><date>{date}</date><time>{time}</time><free>{free}</free></slot>"
    department.says("getSlots", f"<Result><code>0</code>{slot}</Result>")
    with pytest.raises(ContractBroken):
        await department.driver.slots(open_case)
