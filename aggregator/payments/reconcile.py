"""The day's three books compared, once both files are there; what does not match is somebody's the same day.

It touches no agency: what has to be asked is marked for the cashier, and told to people when that was of no use. Safe
to run as often as anybody likes.
Source: docs/outcomes.md section 12.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial

from aggregator.cases import ledger as journal
from aggregator.cases.lifecycle import LOOKED_AT, State
from aggregator.cases.look import RAIL_LOOKS
from aggregator.cases.settle import Step
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.payments import check, files, items, ledger, unposted
from aggregator.payments import payment as rows
from aggregator.payments.evidence import lines_of
from aggregator.payments.items import Item
from aggregator.payments.ledger import Entry, Fact
from aggregator.payments.match import FINE, Books, Match, match
from aggregator.payments.payment import COLUMNS, Moved, Payment, Phase, payment_of
from aggregator.payments.till import Till, told
from aggregator.sdk.clock import IST, epoch_ms
from aggregator.store import Conflict, Row, Run, Store

_PAYMENTS = (
    f"select {COLUMNS} from payment where matched_ms is null and created_ms < $1"  # noqa: S608 - a constant
    " and (collected_ms is not null or closed_ms is null or exists"
    " (select 1 from money_file_line f where f.reference = substr(payment.id, 5) and f.day <= $2)) order by id"
)
_OURS = (
    "(exists (select 1 from payment p where p.id = 'pay_' || l.reference)"
    " or exists (select 1 from payment p where l.side = 'gateway' and p.gateway = l.agency"
    " and p.gateway_payment = l.number and p.gateway_payment <> '')"
    " or exists (select 1 from operation o where o.agency = l.agency and o.agency_reference = l.number"
    " and o.agency_reference <> ''))"
)
_PLACED = (
    "update money_file_line set placed = 1 where placed = 0 and (agency, line_key) in"  # noqa: S608 - constants
    f" (select l.agency, l.line_key from money_file_line l where l.placed = 0 and l.day <= $1 and {_OURS} limit 500)"
    " returning line_key"
)
_STRAYS = (
    "select * from money_file_line l where l.placed = 0 and l.day <= $1 and not exists"
    " (select 1 from money_item i where i.kind = 'unknown_line' and i.subject = l.agency || ' ' || l.line_key)"
)


@dataclass(frozen=True, slots=True)
class Report:
    """What a day's comparison found: how many of each, and how many still wait for a file."""

    day: str
    found: Counter[Match]
    waiting: int
    strays: int


@dataclass(frozen=True, slots=True)
class Compared:
    """One payment beside its lines."""

    payment: Payment
    lines: list[Row]
    found: Match


async def reconcile(till: Till, day: str) -> Report:
    """Compares every unmatched payment up to the end of `day` (ISO, in India). Raises ValueError for no day."""
    over = datetime.combine(date.fromisoformat(day) + timedelta(days=1), datetime.min.time(), IST)
    found: Counter[Match] = Counter()
    waiting = 0
    for row in await till.desk.store.read(_PAYMENTS, epoch_ms(over), day):
        payment = payment_of(row)
        if not await till.desk.store.write(partial(_both_files, payment=payment)):
            waiting += 1
            continue
        compared = await compare(till.desk.store, payment)
        found[compared.found] += 1
        await _act(till, compared)
    while await till.desk.store.write(lambda run: run(_PLACED, day)):
        pass  # so many at a time: whoever writes in between does not wait for a year of files
    strays = await till.desk.store.read(_STRAYS, day)
    if strays:
        await till.desk.store.write(partial(_stray, till=till, lines=strays))
    return Report(day, found, waiting, len(strays))


async def _both_files(run: Run, payment: Payment) -> bool:
    gateway = await files.received(run, payment.gateway, files.GATEWAY, payment.day)
    return gateway and await files.received(run, payment.agency, files.BILLER, payment.day)


async def compare(store: Store, payment: Payment) -> Compared:
    lines = await lines_of(store, payment)
    books = Books(
        paid=[line["amount_paise"] for line in lines if line["kind"] == "payment"],
        refunded=any(line["kind"] == "refund" for line in lines),
        posted=[line["amount_paise"] for line in lines if line["kind"] == "posting"],
    )
    found = match(payment, books)
    if found is Match.PAID_NOT_POSTED and (await check.latest(store.read, payment.id))[1] == check.CheckState.FOUND:
        found = Match.FOUND_BY_LOOK
    return Compared(payment, lines, found)


async def _act(till: Till, compared: Compared) -> None:
    try:
        await till.desk.store.write(partial(_acted, till=till, compared=compared))
    except (Moved, Conflict, journal.Stale):
        return  # somebody moved it meanwhile: the next comparison sees it as it is then


