"""Who looked at what of whom, when and why: the citizen may read it, and so may whoever has to report a breach.

Noted in memory and written once a second, because a look must not cost a commit; a line repeated within a minute counts
once. Each writing leaves the digest of its lines in the log of events, so that they are under its signed roots.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from cachetools import TTLCache

from aggregator.citizens.pairwise import OPERATIONS
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.feed.looks import Line, digest, line_hash
from aggregator.sdk.clock import Chance, Clock, epoch_ms, from_ms, new_id, ulid_time
from aggregator.store import Row, Run, Store, StoreUnavailable

EVERY_S = 1.0
ONCE_S = 60.0
_MOST = 20_000
"""Lines waiting for a store that is away; beyond it the oldest are written first or lost with the process."""
_AT_ONCE = 25
_EVENTS_AT_ONCE = 200
_SLACK = timedelta(minutes=10)
"""A line's id and its time are taken one after the other, and clocks are set back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look, or one act of somebody for the citizen.

    `by_whom` is CITIZEN, PORTAL, AGENCY or ASSISTANT; `what` a word such as PROFILE, BILLS or OPEN_CASE; `assistant`
    the pseudonym of who acted for the citizen.
    """

    citizen_id: str
    portal_id: str
    by_whom: str
    what: str
    purpose: str = ""
    agency: str = ""
    consent_id: str = ""
    assistant: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A look that was written down, with its time (UTC)."""

    at: datetime
    look: Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which looks: between two times (UTC), of one portal, about one agency, by one assistant; empty: all."""

    begin: datetime
    end: datetime
    portal_id: str = ""
    agency: str = ""
    assistant: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A line and the event it is under; 0 for one from before there were such events."""

    event_seq: int
    line: Line


class Accesses:
    """The list of looks. `note` never waits."""

    def __init__(self, store: Store, clock: Clock, chance: Chance, name_for: Callable[[str, str], str]) -> None:
        """`name_for`: internal id and sector -> the pairwise id (`Pairwise.of`)."""
        self._store = store
        self._name_for = name_for
        self._clock = clock
        self._chance = chance
        self._waiting: list[tuple[str, int, Look]] = []
        self._lately: TTLCache[Look, bool] = TTLCache(_MOST, ONCE_S, timer=clock.monotonic)

    def note(self, look: Look) -> None:
        if look in self._lately or not look.citizen_id:
            return
        self._lately[look] = True
        self._waiting.append(self._line(look))
        del self._waiting[:-_MOST]

    async def record(self, look: Look) -> None:
        """On disk when this returns, each one a line of its own: for what must not happen unrecorded."""
        lines = [self._line(look)]
        await self._store.write(partial(self._written, lines=lines))

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._clock.sleep(EVERY_S)
            with suppress(StoreUnavailable):
                await self.flush()

    async def flush(self) -> None:
        """Everything noted so far is on disk. Raises StoreUnavailable; then it is kept for the next time."""
        while self._waiting:
            lines = self._waiting[:_AT_ONCE]
            await self._store.write(partial(self._written, lines=lines))
            del self._waiting[: len(lines)]

    async def of(self, citizen_id: str, limit: int = 500) -> list[Seen]:
        """Newest first."""
        rows = await self._store.read(
            "select * from access_record where citizen_id = $1 order by id desc limit $2", citizen_id, limit
        )
        return [_seen(row) for row in rows]

    async def between(self, span: Span, *, after: str = "", limit: int = 1000) -> list[Kept]:
        """The looks of a span, oldest first, for a report of a breach."""
        # By id, which begins with the time: an index on the time alone would sort what is left once for each page.
        first, last = (f"acc_{ulid_time(at)}" for at in (span.begin - _SLACK, span.end + _SLACK))
        rows = await self._store.read(
            "select * from access_record where +at_ms >= $1 and +at_ms < $2 and id > $3 and id < $4"
            " and ($5 = '' or portal_id = $5) and ($6 = '' or agency = $6) and ($7 = '' or assistant = $7)"
            " order by id limit $8",
            epoch_ms(span.begin), epoch_ms(span.end), max(after, first), last, span.portal_id, span.agency,
            span.assistant, limit,
        )  # fmt: skip
        return [self._kept(row) for row in rows]

    async def batches(self, event_seqs: Sequence[int]) -> list["Kept"]:
        """Every line under each of these events, in the order of its digest."""
        found: list[Kept] = []
        for at in range(0, len(event_seqs), _EVENTS_AT_ONCE):
            asked = event_seqs[at : at + _EVENTS_AT_ONCE]
            marks = ", ".join(f"${n}" for n in range(1, len(asked) + 1))
            rows = await self._store.read(
                f"select * from access_record where event_seq in ({marks}) order by event_seq, id",  # noqa: S608 - placeholders
                *asked,
            )
            found += [self._kept(row) for row in rows]
        return found

    def told(self, line_id: str, at_ms: int, look: Look) -> Line:
        """The line as the log's digest knows it."""
        name = self._name_for(look.citizen_id, OPERATIONS)
        return (
            line_id, at_ms, name, look.portal_id, look.by_whom, look.what, look.purpose, look.agency, look.consent_id,
            look.assistant,
        )  # fmt: skip

    def _kept(self, row: Row) -> Kept:
        return Kept(int(row["event_seq"] or 0), self.told(str(row["id"]), int(row["at_ms"] or 0), _seen(row).look))

    def _line(self, look: Look) -> tuple[str, int, Look]:
        return new_id("acc", self._clock, self._chance), epoch_ms(self._clock.now()), look

    async def _written(self, run: Run, *, lines: Sequence[tuple[str, int, Look]]) -> None:
        hashes = (line_hash(self.told(*line)) for line in sorted(lines, key=lambda line: line[0]))
        told = {"looks": len(lines), "digest": digest(hashes)}
        seq = await events.append(run, [NewEvent(type="access.recorded", at=self._clock.now(), data=told)])
        for line_id, at_ms, look in lines:
            await run(
                "insert into access_record (id, citizen_id, at_ms, portal_id, by_whom, what, purpose, agency,"
                " consent_id, assistant, event_seq) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
                " on conflict (id) do nothing",
                line_id, look.citizen_id, at_ms, look.portal_id, look.by_whom, look.what, look.purpose, look.agency,
                look.consent_id, look.assistant, seq,
            )  # fmt: skip


def _seen(row: Row) -> Seen:
    named = ("citizen_id", "portal_id", "by_whom", "what", "purpose", "agency", "consent_id", "assistant")
    return Seen(from_ms(int(row["at_ms"] or 0)), Look(**{name: str(row[name]) for name in named}))
