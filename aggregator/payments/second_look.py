"""Looks for postings that a biller confirmed and its file does not show, before any person is asked.

The question is the settler's own: by our reference, within the biller's budget, never more often than a payment rail
allows, an absence only beside a record that is known to be there. Found, nobody is troubled. Proved absent, the money
counts as held again, the bill is locked again, and two names decide whether it is posted once more or goes back: what a
biller has confirmed and unsays is not sent again by a machine. Where nothing can be asked or proved a person is told.
Source: docs/outcomes.md section 12, docs/decisions/042.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from aggregator.cases import ledger as journal
from aggregator.cases.lifecycle import State
from aggregator.cases.look import CouldNotAsk, Looks
from aggregator.cases.operation import COLUMNS, Operation, operation_of
from aggregator.cases.settle import Looked
from aggregator.feed import events
from aggregator.payments import check as rows
from aggregator.payments import items, unposted
from aggregator.payments import payment as payments
from aggregator.payments.check import PATIENCE_MS, Check, CheckState, Heard
from aggregator.payments.payment import Moved
from aggregator.payments.till import Till
from aggregator.registry.agency import Agency
from aggregator.sdk.adapter import Declared
from aggregator.sdk.clock import epoch_ms
from aggregator.sdk.waypoints import passing
from aggregator.store import Conflict, Run

BATCH = 20
_OPERATION = f"select {COLUMNS} from operation where id = $1"  # noqa: S608 - a constant
UNANSWERED = "UNANSWERED"
"""What a look's row says until its answer is written, and for ever where none came."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a look is made at, about what, by which declared facts."""

    agency: Agency
    op: Operation
    declared: Declared


class SecondLook:
    """The looks of this process for postings that went missing."""

    def __init__(self, till: Till) -> None:
        self._till = till
        self._looks = Looks(till.desk)

    async def work(self) -> int:
        """One round; how many postings were served."""
        found = await rows.due(self._till.desk.store, self._now_ms(), BATCH)
        for check in found:
            with suppress(Moved, Conflict, journal.Stale):
                await self._serve(check)
        return len(found)

    async def _serve(self, check: Check) -> None:
        store = self._till.desk.store
        op = operation_of((await store.read(_OPERATION, check.operation_id))[0])
        agency = self._till.registry().agencies.get(op.agency)
        if op.state is not State.CONFIRMED:
            await store.write(partial(self._over, check=check, state=CheckState.MOVED))
        elif agency is None or "find" not in agency.operations or op.name not in agency.operations:
            await store.write(partial(self._over, check=check, state=CheckState.PERSON, item="posting_unaskable"))
        elif self._now_ms() > check.opened_ms + PATIENCE_MS:
            await store.write(partial(self._over, check=check, state=CheckState.PERSON, item="posting_unproved"))
        else:
            await self._look(check, Asked(agency, op, agency.operations[op.name]))

    async def _look(self, check: Check, asked: Asked) -> None:
        store, now_ms = self._till.desk.store, self._now_ms()
        early_ms = round(await self._looks.too_early_s(asked.op, asked.declared) * 1000)
        due_ms = max(rows.first_look_ms(check, asked.declared), now_ms + early_ms)
        if due_ms > now_ms:
            await store.write(lambda run: rows.wait(run, check, due_ms))
            return
        mine = await store.write(partial(self._begin, check=check, asked=asked))
        if mine is None:
            return
        passing("payment_before_second_look")
        try:
            seen = await self._looks.see(asked.agency, asked.op, asked.declared, may_count=True)
        except CouldNotAsk as error:
            again_ms = self._gap_ms(asked.declared, error.retry_after_s)
            await store.write(lambda run: rows.wait(run, mine, again_ms))
            return
        passing("payment_after_second_look")
        await store.write(partial(self._heard, check=mine, asked=asked, seen=seen))

    async def _begin(self, run: Run, check: Check, asked: Asked) -> Check | None:
        """The look's own row, before the question leaves: the rail's allowance is spent even if nobody hears it."""
        op = asked.op
        mine = await rows.begin(run, check, self._gap_ms(asked.declared))
        if mine is None:
            return None
        counted = await run(
            "update operation set looks = looks + 1 where id = $1 and looks = $2 and state = $3 returning id",
            op.id,
            op.looks,
            State.CONFIRMED.value,
        )
        if not counted:
            raise journal.Stale(op.id)
        await run(
            "insert into look (operation_id, n, at_ms, result, counted, control, matches)"
            " values ($1, $2, $3, $4, 0, 'not found', 0)",
            op.id,
            op.looks + 1,
            self._now_ms(),
            UNANSWERED,
        )
        return mine

    async def _heard(self, run: Run, check: Check, asked: Asked, seen: Looked) -> None:
        """Writes the answer down as evidence, and goes where it leads."""
        op = asked.op
        found = rows.finding(op, asked.declared, seen)
        state = rows.after(check, asked.declared, found)
        answer = Heard(found, state, self._now_ms(), self._gap_ms(asked.declared))
        if not await rows.heard(run, check, answer):
            raise journal.Stale(op.id)
        await run(
            "update look set result = $1, counted = $2, control = $3, matches = $4 where operation_id = $5 and n = $6",
            found.value,
            answer.absent,
            "found" if seen.control_found else "not found",
            seen.matches,
            op.id,
            op.looks + 1,
        )
        await self._follow(run, check, state)

    async def _over(self, run: Run, check: Check, state: CheckState, item: str = "") -> None:
        """No further look: the item, where there is one to raise, says why."""
        if await rows.close(run, check, state, self._till.desk.clock.now()):
            await self._follow(run, check, state, item or "posting_unproved")

    async def _follow(self, run: Run, check: Check, state: CheckState, item: str = "posting_unproved") -> None:
        payment = await payments.by_id(run, check.payment_id)
        op = await journal.operation(run, check.operation_id)
        if payment is None or op is None:
            return
        at = self._till.desk.clock.now()
        if state is CheckState.ABSENT:
            await unposted.reopen(run, self._till, payment, op, check.round)
        elif state is CheckState.TWICE:
            await unposted.doubled(run, self._till, payment, op)
        elif state is CheckState.PERSON:
            told = replace(items.about(payment, item), subject=unposted.subject(payment, check.round))
            await events.append(run, await items.raise_item(run, self._till, told, at, payment))

    def _gap_ms(self, declared: Declared, retry_after_s: float | None = None) -> int:
        return self._now_ms() + round(max(declared.look_gap_s, retry_after_s or 0.0) * 1000)

    def _now_ms(self) -> int:
        return epoch_ms(self._till.desk.clock.now())
