"""The cashier: takes every open payment one proved step further, and never further than what is proved.

It owns no send. It writes READY operations, which the deliverer sends and the reconciler settles like any other, and
reads what became of them. Each step is one commit: payment, ledger, the next operation and the events.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from functools import partial

from aggregator.cases import ledger as journal
from aggregator.cases.lifecycle import State
from aggregator.cases.operation import Operation
from aggregator.payments import clocks, notices, post, refund, steps
from aggregator.payments.ledger import Unbalanced
from aggregator.payments.payment import COLUMNS, Moved, Payment, Phase, payment_of
from aggregator.payments.second_look import SecondLook
from aggregator.payments.steps import Step
from aggregator.payments.till import DUE, SETTLED_NO, Standing, Till, standing_of
from aggregator.payments.verify import Verification
from aggregator.sdk.clock import epoch_ms
from aggregator.sdk.waypoints import passing
from aggregator.store import Conflict, Run, StoreUnavailable

SCAN_S = 0.5
BATCH = 50
FILE_MS = 60_000
UNSEEN_MS = 60_000
REST_MS = 3_600_000
"""When an operation is under way its own timers move it; this only makes sure that somebody comes by."""


class Cashier:
    """The cashier of this process."""

    def __init__(self, till: Till) -> None:
        self._till = till
        self._verification = Verification(till)
        self._second_look = SecondLook(till)
        self._unseen_due_ms = 0

    async def run(self) -> None:
        """Serves what is due until cancelled; a store that is away is asked again."""
        while True:
            with suppress(StoreUnavailable):
                await self.work()
            await self._till.desk.clock.sleep(SCAN_S)

    async def work(self) -> int:
        """One round; how many payments were served."""
        for late in [*await notices.take(self._till), *await self._unseen()]:
            await self._verification.again(late)
        await self._second_look.work()
        due = await self._till.desk.store.read(DUE, epoch_ms(self._till.desk.clock.now()), BATCH)
        for row in due:
            with suppress(Moved, Conflict):
                await self.serve(standing_of(row))
        return len(due)

    async def _unseen(self) -> list[Payment]:
        """Closed payments for which a file shows money: asked about every minute until the gateway has answered."""
        now_ms = epoch_ms(self._till.desk.clock.now())
        if now_ms < self._unseen_due_ms:
            return []
        self._unseen_due_ms = now_ms + UNSEEN_MS
        found = await self._till.desk.store.read(
            f"select {COLUMNS} from payment where closed_ms is not null and collected_ms is null and id in"  # noqa: S608 - a constant
            " (select payment_id from money_item where kind = 'collected_unseen' and state = 'OPEN')"
        )
        return [payment_of(row) for row in found]

    async def serve(self, standing: Standing) -> None:
        """One step for one payment."""
        payment = standing.payment
        if standing.order != State.CONFIRMED.value:
            await self._write(standing, partial(self._no_order, standing=standing))
        elif payment.collected_ms is None:
            await self._verification.verify(payment, standing.seen)
        elif payment.refund_id:
            passing("payment_refund_seen")
            await self._write(standing, partial(self._refunding, standing=standing))
        elif payment.post_id and standing.post not in SETTLED_NO:
            await self._write(standing, partial(self._posting, standing=standing))
        else:
            passing("payment_before_refund")
            await self._write(standing, partial(self._give_back, standing=standing))

    async def _write(self, standing: Standing, work: Callable[[Run], Awaitable[Operation | None]]) -> None:
        try:
            begun = await self._till.desk.store.write(work)
        except (Unbalanced, refund.NotProved) as wrong:
            await self._till.desk.store.write(partial(self._stuck, standing=standing, why=type(wrong).__name__))
            begun = None
        if begun is not None:
            passing("payment_before_delivery")
            self._till.delivery.start(begun)
        self._till.stream.wake(standing.payment.case_id)

    async def _stuck(self, run: Run, standing: Standing, why: str) -> None:
        """What would break the ledger's law is not written; a person looks at it."""
        step = Step(Phase.WITH_PERSON, why.lower(), item="ledger")
        await steps.take(run, self._till, standing.payment, step, seen=standing.seen, next_action_ms=self._later())

    async def _no_order(self, run: Run, standing: Standing) -> None:
        """An order whose number never reached the citizen cannot be paid, whatever became of it."""
        payment = standing.payment
        changes = {"seen": standing.seen, "next_action_ms": self._later()}
        if standing.order in SETTLED_NO:
            await steps.take(run, self._till, payment, Step(Phase.NOT_PAID, "no_order", closes=True), **changes)
            return
        await steps.take(run, self._till, payment, Step(Phase.PREPARING, "ordering"), **changes)

    async def _posting(self, run: Run, standing: Standing) -> None:
        payment, at = standing.payment, self._till.desk.clock.now()
        op = await journal.operation(run, payment.post_id)
        assert op is not None  # noqa: S101 - a payment's posting is written with it
        if op.state is State.CONFIRMED:
            await post.enter_posted(run, self._till, payment, op, at)
            step = Step(Phase.POSTED, "posted", closes=True)
        elif op.reason_code == "conflict":
            step = Step(Phase.CONFLICT, "posted_twice", item="posted_twice", owner=op.owner)
        else:
            step = Step(Phase.POSTING, op.reason_code, owner=op.owner)
        due = clocks.next_due_ms(payment, epoch_ms(at))
        after = await steps.take(run, self._till, payment, step, seen=standing.seen, next_action_ms=due)
        if after.closed_ms is None:
            await clocks.strike(run, self._till, after, op, at)

    async def _give_back(self, run: Run, standing: Standing) -> Operation | None:
        payment, at = standing.payment, self._till.desk.clock.now()
        if not await refund.may_begin(run, payment):
            await self._wait_for_file(run, standing, at)
            return None
        op, told = await refund.begin(run, self._till, payment, at)
        step = Step(Phase.REFUNDING, "paid_too_late" if payment.late else "not_recorded", told=tuple(told))
        seen = f"{standing.order}/{standing.post}/{op.state.value}"
        await steps.take(run, self._till, payment, step, refund_id=op.id, seen=seen, next_action_ms=self._later())
        return op

    async def _wait_for_file(self, run: Run, standing: Standing, at: datetime) -> None:
        """Twice looked for and absent: once the biller's file of that day agrees, the money goes back."""
        payment = standing.payment
        op = await journal.operation(run, payment.post_id)
        assert op is not None  # noqa: S101 - only a posting waits for the biller's file
        due = min(clocks.next_due_ms(payment, epoch_ms(at)), epoch_ms(at) + FILE_MS)
        step = Step(Phase.POSTING, "waits_for_file", owner=payment.owner)
        after = await steps.take(run, self._till, payment, step, seen=standing.seen, next_action_ms=due)
        await clocks.strike(run, self._till, after, op, at)

    async def _refunding(self, run: Run, standing: Standing) -> None:
        payment, at = standing.payment, self._till.desk.clock.now()
        op = await journal.operation(run, payment.refund_id)
        assert op is not None  # noqa: S101 - written with the payment's move
        due = clocks.next_due_ms(payment, epoch_ms(at))
        if op.state is State.CONFIRMED:
            await refund.enter_refunded(run, self._till, payment, op, at)
            step = Step(Phase.REFUNDED, "refunded", closes=True)
        elif op.state.value in SETTLED_NO:
            step = Step(Phase.WITH_PERSON, "refund_refused", item="refund_refused", agency=payment.gateway)
        elif op.state in {State.READY, State.SENDING} and not op.doubtful:
            step = Step(Phase.REFUNDING, payment.reason_code, owner=op.owner)
        else:
            step = Step(Phase.REFUND_IN_DOUBT, op.reason_code, owner=op.owner)
        after = await steps.take(run, self._till, payment, step, seen=standing.seen, next_action_ms=due)
        if after.closed_ms is None:
            await clocks.strike(run, self._till, after, op, at)

    def _later(self) -> int:
        return epoch_ms(self._till.desk.clock.now()) + REST_MS
