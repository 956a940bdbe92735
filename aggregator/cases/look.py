"""Asking an agency by our reference: within its hourly budget, and with a known record found over the same path.

"Finds nothing" must not be "search is broken": a look that could count as an absence first finds the control record,
through the same guard and not more than a minute before its own end. The budget is counted in the database before the
question leaves, so neither a restart nor a second process spends it twice.
Source: docs/outcomes.md sections 3 and 9.
"""

from dataclasses import dataclass

from aggregator.cases.attempt import Desktop
from aggregator.cases.operation import COLUMNS, Operation, operation_of
from aggregator.cases.orders import order_of
from aggregator.cases.settle import Looked
from aggregator.registry.agency import Agency
from aggregator.resilience.pipeline import Guarded
from aggregator.sdk.adapter import Declared
from aggregator.sdk.clock import epoch_ms
from aggregator.sdk.errors import AgencyError, NotAttempted
from aggregator.sdk.model import Order, Receipt
from aggregator.store import Run

CONTROL_S = 60.0
"""How old the control record's finding may be when a look ends."""
BEFORE_MS = 5_000
"""How far an agency's clock may be behind ours when it says when a record was made."""
MINUTE_MS = 60_000
HOUR_MINUTES = 60
RAIL_LOOKS, RAIL_WINDOW_MS, RAIL_FIRST_MS = 3, 7_200_000, 90_000
"""Payment rails: no status check before 90 s, at most 3 in two hours of one payment. Source: docs/outcomes.md 3."""


class CouldNotAsk(Exception):
    """The look was not answered by the agency: it counts for nothing."""

    def __init__(self, retry_after_s: float | None) -> None:
        super().__init__("not answered")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Found:
    """The control record was found at this monotonic moment, over this path."""

    at_s: float
    path: Guarded


class Looks:
    """The looks of this process."""

    def __init__(self, desk: Desktop) -> None:
        self._desk = desk
        self._controls: dict[tuple[str, str], Found] = {}

    async def see(self, agency: Agency, op: Operation, declared: Declared, *, may_count: bool) -> Looked:
        """What the agency shows under our reference. `may_count`: an absence would count now, so the control is asked.

        Raises CouldNotAsk.
        """
        known = await self._control_order(op, declared) if may_count and not self._fresh(agency, op) else None
        # Both questions of a look are paid for at once: one that is paid for alone waits for the other for ever.
        await self._spend(agency, 1 if known is None else 2)
        if known is not None:
            await self._control(agency, op, known)
        order = await order_of(self._desk.store, self._desk.vault, op)
        receipts = await self._find(agency, order)
        fresh = may_count and self._fresh(agency, op)
        return looked(op, declared, order, receipts, control_found=fresh)

    async def _find(self, agency: Agency, order: Order) -> list[Receipt]:
        """Every match of the agency's own search, asked now. Raises CouldNotAsk."""
        try:
            answer = await agency.guarded.read("find", order, cached=False, share="settling")
        except NotAttempted as error:
            raise CouldNotAsk(error.retry_after_s) from error
        except AgencyError as error:
            raise CouldNotAsk(getattr(error, "retry_after_s", None)) from error
        found: list[Receipt] = answer.value
        return found

    async def too_early_s(self, op: Operation, declared: Declared) -> float:
        """Seconds until a payment rail may be asked about this operation again; 0.0 where it may now."""
        if not declared.moves_money:
            return 0.0
        now_ms = epoch_ms(self._desk.clock.now())
        rows = await self._desk.store.read(
            "select at_ms from look where operation_id = $1 order by n desc limit $2", op.id, RAIL_LOOKS
        )
        first_ms = 0 if op.ended_ms is None else op.ended_ms + RAIL_FIRST_MS
        again_ms = rows[-1]["at_ms"] + RAIL_WINDOW_MS if len(rows) == RAIL_LOOKS else 0
        return max(first_ms, again_ms, now_ms) / 1000 - now_ms / 1000

    async def _control(self, agency: Agency, op: Operation, known: Order) -> None:
        """Asks for a record known to be there over the same path, and remembers when it was found."""
        receipts = await self._find(agency, known)
        if any(receipt.reference in {"", known.reference} for receipt in receipts):
            self._controls[agency.id, op.name] = Found(self._desk.clock.monotonic(), agency.guarded)
        else:
            self._controls.pop((agency.id, op.name), None)

    def _fresh(self, agency: Agency, op: Operation) -> bool:
        """Whether the control record was found over the same path, now or within the last minute."""
        found = self._controls.get((agency.id, op.name))
        if found is None or found.path is not agency.guarded:
            return False
        return self._desk.clock.monotonic() - found.at_s <= CONTROL_S

    async def _control_order(self, op: Operation, declared: Declared) -> Order | None:
        """The declared record, or the newest confirmed one that is old enough to be findable."""
        if declared.control_reference != "auto":
            return Order(declared.control_reference, op.service, {})
        now_ms = epoch_ms(self._desk.clock.now())
        rows = await self._desk.store.read(
            f"select {COLUMNS} from operation where agency = $1 and name = $2 and state = 'CONFIRMED' and id <> $3"  # noqa: S608 - a constant
            " and (updated_ms <= $4 or updated_ms > $5) order by updated_ms desc limit 1",
            op.agency,
            op.name,
            op.id,
            now_ms - round(declared.query_lag_s * 1000),
            now_ms,  # from before the clock was set back: old enough
        )
        return await order_of(self._desk.store, self._desk.vault, operation_of(rows[0])) if rows else None

    async def _spend(self, agency: Agency, questions: int) -> None:
        """So many questions of the hour's budget, or none. Raises CouldNotAsk when it is used up."""
        minute = epoch_ms(self._desk.clock.now()) // MINUTE_MS
        budget = agency.operations["find"].query_budget_per_hour
        wait_minutes = await self._desk.store.write(lambda run: _spent(run, agency.id, minute, budget, questions))
        if wait_minutes:
            raise CouldNotAsk(60.0 * wait_minutes)


