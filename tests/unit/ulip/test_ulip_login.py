"""One login for everybody, one new login for a refused token, and no storm of wrong passwords."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from adapters.rto.ulip.simulator_registers import as_camel
from adapters.rto.ulip.simulator_registers import vehicle as made
from aggregator.sdk.errors import ContractBroken, Misconfigured, Unavailable
from aggregator.sdk.model import Facts, Order

RECORD = as_camel(made("OD99ZZ0000", 1))


def only(token: str) -> Any:
    """Answers those who carry this token."""

    def react(request: httpx.Request) -> httpx.Response:
        if request.headers["authorization"] != f"Bearer {token}":
            return httpx.Response(401, json={"error": "true", "code": "401", "message": "Unauthorized"})
        item = {"response": RECORD, "responseStatus": "SUCCESS", "message": None}
        return httpx.Response(200, json={"response": [item], "error": "false", "code": "200", "message": "Success"})

    return react


async def test_a_token_is_asked_for_once_and_kept(town: Any, vehicle: Order) -> None:
    town.answers(only("token-1"))
    for _ in range(3):
        assert isinstance(await town.driver.lookup(vehicle), Facts)
    assert town.logins == 1


async def test_citizens_who_come_together_share_one_login(town: Any, vehicle: Order) -> None:
    town.answers(only("token-1"))
    got = await asyncio.gather(*(town.driver.lookup(vehicle) for _ in range(20)))
    assert (len(got), town.logins) == (20, 1)


async def test_a_refused_token_is_renewed_once_for_all_who_held_it(town: Any, vehicle: Order) -> None:
    town.answers(only("token-1"))
    await town.driver.lookup(vehicle)
    town.answers(only("token-2"))
    await asyncio.gather(*(town.driver.lookup(vehicle) for _ in range(20)))
    assert town.logins == 2


@pytest.mark.parametrize("status", [401, 403])
async def test_a_token_that_is_refused_as_soon_as_given_is_our_configuration(
    town: Any, vehicle: Order, status: int
) -> None:
    town.answers(lambda _: httpx.Response(status, text="<html>Forbidden</html>", headers={"content-type": "text/html"}))
    with pytest.raises(Misconfigured):
        await town.driver.lookup(vehicle)
    assert town.logins == 2


async def test_a_wrong_password_is_not_tried_once_per_waiting_citizen(town: Any, vehicle: Order) -> None:
    tried = 0

    async def refuse(_request: httpx.Request) -> httpx.Response:
        nonlocal tried
        tried += 1
        await asyncio.sleep(0)
        return httpx.Response(401, json={"message": "Unauthorized"})

    town.login = refuse
    got = await asyncio.gather(*(town.driver.lookup(vehicle) for _ in range(20)), return_exceptions=True)
    assert {type(one) for one in got} == {Misconfigured}
    assert tried == 1
    with pytest.raises(Misconfigured):  # who comes later tries again: the password may have been mended
        await town.driver.lookup(vehicle)
    assert tried == 2


async def test_a_citizen_who_gives_up_during_the_login_leaves_it_to_the_next(town: Any, vehicle: Order) -> None:
    town.answers(only("token-1"))
    begun, first = asyncio.Event(), True

    async def hang_once(request: httpx.Request) -> httpx.Response:
        nonlocal first
        if first:
            first = False
            begun.set()
            await asyncio.Event().wait()
        return town._give_token(request)

    town.login = hang_once
    gives_up = asyncio.create_task(town.driver.lookup(vehicle))
    await begun.wait()
    waits = asyncio.create_task(town.driver.lookup(vehicle))
    await asyncio.sleep(0)
    gives_up.cancel()
    assert isinstance(await asyncio.wait_for(waits, 2), Facts)
    assert gives_up.cancelled()


@pytest.mark.parametrize("told", [{"response": {}}, {"response": [{"id": "x"}]}, {"response": {"id": ""}}])
async def test_a_login_without_a_token_is_a_broken_contract(town: Any, vehicle: Order, told: dict[str, Any]) -> None:
    town.login = lambda _: httpx.Response(200, json=told)
    with pytest.raises(ContractBroken):
        await town.driver.lookup(vehicle)


async def test_a_gateway_whose_login_is_down_is_an_outage_and_not_a_wrong_password(town: Any, vehicle: Order) -> None:
    town.login = lambda _: httpx.Response(503, text="closed", headers={"retry-after": "7"})
    with pytest.raises(Unavailable) as caught:
        await town.driver.lookup(vehicle)
    assert caught.value.retry_after_s == 7


async def test_what_is_sent_is_what_the_gateway_documents(town: Any, vehicle: Order, licence: Order) -> None:
    town.answers(only("token-1"))
    await town.driver.lookup(vehicle)
    login, asked = town.wire.requests
    assert (login.url.path, json.loads(login.content)) == (
        "/ulip/v1.0.0/user/login",
        {"username": "sim", "password": "sim-ulip-password"},
    )
    assert "authorization" not in login.headers
    assert (asked.url.path, json.loads(asked.content)) == ("/ulip/v1.0.0/VAHAN/04", {"vehiclenumber": "OD99ZZ0000"})
    town.says({"errorcode": -1, "errormessage": "Details not Found For Given DLNumber"})
    await town.driver.lookup(licence)
    assert town.asked() == ("/ulip/v1.0.0/SARATHI/01", {"dlnumber": "OD9920990000000", "dob": "1990-01-01"})
