"""What goes to the platform: the envelope, the token in the body, filters in the query, and the login before it."""

import base64
import json
from datetime import UTC, datetime
from urllib.parse import parse_qs

import httpx
import pytest
import respx

from adapters.municipal.digit import Driver
from aggregator.sdk.adapter import Settings, capabilities_of
from aggregator.sdk.clock import ManualClock
from aggregator.sdk.dialect import CURRENT
from aggregator.sdk.errors import Misconfigured, Refused, Unavailable
from aggregator.sdk.model import Absent, Order
from aggregator.sdk.testing.wires import RespxWire

URL = "https://city.example"
AT = datetime(2026, 1, 15, 4, 20, tzinfo=UTC)
NUMBER = "OD-PGR-2026-01-15-000123"
FORM = {
    "name": "Test Citizen",
    "mobile": "+91 90000 00000",
    "locality": "SIM01",
    "details": "Light out near Demo Colony gate",
    "latitude": 20.27,
    "longitude": 85.84,
}
SECRETS = {"password": "123456", "client_secret": "sim-client-secret"}
SEARCH, CREATE, UPDATE = (f"/pgr-services/v2/request/_{verb}" for verb in ("search", "create", "update"))


@pytest.fixture
def router():
    return respx.Router(assert_all_called=False)


@pytest.fixture
def clock():
    return ManualClock()


def driver_for(router, clock, secrets=None):
    options = {"tenant": "od.bhubaneswar", "user": "sim-csr", "client": "sim-client"}
    return Driver(RespxWire(router), Settings(URL, options, SECRETS if secrets is None else secrets), clock)


def fixed(router, clock):
    return driver_for(router, clock, {"token": "T-0"})


def login(router, life_s=1800):
    serial = iter(range(1, 100))

    def answer(_request):
        number = next(serial)
        user = {"uuid": "U-1", "userName": "sim-csr", "type": "EMPLOYEE", "tenantId": "od.bhubaneswar", "roles": []}
        body = {
            "access_token": f"T-{number}",
            "refresh_token": f"R-{number}",
            "expires_in": life_s,
            "UserRequest": user,
        }
        return httpx.Response(200, json=body)

    return router.post(URL + "/user/oauth/token").mock(side_effect=answer)


def on(router, path, *answers):
    return router.post(url__startswith=URL + path).mock(side_effect=list(answers))


def ok(**body):
    return httpx.Response(200, json={"ResponseInfo": {"status": "SUCCESSFUL"}, **body})


def complaint(number=NUMBER, status="PENDINGATLME", ref="", created_ms=1_768_000_000_000, **more):
    service = {"serviceRequestId": number, "applicationStatus": status, "serviceCode": "Streetlightsnotfunctioning"}
    service |= {"auditDetails": {"createdTime": created_ms, "lastModifiedTime": created_ms}}
    if ref:
        service["additionalDetail"] = {"clientRef": ref}
    return {"service": service | more, "workflow": None}


def wrapped(*rows):
    return ok(ServiceWrappers=list(rows))


def no(code, status=400, message=""):
    return httpx.Response(status, json={"ResponseInfo": None, "Errors": [{"code": code, "message": message}]})


def body_of(call):
    return json.loads(call.request.content)


def query_of(call):
    return {name: values[0] for name, values in parse_qs(call.request.url.query.decode()).items()}


def test_what_the_driver_can_do_is_what_it_defines(router, clock):
    assert set(capabilities_of(fixed(router, clock))) == {
        "submits",
        "tracks",
        "finds",
        "looks_up",
        "pays",
        "books",
        "cancels",
        "sends_codes",
    }


