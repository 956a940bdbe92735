"""Ours, the gateway's file and the biller's, side by side: what matches closes, all else is somebody's the same day."""

from collections import Counter

import pytest
from money_town import MoneyTown

from aggregator.cases.items import open_items
from aggregator.payments.evidence import evidence_of
from aggregator.payments.files import BadFile, read_file
from aggregator.payments.ledger import Sums
from aggregator.payments.match import Match

AMOUNT = 66_400


async def test_a_day_on_which_all_agree_closes_without_anybody(town: MoneyTown) -> None:
    paid = await town.paid()
    await town.pass_time(5)
    report = await town.files()
    assert (report.found, report.strays) == (Counter({Match.MATCHED: 1}), 0)
    seen = await town.see(paid.id)
    assert (seen.matched_ms is not None, await town.items(), await town.unbalanced()) == (True, [], [])
    again = await town.files()
    assert again.found == Counter()
    rows = await town.store.read(
        "select account, cast(sum(paise) as bigint) as paise from money_line group by account order by account"
    )
    assert {row["account"]: row["paise"] for row in rows} == {
        "bank": -236, "biller": 0, "fees": 236, "gateway": 0, "held": 0,
    }  # fmt: skip


async def test_nothing_is_judged_before_both_files_are_there(town: MoneyTown) -> None:
    await town.paid()
    await town.pass_time(5)
    report = await town.files(board=False)
    assert (report.found, report.waiting, await town.items()) == (Counter(), 1, [])


async def test_the_billers_file_ends_a_doubt_and_the_receipt_follows(town: MoneyTown) -> None:
    paid = await town.paid()
    town.books.script["pay"] = ["act then silence"]
    await town.pass_time(5)
    assert (await town.see(paid.id)).phase == "POSTING"
    report = await town.files()
    assert report.found == Counter({Match.POSTED_LATE: 1})
    await town.turn()
    assert (await town.see(paid.id)).phase == "POSTED"
    await town.files()
    rows = await town.store.read("select state from money_item")
    assert {row["state"] for row in rows} == {"CLOSED"}


async def test_money_only_the_gateway_saw_is_asked_about_entered_and_given_back(town: MoneyTown) -> None:
    opened = await town.open()
    await town.turn()
    for seconds in (1801, 70, 301):
        await town.pass_time(seconds)
    town.books.orders[opened.payment.reference]["payments"].append({"id": "P77", "amount": AMOUNT})
    report = await town.files()
    assert report.found == Counter({Match.COLLECTED_UNSEEN: 1})
    await town.pass_time(61)
    await town.turn()
    assert (await town.see(opened.payment.id)).phase == "REFUNDED"
    assert town.books.posts == []


async def test_what_we_believe_posted_and_the_biller_does_not_show_is_looked_at_and_not_given_back(
    town: MoneyTown,
) -> None:
    paid = await town.paid()
    await town.pass_time(5)
    town.books.posts.clear()
    report = await town.files()
    assert report.found == Counter({Match.PAID_NOT_POSTED: 1})
    await town.turn()
    assert (await town.items(), town.books.refunds) == ([], {})
    assert (await town.money(paid.id)).posted == AMOUNT


async def test_a_bill_recorded_twice_costs_the_citizen_nothing(town: MoneyTown) -> None:
    paid = await town.paid()
    await town.pass_time(5)
    town.books.posts.append({**town.books.posts[0], "number": "N99"})
    report = await town.files()
    assert report.found == Counter({Match.DUPLICATE: 1})
    assert await town.money(paid.id) == Sums(collected=AMOUNT, posted=2 * AMOUNT, recoverable=AMOUNT)
    assert (await town.see(paid.id)).phase == "CONFLICT"
    await town.files()
    assert (await town.money(paid.id)).recoverable == AMOUNT


async def test_a_posting_that_shows_up_after_the_refund_is_recovered_from_the_biller(town: MoneyTown) -> None:
    paid = await town.paid()
    town.books.script["pay"] = ["refuse"]
    await town.pass_time(5)
    await town.turn()
    assert (await town.see(paid.id)).phase == "REFUNDED"
    town.books.posts.append({"ref": paid.reference, "number": "N9", "amount": AMOUNT, "bill": "B", "account": "1234"})
    await town.files()
    money = await town.money(paid.id)
    assert (money.balances, money.recoverable, await town.items()) == (True, AMOUNT, ["refunded_and_posted"])


async def test_a_refund_the_gateway_did_not_carry_out_is_seen(town: MoneyTown) -> None:
    paid = await town.paid()
    town.books.script["pay"] = ["refuse"]
    await town.pass_time(5)
    await town.turn()
    town.books.refunds.clear()
    report = await town.files()
    assert report.found == Counter({Match.REFUND_NOT_EXECUTED: 1})
    assert (await town.see(paid.id)).phase == "REFUNDED"


async def test_other_amounts_and_lines_of_nobody_go_to_people(town: MoneyTown) -> None:
    await town.paid()
    await town.pass_time(5)
    town.books.posts[0]["amount"] = 1
    town.books.posts.append({"ref": "NOBODY", "number": "N50", "amount": 5, "bill": "B", "account": "1"})
    report = await town.files()
    assert (report.found, report.strays) == (Counter({Match.AMOUNT_DIFFERS: 1}), 1)
    owners = await town.store.read("select owner, state from money_item")
    assert {(row["owner"], row["state"]) for row in owners} == {("worklist:board", "OPEN")}
    waiting = await open_items(town.store)
    assert [(one.kind, one.money, one.names) for one in waiting] == [("payment", True, 2)] * 2


async def test_the_evidence_pack_has_every_number_both_files_lines_and_no_account(town: MoneyTown) -> None:
    paid = await town.paid()
    await town.webhook(paid.reference)
    await town.turn()
    await town.files()
    pack = await evidence_of(town.store, await town.see(paid.id))
    assert [one["name"] for one in pack["operations"]] == ["order", "pay"]
    assert {line["side"] for line in pack["file_lines"]} == {"gateway", "biller"}
    assert {word["source"] for word in pack["gateway_words"]} == {"webhook", "verify"}
    assert pack["held_paise"] == 0
    assert "1234" not in str({**pack, "payment": {**pack["payment"], "bill": ""}})


def test_a_bad_file_says_every_mistake_with_its_line_and_takes_nothing() -> None:
    content = b"kind,number,amount_paise\npayment,P1,12.50\nposting,,5\npayment,P3,1\npayment,P3,1\n"
    with pytest.raises(BadFile) as bad:
        read_file(content, agency="bank", side="gateway", day="2026-1-1")
    assert bad.value.problems == [
        "the day '2026-1-1' is not like 2026-01-31",
        "line 2: amount_paise must be a whole number of paise",
        "line 3: kind must be payment or refund, got 'posting'",
        "line 3: number is empty",
        "payment:P3 is there twice",
    ]