async def _acted(run: Run, till: Till, compared: Compared) -> None:
    payment, at = compared.payment, till.desk.clock.now()
    news: list[NewEvent] = []
    match compared.found:
        case Match.MATCHED:
            await _settle(run, till, compared, at)
        case Match.MATCHED_REFUND:
            await _done(run, payment, at)
        case Match.POSTED_LATE:
            news += await _confirm(run, compared, at)
        case Match.DUPLICATE | Match.REFUNDED_AND_POSTED:
            news += await _recover(run, till, compared, at)
        case Match.COLLECTED_UNSEEN if payment.closed_ms is None:
            await rows.move(run, payment, at, next_action_ms=epoch_ms(at))
        case Match.PAID_NOT_POSTED:
            await check.schedule(run, payment, at)
        case _:
            pass
    if compared.found not in FINE and not await _looked_for(run, compared, epoch_ms(at)):
        item = _item(compared)
        news += await items.raise_item(run, till, item, at, payment)
    await events.append(run, news)


async def _looked_for(run: Run, compared: Compared, now_ms: int) -> bool:
    """Whether machines are still looking, or have told people of this payment themselves.

    A posting that was believed is looked for by the cashier, one in doubt by the settler; a person is troubled once
    three looks were of no use, or as many hours are over as either gets.
    """
    payment = compared.payment
    if compared.found is Match.PAID_NOT_POSTED:
        return True
    if compared.found is not Match.STILL_IN_DOUBT or payment.refund_id:
        return False
    op = await journal.operation(run, payment.post_id)
    if op is None or op.reason_code == unposted.WHY:
        return op is not None
    return op.state in LOOKED_AT and op.looks < RAIL_LOOKS and now_ms < (payment.collected_ms or 0) + check.PATIENCE_MS


def _item(compared: Compared) -> Item:
    """The item of what does not match; at the side that has to put it right."""
    payment = compared.payment
    gateways = {Match.REFUND_NOT_EXECUTED, Match.COLLECTED_UNSEEN}
    agency = payment.gateway if compared.found in gateways else payment.agency
    return items.about(payment, compared.found.value, agency)


async def _settle(run: Run, till: Till, compared: Compared, at: datetime) -> None:
    """All three agree: the gateway has paid the bank, and the bank the biller."""
    for line in compared.lines:
        fact = {"payment": Fact.SETTLED, "posting": Fact.PAID_OUT}.get(line["kind"])
        if fact is not None:
            entry = _entry(compared.payment, fact, line)
            await ledger.enter(run, till.pen, replace(entry, fees_paise=line["fee_paise"]), at)
    await _done(run, compared.payment, at)


async def _done(run: Run, payment: Payment, at: datetime) -> None:
    await rows.move(run, payment, at, matched_ms=epoch_ms(at))
    await items.resolve(run, payment.id, "matched", at)


def _entry(payment: Payment, fact: Fact, line: Row) -> Entry:
    return Entry(
        payment_id=payment.id,
        fact=fact,
        subject=f"{line['agency']} {line['kind']}:{line['number']}",
        amount_paise=line["amount_paise"],
        operation_id=payment.post_id,
        evidence=f"{line['side']} file of {line['day']}",
    )


async def _confirm(run: Run, compared: Compared, at: datetime) -> list[NewEvent]:
    """The biller's own file has it: evidence that ends the doubt. The cashier enters it when it sees it."""
    op = await journal.operation(run, compared.payment.post_id)
    if op is None or op.state not in _PROVABLE:
        return []
    number = next(line["number"] for line in compared.lines if line["kind"] == "posting")
    news: list[NewEvent] = []
    if op.state in {State.READY, State.ABSENT}:
        doubt = Step(State.IN_DOUBT, "not_confirmed", "state.in_doubt", epoch_ms(at), doubtful=True)
        moved = await journal.move(run, op, doubt, at)
        op, news = moved.op, moved.events
    known = Step(State.CONFIRMED, "confirmed", "state.confirmed", epoch_ms(at))
    mark = journal.Mark(agency_reference=op.agency_reference or number)
    return news + (await journal.move(run, op, known, at, mark)).events


_PROVABLE = frozenset({State.READY, State.PENDING, State.IN_DOUBT, State.ABSENT_ONCE, State.ABSENT, State.NEEDS_HUMAN})


async def _recover(run: Run, till: Till, compared: Compared, at: datetime) -> list[NewEvent]:
    """The biller has more than it is owed: entered as recoverable, never taken from the citizen."""
    payment = compared.payment
    postings = [line for line in compared.lines if line["kind"] == "posting"]
    first = 0 if compared.found is Match.REFUNDED_AND_POSTED else 1
    entered = [
        await ledger.enter(run, till.pen, _entry(payment, Fact.RECOVERABLE, line), at) for line in postings[first:]
    ]
    if not any(entered):
        return []
    if payment.closed_ms is not None:
        await rows.move(run, payment, at, phase=Phase.CONFLICT.value, reason_code=compared.found.value)
    return [told("changed", payment, at, before=payment.phase, phase="CONFLICT", reason=compared.found.value)]


async def _stray(run: Run, till: Till, lines: list[Row]) -> None:
    """Lines about no payment of ours: money somebody misses."""
    at = till.desk.clock.now()
    news: list[NewEvent] = []
    for line in lines:
        subject = f"{line['agency']} {line['kind']}:{line['number']}"
        item = Item(
            kind="unknown_line",
            subject=subject,
            agency=line["agency"],
            day=line["day"],
            amount_paise=line["amount_paise"],
        )
        news += await items.raise_item(run, till, item, at)
    await events.append(run, news)
