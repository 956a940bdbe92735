"""DIGIT's login: a form, once, renewed before it ends; a token refused in the middle."""

import base64
from urllib.parse import parse_qs

import httpx
import pytest
from digit_line import (
    AT,
    CREATE,
    FORM,
    NUMBER,
    SEARCH,
    URL,
    body_of,
    clock,
    complaint,
    driver_for,
    login,
    no,
    on,
    router,
    wrapped,
)

from aggregator.sdk.errors import Misconfigured, Unavailable
from aggregator.sdk.model import Order

__all__ = ["clock", "router"]  # fixtures


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
