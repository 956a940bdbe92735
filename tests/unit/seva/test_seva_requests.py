"""What the passport driver sends, and how it follows a file from ARN to file number."""

import json

import httpx
import pytest
import respx

from adapters.passport.seva import Driver
from aggregator.sdk.adapter import Settings, capabilities_of
from aggregator.sdk.errors import Misconfigured, Refused
from aggregator.sdk.model import Absent, Order
from aggregator.sdk.status import Status
from aggregator.sdk.testing.wires import RespxWire

URL = "https://passport.example"
ARN, FILE_NO = "26-0000000007", "BBSR00000000007"
FORM = {
    "given_name": "Test",
    "surname": "Citizen",
    "date_of_birth": "1990-01-01",
    "gender": "F",
    "place_of_birth": "Bhubaneswar",
    "mobile": "+91 90000 00000",
    "address_line1": "Plot 1",
    "district": "Khordha",
    "state": "Odisha",
    "pin": "751001",
    "police_station": "Saheed Nagar",
}


@pytest.fixture
def router():
    return respx.Router(assert_all_called=False)


def _driver(router, **options):
    secrets = {"api_key": "sim-key", "client_id": "sim.client"}
    return Driver(RespxWire(router), Settings(URL, options, secrets))


def _answer(**result):
    return httpx.Response(200, json={"strReturnString": "success", "requestResponseMap": result})


def _sent(route):
    return json.loads(route.calls[-1].request.content)["requestResponseMap"]


def _file(number, key):
    row = {"FILE_NO": number, "DATE_OF_BIRTH": "01/01/1990", "TXT_MSG_KEY": key, "STATUS_MESSAGE": "Granted"}
    return {"applicationStatus": [row]}


def test_what_the_driver_can_do_is_what_it_defines(router):
    expected = {"submits", "tracks", "finds", "pays", "books", "cancels", "reminds", "documents"}
    assert set(capabilities_of(_driver(router))) == expected


async def test_an_application_is_sent_as_the_envelope_wants_it(router):
    route = router.post(URL + "/v1/online/saveApplication").mock(
        return_value=_answer(arn=ARN, clientRef="CASE-1", feeAmount="1500.00")
    )
    got = await _driver(router).submit(Order("CASE-1", "reissue", FORM))
    sent = _sent(route)
    assert (sent["clientRef"], sent["service"], sent["scheme"], sent["applDob"]) == (
        "CASE-1",
        "REISSUE",
        "Normal",
        "01/01/1990",
    )
    assert sent["applicant"]["mobile"] == "9000000000"
    assert sent["applicant"]["address"]["policeStation"] == "Saheed Nagar"
    assert (got.agency_reference, got.facts) == (ARN, {"fee_paise": "150000"})
    headers = route.calls[-1].request.headers
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert (headers["origin"], headers["referer"]) == (URL, URL + "/")


async def test_before_the_visit_the_application_is_followed_by_its_arn(router):
    row = {"arn": ARN, "clientRef": "CASE-1", "state": "FEE_PENDING"}
    router.post(URL + "/v1/online/searchApplication").mock(return_value=_answer(applications=[row]))
    got = await _driver(router).track(Order("CASE-1", "fresh", FORM, ARN))
    assert got.status is Status.AWAITING_PAYMENT


async def test_after_the_visit_the_file_is_followed_by_its_number(router):
    row = {"arn": ARN, "clientRef": "CASE-1", "state": "FILE_OPEN", "fileNo": FILE_NO}
    router.post(URL + "/v1/online/searchApplication").mock(return_value=_answer(applications=[row]))
    route = router.post(URL + "/v1/online/trackStatusForFileNo").mock(
        return_value=_answer(**_file(FILE_NO, "trackstatus.granted"))
    )
    got = await _driver(router).track(Order("CASE-1", "fresh", FORM, ARN))
    assert got.status is Status.APPROVED
    assert got.facts["file_no"] == FILE_NO
    assert _sent(route) == {"fileNo": FILE_NO, "applDob": "01/01/1990", "optStatus": "Application_Status"}


