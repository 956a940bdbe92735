"""A fault of our own is told by its class and its place, never by its words; what waited for it is not lost."""

import asyncio
import logging
from typing import Any

import pytest

from aggregator.cases import deliver
from aggregator.sdk.adapter import Class
from aggregator.store import StoreUnavailable
from aggregator.wiring.tasks import watched

CANARY = "Canary 9876543210"


async def test_a_part_that_fails_is_named_in_the_log_before_the_process_ends(caplog: pytest.LogCaptureFixture) -> None:
    async def keeps_house() -> None:
        raise ValueError(CANARY)

    failed = asyncio.Event()
    await watched(keeps_house, failed)
    assert failed.is_set()
    [told] = [one for one in caplog.records if one.message == "part.failed"]
    assert (told.levelno, told.error) == (logging.CRITICAL, "ValueError")
    assert "keeps_house" in told.part
    assert "test_faults_are_told.py:" in told.place
    assert CANARY not in str(vars(told))


async def test_a_delivery_that_breaks_is_told_and_the_application_goes_with_the_next_scan(
    town_of: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = await town_of(Class.QUERYABLE)
    order_of, broken = deliver.order_of, [True]

    async def breaks_once(*asked: Any) -> Any:
        if broken:
            broken.clear()
            raise KeyError(CANARY)
        return await order_of(*asked)

    monkeypatch.setattr(deliver, "order_of", breaks_once)
    case = await town.apply()
    [told] = [one for one in caplog.records if one.message == "delivery.failed"]
    assert (told.agency, told.error) == ("office", "KeyError")
    assert CANARY not in str(vars(told))
    await town.pass_time(5)
    assert await town.state(case) == "CONFIRMED"
    assert town.office.arrivals == 1


async def test_a_store_that_is_away_is_no_fault_of_a_delivery_and_costs_a_delay(
    town_of: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = await town_of(Class.QUERYABLE)
    order_of, away = deliver.order_of, [True]

    async def away_once(*asked: Any) -> Any:
        if away:
            away.clear()
            raise StoreUnavailable("the disk is full")
        return await order_of(*asked)

    monkeypatch.setattr(deliver, "order_of", away_once)
    case = await town.apply()
    assert "delivery.failed" not in [one.message for one in caplog.records]
    await town.pass_time(5)
    assert await town.state(case) == "CONFIRMED"
    assert town.office.arrivals == 1
