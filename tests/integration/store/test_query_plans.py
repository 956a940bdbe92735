"""P17: no statement of the code looks through what grows. Here: the rounds of a whole city, and the controls.

All other tests that open a store watch it too (tests/plans.py, tests/conftest.py); this one is there so that the
rounds nobody calls in a test are seen, and so that the watching is known to see.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from plans import FORGIVEN, SMALL, Plans, tables, watch

from aggregator import wiring
from aggregator.cases.desk import Key, NewCase
from aggregator.sdk.clock import Clock, SystemClock
from aggregator.settings import Settings
from aggregator.store import Store, open_store
from aggregator.store.sqlite import SqliteStore

ROOT = Path(__file__).parents[3]
FORM = {
    "scheme": "Normal", "given_name": "Test", "surname": "Citizen", "date_of_birth": "1990-01-01", "gender": "F",
    "place_of_birth": "Bhubaneswar", "mobile": "9000000000", "address_line1": "Plot 1", "district": "Khordha",
    "state": "Odisha", "pin": "751001", "police_station": "Saheed Nagar",
}  # fmt: skip
KEPT_BY = {
    "operation_open": "the gauges, every ten seconds",
    "operation_due": "reconciler and sweep, every second",
    "cases_by_citizen": "a citizen's own list",
    "event_by_case": "a case's history",
    "leg_by_case": "a case's legs",
    "leg_by_poll": "tracking, every second",
    "inbox_unnoted": "the cashier, every second",
    "inbox_over": "the inbox's hourly tidying",
    "idempotency_by_age": "the hourly forgetting of keys",
    "payment_due": "the cashier, every second",
    "money_item_open": "the gauges of money",
    "citizen_pairwise_by_citizen": "whose cases a citizen may see",
}
"""Indexes without which something that runs per case or per round would look through a whole table."""


class Hurried(SystemClock):
    """Waits end fifty times as soon, so that a second sees a minute's rounds."""

    def __init__(self) -> None:
        self._begun = super().monotonic()
        self._born = super().now()

    def monotonic(self) -> float:
        return self._begun + (super().monotonic() - self._begun) * 50

    def now(self) -> datetime:
        return self._born + timedelta(seconds=self.monotonic() - self._begun)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 50)


@pytest.fixture
async def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Plans]:
    """A minute of a city: a citizen applies, reads and lists, no agency answers, and every round comes by."""
    plans = Plans()

    def watched(url: str, *, clock: Clock) -> Store:
        store = open_store(url, clock=clock)
        assert isinstance(store, SqliteStore)
        monkeypatch.setattr(store, "open", _then(store.open, lambda: watch(store, plans)))
        return store

    monkeypatch.setattr(wiring, "open_store", watched)
    settings = Settings.from_env({}, data_dir=tmp_path / "data", registry_path=ROOT / "registry.toml")
    async with wiring.running(settings, clock=Hurried()) as city:
        for number in range(2):
            key = Key("por_1", "ctz_1", "POST", "/v1/cases", f"k{number}", "f")
            opened = await city.desk.open(NewCase("por_1", "ctz_1", "passport.fresh", None, FORM), key)
            await city.desk.case(opened.record.id, portal_id="por_1")
            await city.desk.history(opened.record.id, portal_id="por_1")
        await _lists(city)
        await city.citizens.register.names_in("psn_1", "sector.example")
        await city.stream.batch(after=None)
        await asyncio.sleep(1.5)
        yield plans


async def _lists(city: wiring.City) -> None:
    for citizens in (None, ["ctz_1"], ["ctz_1", "ctz_2"]):
        for after in (None, "case_9"):
            for more in (
                {}, {"status": "COMPLETED"}, {"kind": "COMPLAINT"}, {"service_id": "x"},
                {"updated_since": city.clock.now()},
                {"status": "SUBMITTED", "kind": "APPLICATION", "service_id": "x", "updated_since": city.clock.now()},
            ):  # fmt: skip
                await city.desk.cases(portal_id="por_1", citizen_ids=citizens, after=after, limit=20, **more)  # type: ignore[arg-type]


def _then(first: Any, afterwards: Any) -> Any:
    async def both() -> None:
        await first()
        afterwards()

    return both


async def test_no_statement_of_a_city_s_rounds_looks_through_what_grows(seen: Plans) -> None:
    assert not seen.judge(tables())
    rooms = {where.split("/")[1] for where in seen.where.values()}
    assert {"cases", "feed", "payments", "citizens"} <= rooms
    assert len(seen.where) > 90, sorted(seen.where.values())
    missed = [index for index in KEPT_BY if not Plans(where=dict(seen.where)).judge(tables(without=[index]))]
    assert not missed, f"dropped, and nobody noticed: {missed}"


async def test_postgresql_can_do_each_of_them_by_an_index_too(seen: Plans, postgres_url: str) -> None:
    """With scans forbidden and arguments unknown, as a prepared statement's generic plan is made."""
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("set enable_seqscan = off; set plan_cache_mode = force_generic_plan")
    asked = [sql for sql in seen.where if sql not in FORGIVEN]
    slow = {sql: found for sql in asked if (found := await _scanned(connection, sql))}
    control = connection.transaction()
    await control.start()
    await connection.execute("drop index leg_by_case; drop index operation_open; drop index cases_by_citizen")
    noticed = [sql for sql in asked if await _scanned(connection, sql)]
    await control.rollback()
    await connection.close()
    assert not slow
    assert len(noticed) >= 3


async def _scanned(connection: asyncpg.Connection, sql: str) -> set[str]:
    if not sql.startswith(("select", "update", "delete")):
        return set()
    await connection.execute(f"prepare judged as {sql}")
    nulls = ", ".join(["null"] * max((int(n) for n in re.findall(r"\$(\d+)", sql)), default=0))
    rows = await connection.fetch(f"explain execute judged{f'({nulls})' if nulls else ''}")
    await connection.execute("deallocate judged")
    return {found for row in rows for found in re.findall(r"Seq Scan on (\w+)", row[0])} - SMALL
