"""What follows when a biller unsays a posting it had confirmed: the money is held again, and people decide in pairs.

Nothing is sent from here. The operation goes the one way that leads out of CONFIRMED, to a person; posted again it
keeps its reference and key, closed it becomes a refund, and a file that shows it after all ends the matter by itself.
"""

from dataclasses import replace

from aggregator.cases import ledger as journal
from aggregator.cases.lifecycle import State
from aggregator.cases.operation import Operation
from aggregator.cases.settle import Step as Journaled
from aggregator.cases.settle import queue_of
from aggregator.feed import events
from aggregator.payments import items, steps
from aggregator.payments import payment as rows
from aggregator.payments.ledger import Entry, Fact, enter
from aggregator.payments.payment import Payment, Phase
from aggregator.payments.steps import Step
from aggregator.payments.till import Till, told
from aggregator.sdk.clock import epoch_ms
from aggregator.store import Run

WHY = "paid_not_posted"
REST_MS = 3_600_000
_LOCKED = (
    "select id from payment where agency = $1 and account_index = $2 and bill_key = $3 and closed_ms is null"
    " and late = 0 and id <> $4"
)


def subject(payment: Payment, round_: int) -> str:
    """What an item of this round is about: a posting that goes missing a second time is a second item."""
    return payment.id if round_ == 1 else f"{payment.id} {round_}"


async def reopen(run: Run, till: Till, payment: Payment, op: Operation, round_: int) -> None:
    """The posting is proved absent. Where another payment has the bill meanwhile, this one holds no lock on it."""
    at = till.desk.clock.now()
    entry = Entry(
        payment_id=payment.id,
        fact=Fact.UNPOSTED,
        subject=f"{op.id} {round_}",
        amount_paise=payment.amount_paise,
        operation_id=op.id,
        attempt=op.attempt,
        evidence=f"proved absent in {op.looks} looks",
    )
    await enter(run, till.pen, entry, at)
    after = await _to_person(run, till, op, WHY)
    item = replace(items.about(payment, WHY), subject=subject(payment, round_))
    news = await items.raise_item(run, till, item, at, payment)
    taken = await run(_LOCKED, payment.agency, payment.account_index, payment.bill_key, payment.id)
    step = Step(Phase.POSTING, WHY, owner=after.owner, told=tuple(news))
    changes = {"closed_ms": None, "late": int(bool(taken)) or payment.late}
    await steps.take(run, till, payment, step, next_action_ms=epoch_ms(at) + REST_MS, **changes)


async def doubled(run: Run, till: Till, payment: Payment, op: Operation) -> None:
    """The biller shows another record than the one it confirmed, or more: it is never the citizen's to pay."""
    at = till.desk.clock.now()
    await _to_person(run, till, op, "conflict")
    news = await items.raise_item(run, till, items.about(payment, "posted_twice"), at, payment)
    changed = told("changed", payment, at, before=payment.phase, phase=Phase.CONFLICT.value, reason="posted_twice")
    await rows.move(run, payment, at, phase=Phase.CONFLICT.value, reason_code="posted_twice")
    await events.append(run, [*news, changed])


async def _to_person(run: Run, till: Till, op: Operation, why: str) -> Operation:
    at = till.desk.clock.now()
    text = "state.conflict" if why == "conflict" else "state.needs_human_doubt"
    step = Journaled(State.CONFLICT, why, text, epoch_ms(at), queue_of(op.agency), doubtful=True)
    moved = await journal.move(run, op, step, at)
    await events.append(run, moved.events)
    return moved.op
