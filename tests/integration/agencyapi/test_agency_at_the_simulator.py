"""The reference agency, over real sockets: what an implementer can try his own against."""

import json
from pathlib import Path

import aiohttp
import jsonschema_rs
import pytest

from adapters.agencyapi import standard
from adapters.agencyapi.standard.simulator import TOKEN
from aggregator.sdk.errors import AgencyError, Misconfigured, Refused
from aggregator.sdk.model import Absent, Order
from aggregator.sdk.status import Status

CONTRACT = json.loads((Path(standard.__file__).parent / "agency-api.openapi.json").read_text("utf-8"))
PASS = {"name": "Test Citizen", "mobile": "9000000000", "vehicle_number": "OD02AB1234", "zone": "A", "months": 3}


def application(reference="REF-1", **form):
    return Order(reference, "parking_pass", PASS | form)


def about(number, reference="REF-1", **form):
    return Order(reference, "parking_pass", form, agency_reference=number)


async def test_a_pass_goes_from_submission_to_completion_by_poll(sandbox):
    number = (await sandbox.driver.submit(application())).agency_reference
    seen = []
    for hours in (0, 1, 3, 20, 6):
        await sandbox.control.advance_clock(hours * 3600)
        seen.append((await sandbox.driver.track(about(number))).status.value)
    assert seen == ["SUBMITTED", "ACKNOWLEDGED", "IN_PROGRESS", "APPROVED", "COMPLETED"]


async def test_the_same_key_again_is_answered_and_never_acted_on(sandbox):
    first, second = [await sandbox.driver.submit(application()) for _ in range(2)]
    assert first.agency_reference == second.agency_reference
    assert [row["acted"] for row in await sandbox.control.ledger()] == [1, 0]
    assert await sandbox.control.duplicates() == []


async def test_the_same_key_with_another_request_is_our_own_mistake(sandbox):
    await sandbox.driver.submit(application())
    with pytest.raises(Misconfigured):
        await sandbox.driver.submit(application(zone="B"))


@pytest.mark.parametrize("fault", ["501", "504", "506", "601", "602", "603"])
async def test_what_was_lost_on_the_way_is_settled_by_sending_it_again(sandbox, fault):
    order = application(mobile=f"9000000{fault}")
    with pytest.raises(AgencyError):
        await sandbox.driver.submit(order)
    again = await sandbox.driver.submit(order)
    assert [one.agency_reference for one in await sandbox.driver.find(order)] == [again.agency_reference]
    assert await sandbox.control.duplicates() == []


async def test_an_agency_that_breaks_its_promise_is_seen_by_the_look(sandbox):
    order = application(mobile="9000000810")
    for _ in range(2):
        await sandbox.driver.submit(order)
    assert len(await sandbox.driver.find(order)) == 2
    assert len(await sandbox.control.duplicates()) == 1


async def test_withdrawing_twice_is_withdrawing_once_and_too_late_is_refused(sandbox):
    number = (await sandbox.driver.submit(application())).agency_reference
    for key in ("REF-2", "REF-3"):
        await sandbox.driver.cancel(about(number, key, reason="Sold the car"))
    assert (await sandbox.driver.track(about(number))).status is Status.WITHDRAWN
    other = (await sandbox.driver.submit(application("REF-4"))).agency_reference
    await sandbox.control.advance_clock(31 * 3600)
    with pytest.raises(Refused) as caught:
        await sandbox.driver.cancel(about(other, "REF-5"))
    assert caught.value.reason == "wrong_state"


async def test_a_missing_field_is_named_and_an_unknown_number_is_absent(sandbox):
    with pytest.raises(Refused) as caught:
        await sandbox.driver.submit(application(vehicle_number=""))
    assert caught.value.fields == {"vehicle_number": "is required"}
    assert isinstance(await sandbox.driver.track(about("AG-9999999")), Absent)
    assert await sandbox.driver.find(application("REF-9")) == []


async def test_every_answer_of_the_reference_agency_is_within_the_contract(sandbox):
    """Asked without the driver, as an implementer's own test would."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": "REF-1"}
    body = {"service": "parking_pass", "reference": "REF-1", "form": PASS}
    asked = [
        ("POST", "/v1/requests", body, 201, "Request"),
        ("POST", "/v1/requests", body, 200, "Request"),
        ("POST", "/v1/requests", {**body, "form": {}}, 409, "Error"),
        ("GET", "/v1/requests/AG-0000001", None, 200, "Request"),
        ("GET", "/v1/requests/AG-0000002", None, 404, "Error"),
        ("GET", "/v1/requests?reference=REF-1", None, 200, "Found"),
        ("GET", "/v1/requests", None, 422, "Error"),
        ("POST", "/v1/requests/AG-0000001/cancel", {"reference": "REF-1"}, 200, "Request"),
        ("POST", "/v1/requests/AG-0000002/cancel", {"reference": "REF-1"}, 404, "Error"),
    ]
    async with aiohttp.ClientSession(headers=headers) as http:
        for method, path, sent, status, name in asked:
            async with http.request(method, sandbox.url + path, json=sent) as got:
                assert (path, got.status) == (path, status)
                schema = {"$ref": f"#/components/schemas/{name}", "components": CONTRACT["components"]}
                jsonschema_rs.validator_for(schema, validate_formats=True).validate(await got.json())
                assert got.headers["RateLimit"].startswith('"default";r=')
    async with aiohttp.ClientSession() as stranger, stranger.get(sandbox.url + "/v1/requests/AG-0000001") as got:
        assert (got.status, (await got.json())["error"]["code"]) == (401, "unauthorized")
