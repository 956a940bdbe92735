"""A citizen's money is collected once, posted once or given back, and the ledger balances at every step."""

import asyncio

import pytest
from money_town import MoneyTown, money_town

from aggregator.payments.collect import BillTaken, NotPayable
from aggregator.payments.ledger import Sums
from aggregator.sdk.adapter import Class
from aggregator.store import Store

AMOUNT = 66_400


async def test_a_bill_is_ordered_paid_verified_posted_and_receipted(town: MoneyTown) -> None:
    opened = await town.open()
    await town.turn()
    waiting = await town.see(opened.payment.id)
    assert (waiting.phase, waiting.pay_url) == ("WAITING", f"http://bank/{waiting.reference}")
    town.books.capture(waiting.reference)
    await town.pass_time(5)
    posted = await town.see(waiting.id)
    assert (posted.phase, posted.closed_ms is not None) == ("POSTED", True)
    assert [one["ref"] for one in town.books.posts] == [waiting.reference]
    assert await town.money(waiting.id) == Sums(collected=AMOUNT, posted=AMOUNT)
    claims = town.signer.receipt(await town.counter.receipt(posted))
    assert (claims["amount_paise"], claims["phase"], claims["payee"]) == (AMOUNT, "POSTED", "board")
    assert await town.unbalanced() == []


async def test_the_browsers_return_makes_us_ask_and_is_never_believed(town: MoneyTown) -> None:
    opened = await town.open()
    await town.turn()
    await town.counter.look_again(opened.payment.id)
    await town.pass_time(10)
    seen = await town.see(opened.payment.id)
    assert (seen.phase, town.books.posts) == ("WAITING", [])
    assert await town.money(opened.payment.id) == Sums()


async def test_two_citizens_cannot_pay_one_bill_at_the_same_time(town: MoneyTown) -> None:
    first = await town.open(citizen="ctz_a")
    with pytest.raises(BillTaken) as taken:
        await town.open("12 34", citizen="ctz_b")
    assert taken.value.first.id == first.payment.id


async def test_of_many_requests_at_once_for_one_bill_exactly_one_is_opened(town: MoneyTown) -> None:
    asked = await asyncio.gather(*(town.open(citizen=f"ctz_{n}") for n in range(12)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in asked) == ["BillTaken"] * 11 + ["OpenedPayment"]


async def test_one_key_is_one_payment_however_often_it_is_asked(town: MoneyTown) -> None:
    first = await town.open(key="same")
    town.clock.advance(60)  # its first caller never got an answer and has stopped waiting
    again = await town.open(key="same")
    assert (again.payment.id, again.number) == (first.payment.id, first.number)


async def test_a_signed_webhook_only_makes_us_ask_sooner_and_counts_once(town: MoneyTown) -> None:
    paid = await town.paid()
    for _ in range(3):
        await town.webhook(paid.reference, event="evt-1")
    await town.webhook(paid.reference, event="evt-2")
    await town.turn()
    assert (await town.see(paid.id)).phase == "POSTED"
    await town.webhook(paid.reference, event="evt-3")  # late, for a payment that is over
    await town.turn()
    assert await town.money(paid.id) == Sums(collected=AMOUNT, posted=AMOUNT)
    assert len(town.books.posts) == 1


async def test_a_webhook_of_somebody_else_moves_nothing(town: MoneyTown) -> None:
    opened = await town.open()
    await town.turn()
    await town.webhook(opened.payment.reference, signed="by me", word="PAID", paid_paise=AMOUNT, gateway_payment="P9")
    await town.turn()
    assert (await town.see(opened.payment.id)).phase == "WAITING"


async def test_a_webhook_that_the_gateways_own_answer_contradicts_is_doubt_and_then_a_persons(town: MoneyTown) -> None:
    opened = await town.open()
    await town.turn()
    await town.webhook(opened.payment.reference, word="PAID", paid_paise=AMOUNT, gateway_payment="P9")
    await town.turn(1)
    assert (await town.see(opened.payment.id)).phase == "IN_DOUBT"
    for _ in range(3):
        await town.pass_time(20)
    seen = await town.see(opened.payment.id)
    assert (seen.phase, seen.owner, await town.items()) == ("CONFLICT", "worklist:bank", ["webhook_disagrees"])
    assert await town.money(opened.payment.id) == Sums()


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        ({"paid_paise": 100}, "amount_differs"),
        ({"order": "SOMEBODYELSES"}, "another_order"),
        ({"currency": "USD"}, "another_currency"),
        ({"captures": 2}, "collected_twice"),
        ({"word": "SETTLING"}, "word_unknown"),
    ],
)
async def test_an_answer_that_is_not_about_our_order_enters_nothing(town: MoneyTown, lie: dict, reason: str) -> None:
    paid = await town.paid()
    town.books.twisted = lie
    await town.pass_time(5)
    seen = await town.see(paid.id)
    assert (seen.phase, seen.reason_code, town.books.posts) == ("CONFLICT", reason, [])
    assert await town.money(paid.id) == Sums()


