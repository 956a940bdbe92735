"""The kill switch of an agency: an operator's word that holds from before the next send, whatever else happens.

It lives in a row that every send reads in the commit that would begin it (attempt.py), so it outlives restarts and
registry reloads and binds every process on the store. The guards of this process are halted as well, at once: calls
under way end before their write, looks and polls wait. A stop may carry its own end.
Source: docs/outcomes.md section 14.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from aggregator.cases.attempt import Desktop
from aggregator.citizens import four_eyes
from aggregator.citizens.vault import Vault
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.feed.stream import Stream
from aggregator.registry.agency import Registry
from aggregator.sdk.clock import epoch_ms, from_ms
from aggregator.store import Run, Store

OWN_END = "own_end"
OPERATOR = "operator"
"""Whose halt of a guard it is: lifting it lifts no other."""


class NoSuchAgency(LookupError):
    """The registry has no agency of this name."""


@dataclass(frozen=True, slots=True)
class Stop:
    """An agency that an operator has stopped. `reason` is in the operator's words."""

    agency: str
    since: datetime
    until: datetime | None
    reason: str


class Switches:
    """The switches of all agencies. `nudge` tells the deliverer that something may go again."""

    def __init__(
        self, desk: Desktop, registry: Callable[[], Registry], stream: Stream, nudge: Callable[[], None]
    ) -> None:
        self._desk = desk
        self._registry = registry
        self._stream = stream
        self._nudge = nudge

    async def stop(self, agency: str, *, by: str, reason: str, until: datetime | None = None) -> Stop:
        """Nothing more is sent to it from now on. Raises NoSuchAgency, NoName, StoreUnavailable."""
        known = self._registry().agencies.get(agency)
        if known is None:
            raise NoSuchAgency(agency)
        four_eyes.folded(by)
        known.guarded.halt("stopped by an operator", OPERATOR)
        desk = self._desk
        stop = await stop_row(desk.store, desk.vault.own, agency, desk.clock.now(), by=by, reason=reason, until=until)
        self._stream.wake("")
        return stop

    async def go(self, agency: str, *, by: str) -> bool:
        """Work for it goes on; False when it was not stopped. Raises NoName, StoreUnavailable."""
        code = four_eyes.code_of(self._desk.vault.own, by)
        lifted = await self._desk.store.write(lambda run: lift(run, agency, code, self._desk.clock.now()))
        await self.apply()
        self._nudge()
        self._stream.wake("")
        return lifted

    async def stops(self) -> list[Stop]:
        """What is stopped now."""
        return await stops_of(self._desk.store, self._desk.vault.own, self._desk.clock.now())

    async def apply(self) -> None:
        """Brings the guards to what the rows say: after a boot, a reload, another process's word, a stop's end."""
        over = await self._desk.store.read(
            "select agency from agency_switch where until_ms <= $1", epoch_ms(self._desk.clock.now())
        )
        for row in over:
            await self._desk.store.write(partial(lift, agency=row["agency"], code=OWN_END, at=self._desk.clock.now()))
        stopped = {row["agency"] for row in await self._desk.store.read("select agency from agency_switch")}
        for agency in self._registry().agencies.values():
            if agency.id in stopped:
                agency.guarded.halt("stopped by an operator", OPERATOR)
            else:
                agency.guarded.resume(OPERATOR)


async def stop_row(  # noqa: PLR0913 - whose word it is, about whom, and until when
    store: Store, vault: Vault, agency: str, at: datetime, *, by: str, reason: str, until: datetime | None
) -> Stop:
    """Writes the stop. Raises NoName, StoreUnavailable."""
    code = four_eyes.code_of(vault, by)
    sealed = vault.seal(reason.encode(), table="agency_switch", row=agency, column="reason_sealed")

    async def put(run: Run) -> None:
        await run(
            "insert into agency_switch (agency, stopped_ms, until_ms, by_code, reason_sealed) values"
            " ($1, $2, $3, $4, $5) on conflict (agency) do update set stopped_ms = excluded.stopped_ms,"
            " until_ms = excluded.until_ms, by_code = excluded.by_code, reason_sealed = excluded.reason_sealed",
            agency,
            epoch_ms(at),
            None if until is None else epoch_ms(until),
            code,
            sealed,
        )
        await events.append(run, [_told(agency, "STOP", code, at)])

    await store.write(put)
    return Stop(agency, at, until, reason)


async def lift(run: Run, agency: str, code: str, at: datetime) -> bool:
    """Takes the stop away and makes what was held for it due now; False when there was none."""
    gone = await run("delete from agency_switch where agency = $1 returning agency", agency)
    if not gone:
        return False
    await run(
        "update operation set next_action_ms = $1 where agency = $2 and state = 'READY' and reason_code = 'paused'"
        " and next_action_ms > $1",
        epoch_ms(at),
        agency,
    )
    await events.append(run, [_told(agency, "GO", code, at)])
    return True


async def stops_of(store: Store, vault: Vault, now: datetime) -> list[Stop]:
    """What is stopped, by agency. Raises Tampered."""
    rows = await store.read(
        "select * from agency_switch where until_ms is null or until_ms > $1 order by agency", epoch_ms(now)
    )
    return [
        Stop(
            row["agency"],
            from_ms(row["stopped_ms"]),
            None if row["until_ms"] is None else from_ms(row["until_ms"]),
            vault.open(row["reason_sealed"], table="agency_switch", row=row["agency"], column="reason_sealed").decode(),
        )
        for row in rows
    ]


def _told(agency: str, action: str, code: str, at: datetime) -> NewEvent:
    return NewEvent(type="agency.switched", at=at, agency=agency, data={"action": action, "by": code})
