"""Payments that were posted, and how often the biller is asked for them."""

from typing import Any

from money_town import MoneyTown

from aggregator.payments import check
from aggregator.payments.evidence import evidence_of
from aggregator.payments.match import Match
from aggregator.payments.payment import Payment

AMOUNT = 66_400


FIRST, GAP = 95, 301


async def posted(town: MoneyTown, account: str = "1234") -> Payment:
    """Paid, confirmed by the biller, recorded as posted."""
    paid = await town.paid(account)
    await town.pass_time(5)
    seen = await town.see(paid.id)
    assert seen.phase == "POSTED"
    return seen


async def left_out(town: MoneyTown, *, gone: bool) -> Payment:
    """The biller's file of the day leaves it out; `gone`: so does its book."""
    paid = await posted(town)
    kept = list(town.books.posts)
    town.books.posts = [one for one in kept if one["ref"] != paid.reference]
    report = await town.files()
    assert report.found[Match.PAID_NOT_POSTED] == 1
    if not gone:
        town.books.posts = kept
    await town.turn()
    return paid


async def looks(town: MoneyTown, payment: Payment) -> list[dict[str, Any]]:
    return list((await evidence_of(town.store, payment))["looks"])


async def state_of(town: MoneyTown, payment: Payment) -> str:
    return (await check.latest(town.store.read, payment.id))[1]


async def three_looks(town: MoneyTown) -> None:
    for seconds in (FIRST, GAP, GAP):
        await town.pass_time(seconds)
