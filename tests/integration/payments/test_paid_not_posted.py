"""The gateway settled it, the biller confirmed it, and its file does not show it: looked for before a person is asked.

The biller's own book says whether a bill was recorded twice. The naive clients of this page send again on the first
silence of a search, and look in every process; the same town catches both.
"""

from collections import Counter

import pytest
from money_town import MoneyTown, money_town
from postings import AMOUNT, FIRST, GAP, left_out, looks, posted, state_of, three_looks

from aggregator.cases.items import Decision
from aggregator.cases.keys import Key
from aggregator.cases.worklist import Worklist
from aggregator.payments.check import CheckState, Finding
from aggregator.payments.decide import MoneyDecider
from aggregator.payments.ledger import Sums
from aggregator.payments.match import Match
from aggregator.payments.payment import Payment
from aggregator.sdk.adapter import Class
from aggregator.store import Store


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
