"""After a restored backup nothing is sent until what was possibly sent since is known: a restored row cannot tell.

Its rows look READY and would be sent again. So every open row goes into doubt and settles as any doubt does; new cases
are accepted and held; reads serve and say "being checked". The gate stands inside T2, in the database: whichever
process claims an operation meets it there. An agency is let go when none of its rows is in doubt any more.
Source: docs/outcomes.md section 13.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from aggregator.cases import ledger
from aggregator.cases.attempt import Desktop
from aggregator.cases.operation import COLUMNS, Operation, operation_of
from aggregator.cases.settle import doubt
from aggregator.cases.worker import declared_of
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.feed.stream import Stream
from aggregator.registry.agency import Registry
from aggregator.sdk.clock import Clock, epoch_ms, from_ms
from aggregator.sdk.waypoints import passing
from aggregator.store import Row, Run, Store, StoreUnavailable
from aggregator.store.watermark import Mark

SCAN_S = 1.0
BATCH = 50
JUMP = 1_000
"""How far the numbers of events jump past the watermark."""
BLIND_JUMP = 1_000_000
"""How far where the watermark is unknown or was rolled back with the database."""
REASONS = ("behind", "another_server", "mark_missing", "mark_unreadable", "declared")
_STANDS = "select id, reason, since_ms, swept_ms from quarantine where ended_ms is null"


async def examine(store: Store, remembered: Mark | str | None, clock: Clock, cluster: str) -> Mark:
    """Compares the database with its watermark before anything else is written; its own mark after that.

    `remembered`: the watermark, None for no file, or a reason why it cannot be read. `cluster`: the name the database
    gets if it has none. Enters quarantine in the same commit. Raises StoreUnavailable.
    """
    return await store.write(lambda run: _examine(run, store.lineage, remembered, clock.now(), cluster))


async def _examine(run: Run, lineage: str, remembered: Mark | str | None, at: datetime, cluster: str) -> Mark:
    found = await _found(run, cluster)
    now = (await run(lineage))[0]["lineage"] if lineage else ""
    before = await _setting(run, "lineage")
    reason = _why(found, remembered, alone=not lineage)
    if not reason and before not in {"", now}:
        reason = "another_server"
    if reason:
        found = await enter(run, reason, remembered if isinstance(remembered, Mark) else None, at)
    if now != before:
        await _set(run, "lineage", now)
    return found


def _why(found: Mark, remembered: Mark | str | None, *, alone: bool) -> str:
    """The reason for a quarantine, "" for none. `alone`: no other host writes here, so a missing file was lost."""
    if isinstance(remembered, str):
        return remembered
    if remembered is None:
        return "mark_missing" if alone and found.send_seq else ""
    return "behind" if found.behind(remembered) else ""


def reexamine(lineage: str, kept: Callable[[], Mark], clock: Clock) -> Callable[[Run], Any]:
    """What a new writing session does first: the server may be a promoted replica that lost the last commits."""

    async def first(run: Run) -> None:
        mark = kept()
        await _examine(run, lineage, mark, clock.now(), mark.cluster)

    return first


async def declare(store: Store, clock: Clock, remembered: Mark | None = None) -> None:
    """An operator says that the database was restored. Works on a running city too. Raises StoreUnavailable.

    `remembered`: a watermark that outlived the database; without one the numbers jump far.
    """
    await store.write(lambda run: enter(run, "declared", remembered, clock.now()))


async def standing_by(ask: Run) -> "Standing":
    """How it stands by the database alone, also for whoever looks from outside a running city."""
    rows = await ask(_STANDS)
    if not rows:
        return Standing()
    return Standing(rows[0]["reason"], rows[0]["since_ms"], await _waiting(ask, rows[0]), rows[0]["swept_ms"] is None)


async def _waiting(ask: Run, now: Any) -> dict[str, int]:
    """Rows in doubt by agency that is not let go yet; before the sweep, everything that it will put in doubt."""
    states = "'SENDING', 'IN_DOUBT', 'ABSENT_ONCE', 'ABSENT'" + (", 'READY'" if now["swept_ms"] is None else "")
    counted = await ask(
        f"select agency, count(*) as n from operation where state in ({states}) and created_ms <= $1"  # noqa: S608 - constants
        " and agency not in (select agency from quarantine_left where quarantine_id = $2) group by agency",
        now["since_ms"], now["id"],
    )  # fmt: skip
    return {row["agency"]: row["n"] for row in counted}


async def enter(run: Run, reason: str, remembered: Mark | None, at: datetime) -> Mark:
    """Begins a quarantine, or begins the open one again; numbers jump past everything that was ever told."""
    found = await _found(run, remembered.cluster if remembered else "")
    ahead = found if remembered is None else replace(remembered, cluster=found.cluster).joined(found)
    event_seq = ahead.event_seq + (BLIND_JUMP if remembered is None else JUMP)
    await run("update event_counter set last = $1 where name = 'event'", event_seq)
    await run("update event_counter set last = $1 where name = 'send'", ahead.send_seq)
    await _set(run, "epoch", str(ahead.epoch))
    await run("update quarantine set ended_ms = $1 where ended_ms is null", epoch_ms(at))
    last_told = await run("select at_ms from event order by seq desc limit 1")
    await run(
        "insert into quarantine (id, reason, since_ms, remembers_ms)"
        " select coalesce(max(id), 0) + 1, $1, $2, $3 from quarantine",
        reason,
        epoch_ms(at),
        last_told[0]["at_ms"] if last_told else 0,
    )
    last = await events.append(run, [NewEvent(type="feed.epoch-changed", at=at, data={"reason": reason})])
    return replace(ahead, event_seq=last)


async def _found(run: Run, cluster: str) -> Mark:
    name = await _setting(run, "cluster")
    if not name:
        name = cluster
        await _set(run, "cluster", name)
    counters = {row["name"]: row["last"] for row in await run("select name, last from event_counter")}
    return Mark(name, int(await _setting(run, "epoch") or 0), counters["send"], counters["event"])


async def _setting(run: Run, name: str) -> str:
    rows = await run("select value from setting where name = $1", name)
    return str(rows[0]["value"]) if rows else ""


async def _set(run: Run, name: str, value: str) -> None:
    await run(
        "insert into setting (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value",
        name,
        value,
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """The quarantine as it was last looked at. `waiting`: rows still in doubt, by agency that is not let go yet."""

    reason: str = ""
    since_ms: int = 0
    waiting: Mapping[str, int] = field(default_factory=dict)
    everywhere: bool = False
    """Not swept yet: nobody knows which agencies have rows."""

    def shuts(self, agency: str) -> bool:
        return self.everywhere or agency in self.waiting

    def told(self) -> dict[str, object] | None:
        """For /readyz and people; None outside a quarantine."""
        if not self.reason:
            return None
        since = from_ms(self.since_ms).isoformat()
        return {"reason": self.reason, "since": since, "waiting": dict(self.waiting)}


class Quarantine:
    """The quarantine of this process: keeps the sweep and the count going, and tells who is shut."""

    def __init__(self, desk: Desktop, registry: Callable[[], Registry], stream: Stream) -> None:
        self._desk = desk
        self._registry = registry
        self._stream = stream
        self.standing = Standing()
        desk.worker.shut_to = self.shuts

    def shuts(self, agency: str) -> bool:
        """Whether nothing is sent to this agency now. Only the gate in T2 is proof; this one saves the trouble."""
        return self.standing.shuts(agency)

    def told(self) -> dict[str, object] | None:
        """For /readyz; None outside a quarantine."""
        return self.standing.told()

    async def run(self) -> None:
        """Until cancelled; a store that is away is asked again."""
        while True:
            with suppress(StoreUnavailable, ledger.Stale):
                await self.look()
            await self._desk.clock.sleep(SCAN_S)

    async def glance(self) -> None:
        """Whether there is a quarantine, before anything is begun; what it asks for is done in the background."""
        if await self._stands():
            self.standing = await self._shut()

    async def look(self) -> Standing:
        """One round: sweeps if that is due, lets go of whom it can, and says how it stands."""
        rows = await self._stands()
        if not rows:
            self.standing = Standing()
            return self.standing
        now = rows[0]
        if now["swept_ms"] is None or not self.standing.reason:  # what was known stays known until the round is through
            self.standing = await self._shut()
        if now["swept_ms"] is None:
            await self._sweep(now["id"], now["since_ms"])
        self.standing = await self._desk.store.write(self._round)
        return self.standing

    async def _stands(self) -> list[Row]:
        """The open quarantine; who sends hears of the last one, and looks for first sends after it anew."""
        last = await self._desk.store.read("select coalesce(max(id), 0) as id from quarantine")
        self._desk.worker.quarantine_id = max(self._desk.worker.quarantine_id, last[0]["id"])
        return await self._desk.store.read(_STANDS)

    async def _shut(self) -> Standing:
        """Until a round is through nothing goes anywhere; what waits is told from the first answer on."""
        found = await standing_by(self._desk.store.read)
        return replace(found, everywhere=bool(found.reason))

    async def _round(self, run: Run) -> Standing:
        rows = await run(_STANDS)
        return await self._let_go(run, rows[0]) if rows else Standing()

    async def _sweep(self, quarantine_id: int, since_ms: int) -> None:
        """Every open row of before goes into doubt, in batches; a death in between begins again and harms nothing.

        It reads where it writes: a reading session may still hang on the server that was, and see nothing open there.
        """
        after: str | None = ""
        while after is not None:
            batch = after
            after = await self._desk.store.write(lambda run, batch=batch: self._swept(run, since_ms, batch))  # type: ignore[misc]
            passing("inside_the_quarantine_sweep")
        at_ms = epoch_ms(self._desk.clock.now())
        await self._desk.store.write(
            lambda run: run("update quarantine set swept_ms = $1 where id = $2", at_ms, quarantine_id)
        )
        self._stream.wake("")

    async def _swept(self, run: Run, since_ms: int, after: str) -> str | None:
        """One batch; the last id of it, None when there is none left."""
        rows = await run(
            f"select {COLUMNS} from operation where state in ('READY', 'IN_DOUBT', 'ABSENT_ONCE', 'ABSENT')"  # noqa: S608 - a constant
            " and created_ms <= $1 and id > $2 order by id limit $3",
            since_ms,
            after,
            BATCH,
        )
        told: list[NewEvent] = []
        for op in map(operation_of, rows):
            told += await self._doubt(run, op)
        await events.append(run, told)
        return str(rows[-1]["id"]) if rows else None

    async def _doubt(self, run: Run, op: Operation) -> list[NewEvent]:
        """As of a sender seen dead: it may have been sent any time since the row was made."""
        at = self._desk.clock.now()
        declared = declared_of(self._registry(), op.agency, op.name)
        ended_ms = epoch_ms(at) + round(declared.wire_linger_s * 1000)
        counted = replace(op, sends=max(op.sends, 1))
        mark = ledger.Mark(
            sends=counted.sends, sends_unknown=True, ended_ms=ended_ms,
            first_sent_ms=op.first_sent_ms or op.created_ms, looks=op.looks,
        )  # fmt: skip
        return (await ledger.move(run, op, doubt(counted, declared, ended_ms), at, mark)).events

    async def _let_go(self, run: Run, now: Any) -> Standing:
        rows = await run("select agency from quarantine_left where quarantine_id = $1", now["id"])
        left = {row["agency"] for row in rows}
        waiting = await _waiting(run, now)
        free = [name for name in self._registry().agencies if name not in left and name not in waiting]
        if free or not waiting:
            await self._free(run, now["id"], free, ended=not waiting)
        return Standing(now["reason"], now["since_ms"], waiting) if waiting else Standing()

    async def _free(self, run: Run, quarantine_id: int, agencies: list[str], *, ended: bool) -> None:
        at = self._desk.clock.now()
        for agency in agencies:
            await run(
                "insert into quarantine_left (quarantine_id, agency, left_ms) values ($1, $2, $3)"
                " on conflict (quarantine_id, agency) do nothing",
                quarantine_id, agency, epoch_ms(at),
            )  # fmt: skip
            await run(
                "update operation set next_action_ms = $1 where agency = $2 and state = 'READY'"
                " and reason_code = 'quarantine'",
                epoch_ms(at), agency,
            )  # fmt: skip
        if ended:
            await run("update quarantine set ended_ms = $1 where id = $2", epoch_ms(at), quarantine_id)
        told = [NewEvent(type="agency.quarantine-left", at=at, agency=agency) for agency in agencies]
        await events.append(run, told)
