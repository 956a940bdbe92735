"""Complaints, bills and payments at the simulated corporation, over real sockets and through its login."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from aggregator.sdk.clock import SystemClock
from aggregator.sdk.errors import OutcomeUnknown, Refused, Unavailable
from aggregator.sdk.model import Absent, Facts, Order, Reading
from aggregator.sdk.status import Status

FORM = {
    "name": "Test Citizen",
    "mobile": "9000050000",
    "locality": "SIM01",
    "details": "Light out near Demo Colony gate",
}


def complaint(reference: str = "CASE-1", **changed: Any) -> Order:
    return Order(reference, "street_light", FORM | changed, at=SystemClock().now())


def about(number: str, reference: str = "CASE-1", **form: Any) -> Order:
    return replace(complaint(reference, **form), agency_reference=number)


async def status_of(city: Any, number: str) -> tuple[Status, str]:
    got = await city.driver.track(about(number))
    return got.status, got.detail


async def test_a_complaint_goes_from_the_queue_to_its_end_by_the_clock(city: Any) -> None:
    number = (await city.driver.submit(complaint())).agency_reference
    assert await status_of(city, number) == (Status.SUBMITTED, "QUEUED")
    assert await city.driver.find(complaint()) == []
    await city.seconds_pass(3)
    assert [one.agency_reference for one in await city.driver.find(complaint())] == [number]
    seen = [await status_of(city, number)]
    for hours in (1, 24, 72):
        await city.seconds_pass(hours * 3600)
        seen.append(await status_of(city, number))
    assert [status for status, _ in seen] == [
        Status.ACKNOWLEDGED,
        Status.ASSIGNED,
        Status.RESOLVED_BY_AGENCY,
        Status.COMPLETED,
    ]
    steps = await city.driver.history(about(number))
    assert [one.remark for one in steps] == ["APPLY", "ASSIGN", "RESOLVE", "RATE"]


async def test_a_resolved_complaint_may_be_reopened_and_rated(city: Any) -> None:
    number = (await city.driver.submit(complaint())).agency_reference
    await city.seconds_pass(26 * 3600)
    await city.driver.reopen(about(number, "STEP-1", reason="Dark again"))
    assert [one.reference for one in await city.driver.find(about(number, "STEP-1"))] == ["STEP-1"]
    with pytest.raises(Refused) as caught:
        await city.driver.rate(about(number, "STEP-2", rating=4))
    assert caught.value.reason == "wrong_state"
    await city.seconds_pass(26 * 3600)
    for _ in range(2):
        await city.driver.rate(about(number, "STEP-3", rating=4))
    await city.seconds_pass(3)
    assert (await status_of(city, number))[0] is Status.COMPLETED
    rated = [row["acted"] for row in await city.control("GET", "/ledger?operation=rate")]
    assert rated == [0, 1, 0]


async def test_a_token_that_ended_is_renewed_without_anybody_noticing(city: Any) -> None:
    number = (await city.driver.submit(complaint())).agency_reference
    await city.seconds_pass(3600)
    assert (await status_of(city, number))[0] is Status.ASSIGNED
    await city.seconds_pass(3600)
    with pytest.raises(Unavailable):
        await city.driver.submit(complaint("CASE-2"))
    await city.driver.submit(complaint("CASE-2"))
    assert await city.control("GET", "/duplicates") == []


async def test_the_sixth_complaint_of_a_minute_is_turned_away_and_not_acted_on(city: Any) -> None:
    for serial in range(5):
        await city.driver.submit(complaint(f"CASE-{serial}"))
    with pytest.raises(Unavailable) as caught:
        await city.driver.submit(complaint("CASE-6"))
    assert caught.value.throttled
    rows = await city.control("GET", "/ledger?operation=submit")
    assert [row["acted"] for row in rows] == [1, 1, 1, 1, 1, 0]


async def test_a_lost_answer_is_found_by_our_reference_and_shows_once(city: Any) -> None:
    lost = complaint(mobile="9000000601")
    with pytest.raises(OutcomeUnknown):
        await city.driver.submit(lost)
    assert [one.reference for one in await city.driver.find(lost)] == ["CASE-1"]


async def test_815_a_complaint_their_queue_loses_is_never_shown(city: Any) -> None:
    number = (await city.driver.submit(complaint(mobile="9000000815"))).agency_reference
    await city.seconds_pass(3600)
    assert await city.driver.find(complaint(mobile="9000000815")) == []
    assert await status_of_lost(city, number) == (Status.SUBMITTED, "QUEUED")
    assert await city.driver.history(about(number, mobile="9000000815")) == []


async def status_of_lost(city: Any, number: str) -> tuple[Status, str]:
    got = await city.driver.track(about(number, mobile="9000000815"))
    return got.status, got.detail


async def test_816_a_workflow_without_its_record_has_a_history_and_no_complaint(city: Any) -> None:
    number = (await city.driver.submit(complaint(mobile="9000000816"))).agency_reference
    await city.seconds_pass(60)
    assert await city.driver.find(complaint(mobile="9000000816")) == []
    assert [one.remark for one in await city.driver.history(about(number, mobile="9000000816"))] == ["APPLY"]


@pytest.mark.parametrize("shape", ["spec", "live", "both"])
async def test_a_bill_is_shown_paid_and_gone_in_every_shape(city_with: Any, shape: str) -> None:
    async with city_with(shape=shape) as city:
        asked = Order("", "water_bill", {"consumer_code": "ws/ctc/000042"})
        bill = await city.driver.bill(asked)
        assert isinstance(bill, Facts)
        form = {"bill_id": bill.values["bill_id"], "amount_paise": int(bill.values["amount_paise"])}
        order = Order("PAY-1", "water_bill", {**form, "name": "Test Citizen", "mobile": "9000050000"})
        order = replace(order, at=datetime(2026, 1, 15, tzinfo=UTC))
        receipt = await city.driver.pay(order)
        await city.seconds_pass(3)
        assert await city.driver.bill(asked) == Absent("nothing due")
        found = await city.driver.find(order)
        assert [one.agency_reference for one in found] == [receipt.agency_reference]
        standing = await city.driver.payment_status(order)
        assert isinstance(standing, Reading)
        assert (standing.status, standing.facts["receipt_no"]) == (Status.COMPLETED, receipt.agency_reference)


async def test_where_bills_are_enforced_a_second_payment_is_refused(city_with: Any) -> None:
    async with city_with(enforce_bill=True) as city:
        form = {"bill_id": "SIMBILL-1", "amount_paise": 1000, "name": "Test Citizen", "mobile": "9000050000"}
        await city.driver.pay(Order("PAY-1", "water_bill", form, at=datetime(2026, 1, 15, tzinfo=UTC)))
        with pytest.raises(Refused) as caught:
            await city.driver.pay(Order("PAY-2", "water_bill", form, at=datetime(2026, 1, 15, tzinfo=UTC)))
        assert caught.value.reason == "already_paid"


@pytest.mark.parametrize(
    ("offer", "number", "status"),
    [
        ("trade_licence_status", "TL/SIM/000000", Status.IN_PROGRESS),
        ("trade_licence_status", "TL/SIM/000109", Status.AWAITING_CITIZEN),
        ("building_plan_status", "BPA/SIM/000109", Status.AWAITING_CITIZEN),
        ("water_connection_status", "WS/SIM/000000", Status.COMPLETED),
        ("water_connection_status", "WS/SIM/000107", Status.IN_PROGRESS),
        ("water_connection_status", "WS/SIM/000801", Status.UNKNOWN),
    ],
)
async def test_an_application_shows_its_state(city: Any, offer: str, number: str, status: Status) -> None:
    got = await city.driver.track(Order("", offer, {"number": number.lower()}))
    assert got.status is status


async def test_a_certificate_is_shown_to_those_who_know_its_day(city: Any) -> None:
    form = {"registration_no": "D/SIM/000001", "date_of_death": "1990-01-01"}
    got = await city.driver.lookup(Order("", "death_certificate", form))
    assert got.values["hospital"] == "Demo Hospital"
    assert "Test" not in str(got.values)
    wrong = await city.driver.lookup(Order("", "death_certificate", form | {"date_of_death": "1990-01-02"}))
    assert isinstance(wrong, Absent)


async def test_several_mistakes_in_a_form_are_all_told(city: Any) -> None:
    with pytest.raises(Refused) as caught:
        await city.driver.submit(complaint(locality="", name=""))
    assert caught.value.code == "INVALID_BOUNDARY, INVALID_REQUEST"


HALL = {"community_hall": "KALYAN", "hall": "MAIN", "purpose": "Wedding", "name": "Test Citizen"}
HALL |= {"mobile": "9000050000", "slot_id": "KALYAN|MAIN|2027-02-02|10:00|14:00"}


def hall(reference: str, number: str = "", **more: Any) -> Order:
    return Order(reference, "hall_booking", HALL | more, number, SystemClock().now())


async def test_a_hall_is_held_paid_and_given_once(city: Any) -> None:
    asked = hall("", **{"from": "2027-02-02", "to": "2027-02-02"})
    assert [slot.free for slot in await city.driver.slots(asked)] == [1, 1]
    number = (await city.driver.book(hall("BOOK-1"))).agency_reference
    with pytest.raises(Refused) as caught:
        await city.driver.book(hall("BOOK-2", mobile="9000060000"))
    assert caught.value.reference == number
    assert [slot.free for slot in await city.driver.slots(asked)] == [0, 1]
    bill = await city.driver.bill(hall("", number))
    paying = {"bill_id": bill.values["bill_id"], "amount_paise": int(bill.values["amount_paise"])}
    await city.driver.pay(hall("PAY-1", number, **paying))
    await city.seconds_pass(1000)
    assert (await city.driver.track(hall("BOOK-1", number))).status is Status.SCHEDULED
    await city.driver.cancel(hall("STEP-1", number))
    await city.driver.cancel(hall("STEP-1", number))
    assert [row["acted"] for row in await city.control("GET", "/ledger?operation=cancel")] == [1, 0]
    assert [slot.free for slot in await city.driver.slots(asked)] == [1, 1]


async def test_a_hold_nobody_paid_ends_and_a_late_payment_is_refused(city: Any) -> None:
    number = (await city.driver.book(hall("BOOK-1"))).agency_reference
    await city.seconds_pass(1000)
    form = {"bill_id": f"SIMBILL-{number}", "amount_paise": 1000}
    with pytest.raises(Refused) as caught:
        await city.driver.pay(hall("PAY-1", number, **form))
    assert caught.value.code == "CHB_HOLD_EXPIRED"
    await city.driver.book(hall("BOOK-2", mobile="9000060000"))
