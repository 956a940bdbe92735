"""A decided step of a payment, and the one commit that takes it: row, item and events together."""

from dataclasses import dataclass
from typing import Any

from aggregator.cases.settle import queue_of
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.payments import items, ledger
from aggregator.payments import payment as rows
from aggregator.payments.payment import Payment, Phase
from aggregator.payments.till import Till, changed
from aggregator.sdk.clock import epoch_ms
from aggregator.store import Run


@dataclass(frozen=True, slots=True)
class Step:
    """Where a payment goes. `item` names what a person is asked to do; `closes` ends it, with nothing held."""

    phase: Phase
    reason: str
    closes: bool = False
    item: str = ""
    agency: str = ""
    owner: str = "system"
    told: tuple[NewEvent, ...] = ()


async def take(run: Run, till: Till, payment: Payment, step: Step, **changes: Any) -> Payment:
    """Writes the step and appends its events. Raises Moved, and Unbalanced for a close that would keep money."""
    at = till.desk.clock.now()
    told = [*step.told, *changed(payment, step.phase, step.reason, at)]
    changes |= {"phase": step.phase.value, "reason_code": step.reason, "owner": step.owner}
    if step.item:
        item = items.about(payment, step.item, step.agency)
        told += await items.raise_item(run, till, item, at, payment)
        changes["owner"] = queue_of(item.agency)
    if step.closes:
        if (await ledger.sums(run, payment.id)).held:
            raise ledger.Unbalanced(f"{payment.id} would close with money held")
        changes["closed_ms"] = epoch_ms(at)
        await items.resolve(run, payment.id, step.reason, at, items.COMES_RIGHT)
    unmoved = all(getattr(payment, name) == value for name, value in changes.items())
    after = payment if unmoved else await rows.move(run, payment, at, **changes)
    await events.append(run, told)
    return after
