"""How an agency's words move a leg: every reading is kept, and only a legal step in known words is obeyed.

Statuses are read by poll; who is due is in the store, so a restart forgets nobody. The same reading again moves
`checked_at` and nothing else. Source: docs/outcomes.md section 11.
"""

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from aggregator.cases import ledger, standing
from aggregator.cases.attempt import Desktop
from aggregator.cases.consolidate import Folded, fold, watched_view
from aggregator.cases.operation import COLUMNS, Operation, operation_of
from aggregator.cases.orders import order_of
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.feed.stream import Stream
from aggregator.registry.agency import Agency, Registry
from aggregator.sdk.clock import epoch_ms, new_id
from aggregator.sdk.errors import AgencyError, NotAttempted
from aggregator.sdk.model import Absent, Reading
from aggregator.sdk.status import FINAL, Status
from aggregator.store import Run, StoreUnavailable

SCAN_S = 1.0
BATCH = 20
MISSED_S = 60.0
"""When a poll was not answered: the next one, lengthened by what the agency or the breaker says."""


@dataclass(frozen=True, slots=True)
class Due:
    """A leg whose agency is to be asked, with the operation it hangs on."""

    leg_id: str
    agency_reference: str
    polls: int
    op: Operation


class Tracking:
    """The poller of this process."""

    def __init__(self, desk: Desktop, registry: Callable[[], Registry], stream: Stream) -> None:
        self._desk = desk
        self._registry = registry
        self._stream = stream

    async def run(self) -> None:
        """Polls what is due until cancelled; a store that is away is asked again."""
        while True:
            with suppress(StoreUnavailable):
                await self.poll_due()
            await self._desk.clock.sleep(SCAN_S)

    async def poll_due(self) -> int:
        """Polls the legs that are due now; how many."""
        due = await self._due()
        if due:
            await asyncio.gather(*(self.poll(leg) for leg in due))
        return len(due)

    async def _due(self) -> list[Due]:
        columns = ", ".join(f"o.{name.strip()}" for name in COLUMNS.split(","))
        rows = await self._desk.store.read(
            f"select {columns}, l.agency_reference as number, l.polls from leg l"  # noqa: S608 - constants
            " join operation o on o.id ="
            " (select f.id from operation f where f.leg_id = l.id order by f.created_ms, f.id limit 1)"
            " where l.poll_due_ms <= $1 order by l.poll_due_ms limit $2",
            epoch_ms(self._desk.clock.now()),
            BATCH,
        )
        return [Due(row["leg_id"], row["number"], row["polls"], operation_of(row)) for row in rows]

    async def poll(self, due: Due) -> None:
        """Asks the agency of one leg where it is."""
        agency = self._registry().agencies.get(due.op.agency)
        if agency is None or "track" not in agency.operations:
            await self._postpone(due, None)
            return
        asked_at = self._desk.clock.now()
        order = await order_of(self._desk.store, self._desk.vault, due.op)
        try:
            answer = await agency.guarded.read("track", order, cached=False, share="polling")
        except NotAttempted as error:
            await self._postpone(due, error.retry_after_s)
        except AgencyError as error:
            await self._postpone(due, getattr(error, "retry_after_s", None), type(error).__name__)
        else:
            await self._take(agency, due, _as_reading(answer.value), asked_at)

    async def _take(self, agency: Agency, due: Due, reading: Reading, asked_at: datetime) -> None:
        await self._desk.store.write(lambda run: self._record(run, agency, due, reading, asked_at))
        self._stream.wake(due.op.case_id)

    async def _record(self, run: Run, agency: Agency, due: Due, reading: Reading, asked_at: datetime) -> None:
        at = self._desk.clock.now()
        op = await ledger.operation(run, due.op.id)
        if op is None:
            return
        told: list[NewEvent] = []
        new = await self._keep(run, due, reading, asked_at)
        if new:
            folded = fold(await standing.readings_of(run, due.leg_id))
            told += _told(op, reading, new, folded, at)
            await self._words(run, due, reading, folded, new)
            await self._watched(run, agency, op)
            told += await standing.refresh(run, op, at)
        await self._checked(run, agency, due, at)
        await events.append(run, told)

    async def _keep(self, run: Run, due: Due, reading: Reading, asked_at: datetime) -> str:
        """Stores the reading; its dedupe key, or "" when the same reading is there already."""
        key = dedupe(due, reading)
        seen = await run("select id from reading where leg_id = $1 and dedupe = $2", due.leg_id, key)
        if seen:
            return ""
        reading_id = new_id("rdg", self._desk.clock, self._desk.chance)
        await run(
            "insert into reading (id, leg_id, dedupe, status, detail, agency_code, at_ms, polled_ms, remark_sealed,"
            " facts_sealed) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            reading_id,
            due.leg_id,
            key,
            reading.status.value,
            "" if reading.withheld else reading.detail,
            "" if reading.withheld else reading.agency_code[:200],
            None if reading.at is None else epoch_ms(reading.at),
            epoch_ms(asked_at),
            self._seal(due, reading.remark, reading_id, "remark_sealed"),
            self._seal(due, orjson.dumps(dict(reading.facts)).decode(), reading_id, "facts_sealed"),
        )
        return key

    def _seal(self, due: Due, text: str, row: str, column: str, table: str = "reading") -> str:
        return self._desk.vault.seal(text.encode(), owner=due.op.sealed_for, table=table, row=row, column=column)

    async def _words(self, run: Run, due: Due, reading: Reading, folded: Folded, key: str) -> None:
        """The agency's own words for the current status, sealed beside the leg."""
        if folded.current is None or folded.current.dedupe != key:
            return
        told = "" if reading.withheld else reading.remark
        words = self._seal(due, told, due.leg_id, "agency_text_sealed", "leg")
        facts = self._seal(due, orjson.dumps(dict(reading.facts)).decode(), due.leg_id, "facts_sealed", "leg")
        await run("update leg set agency_text_sealed = $1, facts_sealed = $2 where id = $3", words, facts, due.leg_id)

    async def _watched(self, run: Run, agency: Agency, op: Operation) -> None:
        """The leg this agency only tells of, if the offer names one and there is news of it."""
        offer = agency.manifest.offers.get(op.service)
        if offer is None or offer.watched is None:
            return
        view = watched_view(await standing.readings_of(run, op.leg_id), offer.watched, op)
        if view is not None:
            await standing.put_watched(run, op, view)

    async def _checked(self, run: Run, agency: Agency, due: Due, at: datetime) -> None:
        rows = await run("select status from leg where id = $1", due.leg_id)
        final = rows[0]["status"] in {status.value for status in FINAL}
        every_s = agency.poll.final_every_s if final else agency.poll.every_s
        next_ms = None if final and not every_s else epoch_ms(at) + round(every_s * 1000)
        await run(
            "update leg set checked_ms = $1, poll_due_ms = $2, polls = polls + 1 where id = $3",
            epoch_ms(at),
            next_ms,
            due.leg_id,
        )

    async def _postpone(self, due: Due, retry_after_s: float | None, why: str = "") -> None:
        agency = self._registry().agencies.get(due.op.agency)
        wait_s = max(min(MISSED_S, agency.poll.every_s if agency else MISSED_S), retry_after_s or 0.0)
        next_ms = epoch_ms(self._desk.clock.now()) + round(wait_s * 1000)
        told = [] if why != "ContractBroken" else [_unreadable(due.op, self._desk.clock.now())]

        async def put(run: Run) -> None:
            await run("update leg set poll_due_ms = $1 where id = $2", next_ms, due.leg_id)
            await events.append(run, told)

        await self._desk.store.write(put)