async def test_not_paid_needs_the_order_ended_and_two_looks_apart_and_only_then_the_bill_is_free(
    town: MoneyTown,
) -> None:
    opened = await town.open()
    await town.turn()
    await town.pass_time(1801)
    await town.pass_time(70)
    assert (await town.see(opened.payment.id)).phase == "IN_DOUBT"
    with pytest.raises(BillTaken):
        await town.open(citizen="ctz_b")
    await town.pass_time(301)
    assert (await town.see(opened.payment.id)).phase == "NOT_PAID"
    assert (await town.open(citizen="ctz_b")).payment.phase == "PREPARING"


async def test_money_that_comes_after_a_payment_was_given_up_goes_back_and_is_never_posted(town: MoneyTown) -> None:
    opened = await town.open()
    await town.turn()
    for seconds in (1801, 70, 301):
        await town.pass_time(seconds)
    ref = opened.payment.reference
    town.books.orders[ref]["payments"].append({"id": "P77", "amount": AMOUNT})
    await town.webhook(ref)
    await town.turn()
    seen = await town.see(opened.payment.id)
    assert (seen.phase, seen.late, town.books.posts) == ("REFUNDED", 1, [])
    assert await town.money(seen.id) == Sums(collected=AMOUNT, refunded=AMOUNT)


async def test_a_refused_posting_is_refunded_once_and_the_bill_is_free_again(town: MoneyTown) -> None:
    paid = await town.paid()
    town.books.script["pay"] = ["refuse"]
    town.books.script["refund"] = ["act then silence", "act then silence"]
    for _ in range(6):
        await town.pass_time(30)
    seen = await town.see(paid.id)
    assert (seen.phase, len(town.books.refunds), town.books.posts) == ("REFUNDED", 1, [])
    assert await town.money(paid.id) == Sums(collected=AMOUNT, refunded=AMOUNT)
    assert (await town.open(citizen="ctz_b")).payment.phase == "PREPARING"


async def test_silence_of_the_biller_is_never_a_reason_to_give_money_back(town: MoneyTown) -> None:
    paid = await town.paid()
    town.books.script["pay"] = ["act then silence"]
    await town.pass_time(5)
    seen = await town.see(paid.id)
    assert (seen.phase, town.books.refunds) == ("POSTING", {})
    with pytest.raises(BillTaken):
        await town.open(citizen="ctz_b")
    assert (await town.money(paid.id)).held == AMOUNT
    await town.pass_time(100)
    assert (await town.see(paid.id)).phase == "POSTED"
    assert len(town.books.posts) == 1


async def test_a_lost_posting_is_proved_absent_and_sent_once_more(town: MoneyTown) -> None:
    paid = await town.paid()
    town.books.script["pay"] = ["lost"]
    for _ in range(8):
        await town.pass_time(120)
    assert (await town.see(paid.id)).phase == "POSTED"
    assert len(town.books.posts) == 1


