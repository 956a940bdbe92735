"""What waits for an agency is a schedule: the oldest first, at the agreed rate, from the moment it can be asked again.

While a circuit is open nothing is tried one by one: everybody's next try is written at once, in the order of age, from
the probe on. The first of them is the probe. When it is answered the schedule starts over from now, and the first
seconds are a ramp, one, two, four a second: who comes back is not met by a crowd. How many go at a time is what the
rate has to spare, so people who are waiting at a counter go ahead of the backlog, and nothing goes above `max_rps`.
Source: docs/outcomes.md section 14, docs/figures.md R10.
"""

from dataclasses import dataclass, field

from aggregator.cases.attempt import Desktop
from aggregator.cases.operation import COLUMNS, Operation, operation_of
from aggregator.cases.settle import DAY_MS
from aggregator.registry.agency import Agency
from aggregator.sdk.clock import epoch_ms
from aggregator.store import Run

RAMP_FROM = 1.0
"""Sends in the first second after an agency came back; doubled every second."""
RAMP_S = 14
OVERDUE_MS = 30_000
"""A schedule that runs late by more is written anew: nobody is promised a time that has passed."""
SAME_MOMENT_S = 1.0
_PLAN = (
    "update operation set next_action_ms = case when $1 + q.place * $2 / 1000 > $3 then $3"
    " else $1 + q.place * $2 / 1000 end from (select id, row_number() over (order by created_ms, id) - 1 as place"
    " from operation where agency = $4 and name = $5 and state = 'READY' and holds >= $6) as q"
    " where operation.id = q.id"
)
_PLAN_LEGS = (
    "update leg set next_try_ms = o.next_action_ms from operation o where o.leg_id = leg.id and leg.settled = 0"
    " and o.agency = $1 and o.name = $2 and o.state = 'READY' and leg.next_try_ms is not null"
)
_PLAN_CASES = (
    "update cases set version = version + 1,"
    " next_check_ms = (select min(l.next_try_ms) from leg l where l.case_id = cases.id) where id in"
    " (select case_id from operation where agency = $1 and name = $2 and state = 'READY')"
)


@dataclass(slots=True)
class Gate:
    """One kind of operation at one agency. Times are monotonic."""

    shut_until: float | None = None
    """From when the schedule runs; None while calls are let through."""
    opened_at: float = float("-inf")
    spent: float = 0.0
    """Sends since it opened."""