def _as_reading(answer: Reading | Absent) -> Reading:
    """A record the agency held and shows no more is news for people, and moves nothing: the last known status stays."""
    if isinstance(answer, Absent):
        return Reading(Status.UNKNOWN, answer.agency_code or "no record")
    return answer


def dedupe(due: Due, reading: Reading) -> str:
    """One reading, once: (agency, reference, raw word, stamp, content)."""
    stamp = "" if reading.at is None else reading.at.isoformat()
    content = orjson.dumps([reading.status.value, reading.detail, reading.remark, dict(sorted(reading.facts.items()))])
    parts = [due.op.agency, due.agency_reference, reading.agency_code, stamp, hashlib.sha256(content).hexdigest()]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def _told(op: Operation, reading: Reading, key: str, folded: Folded, at: datetime) -> list[NewEvent]:
    """What operators hear of a reading that was kept and not obeyed."""
    kinds = {
        "status.unmapped": folded.unmapped,
        "status.out-of-order": folded.out_of_order,
        "status.regressed": folded.regressed,
    }
    data: dict[str, Any] = {"agency_code": _code(reading), "status": reading.status.value}
    return [
        NewEvent(type=kind, at=at, case_id=op.case_id, agency=op.agency, data=data)
        for kind, keys in kinds.items()
        if key in keys
    ]


def _code(reading: Reading) -> str:
    """The agency's code if it is one; free words are told by their hash: they may name somebody."""
    code = reading.agency_code
    if reading.withheld:
        return ""
    if code and len(code) <= 40 and code.replace(".", "").replace("_", "").replace("-", "").isalnum():
        return code
    return "sha256:" + hashlib.sha256(code.encode()).hexdigest()[:16]


def _unreadable(op: Operation, at: datetime) -> NewEvent:
    return NewEvent(type="agency.contract-broken", at=at, agency=op.agency, data={"operation": "track"})
