"""For seven days after a restore a first send is looked for before it is made: the citizen may be repeating himself.

Who lost his case submits again, under a new reference that no agency has seen. So agencies that can be asked by what a
form says are asked that; a record of ours that the database has forgotten becomes this operation's own: it takes over
the old reference and is settled as any doubt is, by looking, and nothing is sent. Source: docs/outcomes.md section 13.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from aggregator.cases import forgotten, ledger
from aggregator.cases.attempt import Desktop
from aggregator.cases.gap import LOOKED_FOR_MS, Gap, gap_of
from aggregator.cases.ledger import Mark
from aggregator.cases.lifecycle import State
from aggregator.cases.operation import Operation
from aggregator.cases.settle import Step, held
from aggregator.feed import events
from aggregator.registry.agency import Agency
from aggregator.sdk.clock import epoch_ms
from aggregator.sdk.errors import AgencyError, NotAttempted
from aggregator.sdk.model import Order, Receipt
from aggregator.store import Run

_EARLIER = "select 1 from operation where leg_id = $1 and id <> $2 and created_ms <= $3 limit 1"


class Lookback:
    """The looks before first sends of this process."""

    def __init__(self, desk: Desktop) -> None:
        self._desk = desk
        self._read: tuple[int, Gap | None] | None = None

    async def keeps(self, agency: Agency, op: Operation, order: Order) -> bool:
        """Whether it is not to be sent now: it was found, or the agency could not be asked. Raises StoreUnavailable."""
        gap = await self._gap(agency, op)
        if gap is None:
            return False
        like_it = Order("", order.service, order.form, at=gap.begins, documents=order.documents)
        try:
            answer = await agency.guarded.read("find", like_it, cached=False, share="settling")
        except (AgencyError, NotAttempted) as error:
            wait_s = getattr(error, "retry_after_s", None)
            return await self._write(lambda run: self._held(run, op, wait_s))
        found = [one for one in answer.value if one.service in {"", op.service}]
        return await self._write(lambda run: self._taken(run, op, found, gap))

    async def _write(self, work: Callable[[Run], Awaitable[bool]]) -> bool:
        """What somebody else moved meanwhile is theirs, and not to be sent by us."""
        try:
            return await self._desk.store.write(work)
        except ledger.Stale:
            return True

    async def _held(self, run: Run, op: Operation, wait_s: float | None) -> bool:
        at = self._desk.clock.now()
        step = held(op, "quarantine", wait_s, epoch_ms(at), self._desk.chance.random())
        await events.append(run, (await ledger.move(run, op, step, at)).events)
        return True

    async def _gap(self, agency: Agency, op: Operation) -> Gap | None:
        """The gap this first send falls behind; None where there is nothing to look for, or nobody to ask."""
        find = agency.operations.get("find")
        if find is None or not find.by_form or op.attempt or op.doubtful or op.name in ledger.NAMING_AGAIN:
            return None
        gap = await self._lost()
        if gap is None or op.created_ms < gap.since_ms:
            return None
        return None if await self._desk.store.read(_EARLIER, op.leg_id, op.id, op.created_ms) else gap

    async def _lost(self) -> Gap | None:
        """Read once for each quarantine this process hears of: T2 lets nothing past that it has not heard of."""
        heard, now_ms = self._desk.worker.quarantine_id, epoch_ms(self._desk.clock.now())
        if self._read is None or self._read[0] != heard:
            self._read = heard, await gap_of(self._desk.store.read, now_ms)
        gap = self._read[1]
        return None if gap is None or gap.since_ms <= now_ms - LOOKED_FOR_MS else gap

    async def _taken(self, run: Run, op: Operation, found: list[Receipt], gap: Gap) -> bool:
        """The oldest forgotten one becomes this operation's; whoever repeats himself once more gets the next."""
        lost = await forgotten.unknown(run, op.agency, found, gap.remembers_ms)
        if not lost:
            return False
        first = min(lost, key=lambda one: forgotten.minted_ms(one.reference) or 0)
        rows = await run(
            "update operation set reference = $1 where id = $2 and state = 'READY' and attempt = 0 returning id",
            first.reference,
            op.id,
        )
        if not rows:
            raise ledger.Stale(op.id)
        at = self._desk.clock.now()
        now_ms = epoch_ms(at)
        step = Step(State.IN_DOUBT, "already_exists", "state.in_doubt", now_ms, doubtful=True)
        sent_ms = forgotten.minted_ms(first.reference)
        mark = Mark(sends=max(op.sends, 1), sends_unknown=True, first_sent_ms=sent_ms, ended_ms=now_ms)
        moved = await ledger.move(run, replace(op, reference=first.reference), step, at, mark)
        await forgotten.claimed(run, op.agency, first.reference, op.case_id, at)
        await events.append(run, moved.events)
        return True