async def test_an_application_nobody_finds_is_absent(router):
    router.post(URL + "/v1/online/searchApplication").mock(return_value=_answer(applications=[]))
    assert isinstance(await _driver(router).track(Order("CASE-1", "fresh", FORM, ARN)), Absent)


async def test_missions_abroad_are_asked_by_another_name_on_another_path(router):
    route = router.post(URL + "/v1/mproddc/online/gpsp/trackApplicationStatus").mock(
        return_value=_answer(**_file("SI9990000000001", "trackstatus.review"))
    )
    form = {"file_no": "si9990000000001", "date_of_birth": "1990-01-01"}
    got = await _driver(router, face="abroad").track(Order("", "file_status", form))
    assert got.status is Status.IN_PROGRESS
    assert _sent(route)["refNo"] == "SI9990000000001"


async def test_the_gateway_gets_its_two_keys_and_the_public_face_none(router):
    route = router.post(URL + "/v1/online/searchApplication").mock(return_value=_answer(applications=[]))
    await _driver(router, auth="gateway").find(Order("CASE-1", "fresh", FORM))
    assert route.calls[-1].request.headers["x-apisetu-apikey"] == "sim-key"
    await _driver(router).find(Order("CASE-1", "fresh", FORM))
    assert "x-apisetu-apikey" not in route.calls[-1].request.headers


async def test_the_gateways_no_is_our_operators_business(router):
    body = {"error": "invalid_credentials", "errorDescription": "Missing or invalid credentials"}
    router.post(URL + "/v1/online/searchApplication").mock(return_value=httpx.Response(401, json=body))
    with pytest.raises(Misconfigured):
        await _driver(router, auth="gateway").find(Order("CASE-1", "fresh", FORM))


async def test_a_search_by_our_reference_shows_every_match(router):
    rows = [{"arn": f"26-000000000{n}", "clientRef": "CASE-1", "state": "FEE_PENDING"} for n in (1, 2)]
    router.post(URL + "/v1/online/searchApplication").mock(return_value=_answer(applications=rows))
    got = await _driver(router).find(Order("CASE-1", "fresh", FORM))
    assert [receipt.agency_reference for receipt in got] == ["26-0000000001", "26-0000000002"]


async def test_a_duplicate_names_the_application_in_the_way(router):
    body = {
        "strReturnString": "error",
        "actionErrors": ["PSP-105: duplicate application"],
        "requestResponseMap": {"arn": ARN},
    }
    router.post(URL + "/v1/online/saveApplication").mock(return_value=httpx.Response(200, json=body))
    with pytest.raises(Refused) as caught:
        await _driver(router).submit(Order("CASE-1", "fresh", FORM))
    assert (caught.value.code, caught.value.reason, caught.value.reference) == ("PSP-105", "duplicate", ARN)


async def test_a_complaint_about_a_field_names_our_field(router):
    body = {"strReturnString": "error", "fieldErrors": {"placeOfBirth": ["This field is required"]}}
    router.post(URL + "/v1/online/saveApplication").mock(return_value=httpx.Response(200, json=body))
    with pytest.raises(Refused) as caught:
        await _driver(router).submit(Order("CASE-1", "fresh", FORM))
    assert caught.value.fields == {"place_of_birth": "This field is required"}


async def test_a_reminder_before_the_file_is_open_is_not_sent(router):
    row = {"arn": ARN, "clientRef": "CASE-1", "state": "FEE_PAID"}
    router.post(URL + "/v1/online/searchApplication").mock(return_value=_answer(applications=[row]))
    reminder = router.post(URL + "/v1/online/lodgeReminder").mock(return_value=_answer(reminderNo="RM1"))
    with pytest.raises(Refused):
        await _driver(router).remind(Order("REM-1", "fresh", {**FORM, "text": "No news"}, ARN))
    assert not reminder.called
