"""The payment counter: where a payment is opened, looked at, looked into again, given back and proved.

Everything is asked for in the name of a portal and shows only its own payments.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aggregator.cases.desk import UnknownCase
from aggregator.cases.keys import Key, Keys, StoredAnswer
from aggregator.payments import collect, fee, refund
from aggregator.payments import payment as rows
from aggregator.payments.collect import BillTaken, BillUnanswered, NewPayment, NotPayable
from aggregator.payments.evidence import evidence_of
from aggregator.payments.payment import COLUMNS, Payment, Phase, payment_of
from aggregator.payments.receipt import receipt_claims
from aggregator.payments.till import Till
from aggregator.sdk.auth import Signer
from aggregator.sdk.clock import epoch_ms
from aggregator.sdk.waypoints import passing
from aggregator.store import Conflict, Run

__all__ = [
    "BillTaken",
    "BillUnanswered",
    "Counter",
    "NewPayment",
    "NoReceipt",
    "NotPayable",
    "OpenedPayment",
    "UnknownCase",
]

CHECK_EVERY_MS = 10_000
"""A citizen's "look again now" is honoured so often; a gateway is not asked more for impatience."""


@dataclass(frozen=True, slots=True)
class OpenedPayment:
    """A payment, new or known; `answer` is set when this key was answered before."""

    payment: Payment
    number: str
    answer: StoredAnswer | None


class NoReceipt(Exception):
    """Nothing was recorded yet, so there is nothing to receipt."""