async def _spent(run: Run, agency: str, minute: int, budget: int, questions: int) -> int:
    """Counts the questions and says 0; or, where the last hour's are used up, in how many minutes they will not be.

    Whoever is told the time does not come by every minute to hear no. Old minutes are forgotten in passing.
    """
    rows = await run(
        "select minute, asked from query_spent where agency = $1 and minute > $2 order by minute",
        agency,
        minute - HOUR_MINUTES,
    )
    over = sum(row["asked"] for row in rows) + min(questions, budget) - budget
    for row in rows if over > 0 else ():
        over -= row["asked"]
        if over <= 0:
            return max(1, int(row["minute"]) + HOUR_MINUTES - minute)
    if over > 0:  # a budget of none
        return HOUR_MINUTES
    await run(
        "insert into query_spent (agency, minute, asked) values ($1, $2, $3)"
        " on conflict (agency, minute) do update set asked = query_spent.asked + $3",
        agency,
        minute,
        questions,
    )
    await run("delete from query_spent where agency = $1 and minute <= $2", agency, minute - HOUR_MINUTES)
    return 0


def looked(op: Operation, declared: Declared, order: Order, receipts: list[Receipt], *, control_found: bool) -> Looked:
    """What a look's matches say. The same record listed twice is one record; a second *number* is the news."""
    by_number = {receipt.agency_reference: receipt for receipt in receipts}
    if len(by_number) != 1:
        return Looked(len(by_number), control_found=control_found)
    receipt = next(iter(by_number.values()))
    by_fields = _fields_agree(declared, order, receipt) and _made_by_us(op, declared, receipt)
    same = receipt.reference == op.reference or (not receipt.reference and by_fields)
    return Looked(1, receipt.agency_reference, same, receipt.pending, receipt.refused_code, control_found)


def _fields_agree(declared: Declared, order: Order, receipt: Receipt) -> bool:
    if not declared.match_fields:
        return False
    return all(receipt.match.get(name) == str(order.form.get(name, "")) for name in declared.match_fields)


def _made_by_us(op: Operation, declared: Declared, receipt: Receipt) -> bool:
    """Whether it was made while we may have made it; a record that does not say when is judged by its fields alone.

    Source: docs/outcomes.md section 2, `unique`.
    """
    if receipt.at is None or op.first_sent_ms is None:
        return True
    at_ms = epoch_ms(receipt.at)
    last_ms = (op.ended_ms or op.first_sent_ms) + round((declared.max_apply_delay_s or 0.0) * 1000)
    return op.first_sent_ms - BEFORE_MS <= at_ms <= last_ms
