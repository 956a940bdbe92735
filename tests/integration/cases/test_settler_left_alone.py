"""The settler left alone: it comes by every second, watches the clock, audits, and outlives a store that is away."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from doubt_steps import doubted, op_of

from aggregator.sdk.adapter import Class
from aggregator.store import StoreUnavailable


async def left_alone_until(town: Any, happened: Callable[[], Awaitable[Any]]) -> None:
    """Its seconds are the manual clock's: no real time passes between two rounds."""
    settling = asyncio.create_task(town.reconciliation.run())
    try:
        async with asyncio.timeout(20):
            while not settling.done() and not await happened():  # noqa: ASYNC110 - only the tables say it
                await asyncio.sleep(0.001)
    finally:
        settling.cancel()
        with suppress(asyncio.CancelledError):
            await settling


async def test_a_doubt_is_looked_at_within_a_second_of_its_time(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await doubted(town)
    due_s = town.clock.monotonic() + ((await op_of(town, case)).next_action_ms / 1000 - town.clock.now().timestamp())
    town.clock.advance(due_s - town.clock.monotonic() - 0.5)
    asked: list[float] = []
    search = town.office.search

    def noting(path: str, query: str) -> Any:
        asked.append(town.clock.monotonic())
        return search(path, query)

    town.office.search = noting

    async def settled() -> bool:
        return bool(await town.state(case) == "CONFIRMED")

    await left_alone_until(town, settled)
    assert due_s <= asked[0] <= due_s + 1.0


async def test_a_store_that_is_away_for_a_while_stops_nobody(town_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await doubted(town)
    read, away = town.store.read, iter(range(5))

    async def reads(*asked: Any, **how: Any) -> Any:
        if next(away, None) is not None:
            raise StoreUnavailable("the disk is gone", "none")
        return await read(*asked, **how)

    async def settled() -> bool:
        rows = await read("select state from operation where case_id = $1", case.id)
        return bool(rows[0]["state"] == "CONFIRMED")

    monkeypatch.setattr(town.store, "read", reads)
    town.clock.advance(200)
    await left_alone_until(town, settled)
    assert next(away, None) is None, "it was away"


async def test_a_clock_set_while_it_works_starts_the_wait_again(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await doubted(town, "lost")
    began = await op_of(town, case)

    async def nothing() -> bool:
        return True

    await left_alone_until(town, nothing)
    town.clock.jump_wall(3_600)

    async def again() -> bool:
        return bool((await op_of(town, case)).ended_ms > began.ended_ms + 3_500_000)

    await left_alone_until(town, again)
    op = await op_of(town, case)
    assert (op.state.value, op.citizen_text_key) == ("IN_DOUBT", "state.in_doubt")
    assert (op.doubtful, op.doubt_since_ms) == (True, began.doubt_since_ms)
    assert town.office.arrivals == 2


async def test_what_an_agency_doubled_by_itself_is_found_without_being_asked_for(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await town.apply()
    town.office.records.append((town.office.records[0][0], "N77"))
    town.clock.advance(86_400)

    async def with_a_person() -> bool:
        return bool(await town.state(case) == "NEEDS_HUMAN")

    await left_alone_until(town, with_a_person)
