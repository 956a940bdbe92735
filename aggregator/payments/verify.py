"""Asking the gateway, server to server: the only thing that makes money believed.

The browser's return and the webhooks only make it happen sooner. A webhook that says "paid" while the gateway's answer
does not is doubt, and a conflict when it stays so: nothing is entered, and a person looks.
"""

from functools import partial

from aggregator.cases.operation import COLUMNS, Operation, operation_of
from aggregator.cases.orders import order_of
from aggregator.feed import events
from aggregator.payments import items, ledger, notices, post, steps
from aggregator.payments import payment as rows
from aggregator.payments.ledger import Entry, Fact
from aggregator.payments.payment import Moved, Payment, Phase
from aggregator.payments.steps import Step
from aggregator.payments.till import Till
from aggregator.payments.verdict import PAID, Verdict, missed, next_look_ms, verdict_of
from aggregator.sdk.clock import epoch_ms, new_id
from aggregator.sdk.errors import AgencyError, NotAttempted
from aggregator.sdk.waypoints import passing
from aggregator.store import Run

UNANSWERED_MS = 15_000
_OPERATION = f"select {COLUMNS} from operation where id = $1"  # noqa: S608 - a constant
DISAGREE_MOST = 3
"""So many answers in a row may lag behind a webhook before a person looks at it."""


