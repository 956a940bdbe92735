"""JSON is the same city in another dress: lists of one come as objects, codes as numbers."""

import pytest

from aggregator.sdk.errors import ContractBroken, Misconfigured, OutcomeUnknown, Refused, Unavailable
from aggregator.sdk.model import Absent, Order
from aggregator.sdk.status import Status

RECORD = {"service_request_id": 7, "status": "open", "service_code": 1, "agency_responsible": None, "lat": 20.27}
ORDER = Order("", "street_light", {}, agency_reference="7")
REPORT = Order("REF-7", "street_light", {"text": "Light out", "address": "Demo gate", "mobile": "9000000000"})


@pytest.fixture
def driver(city):
    return city.driver(format="json")


@pytest.mark.parametrize(
    "body",
    [
        [RECORD],
        RECORD,
        {"service_requests": [RECORD]},
        {"service_requests": {"request": RECORD}},
        {"service_requests": {"request": [RECORD]}},
    ],
    ids=["a list", "an object", "wrapped", "converted from XML, one", "converted from XML, many"],
)
async def test_one_record_is_one_record_however_it_is_wrapped(city, driver, body):
    city.answers(body)
    assert (await driver.track(ORDER)).status is Status.SUBMITTED


async def test_no_record_is_absent(city, driver):
    city.answers([])
    assert isinstance(await driver.track(ORDER), Absent)


async def test_a_code_that_became_a_number_finds_its_zeros_again(city, driver):
    city.answers([{"service_code": 1, "service_name": "Street light out", "type": "realtime", "metadata": True}])
    assert (await driver.list_services(ORDER))[0].values["code"] == "001"
    pole = {"code": "POLE", "datatype": "string", "required": False, "values": []}
    city.answers({"service_code": 1, "attributes": [pole]})
    assert [one.values["code"] for one in await driver.form(ORDER)] == ["POLE"]


async def test_the_configured_code_is_sent_and_never_the_number_read(city, driver):
    city.answers([{"service_request_id": "7", "service_notice": None, "account_id": None}])
    await driver.submit(REPORT)
    assert ("service_code", "001") in city.asked()
    assert city.wire.requests[-1].url.path.endswith("/requests.json")


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ([{"code": 400, "description": "base is a duplicate"}], 400, Refused),
        ({"errors": [{"code": "400", "description": "lat is not valid"}]}, 400, Refused),
        ([{"code": 400, "description": "lat is not valid"}], 200, Refused),
        ([{"code": 403, "description": "api_key is not valid"}], 403, Misconfigured),
        ([{"code": 404, "description": "jurisdiction_id was not found"}], 404, Misconfigured),
        ([{"code": 799, "description": "unspecified"}], 422, ContractBroken),
        ([{"code": 500, "description": "sorry"}], 500, OutcomeUnknown),
        ([{"code": 429, "description": "slow down"}], 429, OutcomeUnknown),
        ({"message": "java.lang.NullPointerException"}, 200, OutcomeUnknown),
        ({"result": []}, 200, ContractBroken),
        ([{"service_notice": "thanks"}], 200, ContractBroken),
        ([["no", "object"]], 200, ContractBroken),
    ],
)
async def test_what_an_answer_to_a_report_means(city, driver, body, status, error):
    city.answers(body, status)
    with pytest.raises(error):
        await driver.submit(REPORT)


async def test_a_framework_in_trouble_is_an_outage_for_a_read(city, driver):
    city.answers({"error": "Internal Server Error", "status": 500})
    with pytest.raises(Unavailable):
        await driver.track(ORDER)
