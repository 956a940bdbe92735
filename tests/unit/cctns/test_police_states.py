"""What the police say of a request, in the citizen's words, and what of it stays in the house."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from police_office import NUMBER, state

from adapters.police.cctns import words
from adapters.police.cctns.simulator_life import TEXTS
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.model import Order, Reading
from aggregator.sdk.status import OURS, Status

TRACK, HISTORY, SEARCH = "GetServiceRequestStatus", "GetServiceRequestHistory", "SearchServiceRequest"


async def track(police: Any, order: Order, **columns: str | None) -> Reading:
    police.shows(TRACK, state(**columns))
    got = await police.driver.track(order)
    assert isinstance(got, Reading)
    return got


async def test_the_published_state_is_read(police: Any, case: Order) -> None:
    assert await track(police, case) == Reading(
        Status.IN_PROGRESS,
        "05",
        at=datetime(2026, 1, 15, 5, 50, tzinfo=UTC),
        detail="ENQUIRY",
        facts={"office": "DEMO PS", "district": "DEMO DISTRICT"},
    )
    assert police.asked() == {"ServiceRequestNo": NUMBER, "MobileNo": "9000000000"}


def test_the_vocabulary_is_total_over_what_the_police_can_say() -> None:
    assert set(words.STATUS) == set(TEXTS) == set(words.CODES.values())
    assert {words.CODES[text]: text for text in words.CODES} == TEXTS


@pytest.mark.parametrize("code", sorted(TEXTS))
async def test_a_code_and_its_words_mean_the_same(police: Any, case: Order, code: str) -> None:
    by_code = await track(police, case, STATUS_CD=code, STATUS_DESC=None)
    by_words = await track(police, case, STATUS_CD=None, STATUS_DESC=f" {TEXTS[code].upper()}. ")
    assert replace(by_code, agency_code="") == replace(by_words, agency_code="")
    assert by_code.status not in OURS | {Status.UNKNOWN}


@pytest.mark.parametrize(
    ("code", "text"),
    [("05", "Approved"), ("77", "Approved"), ("77", "Sent to Lokayukta"), ("", " "), ("", "Sent to Lokayukta")],
)
async def test_a_word_nobody_listed_or_that_contradicts_its_code_never_moves_a_case(
    police: Any, case: Order, code: str, text: str
) -> None:
    assert (await track(police, case, STATUS_CD=code, STATUS_DESC=text)).status is Status.UNKNOWN


async def test_words_in_hindi_are_read_by_their_code(police: Any, case: Order) -> None:
    assert (await track(police, case, STATUS_DESC="जाँच जारी है")).detail == "ENQUIRY"


async def test_a_row_that_lacks_both_code_and_words_is_a_broken_contract(police: Any, case: Order) -> None:
    with pytest.raises(ContractBroken):
        await track(police, case, STATUS_CD=None, STATUS_DESC=None)


@pytest.mark.parametrize(
    "told",
    [
        {"STATUS_CD": "12", "STATUS_DESC": "Adverse Report"},
        {"STATUS_CD": "12", "STATUS_DESC": "प्रतिकूल"},
        {"STATUS_CD": None, "STATUS_DESC": "adverse report."},
        {"STATUS_CD": "05", "STATUS_DESC": "Adverse Report"},
    ],
)
async def test_an_adverse_report_is_never_passed_on(police: Any, case: Order, told: dict[str, str | None]) -> None:
    got = await track(police, case, **told, REMARKS="Adverse: case 0 of 2020 at DEMO PS")
    assert got.status is (Status.UNKNOWN if told["STATUS_CD"] == "05" else Status.REJECTED)
    assert (got.agency_code, got.remark, got.detail, got.facts) == ("", "", "", {})


async def test_nor_by_the_history_nor_by_a_search(police: Any, case: Order) -> None:
    step = {"SRN": NUMBER, "SEQ": "1", "STATUS_CD": "12", "STATUS_DESC": "Adverse Report", "REMARKS": "Adverse"}
    police.shows(HISTORY, step)
    assert await police.driver.history(case) == [Reading(Status.REJECTED, "")]
    police.shows(SEARCH, {**state(STATUS_CD="12", STATUS_DESC="Adverse Report"), "CLIENT_REF": "REF-1"})
    (found,) = await police.driver.find(case)
    assert found.agency_code == ""


@pytest.mark.parametrize(
    ("service", "status"),
    [("CMP", Status.RESOLVED_BY_AGENCY), ("MIS", Status.COMPLETED), ("FIR", Status.COMPLETED)],
)
async def test_a_closed_complaint_may_be_doubted_by_who_made_it(
    police: Any, case: Order, service: str, status: Status
) -> None:
    number = NUMBER.replace("EMV", service)
    order = replace(case, agency_reference=number)
    told = {"SRN": number, "STATUS_CD": "13", "STATUS_DESC": "Closed"}
    assert (await track(police, order, **told, SERVICE_CD=service)).status is status
    assert (await track(police, order, **told, SERVICE_CD=None)).status is status


@pytest.mark.parametrize(("code", "detail"), [("04", "DEMO PS"), ("15", "DEMO DISTRICT")])
async def test_a_request_that_went_somewhere_says_where(police: Any, case: Order, code: str, detail: str) -> None:
    assert (await track(police, case, STATUS_CD=code, STATUS_DESC=TEXTS[code])).detail == detail


async def test_who_has_no_case_with_us_sees_status_and_date_only(police: Any, case: Order) -> None:
    told = {"STATUS_CD": "04", "STATUS_DESC": TEXTS["04"], "REMARKS": "Constable 0 visits"}
    ours = await track(police, case, **told)
    enquiry = await track(police, replace(case, reference=""), **told)
    assert ours.remark == "Constable 0 visits"
    assert enquiry == Reading(Status.ASSIGNED, "04", at=ours.at)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("15/01/2026 05:02:62604", datetime(2026, 1, 14, 18, 30, tzinfo=UTC)),
        ("01/01/0001 00:00:00", None),
        ("NA", None),
        (None, None),
        ("15-01-2026 11:20:00", datetime(2026, 1, 15, 5, 50, tzinfo=UTC)),
    ],
)
async def test_impossible_seconds_leave_the_day_and_sentinels_leave_nothing(
    police: Any, case: Order, text: str | None, at: datetime | None
) -> None:
    assert (await track(police, case, LAST_ACTION_DT=text)).at == at


async def test_a_history_is_told_in_the_agencys_order_and_each_step_once(police: Any, case: Order) -> None:
    steps = [
        {"SRN": NUMBER, "SEQ": seq, "STATUS_CD": code, "STATUS_DESC": TEXTS[code], "ACTION_DT": "15/01/2026 11:20:00"}
        for seq, code in (("10", "05"), ("2", "03"), ("1", "01"), ("10", "05"))
    ]
    police.shows(HISTORY, *steps)
    assert [step.agency_code for step in await police.driver.history(case)] == ["01", "03", "05"]
