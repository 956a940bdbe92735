"""A hall is given once: whose booking stands in the way is known by our reference and the slot, never by hope."""

import json
from datetime import UTC, datetime

import httpx
import pytest
import respx

from adapters.municipal.digit import Driver
from adapters.municipal.digit.vocabulary import BOOKING_STATES
from aggregator.sdk.adapter import Settings
from aggregator.sdk.clock import ManualClock
from aggregator.sdk.errors import Refused
from aggregator.sdk.model import Order
from aggregator.sdk.status import OURS, Status
from aggregator.sdk.testing.wires import RespxWire

URL = "https://city.example"
AT = datetime(2026, 1, 15, 4, 20, tzinfo=UTC)
FORM = {"purpose": "Wedding", "name": "Test Citizen", "mobile": "9000000000"}
FORM |= {"slot_id": "KALYAN|MAIN|2026-02-02|10:00|14:00"}


@pytest.fixture
def router():
    return respx.Router(assert_all_called=False)


@pytest.fixture
def clock():
    return ManualClock(AT)


@pytest.fixture
def driver(router, clock):
    return Driver(RespxWire(router), Settings(URL, {"tenant": "od.bhubaneswar"}, {"token": "T-0"}), clock)


def on(router, verb, *answers):
    return router.post(url__startswith=f"{URL}/chb-services/booking/v1/{verb}").mock(side_effect=list(answers))


def row(status="PENDING_FOR_PAYMENT", ref="BOOK-1", begins="10:00", number="CHB-1"):
    slot = {"hallCode": "MAIN", "bookingDate": "2026-02-02", "bookingFromTime": begins, "bookingToTime": "14:00"}
    told = {"bookingNo": number, "communityHallCode": "KALYAN", "bookingStatus": status, "bookingSlotDetails": [slot]}
    return told | {"purposeDescription": f"Wedding [{ref}]" if ref else "Wedding"}


def rows(*bookings):
    return httpx.Response(200, json={"responseInfo": None, "hallsBookingApplication": list(bookings)})


def order(reference="BOOK-1", number="", **more):
    return Order(reference, "hall_booking", FORM | more, number, AT)


async def test_a_booking_says_what_is_wanted_and_carries_our_reference(router, driver):
    route = on(router, "_create", rows(row()))
    got = await driver.book(order())
    sent = json.loads(route.calls[0].request.content)["hallsBookingApplication"]
    assert (got.agency_reference, got.agency_code) == ("CHB-1", "PENDING_FOR_PAYMENT")
    assert sent["purposeDescription"] == "Wedding [BOOK-1]"
    assert sent["bookingSlotDetails"][0]["bookingFromTime"] == "10:00"


async def test_a_taken_slot_names_the_booking_in_the_way(router, driver):
    error = {"code": "CHB_SLOT_ALREADY_BOOKED", "message": "taken", "params": ["CHB-7"]}
    on(router, "_create", httpx.Response(400, json={"ResponseInfo": None, "Errors": [error]}))
    with pytest.raises(Refused) as caught:
        await driver.book(order())
    assert (caught.value.reason, caught.value.reference) == ("slot_gone", "CHB-7")


async def test_a_lost_booking_is_found_by_slot_and_reference_among_the_citizens_others(router, driver):
    others = (row(ref="BOOK-9", number="CHB-2"), row(begins="16:00", number="CHB-3"))
    on(router, "_search", rows(row(), *others))
    assert [one.agency_reference for one in await driver.find(order())] == ["CHB-1"]


async def test_a_cancellation_is_told_from_its_booking_by_what_the_booking_says(router, driver):
    on(router, "_search", rows(row()), rows(row("CANCELLATION_REQUESTED")))
    asked = order("STEP-1", "CHB-1")
    assert await driver.find(asked) == []
    assert [one.reference for one in await driver.find(asked)] == ["STEP-1"]


async def test_a_booked_hall_is_over_the_day_after(router, clock, driver):
    on(router, "_search", rows(row("BOOKED")), rows(row("BOOKED")))
    assert (await driver.track(order(number="CHB-1"))).status is Status.SCHEDULED
    clock.advance(20 * 86_400)
    assert (await driver.track(order(number="CHB-1"))).status is Status.COMPLETED


def test_no_word_of_a_booking_means_a_status_of_ours():
    assert not set(BOOKING_STATES.values()) & OURS