async def test_a_complaint_is_filed_on_behalf_of_the_citizen_with_our_reference(router, clock):
    login(router)
    route = on(router, CREATE, wrapped(complaint(ref="CASE-1")))
    got = await driver_for(router, clock).submit(Order("CASE-1", "street_light", FORM, at=AT))
    sent = body_of(route.calls[0])
    service, info = sent["service"], sent["RequestInfo"]
    assert (got.agency_reference, got.reference) == (NUMBER, "CASE-1")
    assert query_of(route.calls[0]) == {"tenantId": "od.bhubaneswar"}
    assert service["serviceCode"] == "Streetlightsnotfunctioning"
    assert (service["citizen"]["mobileNumber"], service["citizen"]["tenantId"]) == ("9000000000", "od")
    assert service["additionalDetail"] == {"clientRef": "CASE-1"}
    assert service["address"]["locality"] == {"code": "SIM01"}
    assert sent["workflow"]["action"] == "APPLY"
    assert (info["authToken"], info["userInfo"]["uuid"]) == ("T-1", "U-1")
    assert (info["ts"], info["msgId"]) == (1768450800000, "1768450800000|en_IN")
    assert "authorization" not in route.calls[0].request.headers


async def test_the_login_is_a_form_with_basic_credentials_and_happens_once(router, clock):
    token = login(router)
    on(router, SEARCH, wrapped(), wrapped())
    driver = driver_for(router, clock)
    for _ in range(2):
        assert await driver.find(Order("CASE-1", "street_light", FORM, at=AT)) == []
    assert token.call_count == 1
    asked = parse_qs(token.calls[0].request.content.decode())
    assert (asked["grant_type"], asked["tenantId"], asked["userType"]) == (
        ["password"],
        ["od.bhubaneswar"],
        ["EMPLOYEE"],
    )
    expected = base64.b64encode(b"sim-client:sim-client-secret").decode()
    assert token.calls[0].request.headers["authorization"] == f"Basic {expected}"


async def test_a_token_is_renewed_before_it_ends_by_its_refresh_token(router, clock):
    token = login(router, life_s=1800)
    on(router, SEARCH, wrapped(), wrapped())
    driver = driver_for(router, clock)
    await driver.find(Order("CASE-1", "street_light", FORM, at=AT))
    clock.advance(1790)
    await driver.find(Order("CASE-1", "street_light", FORM, at=AT))
    assert parse_qs(token.calls[1].request.content.decode())["refresh_token"] == ["R-1"]


@pytest.mark.parametrize(
    "answer", [no("InvalidAccessTokenException", 401), no("CustomException", 400, "InvalidAccessTokenException: x")]
)
async def test_a_read_whose_token_was_refused_is_asked_once_more_with_a_new_one(router, clock, answer):
    login(router)
    route = on(router, SEARCH, wrapped(), answer, wrapped(complaint()))
    driver = driver_for(router, clock)
    await driver.find(Order("CASE-1", "street_light", FORM, at=AT))
    got = await driver.find(Order("", "street_light", FORM, NUMBER))
    assert got[0].agency_reference == NUMBER
    assert [body_of(call)["RequestInfo"]["authToken"] for call in route.calls] == ["T-1", "T-1", "T-2"]


async def test_a_token_that_never_worked_and_is_refused_is_our_operators_business(router, clock):
    token = login(router)
    on(router, SEARCH, *[no("InvalidAccessTokenException", 401)] * 3)
    with pytest.raises(Misconfigured):
        await driver_for(router, clock).find(Order("", "street_light", FORM, NUMBER))
    assert token.call_count == 1


async def test_a_write_whose_token_was_refused_is_not_sent_twice_in_one_attempt(router, clock):
    login(router)
    on(router, SEARCH, wrapped())
    route = on(router, CREATE, no("InvalidAccessTokenException", 401), wrapped(complaint(ref="CASE-1")))
    driver = driver_for(router, clock)
    await driver.find(Order("CASE-1", "street_light", FORM, at=AT))
    with pytest.raises(Unavailable):
        await driver.submit(Order("CASE-1", "street_light", FORM, at=AT))
    assert route.call_count == 1
    await driver.submit(Order("CASE-1", "street_light", FORM, at=AT))
    assert body_of(route.calls[1])["RequestInfo"]["authToken"] == "T-2"


async def test_a_login_that_is_refused_names_the_setting_and_not_the_citizen(router, clock):
    body = {"error": "invalid_request", "error_description": "Invalid login credentials"}
    router.post(URL + "/user/oauth/token").mock(return_value=httpx.Response(400, json=body))
    with pytest.raises(Misconfigured, match="password"):
        await driver_for(router, clock).submit(Order("CASE-1", "street_light", FORM, at=AT))


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