async def test_wanting_the_money_back_waits_for_the_proof_of_absence(town: MoneyTown) -> None:
    paid = await town.paid()
    town.books.script["pay"] = ["lost"]
    await town.pass_time(5)
    await town.counter.give_back(paid.id)
    await town.turn()
    assert (await town.see(paid.id)).phase == "POSTING"
    assert town.books.refunds == {}
    for _ in range(8):
        await town.pass_time(120)
    seen = await town.see(paid.id)
    assert (seen.phase, seen.reason_code, town.books.refunds) == ("POSTING", "waits_for_file", {})
    await town.files()  # the board's file of the day does not have it either
    await town.pass_time(61)
    seen = await town.see(paid.id)
    assert (seen.phase, town.books.posts, len(town.books.refunds)) == ("REFUNDED", [], 1)


async def test_what_turns_out_to_be_posted_is_not_refunded_however_much_it_was_wanted(town: MoneyTown) -> None:
    paid = await town.paid()
    town.books.script["pay"] = ["act then silence"]
    await town.pass_time(5)
    await town.counter.give_back(paid.id)
    for _ in range(4):
        await town.pass_time(120)
    assert (await town.see(paid.id)).phase == "POSTED"
    assert town.books.refunds == {}
    with pytest.raises(NotPayable):
        await town.counter.give_back(paid.id)


async def test_a_refund_nobody_confirmed_is_asked_about_and_never_paid_twice(town: MoneyTown) -> None:
    paid = await town.paid()
    town.books.script["pay"] = ["refuse"]
    town.books.refund_pending = True
    await town.pass_time(5)
    await town.turn()
    assert (await town.see(paid.id)).phase == "REFUND_IN_DOUBT"
    town.books.refunds[paid.reference]["pending"] = False
    await town.webhook(paid.reference, kind="refund", word="REFUNDED")
    await town.turn()
    assert (await town.see(paid.id)).phase == "REFUNDED"
    assert len(town.books.refunds) == 1


async def test_after_a_day_it_warns_and_after_four_the_posting_is_not_sent_any_more(town: MoneyTown) -> None:
    paid = await town.paid()
    await town.pass_time(3)
    assert (await town.see(paid.id)).phase == "POSTED"
    town.books.owe("5678")
    held = await town.paid("5678")
    town.books.down = {"board"}
    await town.pass_time(5)
    assert (await town.see(held.id)).phase == "POSTING"
    await town.pass_time(86_400)
    assert "overdue_t1" in await town.items()
    for _ in range(3):
        await town.pass_time(86_400)
    assert "overdue_t5" in await town.items()
    await town.pass_time(600)
    seen = await town.see(held.id)
    assert (seen.phase, len(town.books.posts)) == ("REFUNDED", 1)  # never sent, so certainly not there


async def test_an_opaque_biller_that_stays_silent_is_a_persons_and_nothing_is_repeated(store: Store) -> None:
    town = await money_town(store, cls=Class.OPAQUE)
    town.books.owe("1234")
    paid = await town.paid()
    town.books.script["pay"] = ["act then silence"]
    for _ in range(6):
        await town.pass_time(86_400)
    seen = await town.see(paid.id)
    assert (seen.phase, seen.owner, len(town.books.posts), town.books.refunds) == (
        "POSTING", "worklist:board", 1, {},
    )  # fmt: skip
    assert (await town.money(paid.id)).held == AMOUNT
    await town.delivery.stop()


async def test_after_a_crash_another_process_takes_every_payment_further(town: MoneyTown, store: Store) -> None:
    paid = await town.paid()
    town.books.script["pay"] = ["act then silence"]
    await town.pass_time(5)
    await town.delivery.stop()
    again = await money_town(store, clock=town.clock, books=town.books)
    for _ in range(4):
        await again.pass_time(120)
    assert (await again.see(paid.id)).phase == "POSTED"
    assert len(town.books.posts) == 1
    await again.delivery.stop()


async def test_a_bill_that_is_paid_already_cannot_be_paid(town: MoneyTown) -> None:
    town.books.owe("1234", 0)
    with pytest.raises(NotPayable) as no:
        await town.open()
    assert no.value.reason == "nothing_due"


async def test_no_order_at_the_gateway_means_nothing_was_charged(town: MoneyTown) -> None:
    town.books.script["order"] = ["refuse"]
    opened = await town.open()
    await town.turn()
    assert (await town.see(opened.payment.id)).phase == "NOT_PAID"
    assert (await town.open(citizen="ctz_b")).payment.phase == "PREPARING"
