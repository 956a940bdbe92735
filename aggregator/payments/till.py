"""What the payments room works with, and the reading of what it stands on: the operations of a payment."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from aggregator.cases.attempt import Desktop
from aggregator.cases.lifecycle import State
from aggregator.cases.operation import Operation, ready
from aggregator.feed.events import NewEvent
from aggregator.feed.stream import Stream
from aggregator.payments.ledger import Pen
from aggregator.payments.payment import COLUMNS, Payment, Phase, payment_of
from aggregator.registry.agency import Agency, Registry

GATEWAY_KIND = "gateway"
POST = "pay"
"""A biller's operation that takes what was collected."""
BILL = "bill"


class Sends(Protocol):
    """`aggregator.cases.deliver.Delivery`."""

    def start(self, op: Operation) -> None: ...

    def nudge(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Till:
    """The counter's equipment."""

    desk: Desktop
    registry: Callable[[], Registry]
    stream: Stream
    delivery: Sends

    @property
    def pen(self) -> Pen:
        return Pen(self.desk.clock, self.desk.chance)

    def gateway(self) -> Agency | None:
        """The gateway new payments are collected at: the first enabled one of the registry."""
        found = (one for one in self.registry().agencies.values() if one.kind == GATEWAY_KIND and one.enabled)
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Standing:
    """A payment and the states of its operations; "" for one that was never asked."""

    payment: Payment
    order: str
    post: str
    refund: str

    @property
    def seen(self) -> str:
        return f"{self.order}/{self.post}/{self.refund}"


_P = ", ".join(f"p.{name.strip()}" for name in COLUMNS.split(","))
_SEEN = "o.state || '/' || coalesce(b.state, '') || '/' || coalesce(r.state, '')"
_JOINED = (
    f"select {_P}, o.state as order_state, coalesce(b.state, '') as post_state,"  # noqa: S608 - constants
    " coalesce(r.state, '') as refund_state from payment p join operation o on o.id = p.order_id"
    " left join operation b on b.id = p.post_id left join operation r on r.id = p.refund_id"
)
DUE = (
    f"{_JOINED} where p.closed_ms is null and (p.next_action_ms <= $1 or p.seen <> {_SEEN})"
    " order by p.next_action_ms, p.id limit $2"
)
ONE = f"{_JOINED} where p.id = $1"


def standing_of(row: Any) -> Standing:
    """The standing in a row of `DUE` or `ONE`."""
    return Standing(payment_of(row), row["order_state"], row["post_state"], row["refund_state"])


def asked(  # noqa: PLR0913 - what is asked, of whom, for what
    till: Till, payment: Payment, leg_id: str, *, agency: str, name: str, service: str, sealed_for: str
) -> Operation:
    """One more operation of a payment, READY, under the payment's own reference: the key of all its writes."""
    desk = till.desk
    made = ready(
        desk.clock, desk.chance, case_id=payment.case_id, leg_id=leg_id, agency=agency, name=name, service=service,
        sealed_for=sealed_for,
    )  # fmt: skip
    # A leg follows its first operation: the order stays first, however coarse the clock.
    return replace(made, reference=payment.reference, created_ms=max(made.created_ms, payment.created_ms + 1))


SETTLED_NO = frozenset({State.REJECTED.value, State.CANCELLED.value, State.EXPIRED.value})
"""The agency holds nothing, and that is proved."""


def told(kind: str, payment: Payment, at: datetime, agency: str = "", **data: Any) -> NewEvent:
    """An event about a payment; its case is its subject."""
    return NewEvent(type=f"payment.{kind}", at=at, case_id=payment.case_id, agency=agency or payment.agency, data=data)


def begun(op: Operation, at: datetime) -> NewEvent:
    """The event of an operation that was just written."""
    data = {"operation": op.name, "state": op.state.value, "attempt": 0}
    return NewEvent(type="operation.ready", at=at, case_id=op.case_id, agency=op.agency, data=data)


def changed(before: Payment, phase: Phase, reason: str, at: datetime) -> list[NewEvent]:
    """The event of a new phase; none when it is the old one for the old reason."""
    if before.phase == phase.value and before.reason_code == reason:
        return []
    return [told("changed", before, at, before=before.phase, phase=phase.value, reason=reason)]