@dataclass(slots=True)
class Queue:
    """The queues of all agencies, as this process serves them."""

    desk: Desktop
    _gates: dict[tuple[str, str], Gate] = field(default_factory=dict)

    async def waiting(self) -> dict[str, list[str]]:
        """Kinds of operations that wait, by agency."""
        found: dict[str, list[str]] = {}
        for row in await self.desk.store.read("select distinct agency, name from operation where state = 'READY'"):
            found.setdefault(row["agency"], []).append(row["name"])
        return found

    async def due(self, agency: Agency, name: str) -> list[Operation]:
        """Who may go now, the oldest first, doubts before the rest; what is past its time comes whenever it is."""
        gate = self._gates.setdefault((agency.id, name), Gate())
        kept = agency.guarded.keeps_back(name) if name in agency.operations else None
        if kept is not None:
            await self._shut(agency, name, gate, kept[0])
            return await self._over(agency, name) + await self._new(agency, name)
        if gate.shut_until is not None:
            await self._open(agency, name, gate)
        await self._keep_promises(agency, name)
        settling = await self._oldest(agency, name, doubtful=1, limit=self._room(agency, name, "settling", gate))
        room = self._room(agency, name, "interactive", gate) - len(settling)
        waiting = await self._oldest(agency, name, doubtful=0, limit=room)
        gate.spent += len(settling) + len(waiting)
        return await self._over(agency, name) + settling + waiting

    async def behind(self, agency: Agency, name: str) -> bool:
        """Whether somebody is due and has not gone."""
        rows = await self.desk.store.read(
            "select id from operation where agency = $1 and name = $2 and state = 'READY' and next_action_ms <= $3"
            " limit 1",
            agency.id,
            name,
            self._now_ms(),
        )
        return bool(rows)

    def _room(self, agency: Agency, name: str, share: str, gate: Gate) -> int:
        """What the rate, the places and the ramp have to spare; one where the registry does not know the kind."""
        if name not in agency.operations:
            return 1
        room = agency.guarded.room(name, share)
        open_s = self.desk.clock.monotonic() - gate.opened_at
        if open_s > RAMP_S:
            return room
        allowed = RAMP_FROM * (2.0 ** (int(open_s) + 1) - 1.0)
        return max(0, min(room, int(allowed - gate.spent)))

    async def _shut(self, agency: Agency, name: str, gate: Gate, wait_s: float) -> None:
        """Writes everybody's next try, from the moment asking makes sense; again only when that moment moves."""
        until = self.desk.clock.monotonic() + wait_s
        if gate.shut_until is None or abs(until - gate.shut_until) > SAME_MOMENT_S:
            gate.shut_until = until
            await self._plan(agency, name, self._now_ms() + round(wait_s * 1000))

    async def _open(self, agency: Agency, name: str, gate: Gate) -> None:
        gate.shut_until, gate.opened_at, gate.spent = None, self.desk.clock.monotonic(), 0.0
        await self._plan(agency, name, self._now_ms())

    async def _keep_promises(self, agency: Agency, name: str) -> None:
        """A schedule that runs late is written anew."""
        rows = await self.desk.store.read(
            "select id from operation where agency = $1 and name = $2 and state = 'READY' and holds > 0"
            " and next_action_ms < $3 limit 1",
            agency.id,
            name,
            self._now_ms() - OVERDUE_MS,
        )
        if rows:
            await self._plan(agency, name, self._now_ms())

    async def _plan(self, agency: Agency, name: str, from_ms: int) -> None:
        """Everybody who was held before, by age, at the agency's rate; legs and cases say the same in that commit."""
        apart_us = round(1_000_000 / agency.guarded.policy.max_rps)

        async def put(run: Run) -> None:
            await run(_PLAN, from_ms, apart_us, self._now_ms() + DAY_MS, agency.id, name, 1)
            await run(_PLAN_LEGS, agency.id, name)
            await run(_PLAN_CASES, agency.id, name)

        await self.desk.store.write(put)

    async def _oldest(self, agency: Agency, name: str, *, doubtful: int, limit: int) -> list[Operation]:
        if limit <= 0:
            return []
        # A call for what another process is just sending would be lost: each takes its own of the oldest.
        place, count = agency.guarded.rate.place
        rows = await self._read(
            "doubtful = $3 and next_action_ms <= $4", agency.id, name, doubtful, self._now_ms(), limit * count
        )
        return rows[place::count] or rows[:1]

    async def _new(self, agency: Agency, name: str) -> list[Operation]:
        """Those whom nobody has told yet why they wait: each is held once, with its reason."""
        return await self._read("holds = $3 and next_action_ms <= $4", agency.id, name, 0, self._now_ms(), 16)

    async def _over(self, agency: Agency, name: str) -> list[Operation]:
        """Those whose own time is over, however long the agency stays away: they are a person's, or over."""
        stale_s = agency.operations[name].stale_after_s if name in agency.operations else 7 * 86_400.0
        since_ms = self._now_ms() - round(stale_s * 1000)
        return await self._read(
            "doubtful = 0 and (created_ms < $3 and intent_ms < $3 or ends_ms <= $4)",
            agency.id,
            name,
            since_ms,
            self._now_ms(),
            16,
        )

    async def _read(self, where: str, *args: str | int) -> list[Operation]:
        rows = await self.desk.store.read(
            f"select {COLUMNS} from operation where agency = $1 and name = $2 and state = 'READY' and ({where})"  # noqa: S608 - our own clauses
            f" order by created_ms, id limit ${len(args)}",
            *args,
        )
        return [operation_of(row) for row in rows]

    def _now_ms(self) -> int:
        return epoch_ms(self.desk.clock.now())
