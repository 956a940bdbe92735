"""What a report looks like on the wire, and which services it may be sent to at all."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from open311_city import listed, reply

from adapters.municipal.open311.catalogue import Catalogue
from adapters.municipal.open311.reports import LONGEST, marked, stamp
from aggregator.sdk.adapter import Class, Settings, capabilities_of, operations_of
from aggregator.sdk.dialect import CURRENT
from aggregator.sdk.errors import Misconfigured, Refused, Unavailable
from aggregator.sdk.model import Absent, Order
from aggregator.sdk.status import Status

AT = datetime(2026, 1, 15, 4, 30, tzinfo=UTC)
FORM = {"text": "Light out", "address": "Demo gate", "mobile": "+91 90000 00000"}
RECEIVED = "<service_requests><request><service_request_id>7</service_request_id></request></service_requests>"


@contextmanager
def declared_as(declared):
    """What is inside runs as an operation with these facts, as the pipeline would set them."""
    token = CURRENT.set(declared)
    try:
        yield
    finally:
        CURRENT.reset(token)


def _order(service="street_light", **form):
    return Order("REF-7", service, FORM | form, at=AT)


def test_what_the_driver_can_do_is_what_it_defines(city):
    assert set(capabilities_of(city.driver())) == {"submits", "tracks", "finds", "lists", "probes"}


def test_a_report_to_a_blackbox_is_opaque_and_one_that_can_be_read_back_is_not(city):
    declared = operations_of(type(city.driver()))
    assert declared["submit"].effective is Class.QUERYABLE
    assert declared["submit_blackbox"].effective is Class.OPAQUE


async def test_our_reference_is_the_last_word_of_the_description(city):
    city.answers(RECEIVED, 201)
    await city.driver(jurisdiction_id="bhubaneswar.sim").submit(_order(pole="17"))
    assert city.asked() == [
        ("api_key", "sim-key"),
        ("jurisdiction_id", "bhubaneswar.sim"),
        ("service_code", "001"),
        ("description", "Light out [REF-7]"),
        ("address_string", "Demo gate"),
        ("phone", "9000000000"),
        ("attribute[POLE]", "17"),
    ]
    assert str(city.wire.requests[-1].url) == "http://city.example/open311/v2/requests.xml"


async def test_several_choices_repeat_their_attribute(city):
    city.answers(RECEIVED)
    await city.driver().submit(_order("road", surface="ASPHALT", dangers=["TWO", "FOOT"], size_cm=40))
    told = [pair for pair in city.asked() if pair[0].startswith("attribute")]
    assert told == [
        ("attribute[SURFACE]", "ASPHALT"),
        ("attribute[HAZARD]", "TWO"),
        ("attribute[HAZARD]", "FOOT"),
        ("attribute[SIZE_CM]", "40"),
    ]


async def test_a_place_on_the_map_is_sent_as_it_was_given(city):
    city.answers(RECEIVED)
    await city.driver().submit(_order(latitude=20.27, longitude=85.84))
    assert {("lat", "20.27"), ("long", "85.84")} <= set(city.asked())


def test_a_long_text_loses_its_end_and_never_our_reference():
    text = marked("x" * 5000, "REF-7")
    assert len(text) == LONGEST
    assert text.endswith(" [REF-7]")


async def test_an_offer_without_a_code_is_not_sent(city):
    with pytest.raises(Misconfigured):
        await city.driver().submit(_order("public_toilet"))
    assert city.wire.requests == []


async def test_a_batch_service_is_not_sent_while_its_batch_may_outlast_the_look(city):
    driver = city.driver()
    with declared_as(operations_of(type(driver))["submit"]), pytest.raises(Misconfigured, match="batch_lag_s"):
        await driver.submit(_order("garbage"))
    assert city.wire.requests == []


async def test_a_batch_service_gives_a_token_where_the_city_waits_for_its_batch(city):
    driver = city.driver(batch_lag_s=60)
    city.says({"token": "T1"})
    with declared_as(operations_of(type(driver))["submit"]):
        assert (await driver.submit(_order("garbage"))).agency_reference == "token:T1"


async def test_a_blackbox_among_searchable_reports_is_sent_only_as_opaque(city):
    driver = city.driver(type_road="blackbox")
    searchable = operations_of(type(driver))["submit"]
    with declared_as(searchable), pytest.raises(Misconfigured, match="opaque"):
        await driver.submit(_order("road"))
    assert city.wire.requests == []
    city.says({"service_notice": ""})
    with declared_as(replace(searchable, cls=Class.OPAQUE)):
        assert (await driver.submit(_order("road"))).agency_reference == "REF-7"


async def test_a_blackbox_report_is_known_by_our_reference_and_nobody_is_asked_about_it(city):
    city.says({"service_notice": "Thanks"})
    receipt = await city.driver().submit_blackbox(_order("suggestion"))
    assert receipt.agency_reference == "REF-7"
    asked = len(city.wire.requests)
    order = Order("REF-7", "suggestion", FORM, agency_reference="REF-7")
    assert (await city.driver().track(order)).detail == "BLACKBOX"
    assert len(city.wire.requests) == asked


async def test_a_duplicate_is_told_apart_from_a_fault_in_the_form(city):
    city.says({"code": "400", "description": "base is a duplicate"}, root="errors", status=400)
    with pytest.raises(Refused) as caught:
        await city.driver().submit(_order())
    assert caught.value.reason == "duplicate"


async def test_a_complaint_about_a_field_names_ours(city):
    city.says({"code": "400", "description": "media_url is required"}, root="errors", status=400)
    with pytest.raises(Refused) as caught:
        await city.driver().submit(_order())
    assert caught.value.fields == {"photo_url": "media_url is required"}


def _page(*numbers, ref="REF-7"):
    return [{"service_request_id": number, "description": f"x [{ref}]"} for number in numbers]


async def test_a_search_ends_when_every_page_is_the_same_and_counts_each_record_once(city):
    city.says(*_page("1", "2"))
    found = await city.driver().find(_order())
    assert [one.agency_reference for one in found] == ["1", "2"]
    assert len(city.wire.requests) == 2


async def test_a_search_asks_for_the_service_and_the_time_of_the_order(city):
    city.answers("<service_requests/>")
    assert await city.driver().find(_order()) == []
    assert city.asked() == [
        ("service_code", "001"),
        ("start_date", "2026-01-15T03:30:00+00:00"),
        ("end_date", "2026-02-14T04:30:00+00:00"),
        ("page", "1"),
        ("page_size", "500"),
    ]


async def test_a_neighbours_equal_report_is_not_ours(city):
    city.says(*_page("1", ref="REF-8"))
    assert await city.driver().find(_order()) == []


async def test_a_list_cut_at_their_limit_proves_nothing(city):
    city.says(*_page(*range(1000), ref="REF-8"))
    with pytest.raises(Unavailable):
        await city.driver().find(_order())


async def test_a_list_without_end_proves_nothing(city):
    pages = iter(range(100))
    city.router.route().mock(side_effect=lambda _: reply(listed(*_page(next(pages)))))
    with pytest.raises(Unavailable):
        await city.driver().find(_order())


async def test_a_comment_carries_our_reference_and_is_found_by_it(city):
    city.says({"update_id": "U1"}, root="service_request_updates")
    order = Order("REF-9", "road", {"comment": "Deeper now"}, agency_reference="7", at=AT)
    assert (await city.driver().reply(order)).agency_reference == "U1"
    assert ("description", "Deeper now [REF-9]") in city.asked()
    row = {"update_id": "U1", "service_request_id": "7", "description": "Deeper now [REF-9]"}
    city.says(row, row | {"service_request_id": "8"}, root="service_requests_updates")
    assert [one.agency_reference for one in await city.driver().find(order)] == ["U1"]


async def test_a_token_without_a_number_is_submitted_and_an_unknown_one_is_absent(city):
    driver, order = city.driver(), Order("REF-7", "garbage", FORM, agency_reference="token:T1")
    city.says({"service_request_id": "", "token": "T1"})
    got = await driver.track(order)
    assert (got.status, got.detail) == (Status.SUBMITTED, "TOKEN")
    city.says({"code": "404", "description": "token was not found"}, root="errors", status=404)
    assert isinstance(await driver.track(order), Absent)


async def test_a_server_without_a_path_for_one_request_is_asked_by_list(city):
    city.says({"service_request_id": "7", "status": "closed"})
    got = await city.driver(track="list").track(Order("", "road", {}, agency_reference="7"))
    assert got.status is Status.RESOLVED_BY_AGENCY
    assert city.asked() == [("service_request_id", "7")]


async def test_the_latest_update_speaks_for_an_open_report(city):
    told = [("U2", "PLANNED", "2026-01-17T10:00:00Z"), ("U1", "INVESTIGATING", "2026-01-16T10:00:00Z")]
    updates = [
        {"update_id": update, "service_request_id": "7", "status": word, "updated_datetime": at}
        for update, word, at in told
    ]
    given = reply(listed(*updates, root="service_requests_updates"))
    city.router.get(path__regex="updates").mock(return_value=given)
    city.says({"service_request_id": "7", "status": "open"})
    got = await city.driver(updates=True).track(Order("", "road", {}, agency_reference="7"))
    assert got.status is Status.SCHEDULED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-15T10:00:00+05:30", AT),
        ("2026-01-15T04:30:00Z", AT),
        ("2026-01-15T04:30:00.000+0000", AT),
        ("2026-01-15 05:02:62604", datetime(2026, 1, 14, 18, 30, tzinfo=UTC)),
        ("0001-01-01", None),
        ("", None),
    ],
)
def test_a_time_is_read_no_closer_than_it_is_told(text, expected):
    assert stamp(text) == expected


@pytest.mark.parametrize(
    ("codes", "read", "known"),
    [
        (("001", "010"), "1", "001"),
        (("001", "1"), "1", "1"),
        (("001", "01"), "1", "1"),
        (("001", "A1"), "A1", "A1"),
        (("001",), "100", "100"),
        (("000",), "0", "000"),
    ],
)
def test_a_code_that_lost_its_zeros_is_the_configured_one_only_if_one_could_be_meant(codes, read, known):
    options = {f"code_offer{n}": code for n, code in enumerate(codes)}
    assert Catalogue(Settings("http://city.example", options)).known(read) == known
