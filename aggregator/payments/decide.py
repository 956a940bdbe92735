"""What people decide about money that does not match; the worklist asks for two names before any of it is done.

SETTLED closes the item with what was found out. REFUND gives held money back without waiting for the biller's file:
the posting is still never overtaken, only what is proved absent goes back.
"""

from datetime import datetime

from aggregator.cases.items import Decision, Item, Undecidable
from aggregator.feed.events import NewEvent
from aggregator.payments import items, refund
from aggregator.payments import payment as rows
from aggregator.payments.till import Till
from aggregator.sdk.clock import epoch_ms
from aggregator.store import Run

SETTLED, REFUND = "SETTLED", "REFUND"
_MAY_REFUND = frozenset({"still_in_doubt", "overdue_t1", "overdue_t5"})


class MoneyDecider:
    """`aggregator.cases.items.Decider` of the payments room."""

    def __init__(self, till: Till) -> None:
        self._till = till

    def actions(self, item: Item) -> tuple[str, ...]:
        return (SETTLED, REFUND) if item.reason_code in _MAY_REFUND else (SETTLED,)

    async def carry_out(self, run: Run, item: Item, decision: Decision, at: datetime) -> list[NewEvent]:
        """Raises Undecidable when the money is not ours to give back any more."""
        if decision.action == REFUND:
            await self._refund(run, item, at)
        await items.close(run, item.id, decision.action.lower(), at)
        return []

    async def _refund(self, run: Run, item: Item, at: datetime) -> None:
        found = await run("select payment_id from money_item where id = $1", item.id)
        payment = await rows.by_id(run, found[0]["payment_id"]) if found else None
        if payment is None or payment.closed_ms is not None or payment.collected_ms is None or payment.refund_id:
            raise Undecidable("not_possible_here")
        await refund.mark(run, payment)
        await rows.move(run, payment, at, refund_wanted=refund.BY_TWO_NAMES, next_action_ms=epoch_ms(at))
