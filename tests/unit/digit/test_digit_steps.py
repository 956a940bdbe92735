"""DIGIT's steps after the complaint: looks by our reference, updates, payments, refusals."""

import json

import httpx
import pytest
from digit_line import (
    AT,
    CREATE,
    FORM,
    NUMBER,
    SEARCH,
    UPDATE,
    body_of,
    clock,
    complaint,
    driver_for,
    fixed,
    login,
    no,
    ok,
    on,
    query_of,
    router,
    wrapped,
)

from adapters.municipal.digit import Driver
from aggregator.sdk.dialect import CURRENT
from aggregator.sdk.errors import Refused, Unavailable
from aggregator.sdk.model import Absent, Order

__all__ = ["clock", "router"]  # fixtures


async def test_the_absence_check_asks_by_mobile_number_and_day_and_compares_our_reference(router, clock):
    rows = [
        complaint(),
        complaint("OD-PGR-2026-01-15-000124", ref="CASE-1"),
        complaint("OD-PGR-2026-01-15-000125", ref="X"),
    ]
    route = on(router, SEARCH, wrapped(*rows))
    got = await fixed(router, clock).find(Order("CASE-1", "street_light", FORM, at=AT))
    assert [one.agency_reference for one in got] == ["OD-PGR-2026-01-15-000124"]
    assert query_of(route.calls[0])["mobileNumber"] == "9000000000"
    assert query_of(route.calls[0])["fromDate"] == str(1768450800000 - 300_000)


async def test_a_record_without_our_reference_is_ours_only_if_it_says_the_same(router, clock):
    same = {"description": FORM["details"], "address": {"locality": {"code": "SIM01"}}}
    other = same | {"description": "Another lamp"}
    on(router, SEARCH, wrapped(complaint(**same), complaint("OD-PGR-2026-01-15-000124", **other)))
    got = await fixed(router, clock).find(Order("CASE-1", "street_light", FORM, at=AT))
    assert [(one.agency_reference, one.reference) for one in got] == [(NUMBER, "")]
    assert got[0].match == {"locality": "SIM01", "details": FORM["details"]}


async def test_the_same_page_for_every_page_number_ends(router, clock):
    page = wrapped(*[complaint(f"OD-PGR-2026-01-15-{n:06d}", ref="X") for n in range(100)])
    route = on(router, SEARCH, *[page] * 5)
    assert await fixed(router, clock).find(Order("CASE-1", "street_light", FORM, at=AT)) == []
    assert route.call_count == 2


async def test_a_step_sends_the_whole_record_back_and_a_note_with_our_reference(router, clock):
    row = complaint(ref="CASE-1", address={"geoLocation": {"latitude": 20.270000000000000001}})
    text = json.dumps({"ServiceWrappers": [row]}).replace("20.27}", "20.270000000000000001}")
    on(router, SEARCH, httpx.Response(200, text=text, headers={"content-type": "application/json"}))
    route = on(router, UPDATE, wrapped(complaint(status="CANCELLED", ref="CASE-1")))
    order = Order("STEP-1", "street_light", {**FORM, "reason": "Repaired"}, NUMBER, AT)
    got = await fixed(router, clock).cancel(order)
    sent = body_of(route.calls[0])
    assert (got.agency_reference, got.agency_code, got.reference) == (NUMBER, "CANCELLED", "STEP-1")
    assert sent["service"]["additionalDetail"] == {"clientRef": "CASE-1"}
    assert sent["workflow"]["action"] == "CANCEL"
    assert sent["workflow"]["comments"] == "Repaired [STEP-1]"
    assert b"20.270000000000000001" in route.calls[0].request.content


async def test_a_later_step_is_found_by_our_reference_in_the_history(router, clock):
    on(router, SEARCH, wrapped(complaint(ref="CASE-1")))
    steps = [
        {"businessId": NUMBER, "action": "CANCEL", "comment": f"x [{ref}]", "state": None}
        for ref in ("STEP-1", "STEP-2")
    ]
    on(router, "/egov-workflow-v2/egov-wf/process/_search", ok(ProcessInstances=steps))
    got = await fixed(router, clock).find(Order("STEP-2", "street_light", FORM, NUMBER, AT))
    assert [(one.reference, one.agency_code) for one in got] == [("STEP-2", "CANCEL")]


