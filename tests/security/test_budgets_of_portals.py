"""A portal's budget is one budget, however many processes it asks: each tells the others once a second.

The control tells nobody: two processes let through twice the budget.
"""

import asyncio

import pytest
from api_town import GENEROUS, PushedClock, running_town

from aggregator.api.limits import Buckets, Quota
from aggregator.api.told_limits import ToldLimits
from aggregator.citizens.allowances import Allowances
from aggregator.citizens.portals import SCOPES
from aggregator.citizens.seals import VaultSeals
from aggregator.citizens.vault import Vault
from aggregator.sdk.auth import Signer
from aggregator.store import StoreUnavailable

BUDGET = Quota("default", 60, 60)
MINUTES, STEP_S = 5, 10


async def let_through(clock, processes, tell):
    """Requests admitted in five minutes while a portal asks each process twice as often as it may ask all."""
    admitted = 0
    for _ in range(MINUTES * 60 // STEP_S):
        for buckets in processes:
            admitted += sum(buckets.take(BUDGET, "prt_1").wait_s == 0 for _ in range(20))
        clock.push(STEP_S)
        await tell()
    return admitted


async def test_two_processes_let_through_one_budget_and_without_telling_they_let_through_two(store):
    clock = PushedClock()
    processes = [Buckets(clock), Buckets(clock)]
    shared = [ToldLimits(one, Allowances(store, VaultSeals(Vault(bytes(32))), clock), clock) for one in processes]

    async def tell():
        for one in shared:
            await one.exchange()

    # The full bucket at the start counts once more, and what both let through between two exchanges.
    budget = BUDGET.limit * MINUTES
    assert await let_through(clock, processes, tell) <= budget + BUDGET.limit + 2 * 20

    async def nobody():
        return None

    alone = await let_through(clock, [Buckets(clock), Buckets(clock)], nobody)
    assert alone > 1.8 * budget


async def test_one_process_alone_loses_nothing_by_telling(sqlite_store):
    clock = PushedClock()
    buckets = Buckets(clock)
    told = ToldLimits(buckets, Allowances(sqlite_store, VaultSeals(Vault(bytes(32))), clock), clock)
    assert await let_through(clock, [buckets], told.exchange) >= BUDGET.limit * MINUTES - 1


async def test_a_short_window_and_a_refusal_are_told_to_nobody():
    buckets = Buckets(PushedClock())
    buckets.take(Quota("office", 5, 1), "x")
    few = Quota("few", 1, 60)
    for _ in range(3):
        buckets.take(few, "x")
    assert buckets.untold() == [(few, "x", 1)]
    assert buckets.untold() == []


async def test_while_the_store_is_away_each_process_counts_for_itself(sqlite_store):
    clock = PushedClock()
    buckets = Buckets(clock)
    told = ToldLimits(buckets, Allowances(sqlite_store, VaultSeals(Vault(bytes(32))), clock), clock)
    buckets.take(BUDGET, "x")
    await sqlite_store.close()
    with pytest.raises(StoreUnavailable):
        await told.exchange()
    assert sum(buckets.take(BUDGET, "x").wait_s == 0 for _ in range(100)) == BUDGET.limit - 1


async def test_over_http_the_second_process_hears_of_what_the_first_one_let_through(store):
    signer = Signer.generate()
    async with (
        running_town(store, limits=GENEROUS, signer=signer) as one,
        running_town(store, limits=GENEROUS, signer=signer) as another,
    ):
        secret = await one.parts.portals.add("Few", contact="a@b.example", scopes=SCOPES, per_minute=20)
        one.secrets["few"] = another.secrets["few"] = secret
        token = (await one.token("few")).json["access_token"]
        one.tokens["few"] = another.tokens["few"] = token
        for _ in range(20):
            await one.ask("GET", "/agencies", portal="few")
        admitted, asked = 0, 0
        for _ in range(600):
            got = await another.ask("GET", "/agencies", portal="few")
            asked += 1
            admitted += got.status == 200
            if got.status == 429:
                break
            await asyncio.sleep(0.5)
        assert got.status == 429
        assert admitted < 20, (admitted, asked)
