"""What became of everybody's money, by the books of the gateway and the billers; the city's word is what is judged."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from harness import City
from payers import BILLER, Payer, captured, given_back, posted

from adapters.electricity.bbps.identity import txn_reference
from aggregator.sdk.clock import from_ms
from aggregator.sdk.model import Order

INSTITUTION = "SIMU"
"""Ours at the bill payment network; its payments go under a number minted from our journaled order."""
POSTING = ("passport", "bmc", BILLER)
"""Where money is posted."""


class Book:
    """The city's database, read beside the running server."""

    def __init__(self, city: City) -> None:
        self._database = city.database
        self._folder = city.folder / "data"

    def ask(self, query: str, *args: Any) -> Sequence[Mapping[str, Any]]:
        if self._database:
            return asyncio.run(_asked(self._database, query, args))
        path = next(self._folder.glob("*.db"))
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        connection.row_factory = sqlite3.Row
        try:
            return connection.execute(query.replace("$1", "?1"), args).fetchall()
        finally:
            connection.close()


async def _asked(url: str, query: str, args: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
    connection = await asyncpg.connect(url)
    try:
        found: Sequence[Mapping[str, Any]] = await connection.fetch(query, *args)
        return found
    finally:
        await connection.close()


@dataclass(frozen=True)
class Verdict:
    """What the judge found, by the books of the gateway and the billers."""

    payers: int
    lost: int
    captured_twice: int
    posted_twice: int
    refunded_and_posted: int
    over: int
    with_people: int
    explained: int
    unexplained: int
    refunded: int
    blocked: int


def judge(city: City, payers: list[Payer], rivals: list[Payer]) -> Verdict:
    """`rivals` wanted to pay a bill that somebody else was paying."""
    took, back = Counter(captured(city.agencies["paygate"])), Counter(given_back(city.agencies["paygate"]))
    books = {name: Counter(posted(city.agencies[name])) for name in POSTING}
    everybody = [one for one in payers + rivals if one.id]
    numbers = {one.id: numbers_at_biller(city, one) for one in everybody}
    here = {one.id: sum(books[one.agency][number] for number in numbers[one.id]) for one in everybody}
    lost = len(set(took) - {one.reference for one in everybody})
    for one in everybody:
        phase, paid = one.look(city)["phase"], took[one.reference]
        wrong = {"POSTED": here[one.id] != 1 or not paid, "REFUNDED": not back[one.reference], "NOT_PAID": paid > 0}
        lost += wrong.get(phase, False)
    known = sum(here.values())
    lost += sum(sum(book.values()) for book in books.values()) - known  # posted, and of nobody
    open_ones = [one for one in everybody if not one.over]
    people = [one for one in open_ones if with_people(city, one)]
    told = [one for one in open_ones if one not in people and one.seen["explanation"] and one.seen["next_check_at"]]
    return Verdict(
        payers=len(everybody),
        lost=lost,
        captured_twice=sum(n > 1 for n in took.values()) + paid_twice(everybody, took, back),
        posted_twice=sum(n > 1 for n in here.values()),
        refunded_and_posted=sum(1 for one in everybody if back[one.reference] and here[one.id]),
        over=len(everybody) - len(open_ones),
        with_people=len(people),
        explained=len(told),
        unexplained=len(open_ones) - len(people) - len(told),
        refunded=sum(back.values()),
        blocked=sum(one.refusals > 0 for one in rivals),
    )


def paid_twice(everybody: list[Payer], took: Counter[str], back: Counter[str]) -> int:
    """Bills for which money was kept from two citizens."""
    kept = Counter(
        one.what["form"]["account"]
        for one in everybody
        if "form" in one.what and took[one.reference] > back[one.reference]
    )
    return sum(n > 1 for n in kept.values())


def numbers_at_biller(city: City, payer: Payer) -> set[str]:
    """Under what the biller's book has this payment: our reference, or the number minted from it."""
    if payer.agency != BILLER:
        return {payer.reference}
    rows = Book(city).ask(
        "select o.created_ms from operation o join payment p on p.post_id = o.id where p.id = $1", payer.id
    )
    orders = [Order(payer.reference, "bill_payment", {}, at=from_ms(row["created_ms"])) for row in rows]
    return {txn_reference(INSTITUTION, order) for order in orders}


def with_people(city: City, payer: Payer) -> bool:
    rows = Book(city).ask("select owner from payment where id = $1", payer.id)
    return str(rows[0]["owner"]).startswith("worklist:")
