"""Every driver that proves records by its agency's own code does it as promised; careless ones are caught."""

import pytest

from aggregator.sdk.adapter import SendsCodes
from aggregator.sdk.form import masked_mobile
from aggregator.sdk.model import Receipt
from aggregator.sdk.testing.conformance import candidates
from aggregator.sdk.testing.own_codes import findings

SENDING = [pytest.param(one, id=one.module) for one in candidates() if issubclass(one.driver, SendsCodes)]


class Careless:
    """A driver's double; the classes below each make one mistake."""

    def __init__(self, driver):
        self._driver = driver

    async def send_code(self, order):
        return await self._driver.send_code(order)

    async def check_code(self, order):
        return await self._driver.check_code(order)


class SaysYes(Careless):
    async def check_code(self, order):
        return Receipt(order.agency_reference)


class ShowsTheNumber(Careless):
    async def send_code(self, order):
        got = await self._driver.send_code(order)
        return Receipt(got.agency_reference, facts={**got.facts, "sent_to": "9000011234"})


class ShowsTheCode(Careless):
    async def check_code(self, order):
        try:
            return await self._driver.check_code(order)
        except Exception as exc:
            raise type(exc)(f"{exc} {order.form['code']}") from exc


@pytest.mark.parametrize("candidate", SENDING)
async def test_a_code_goes_to_the_number_on_record_and_proves_once(candidate, sandbox_of):
    assert await findings(candidate, sandbox_of(candidate)) == []


@pytest.mark.parametrize("careless", [SaysYes, ShowsTheNumber, ShowsTheCode])
async def test_the_control_a_careless_driver_is_caught(careless, sandbox_of):
    (candidate,) = SENDING[0].values
    assert await findings(candidate, sandbox_of(candidate), careless) != []


def test_there_are_drivers_of_both_dialects():
    assert {one.values[0].dialect for one in SENDING} == {"json", "xml"}


def test_a_number_is_masked_whatever_the_agency_shows():
    shown = [masked_mobile(text) for text in ("+91 90000 01234", "XXXXXX1234", "9000001234", "", "none", "12")]
    assert shown == ["******1234"] * 3 + [""] * 3