@pytest.mark.parametrize(("age_s", "error"), [(5, Unavailable), (3600, Refused)])
async def test_a_record_still_in_the_queue_is_an_outage_and_later_a_no(router, clock, age_s, error):
    created_ms = round((clock.now().timestamp() - age_s) * 1000)
    on(router, SEARCH, wrapped(complaint(ref="CASE-1", created_ms=created_ms)))
    on(router, UPDATE, no("INVALID_UPDATE", message="Trying to update record that does not exists"))
    with pytest.raises(error):
        await fixed(router, clock).rate(Order("STEP-1", "street_light", {**FORM, "rating": 4}, NUMBER, AT))


async def test_a_payment_carries_our_reference_and_exact_rupees(router, clock):
    on(router, "/collection-services/payments/_validate", ok(Payments=[]))
    paid = {"id": "p-1", "transactionNumber": "PAY-1", "totalAmountPaid": 664.5, "paymentDetails": []}
    route = on(router, "/collection-services/payments/_create", ok(Payments=[paid]))
    form = {"bill_id": "b-1", "amount_paise": 66450, "name": "Test Citizen", "mobile": "9000000000"}
    got = await fixed(router, clock).pay(Order("PAY-1", "holding_tax", form, at=AT))
    sent = body_of(route.calls[0])["Payment"]
    assert (got.agency_reference, got.facts) == ("p-1", {"amount_paise": "66450"})
    assert b'"totalAmountPaid":664.50' in route.calls[0].request.content
    assert (sent["transactionNumber"], sent["paymentDetails"][0]["businessService"]) == ("PAY-1", "PT")


async def test_a_payment_they_would_not_take_is_never_made(router, clock):
    on(router, "/collection-services/payments/_validate", no("INVALID_PAYMENT"))
    route = on(router, "/collection-services/payments/_create")
    form = {"bill_id": "b-1", "amount_paise": 66450, "name": "Test Citizen", "mobile": "9000000000"}
    with pytest.raises(Refused):
        await fixed(router, clock).pay(Order("PAY-1", "water_bill", form, at=AT))
    assert not route.called


async def test_several_errors_at_once_are_all_told(router, clock):
    errors = [{"code": code, "message": f"{code} is wrong"} for code in ("INVALID_BOUNDARY", "INVALID_SERVICECODE")]
    on(router, CREATE, httpx.Response(400, json={"ResponseInfo": None, "Errors": errors}))
    with pytest.raises(Refused) as caught:
        await fixed(router, clock).submit(Order("CASE-1", "street_light", FORM, at=AT))
    assert caught.value.code == "INVALID_BOUNDARY, INVALID_SERVICECODE"
    assert set(caught.value.fields) == {"locality", "complaint"}


async def test_somebody_elses_mobile_number_shows_no_status(router, clock):
    row = complaint(citizen={"mobileNumber": "9000000009"})
    on(router, SEARCH, wrapped(row), wrapped(row))
    on(router, "/egov-workflow-v2/egov-wf/businessservice/_search", httpx.Response(503))
    driver = fixed(router, clock)
    asked = {"number": NUMBER.lower(), "mobile": "9000000000"}
    assert isinstance(await driver.track(Order("", "complaint_status", asked)), Absent)
    got = await driver.track(Order("", "complaint_status", asked | {"mobile": "9000000009"}))
    assert got.agency_code == "PENDINGATLME"


async def test_the_gateways_limit_is_no_doubt_because_nothing_was_acted_on(router, clock):
    on(router, CREATE, httpx.Response(429, json={"message": "slow"}, headers={"retry-after": "12"}))
    told = CURRENT.set(Driver.submit.__operation__)
    try:
        with pytest.raises(Unavailable) as caught:
            await fixed(router, clock).submit(Order("CASE-1", "street_light", FORM, at=AT))
    finally:
        CURRENT.reset(told)
    assert (caught.value.throttled, caught.value.retry_after_s) == (True, 12.0)


async def test_a_token_with_which_something_was_refused_has_worked(router, clock):
    token = login(router)
    on(router, CREATE, no("INVALID_SERVICECODE"), no("InvalidAccessTokenException", 401))
    driver = driver_for(router, clock)
    with pytest.raises(Refused):
        await driver.submit(Order("CASE-1", "street_light", FORM, at=AT))
    with pytest.raises(Unavailable):
        await driver.submit(Order("CASE-1", "street_light", FORM, at=AT))
    assert token.call_count == 2
