"""Giving money back is an operation at the gateway, keyed by the payment, and never begun on silence.

It begins when the biller's posting was refused, or cancelled after its absence was proved, or never began. Wanting it
back earlier only marks the posting: the proof of absence goes on, and ends in a cancellation instead of another send.
Source: docs/outcomes.md section 12.
"""

from datetime import datetime

from aggregator.cases import ledger as journal
from aggregator.cases.lifecycle import State
from aggregator.cases.opening import insert_operation
from aggregator.cases.operation import Operation
from aggregator.cases.orders import seal_more
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.payments import files
from aggregator.payments import payment as rows
from aggregator.payments.ledger import Entry, Fact, enter, sums
from aggregator.payments.payment import Payment
from aggregator.payments.till import SETTLED_NO, Till, asked, begun, told
from aggregator.store import Run

CANCEL_WHEN_ABSENT = 2
"""Of an operation's `withdraw`: cancelled once it is certain that the agency has nothing, and not asked of it later."""
REVOCABLE = frozenset({State.READY, State.SENDING, State.IN_DOUBT, State.ABSENT_ONCE, State.ABSENT})


BY_TWO_NAMES = 2
"""Of a payment's `refund_wanted`: two people answer for it, and the biller's file need not be waited for."""


class NotProved(Exception):
    """Nothing proves that the biller does not have the money. A fault of ours; nothing was written."""


async def begin(run: Run, till: Till, payment: Payment, at: datetime) -> tuple[Operation, list[NewEvent]]:
    """The refund, READY. Raises NotProved while the posting may have happened."""
    if payment.post_id:
        post = await journal.operation(run, payment.post_id)
        if post is None or post.state.value not in SETTLED_NO:
            raise NotProved(payment.id)
    order = await journal.operation(run, payment.order_id)
    gateway = till.registry().agencies[payment.gateway]
    if order is None:
        raise NotProved(payment.id)
    owner = order.sealed_for
    op = asked(till, payment, order.leg_id, agency=gateway.id, name="refund", service="refund", sealed_for=owner)
    money = await sums(run, payment.id)
    more = {"refund_paise": money.held, "gateway_payment": payment.gateway_payment}
    await insert_operation(run, op, gateway.operations["refund"].effective.value, seal_more(till.desk.vault, op, more))
    return op, [begun(op, at)]


async def may_begin(run: Run, payment: Payment) -> bool:
    """Whether the day's cut-off of the biller is past, for a posting that was sent and is proved absent.

    One that was refused, or of which no byte ever left, need not wait for the biller's file.
    """
    post = await journal.operation(run, payment.post_id) if payment.post_id else None
    if post is None or post.sends == 0 or post.state is State.REJECTED or payment.refund_wanted == BY_TWO_NAMES:
        return True
    return await files.received(run, payment.agency, files.BILLER, payment.day)


async def want(run: Run, till: Till, payment_id: str, *, how: int = 1) -> Payment | None:
    """Marks the posting: no other send after a proved absence, but a refund. None where it is too late or too early."""
    found = await rows.by_id(run, payment_id)
    if found is None or found.closed_ms is not None or found.collected_ms is None or found.refund_id:
        return None
    post = await journal.operation(run, found.post_id) if found.post_id else None
    if post is None or post.state not in REVOCABLE:
        return None
    at = till.desk.clock.now()
    await mark(run, found)
    after = await rows.move(run, found, at, refund_wanted=how)
    await events.append(run, [told("refund-wanted", found, at)])
    return after


async def mark(run: Run, payment: Payment) -> None:
    await run("update operation set withdraw = $1 where id = $2", CANCEL_WHEN_ABSENT, payment.post_id)


async def enter_refunded(run: Run, till: Till, payment: Payment, op: Operation, at: datetime) -> None:
    """Enters what the gateway confirmed. All that was held goes back."""
    money = await sums(run, payment.id)
    if money.held:
        entry = Entry(
            payment_id=payment.id,
            fact=Fact.REFUNDED,
            subject=op.id,
            amount_paise=money.held,
            operation_id=op.id,
            attempt=op.attempt,
            evidence=op.agency_reference,
        )
        await enter(run, till.pen, entry, at)