class Verification:
    """The cashier's questions to gateways."""

    def __init__(self, till: Till) -> None:
        self._till = till

    async def verify(self, payment: Payment, seen: str) -> None:
        """Asks, and takes the payment as far as the answer proves."""
        passing("payment_order_made")
        said = await self._ask(payment)
        passing("payment_after_verify")
        begun = await self._till.desk.store.write(partial(self._heard, payment=payment, said=said, seen=seen))
        if begun is not None:
            passing("payment_before_post")
            self._till.delivery.start(begun)
        self._till.stream.wake(payment.case_id)

    async def _ask(self, payment: Payment) -> Verdict | None:
        """The answer; None when the gateway gave none."""
        gateway = self._till.registry().agencies.get(payment.gateway)
        found = await self._till.desk.store.read(_OPERATION, payment.order_id, inline=True)
        if gateway is None or not found:
            return None
        order = await order_of(self._till.desk.store, self._till.desk.vault, operation_of(found[0]))
        try:
            answer = await gateway.guarded.read("verify", order, cached=False, share="settling")
        except (AgencyError, NotAttempted):
            return None
        return verdict_of(payment, answer.value, str(gateway.settings.option("payee", "")))

    async def _heard(self, run: Run, payment: Payment, said: Verdict | None, seen: str) -> Operation | None:
        now_ms = epoch_ms(self._till.desk.clock.now())
        if said is None:
            await self._unanswered(run, payment, seen, now_ms)
            return None
        await self._remember(run, payment, said)
        disagrees = await notices.contradicts(run, payment, said)
        if said.trouble or (disagrees and (said.word == PAID or payment.disagreed + 1 >= DISAGREE_MOST)):
            await self._conflict(run, payment, said, seen)
            return None
        if said.word == PAID:
            return await self._collected(run, payment, said, seen)
        await self._not_yet(run, payment, said, seen, disagrees=disagrees)
        return None

    async def _remember(self, run: Run, payment: Payment, said: Verdict) -> None:
        if said.word != payment.word or said.trouble:
            row_id = new_id("wrd", self._till.desk.clock, self._till.desk.chance)
            await notices.keep(run, row_id, payment, said, self._till.desk.clock.now(), source="verify")

    async def _unanswered(self, run: Run, payment: Payment, seen: str, now_ms: int) -> None:
        """The gateway is away. Before anybody could pay that is only waiting; afterwards it is doubt."""
        payable = bool(payment.word)
        step = Step(Phase.IN_DOUBT, "gateway_away") if payable else Step(Phase.PREPARING, "gateway_away")
        await steps.take(run, self._till, payment, step, seen=seen, next_action_ms=now_ms + UNANSWERED_MS)

    async def _conflict(self, run: Run, payment: Payment, said: Verdict, seen: str) -> None:
        reason = said.trouble or "webhook_disagrees"
        step = Step(Phase.CONFLICT, reason, item=reason, agency=payment.gateway)
        now_ms = epoch_ms(self._till.desk.clock.now())
        changes = {"seen": seen, "word": said.word, "asked": payment.asked + 1, "next_action_ms": now_ms + 3_600_000}
        await steps.take(run, self._till, payment, step, **changes)

    async def _collected(self, run: Run, payment: Payment, said: Verdict, seen: str) -> Operation | None:
        """Enters the money as held, and in the same commit asks the biller to take it."""
        at = self._till.desk.clock.now()
        paid = await rows.move(
            run, payment, at, gateway_payment=said.gateway_payment, bank_reference=said.bank_reference
        )
        await self._enter(run, paid, said)
        op, told = await post.begin(run, self._till, paid, at)
        await run("update leg set poll_due_ms = $1 where case_id = $2 and position = 1", epoch_ms(at), payment.case_id)
        changes = {"collected_ms": epoch_ms(at), "word": said.word, "asked": payment.asked + 1}
        if op is None:
            unwanted = Step(Phase.REFUNDING, "not_wanted")
            await steps.take(run, self._till, paid, unwanted, seen=seen, next_action_ms=epoch_ms(at), **changes)
            return None
        await steps.take(
            run, self._till, paid, Step(Phase.POSTING, "paid", told=tuple(told)),
            post_id=op.id, seen=seen.replace("//", f"/{op.state.value}/"), next_action_ms=epoch_ms(at) + 3_600_000,
            **changes,
        )  # fmt: skip
        return op

    async def _enter(self, run: Run, payment: Payment, said: Verdict) -> bool:
        entry = Entry(
            payment_id=payment.id,
            fact=Fact.COLLECTED,
            subject=said.gateway_payment,
            amount_paise=said.paid_paise,
            operation_id=payment.order_id,
            evidence=f"verify {said.bank_reference}".strip(),
        )
        return await ledger.enter(run, self._till.pen, entry, self._till.desk.clock.now())

    async def _not_yet(self, run: Run, payment: Payment, said: Verdict, seen: str, *, disagrees: bool) -> None:
        now_ms = epoch_ms(self._till.desk.clock.now())
        counted = missed(payment, said.word, now_ms) if not disagrees else None
        changes = {
            "seen": seen,
            "word": said.word,
            "asked": payment.asked + 1,
            "misses": counted.count if counted else 0,
            "missed_ms": counted.at_ms if counted else None,
            "disagreed": payment.disagreed + 1 if disagrees else 0,
            "pay_url": said.pay_url or payment.pay_url,
            "expires_ms": said.expires_ms or payment.expires_ms,
            "next_action_ms": next_look_ms(payment, now_ms, counted.at_ms if counted else None),
        }
        if counted is not None and counted.proved:
            await steps.take(run, self._till, payment, Step(Phase.NOT_PAID, "not_paid", closes=True), **changes)
            return
        waiting = said.word == "OPEN" and not disagrees
        step = Step(Phase.WAITING, "at_the_bank") if waiting else Step(Phase.IN_DOUBT, "not_confirmed")
        await steps.take(run, self._till, payment, step, **changes)

    async def again(self, payment: Payment) -> bool:
        """For a payment that is closed: whether money came for it after all. If so it is entered and given back."""
        said = await self._ask(payment)
        if said is None or said.word != PAID:
            return False
        return await self._till.desk.store.write(partial(self._late, payment=payment, said=said))

    async def _late(self, run: Run, payment: Payment, said: Verdict) -> bool:
        """Nothing was posted for it, so nothing has to be proved: it goes back. It takes no lock on its bill."""
        found = await rows.by_id(run, payment.id)
        if found is None or found.closed_ms is None:
            raise Moved(payment.id)
        at = self._till.desk.clock.now()
        if said.trouble or found.collected_ms is not None:
            second = said.trouble or "collected_twice"
            if said.trouble or said.gateway_payment != found.gateway_payment:
                item = items.about(found, second, found.gateway)
                await events.append(run, await items.raise_item(run, self._till, item, at, found))
            return False
        await self._enter(run, found, said)
        await steps.take(
            run, self._till, found, Step(Phase.REFUNDING, "paid_too_late"),
            late=1, closed_ms=None, collected_ms=epoch_ms(at), gateway_payment=said.gateway_payment,
            bank_reference=said.bank_reference, word=said.word, next_action_ms=epoch_ms(at),
        )  # fmt: skip
        return True
