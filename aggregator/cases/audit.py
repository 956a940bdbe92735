"""Looks at what is settled: a daily sample of confirmed operations, and whatever evidence has made doubtful again.

An agency may duplicate by itself, and nothing of ours would notice: a second record under our reference is a conflict,
with a person and a sentence for the citizen. A record that is not found any more is told and changes nothing. Audits
take what is left of the agency's budget of looks, never the half that doubts may need.
Source: docs/outcomes.md sections 1 and 6.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from aggregator.cases import ledger
from aggregator.cases.attempt import Desktop
from aggregator.cases.lifecycle import State
from aggregator.cases.look import MINUTE_MS, CouldNotAsk, Looks
from aggregator.cases.operation import COLUMNS, Operation, operation_of
from aggregator.cases.settle import DAY_MS, Looked, Step, queue_of
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.registry.agency import Agency, Registry
from aggregator.sdk.clock import epoch_ms
from aggregator.store import Run

SAMPLE = 50
"""Operations of one agency that are looked at in a day."""
SINCE_MS = 30 * DAY_MS
FINDABLE_MS = 3_600_000
"""Younger ones may not be findable yet."""
BATCH = 5
AGAIN_MS = 600_000
_CLOSED = frozenset({State.REJECTED, State.EXPIRED, State.CANCELLED})


class Audit:
    """The audit of this process; `work` does a little of it each time."""

    def __init__(self, desk: Desktop, registry: Callable[[], Registry], looks: Looks) -> None:
        self._desk = desk
        self._registry = registry
        self._looks = looks

    async def work(self) -> int:
        """Draws a day's sample where it is time, and looks at what is due; how many were looked at."""
        await self._draw()
        rows = await self._desk.store.read(
            f"select {COLUMNS} from operation where audit_due_ms is not null and audit_due_ms <= $1"  # noqa: S608 - a constant
            " order by audit_due_ms limit $2",
            self._now_ms(),
            BATCH,
        )
        for row in rows:
            await self._look(operation_of(row))
        return len(rows)

    async def _draw(self) -> None:
        """Marks today's sample, once a day and agency, whichever process is first."""
        day = str(self._now_ms() // DAY_MS)
        drawn = await self._desk.store.read("select name from setting where name like 'audit:%' and value = $1", day)
        done = {row["name"].removeprefix("audit:") for row in drawn}
        for agency in self._registry().agencies.values():
            if agency.id not in done and "find" in agency.operations:
                await self._desk.store.write(partial(self._mark, agency=agency.id, names=[*agency.operations], day=day))

    async def _mark(self, run: Run, agency: str, names: list[str], day: str) -> None:
        mine = await run(
            "insert into setting (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value"
            " where setting.value <> excluded.value returning name",
            f"audit:{agency}",
            day,
        )
        if not mine:
            return
        newest = []
        for name in names:  # kind by kind, as they are indexed
            newest += await run(
                "select id, updated_ms from operation where agency = $1 and name = $2 and state = 'CONFIRMED'"
                " and updated_ms between $3 and $4 order by updated_ms desc limit $5",
                agency,
                name,
                self._now_ms() - SINCE_MS,
                self._now_ms() - FINDABLE_MS,
                10 * SAMPLE,
            )
        known = sorted(newest, key=lambda row: int(row["updated_ms"]), reverse=True)[: 10 * SAMPLE]
        for place, row in enumerate(self._sample([row["id"] for row in known])):
            due_ms = self._now_ms() + place * MINUTE_MS
            await run("update operation set audit_due_ms = $1 where id = $2", due_ms, row)

    def _sample(self, ids: list[str]) -> list[str]:
        """So many of them, by chance: an agency cannot know which are looked at."""
        pool = list(ids)
        chosen: list[str] = []
        while pool and len(chosen) < SAMPLE:
            chosen.append(pool.pop(int(self._desk.chance.random() * len(pool))))
        return chosen

    async def _look(self, op: Operation) -> None:
        agency = self._registry().agencies.get(op.agency)
        if agency is None or "find" not in agency.operations or op.name not in agency.operations:
            await self._next(op, None)
            return
        declared = agency.operations[op.name]
        if not await self._budget_left(agency):
            await self._next(op, self._now_ms() + AGAIN_MS)
            return
        try:
            seen = await self._looks.see(agency, op, declared, may_count=False)
        except CouldNotAsk as error:
            await self._next(op, self._now_ms() + max(AGAIN_MS, round((error.retry_after_s or 0.0) * 1000)))
            return
        with suppress(ledger.Stale):
            await self._desk.store.write(lambda run: self._judge(run, op, seen))

    async def _judge(self, run: Run, op: Operation, seen: Looked) -> None:
        at = self._desk.clock.now()
        fresh = await ledger.operation(run, op.id)
        if fresh is None:
            return
        await run("update operation set audit_due_ms = null where id = $1", op.id)
        if _doubled(fresh, seen):
            step = Step(State.CONFLICT, "conflict", "state.conflict", epoch_ms(at), queue_of(op.agency), doubtful=True)
            moved = await ledger.move(run, fresh, step, at, ledger.Mark(looks=fresh.looks + 1))
            await ledger.looked(run, fresh, at, step, seen)
            await events.append(run, moved.events)
        elif not seen.matches and fresh.state is State.CONFIRMED:
            told = NewEvent(
                type="agency.record-missing", at=at, case_id=op.case_id, agency=op.agency, data={"operation": op.name}
            )
            await events.append(run, [told])

    async def _budget_left(self, agency: Agency) -> bool:
        """Whether less than half of the hour's looks are spent."""
        rows = await self._desk.store.read(
            "select coalesce(sum(asked), 0) as asked from query_spent where agency = $1 and minute > $2",
            agency.id,
            self._now_ms() // MINUTE_MS - 60,
        )
        return bool(rows[0]["asked"] * 2 < agency.operations["find"].query_budget_per_hour)

    async def _next(self, op: Operation, due_ms: int | None) -> None:
        await self._desk.store.write(
            lambda run: run("update operation set audit_due_ms = $1 where id = $2", due_ms, op.id)
        )

    def _now_ms(self) -> int:
        return epoch_ms(self._desk.clock.now())


def _doubled(op: Operation, seen: Looked) -> bool:
    """Whether the agency shows what speaks against how it was settled."""
    if op.state is State.CONFIRMED:
        number = ledger.claimable(op, seen.agency_reference)
        other = seen.matches == 1 and number and op.agency_reference and number != op.agency_reference
        return seen.matches > 1 or bool(other)
    return op.state in _CLOSED and seen.matches > 0 and seen.same and not seen.refused_code
