"""What does not match, as an item with an owner, from the day it was seen until it is put right.

Each stands on the people's worklist too, where it ages and where a decision about money needs two names; here is what
it is about, in amounts and days.
"""

from dataclasses import dataclass
from datetime import datetime

from aggregator.cases.items import NewItem, close_item, open_item
from aggregator.cases.settle import queue_of
from aggregator.feed.events import NewEvent
from aggregator.payments.payment import Payment
from aggregator.payments.till import Till, told
from aggregator.sdk.clock import IST, epoch_ms, new_id
from aggregator.store import Row, Run, Store

DAY_MS = 86_400_000
OPEN, CLOSED = "OPEN", "CLOSED"
WORKLIST = "payment"
"""The kind of our items on the people's worklist."""
COMES_RIGHT = (
    "overdue_t1", "overdue_t5", "refund_refused", "webhook_disagrees", "still_in_doubt", "posted_late",
    "collected_unseen", "ledger", "paid_not_posted",
)  # fmt: skip
"""What is settled by the payment's own end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something for a person. `subject` is what it is about, so that the same thing is one item."""

    kind: str
    subject: str
    agency: str
    payment_id: str = ""
    day: str = ""
    amount_paise: int = 0


async def raise_item(run: Run, till: Till, item: Item, at: datetime, payment: Payment | None = None) -> list[NewEvent]:
    """Opens the item unless it is there; the events that tell of it."""
    if await run("select id from money_item where kind = $1 and subject = $2", item.kind, item.subject):
        return []
    now_ms = epoch_ms(at)
    item_id = new_id("itm", till.desk.clock, till.desk.chance)
    await run(
        "insert into money_item (id, kind, subject, payment_id, agency, owner, day, amount_paise, state, resolution,"
        " opened_ms, next_action_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', $10, $11)",
        item_id,
        item.kind,
        item.subject,
        item.payment_id,
        item.agency,
        queue_of(item.agency),
        item.day or at.astimezone(IST).date().isoformat(),
        item.amount_paise,
        OPEN,
        now_ms,
        now_ms + DAY_MS,
    )
    new = NewItem(
        id=item_id,
        kind=WORKLIST,
        about=f"{item.kind} {item.subject}"[:120],
        agency=item.agency,
        reason_code=item.kind,
        owner=queue_of(item.agency),
        case_id=payment.case_id if payment is not None else "",
        money=True,
    )
    news = await open_item(run, new, at)
    if payment is not None:
        return [*news, told("mismatch", payment, at, item.agency, reason=item.kind)]
    return [*news, NewEvent(type="payment.mismatch", at=at, agency=item.agency, data={"reason": item.kind})]


def about(payment: Payment, kind: str, agency: str = "") -> Item:
    """An item about a payment as a whole."""
    return Item(
        kind=kind,
        subject=payment.id,
        agency=agency or payment.agency,
        payment_id=payment.id,
        day=payment.day,
        amount_paise=payment.amount_paise,
    )


async def resolve(run: Run, payment_id: str, resolution: str, at: datetime, kinds: tuple[str, ...] = ()) -> None:
    """Closes the items of a payment that have come right, those of these kinds or all."""
    for row in await run("select id, kind from money_item where payment_id = $1 and state = $2", payment_id, OPEN):
        if not kinds or row["kind"] in kinds:
            await close(run, row["id"], resolution, at)


async def close(run: Run, item_id: str, resolution: str, at: datetime) -> bool:
    """False when there is no such open item."""
    rows = await run(
        "update money_item set state = $1, resolution = $2, closed_ms = $3 where id = $4 and state = $5 returning id",
        CLOSED,
        resolution,
        epoch_ms(at),
        item_id,
        OPEN,
    )
    if rows:
        await close_item(run, item_id, at)
    return bool(rows)


async def open_items(store: Store) -> list[Row]:
    """The open items, oldest first."""
    return await store.read("select * from money_item where state = 'OPEN' order by opened_ms, id")
