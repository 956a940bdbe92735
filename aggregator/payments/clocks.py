"""The two clocks of money that was taken and has not arrived: warn after a day, act before five are over.

The Reserve Bank asks for a reversal within five days of a charge that never reached the merchant; so four days after
the collection nothing new is sent to the biller any more, and the proof of absence ends in a refund. A posting in
doubt is still never refunded on silence: a person is paged instead. Source: docs/outcomes.md section 12.
"""

from datetime import datetime

from aggregator.cases.operation import Operation
from aggregator.feed import events
from aggregator.payments import items, refund
from aggregator.payments import payment as rows
from aggregator.payments.payment import Payment
from aggregator.payments.refund import REVOCABLE
from aggregator.payments.till import Till, told
from aggregator.sdk.clock import epoch_ms
from aggregator.store import Run

DAY_MS = 86_400_000
WARN_MS = DAY_MS
ACT_MS = 4 * DAY_MS
REST_MS = 3_600_000


def next_due_ms(payment: Payment, now_ms: int) -> int:
    """When somebody must come by again: the next clock, or an hour."""
    start = payment.collected_ms or payment.created_ms
    waiting = [start + after for after in (WARN_MS, ACT_MS) if start + after > now_ms]
    return min([*waiting, now_ms + REST_MS])


def struck(payment: Payment, now_ms: int) -> int:
    """0 before T+1, 1 after it, 2 from the moment something must be done before T+5."""
    age_ms = now_ms - (payment.collected_ms or now_ms)
    return 2 if age_ms >= ACT_MS else 1 if age_ms >= WARN_MS else 0


async def strike(run: Run, till: Till, payment: Payment, op: Operation, at: datetime) -> None:
    """Says once that a clock has struck, and at the second one stops the posting from being sent again."""
    now = struck(payment, epoch_ms(at))
    if now <= payment.warned:
        return
    kind = "overdue_t1" if now == 1 else "overdue_t5"
    told_of = [told("overdue", payment, at, reason=kind)]
    told_of += await items.raise_item(run, till, items.about(payment, kind, op.agency), at, payment)
    changes = {"warned": now}
    if now == 2 and op.id == payment.post_id and op.state in REVOCABLE:
        await refund.mark(run, payment)
        changes["refund_wanted"] = 1
    await rows.move(run, payment, at, **changes)
    await events.append(run, told_of)