class Counter:
    """Use cases of payments."""

    def __init__(self, till: Till, signer: Signer) -> None:
        self._till = till
        self._signer = signer
        self._keys = Keys(till.desk.store, till.desk.vault, till.desk.clock)

    async def open(self, new: NewPayment, key: Key) -> OpenedPayment:
        """Accepts a payment durably, or finds what the same key was given before.

        Raises UnknownService, UnknownCase, NoSuchVariant, AgencyNotOffered, FormInvalid, NotPayable, BillUnanswered,
        BillTaken, KeyReused, KeyRunning, StoreUnavailable.
        """
        known = await self._known(key)
        if known is not None:
            return known
        made = await (fee.draft if new.case_id else collect.draft)(self._till, new)
        passing("payment_before_t1")
        try:
            await self._till.desk.store.write(lambda run: collect.write(run, self._till, made, key))
        except Conflict:
            return await self._raced(new, made.payment, key)
        passing("payment_after_t1")
        self._till.delivery.start(made.plan.operation)
        return OpenedPayment(made.payment, made.plan.number, None)

    async def _raced(self, new: NewPayment, lost: Payment, key: Key) -> OpenedPayment:
        """Another request with this key, or for this bill, was first: the store knows which."""
        known = await self._known(key)
        if known is not None:
            return known
        first = await collect.open_for(self._till, lost.agency, lost.account_index, lost.bill_key)
        if first is not None:
            raise BillTaken(first)
        return await self.open(new, key)

    async def _known(self, key: Key) -> OpenedPayment | None:
        spent = await self._keys.spent(key)
        if spent is None:
            return None
        found = await self._read("p.case_id = $1", spent.case_id)
        return OpenedPayment(*found[0], spent.answer)

    async def _read(self, where: str, *args: Any) -> list[tuple[Payment, str]]:
        columns = ", ".join(f"p.{name.strip()}" for name in COLUMNS.split(","))
        found = await self._till.desk.store.read(
            f"select {columns}, c.number as case_number from payment p join cases c on c.id = p.case_id where {where}",  # noqa: S608 - our own clauses
            *args,
            inline=True,
        )
        return [(payment_of(row), row["case_number"]) for row in found]

    async def for_fee(self, case_id: str) -> Payment | None:
        """The open payment of this case's fee."""
        found = await self._read("p.for_case_id = $1 and p.closed_ms is null and p.late = 0", case_id)
        return found[0][0] if found else None

    async def show(self, payment_id: str, *, portal_id: str) -> tuple[Payment, str] | None:
        """The portal's payment and its tracking number; None alike for another's and for none."""
        found = await self._read("p.id = $1 and p.portal_id = $2", payment_id, portal_id)
        return found[0] if found else None

    async def payments(
        self, *, portal_id: str, phase: str = "", after: str = "", limit: int = 50
    ) -> list[tuple[Payment, str]]:
        """The portal's payments, newest first."""
        where, args = "p.portal_id = $1", [portal_id]
        for clause, value in (("p.phase =", phase), ("p.id <", after)):
            if value:
                args.append(value)
                where = f"{where} and {clause} ${len(args)}"
        return await self._read(f"{where} order by p.id desc limit {min(limit, 201)}", *args)

    async def of_citizen(self, citizen_ids: Sequence[str]) -> list[tuple[Payment, str]]:
        """Every payment of a citizen with these pairwise ids, and of fees of their cases, oldest first."""
        if not citizen_ids:
            return []
        marks = ", ".join(f"${at}" for at in range(1, len(citizen_ids) + 1))
        theirs = f"select id from cases where citizen_id in ({marks})"  # noqa: S608 - placeholders only
        where = (
            f"p.id in (select id from payment where citizen_id in ({marks}) and citizen_id <> ''"  # noqa: S608 - as above
            f" union select id from payment where case_id in ({theirs})"
            f" union select id from payment where for_case_id in ({theirs}) and for_case_id <> '') order by p.id"
        )
        return await self._read(where, *citizen_ids)

    async def case_number(self, case_id: str) -> str:
        found = await self._till.desk.store.read("select number from cases where id = $1", case_id)
        return str(found[0]["number"]) if found else ""

    async def until(self, payment_id: str, timeout_s: float) -> tuple[Payment, str]:
        """The payment as soon as it can be paid or has come further; else after `timeout_s`."""
        clock = self._till.desk.clock
        deadline = clock.monotonic() + timeout_s
        while True:
            found = (await self._read("p.id = $1", payment_id))[0]
            left = deadline - clock.monotonic()
            if found[0].phase != Phase.PREPARING.value or left <= 0:
                return found
            await self._till.stream.changed(min(left, 1.0), found[0].case_id)

    async def look_again(self, payment_id: str) -> Payment | None:
        """The cashier looks at once, unless it just has; when it will is in `next_action_ms`.

        A hint from a portal or a returning browser, never evidence.
        """
        return await self._till.desk.store.write(lambda run: self._hurry(run, payment_id))

    async def _hurry(self, run: Run, payment_id: str) -> Payment | None:
        found = await rows.by_id(run, payment_id)
        if found is None or found.closed_ms is not None or found.collected_ms is not None:
            return found
        now_ms = epoch_ms(self._till.desk.clock.now())
        due = max(now_ms, found.updated_ms + CHECK_EVERY_MS) if found.asked else now_ms
        if due >= found.next_action_ms:
            return found
        return await rows.move(run, found, self._till.desk.clock.now(), next_action_ms=due)

    async def give_back(self, payment_id: str) -> Payment:
        """Wants the money back: at once where the biller certainly has nothing, else as soon as that is proved.

        Raises NotPayable("refund_not_now") where it cannot be.
        """
        found = await self._till.desk.store.write(lambda run: refund.want(run, self._till, payment_id))
        self._till.delivery.nudge()
        if found is None:
            raise NotPayable("refund_not_now")
        return found

    async def receipt(self, payment: Payment) -> str:
        """The signed receipt of a recorded or returned payment: a JWS. Raises NoReceipt."""
        if payment.phase not in {Phase.POSTED.value, Phase.REFUNDED.value}:
            raise NoReceipt(payment.phase)
        return self._signer.sign(await receipt_claims(self._till.desk.store, payment))

    async def evidence(self, payment: Payment) -> Mapping[str, Any]:
        """Every identifier and time of a payment, both files' lines, and the ledger."""
        return await evidence_of(self._till.desk.store, payment)
