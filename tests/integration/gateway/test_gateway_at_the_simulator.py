"""The gateway's driver at its simulator on real sockets: its own books say what was charged and given back."""

import argparse
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from adapters.gateway.cashfree import Driver
from adapters.gateway.cashfree.simulator import CLIENT_ID, CLIENT_SECRET, Gateway
from aggregator.sdk.adapter import Settings
from aggregator.sdk.clock import IST
from aggregator.sdk.errors import Misconfigured, Refused
from aggregator.sdk.model import Absent, Order
from aggregator.sdk.testing.callbacks import Letterbox, listening
from aggregator.sdk.testing.sandbox import Control
from aggregator.sdk.testing.serve import serving
from aggregator.sdk.wire_aiohttp import AiohttpWire


@dataclass
class Till:
    driver: Driver
    control: Control
    letters: Letterbox
    url: str
    wire: AiohttpWire

    async def pay(self, pay_url: str, say: str = "pay") -> str:
        """What the citizen's browser does."""
        async with aiohttp.ClientSession() as browser, browser.post(pay_url, data={"say": say}) as got:
            return await got.text()


@pytest.fixture
async def till(tmp_path: Path) -> AsyncIterator[Till]:
    options = argparse.Namespace(port=0, control_port=0, data=str(tmp_path), seed=7)
    wire = AiohttpWire(connect_timeout_s=2, total_timeout_s=3, read_timeout_s=3, max_connections=16)
    letters = Letterbox()
    async with serving(lambda world, _: Gateway(world), options) as ports:
        url = f"http://127.0.0.1:{ports.port}"
        driver = Driver(wire, Settings(url, {"client_id": CLIENT_ID}, {"client_secret": CLIENT_SECRET}))
        async with (
            listening(letters, driver.notified) as door,
            Control(f"http://127.0.0.1:{ports.control_port}") as control,
        ):
            await control.callback_url(door)
            yield Till(driver, control, letters, url, wire)
    await wire.close()


def ordering(reference: str = "PAY1", *, mobile: str = "9000000000", seconds: int = 1800) -> Order:
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    form = {"amount_paise": 66_450, "mobile": mobile, "expires_at": until.isoformat(), "return_url": "http://city/x"}
    return Order(reference, "collect", form, at=datetime.now(UTC))


async def test_an_order_is_paid_on_the_gateways_page_and_verified_to_the_paisa(till: Till) -> None:
    order = ordering()
    receipt = await till.driver.order(order)
    waiting = await till.driver.verify(order)
    assert (waiting.detail, waiting.facts["amount_paise"], receipt.reference) == ("OPEN", "66450", "PAY1")
    assert "Back to the city" in await till.pay(waiting.facts["pay_url"])
    paid = await till.driver.verify(order)
    assert (paid.detail, paid.facts["paid_paise"], paid.facts["captures"]) == ("PAID", "66450", "1")
    await till.letters.until(lambda: len(till.letters.notices) == 1)
    notice = till.letters.notices[0]
    assert (notice.reference, notice.reading.facts["gateway_payment"]) == ("PAY1", paid.facts["gateway_payment"])


async def test_the_same_order_again_is_the_same_order_and_another_body_under_its_key_is_our_mistake(till: Till) -> None:
    order = ordering()
    assert (await till.driver.order(order)) == (await till.driver.order(order))
    assert [row["acted"] for row in await till.control.ledger(operation="order")] == [1, 0]
    with pytest.raises(Misconfigured):
        await till.driver.order(ordering(seconds=3600))


async def test_a_refund_is_pending_until_the_bank_took_it_and_is_made_once(till: Till) -> None:
    order = ordering()
    await till.driver.order(order)
    refund = Order("PAY1", "refund", {"refund_paise": 66_450}, at=order.at)
    with pytest.raises(Refused):
        await till.driver.refund(refund)
    await till.control.advance("PAY1", "PAID")
    assert (await till.driver.refund(refund)).pending
    assert (await till.driver.refund(refund)).pending
    assert [one.pending for one in await till.driver.find(refund)] == [True]
    await till.control.advance_clock(6)
    assert [one.pending for one in await till.driver.find(refund)] == [False]
    assert [row["acted"] for row in await till.control.ledger(operation="refund")] == [0, 1, 0]


async def test_an_expired_order_is_unpaid_unless_the_bank_paid_it_late(till: Till) -> None:
    order = ordering(seconds=60)
    await till.driver.order(order)
    await till.control.advance_clock(61)
    assert (await till.driver.verify(order)).detail == "EXPIRED"
    await till.control.advance("PAY1", "PAID")
    assert (await till.driver.verify(order)).detail == "PAID"
    assert await till.driver.verify(ordering("NEVER")) == Absent("order_not_found")


@pytest.mark.parametrize(
    ("fault", "why"), [("904", "the signature is not theirs"), ("905", "the timestamp is outside")]
)
async def test_a_webhook_that_is_not_provably_theirs_is_refused(till: Till, fault: str, why: str) -> None:
    await till.driver.order(ordering(mobile=f"9000000{fault}"))
    await till.control.advance("PAY1", "PAID")
    await till.letters.until(lambda: bool(till.letters.refused))
    assert till.letters.refused[0].startswith(why)


async def test_a_webhook_three_times_is_one_event(till: Till) -> None:
    await till.driver.order(ordering(mobile="9000000901"))
    await till.control.advance("PAY1", "PAID")
    await till.letters.until(lambda: len(till.letters.notices) == 3)
    assert len({notice.event_id for notice in till.letters.notices}) == 1


async def test_the_days_settlement_has_a_line_for_what_was_paid_with_its_fee(till: Till) -> None:
    await till.driver.order(ordering())
    await till.control.advance("PAY1", "PAID")
    day = datetime.now(IST).date().isoformat()
    (line,) = await till.driver.settlement(Order("", "collect", {"day": day}))
    assert (line.values["kind"], line.values["reference"], line.values["amount_paise"]) == ("payment", "PAY1", "66450")
    assert int(line.values["fee_paise"]) > 0
    assert await till.driver.settlement(Order("", "collect", {"day": "2026-01-01"})) == []
