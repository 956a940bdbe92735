"""After a restore each agency that can list is asked for everything it took since the database remembers.

What it holds of ours and no row of ours knows is kept and put before people. It is asked again when the last thing
that was under way before the restore must have appeared; a list that failed is no list, and is asked for again.
Source: docs/outcomes.md section 13.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from aggregator.cases import forgotten
from aggregator.cases.attempt import Desktop
from aggregator.cases.forgotten import Record
from aggregator.cases.gap import Gap, gap_of
from aggregator.feed import events
from aggregator.registry.agency import Agency, Registry
from aggregator.sdk.clock import epoch_ms, from_ms
from aggregator.sdk.errors import AgencyError, NotAttempted
from aggregator.sdk.model import Order, Receipt
from aggregator.store import Run, StoreUnavailable

SCAN_S = 5.0
LIST_S = 300.0
"""Patience for one agency's whole list."""
AGAIN_MS = 60_000
AGAIN_MOST_MS = 3_600_000
BATCH = 50

log = logging.getLogger(__name__)


class Adoption:
    """The lists of this process."""

    def __init__(self, desk: Desktop, registry: Callable[[], Registry]) -> None:
        self._desk = desk
        self._registry = registry

    async def run(self) -> None:
        """Until cancelled; a store that is away is asked again."""
        while True:
            with suppress(StoreUnavailable):
                await self.look()
            await self._desk.clock.sleep(SCAN_S)

    async def look(self) -> None:
        """One round: asks whoever can list and is due; agencies side by side."""
        now_ms = epoch_ms(self._desk.clock.now())
        gap = await gap_of(self._desk.store.read, now_ms)
        if gap is None:
            return
        rows = await self._desk.store.read(
            "select agency, next_ms, tries from agency_listed where quarantine_id = $1", gap.id
        )
        asked = {row["agency"]: row for row in rows}
        due = [
            (agency, asked[agency.id]["tries"] if agency.id in asked else 0)
            for agency in self._registry().agencies.values()
            if "changes" in agency.operations and agency.enabled and _is_due(asked.get(agency.id), now_ms)
        ]
        await asyncio.gather(*(self._ask(agency, gap, tries) for agency, tries in due))

    async def _ask(self, agency: Agency, gap: Gap, tries: int) -> None:
        now = self._desk.clock.now()
        form = {"from": gap.begins.isoformat(), "to": from_ms(epoch_ms(now) + AGAIN_MOST_MS).isoformat()}
        order = Order("", "", form, at=gap.begins)
        try:
            answer = await agency.guarded.read("changes", order, deadline_s=LIST_S, cached=False, share="settling")
        except (AgencyError, NotAttempted) as error:
            log.warning("agency.not_listed", extra={"agency": agency.id, "why": type(error).__name__})
            wait_ms = min(AGAIN_MS * 2 ** min(tries, 10), AGAIN_MOST_MS)
            await self._note(
                agency, gap, outcome=type(error).__name__, tries=tries + 1, next_ms=epoch_ms(now) + wait_ms
            )
            return
        records: list[Receipt] = answer.value
        for at in range(0, len(records), BATCH):
            batch = records[at : at + BATCH]
            await self._desk.store.write(lambda run, batch=batch: self._keep(run, agency, batch, gap))  # type: ignore[misc]
        last_ms = gap.since_ms + appears_ms(agency)
        next_ms = None if epoch_ms(now) >= last_ms else last_ms
        await self._note(agency, gap, outcome="listed", tries=0, next_ms=next_ms, records=len(records))

    async def _keep(self, run: Run, agency: Agency, batch: list[Receipt], gap: Gap) -> None:
        told = []
        for receipt in await forgotten.unknown(run, agency.id, batch, gap.remembers_ms):
            told += await forgotten.keep(run, self._desk, Record(agency.id, receipt))
        await events.append(run, told)

    async def _note(  # noqa: PLR0913 - one row's columns
        self, agency: Agency, gap: Gap, *, outcome: str, tries: int, next_ms: int | None, records: int = 0
    ) -> None:
        async def put(run: Run) -> None:
            held = await run(
                "select count(*) as n from forgotten where agency = $1 and found_ms >= $2", agency.id, gap.since_ms
            )
            await run(
                "insert into agency_listed (quarantine_id, agency, records, forgotten, outcome, tries, next_ms)"
                " values ($1, $2, $3, $4, $5, $6, $7) on conflict (quarantine_id, agency) do update set"
                " records = excluded.records, forgotten = excluded.forgotten, outcome = excluded.outcome,"
                " tries = excluded.tries, next_ms = excluded.next_ms",
                gap.id,
                agency.id,
                records,
                held[0]["n"],
                outcome,
                tries,
                next_ms,
            )

        await self._desk.store.write(put)


def _is_due(asked: object, now_ms: int) -> bool:
    if asked is None:
        return True
    next_ms = asked["next_ms"]  # type: ignore[index]
    return next_ms is not None and next_ms <= now_ms


def appears_ms(agency: Agency) -> int:
    """After how long everything that was sent before must be in the agency's list."""
    late = (one.wire_linger_s + (one.max_apply_delay_s or 0.0) + one.query_lag_s for one in agency.operations.values())
    return round(max(late, default=0.0) * 1000)
