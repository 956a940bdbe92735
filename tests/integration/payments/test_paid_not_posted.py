"""The gateway settled it, the biller confirmed it, and its file does not show it: looked for before a person is asked.

The biller's own book says whether a bill was recorded twice. The naive clients of this page send again on the first
silence of a search, and look in every process; the same town catches both.
"""

import asyncio
from collections import Counter
from typing import Any

import pytest
from money_town import Books, MoneyTown, money_town

from aggregator.cases.items import Decision
from aggregator.cases.keys import Key
from aggregator.cases.worklist import Worklist
from aggregator.payments import check
from aggregator.payments.check import CheckState, Finding
from aggregator.payments.decide import MoneyDecider
from aggregator.payments.evidence import evidence_of
from aggregator.payments.ledger import Sums
from aggregator.payments.match import Match
from aggregator.payments.payment import Payment
from aggregator.sdk.adapter import Class
from aggregator.store import Store

AMOUNT = 66_400
FIRST, GAP = 95, 301
RAIL_S, RAIL_MOST = 7_200, 3


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


def people(town: MoneyTown) -> Worklist:
    return Worklist(town.till.desk, town.till.stream, town.delivery.nudge, {"payment": MoneyDecider(town.till)})


async def two_names(town: MoneyTown, payment: Payment, action: str) -> None:
    """Both names decide the same about the posting."""
    for n, name in enumerate(("A. Das", "B. Patra")):
        key = Key("ops", "", "POST", "/worklist", f"{action}-{n}", "f")
        await people(town).decide(payment.post_id, Decision(action=action, by=name, note="Rang them"), key)
    await town.turn()


async def test_a_posting_the_biller_shows_when_asked_troubles_nobody_and_is_evidence(town: MoneyTown) -> None:
    paid = await left_out(town, gone=False)
    assert (await town.items(), town.books.asked) == ([], [])
    await town.pass_time(80)
    assert town.books.asked == [], "a payment rail is not asked before 90 seconds"
    await town.pass_time(15)
    assert (await town.items(), await state_of(town, paid)) == ([], CheckState.FOUND)
    (look,) = await looks(town, paid)
    assert (look["result"], look["matches"]) == (Finding.FOUND, 1)
    await three_looks(town)
    assert town.books.asked.count(paid.reference) == 1
    town.books.posts, kept = [], town.books.posts
    assert (await town.files(bank=False)).found == Counter({Match.FOUND_BY_LOOK: 1})
    town.books.posts = kept
    assert (await town.files(bank=False)).found == Counter({Match.MATCHED: 1}), "a later file shows it"
    assert (await town.items(), await town.unbalanced()) == ([], [])


async def test_three_looks_without_it_hold_the_money_again_and_lock_the_bill_and_two_names_post_it_once_more(
    town: MoneyTown,
) -> None:
    paid = await left_out(town, gone=True)
    await town.pass_time(FIRST)
    await town.pass_time(GAP)
    assert ((await town.see(paid.id)).phase, await town.items()) == ("POSTED", [])
    await town.pass_time(GAP)
    held = await town.see(paid.id)
    assert (held.phase, held.reason_code, held.closed_ms, held.owner) == (
        "POSTING", "paid_not_posted", None, "worklist:board",
    )  # fmt: skip
    assert await town.money(paid.id) == Sums(collected=AMOUNT, held=AMOUNT)
    assert [one["counted"] for one in await looks(town, paid)] == [1, 1, 1]
    assert (await town.items(), town.books.posts) == (["paid_not_posted"], []), "no machine sends it again"
    await two_names(town, held, "RESEND")
    again = await town.see(paid.id)
    assert (again.phase, again.closed_ms is not None, len(town.books.posts)) == ("POSTED", True, 1)
    assert await town.money(paid.id) == Sums(collected=AMOUNT, posted=AMOUNT)
    assert (await town.files()).found == Counter({Match.MATCHED: 1})
    rows = await town.store.read("select state from money_item")
    assert ({row["state"] for row in rows}, await town.unbalanced()) == ({"CLOSED"}, [])


