"""How often a biller is asked for a posting: over restarts, by several processes, beside the settler."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from money_books import Books
from money_town import MoneyTown, money_town
from postings import AMOUNT, FIRST, GAP, left_out, looks, state_of, three_looks

from aggregator.payments.check import CheckState
from aggregator.payments.match import Match

RAIL_S, RAIL_MOST = 7_200, 3


async def test_a_biller_that_is_away_is_asked_no_oftener_than_the_rail_allows_and_by_a_person_the_same_day(
    town: MoneyTown,
) -> None:
    paid = await left_out(town, gone=True)
    town.books.down.add("board")
    for _ in range(6 * 3600 // 60 + 60):
        town.clock.advance(60)
        await town.cashier.work()
    assert (await town.items(), (await town.see(paid.id)).phase) == (["posting_unproved"], "POSTED")
    at_ms = [row["at_ms"] for row in await town.store.read("select at_ms from look order by at_ms")]
    assert 3 <= len(at_ms) <= 9
    for n, first in enumerate(at_ms):
        assert sum(1 for at in at_ms[n:] if at < first + RAIL_S * 1000) <= RAIL_MOST


async def test_looks_survive_a_restart_and_two_processes_make_no_more_of_them_than_one(town: MoneyTown) -> None:
    paid = await left_out(town, gone=True)
    second = await money_town(town.store, clock=town.clock, books=town.books)
    for seconds in (FIRST, GAP):
        town.clock.advance(seconds)
        await asyncio.gather(town.cashier.work(), second.cashier.work())
    await second.delivery.stop()
    third = await money_town(town.store, clock=town.clock, books=town.books)
    town.clock.advance(GAP)
    await asyncio.gather(town.cashier.work(), third.cashier.work())
    assert town.books.asked.count(paid.reference) == 3
    assert ((await town.see(paid.id)).phase, await town.items()) == ("POSTING", ["paid_not_posted"])
    await third.delivery.stop()


async def test_a_look_whose_process_died_is_paid_for_and_made_again(town: MoneyTown) -> None:
    paid = await left_out(town, gone=True)
    town.clock.advance(FIRST)

    async def dies(*_: Any, **__: Any) -> None:
        raise asyncio.CancelledError

    looker = town.cashier._second_look
    town.cashier._second_look._looks.see = dies  # the process ends while the question is out
    with pytest.raises(asyncio.CancelledError):
        await looker.work()
    another = await money_town(town.store, clock=town.clock, books=town.books)
    for _ in range(40):
        await another.pass_time(GAP)
    results = [one["result"] for one in await looks(town, paid)]
    assert results == ["UNANSWERED", "MISSING", "MISSING", "MISSING"]
    assert await another.items() == ["paid_not_posted"]
    await another.delivery.stop()


async def test_another_payment_of_the_bill_keeps_its_lock_when_the_first_is_unsaid(town: MoneyTown) -> None:
    paid = await left_out(town, gone=True)
    town.books.owe("1234")
    await town.open(citizen="ctz_b")
    await three_looks(town)
    seen = await town.see(paid.id)
    assert (seen.phase, seen.late, await town.items()) == ("POSTING", 1, ["paid_not_posted"])


class Hasty:
    """The naive client: not in the file and not found at the first look means gone; it is sent again."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def look(self, ref: str) -> None:
        if not self._books.found(ref):
            self._books.act("pay", {"ref": ref, "account": "1234", "bill": "B-1234", "amount": AMOUNT})


async def test_a_search_that_misses_once_doubles_the_naive_clients_bill_and_not_ours(town: MoneyTown) -> None:
    paid = await left_out(town, gone=False)
    town.books.misses = 1
    Hasty(town.books).look(paid.reference)
    assert town.books.posted("B-1234") == 2, "the control must double it"
    town.books.posts.pop()
    town.books.misses = 1
    await three_looks(town)
    assert (town.books.posted("B-1234"), await state_of(town, paid), await town.items()) == (1, CheckState.FOUND, [])


async def test_looking_from_every_process_asks_more_than_a_payment_rail_allows(town: MoneyTown) -> None:
    """The control of the restart test: looks that are kept in memory are made once per process."""
    paid = await left_out(town, gone=True)
    for _ in range(2):  # two processes, each with a schedule of its own
        for seconds in (FIRST, GAP, GAP):
            town.clock.advance(seconds)
            town.books.found(paid.reference)
    assert town.books.asked.count(paid.reference) > RAIL_MOST


async def test_a_payment_in_doubt_is_the_settlers_until_three_looks_were_of_no_use(town: MoneyTown) -> None:
    paid = await town.paid()
    town.books.script["pay"] = ["lost"] * 3
    await town.pass_time(5)
    assert (await town.files()).found == Counter({Match.STILL_IN_DOUBT: 1})
    assert await town.items() == [], "the proof of absence goes on, and nobody is needed yet"
    town.books.blind = True
    for seconds in (100, 400, 2_000):
        await town.pass_time(seconds)
    assert (await town.files()).found == Counter({Match.STILL_IN_DOUBT: 1})
    assert (await town.see(paid.id)).phase == "POSTING"
    assert await town.items() == ["still_in_doubt"]