async def test_two_names_may_give_it_back_instead_and_a_later_posting_is_recovered_from_the_biller(
    town: MoneyTown,
) -> None:
    paid = await left_out(town, gone=True)
    await three_looks(town)
    await two_names(town, paid, "CANCEL")
    await town.turn()
    assert ((await town.see(paid.id)).phase, list(town.books.refunds)) == ("REFUNDED", [paid.reference])
    assert await town.money(paid.id) == Sums(collected=AMOUNT, refunded=AMOUNT)
    town.books.posts.append({"ref": paid.reference, "number": "N9", "amount": AMOUNT, "bill": "B", "account": "1234"})
    await town.files()
    money = await town.money(paid.id)
    assert (money.balances, money.recoverable) == (True, AMOUNT)


async def test_a_later_file_that_shows_it_after_all_ends_the_matter_by_itself(town: MoneyTown) -> None:
    paid = await posted(town)
    kept, town.books.posts = town.books.posts, []
    await town.files()
    await town.turn()
    await three_looks(town)
    assert (await town.see(paid.id)).phase == "POSTING"
    town.books.posts = kept
    await town.files(bank=False)
    await town.turn()
    assert ((await town.see(paid.id)).phase, len(town.books.posts)) == ("POSTED", 1)
    assert await town.money(paid.id) == Sums(collected=AMOUNT, posted=AMOUNT)


async def test_a_posting_that_goes_missing_twice_is_looked_for_twice(town: MoneyTown) -> None:
    paid = await left_out(town, gone=True)
    await three_looks(town)
    await two_names(town, paid, "RESEND")
    town.books.posts.clear()
    assert (await town.files()).found == Counter({Match.PAID_NOT_POSTED: 1})
    for _ in range(30):
        await town.pass_time(GAP)
    assert await town.money(paid.id) == Sums(collected=AMOUNT, held=AMOUNT)
    assert (await town.items()).count("paid_not_posted") == 2


async def test_a_search_that_does_not_find_what_is_known_to_be_there_proves_nothing(town: MoneyTown) -> None:
    paid = await left_out(town, gone=True)
    town.books.blind = True
    await three_looks(town)
    assert (await town.items(), await state_of(town, paid)) == (["posting_unproved"], CheckState.PERSON)
    assert ((await town.see(paid.id)).phase, await town.money(paid.id)) == (
        "POSTED", Sums(collected=AMOUNT, posted=AMOUNT),
    )  # fmt: skip


async def test_a_biller_that_shows_two_is_a_conflict_and_never_the_citizens(town: MoneyTown) -> None:
    paid = await left_out(town, gone=False)
    town.books.posts.append({**town.books.posts[0], "number": "N99"})
    await town.pass_time(FIRST)
    assert ((await town.see(paid.id)).phase, await town.items()) == ("CONFLICT", ["posted_twice"])


async def test_a_biller_nobody_can_ask_by_machine_is_a_persons_at_once_and_it_says_why(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = await money_town(store)
    town.books.owe("1234")
    board = town.till.registry().agencies["board"]
    monkeypatch.delitem(board.operations, "find")
    await left_out(town, gone=True)
    assert (await town.items(), town.books.asked) == (["posting_unaskable"], [])
    await town.delivery.stop()


async def test_an_opaque_biller_is_looked_at_and_its_silence_proves_nothing(store: Store) -> None:
    town = await money_town(store, cls=Class.OPAQUE)
    town.books.owe("1234")
    town.books.owe("5678")
    await posted(town, "5678")  # a record that its search finds
    await town.pass_time(120)
    paid = await left_out(town, gone=True)
    await three_looks(town)
    found = await looks(town, paid)
    assert (await town.items(), [one["control"] for one in found]) == (["posting_unproved"], ["found"] * 3)
    await town.delivery.stop()


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
