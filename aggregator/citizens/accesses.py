"""Who looked at what of whom, when and why: the citizen may read it, and so may whoever has to report a breach.

Noted in memory and written once a second, because a look must not cost a commit; a line repeated within a minute counts
once. Each writing leaves the digest of its lines in the log of events, so that they are under its signed roots.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import orjson
from cachetools import TTLCache

from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.sdk.clock import Chance, Clock, epoch_ms, from_ms, new_id
from aggregator.store import Row, Run, Store, StoreUnavailable

EVERY_S = 1.0
ONCE_S = 60.0
_MOST = 20_000
"""Lines waiting for a store that is away; beyond it the oldest are written first or lost with the process."""
_AT_ONCE = 25


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


class Accesses:
    """The list of looks. `note` never waits."""

    def __init__(self, store: Store, clock: Clock, chance: Chance) -> None:
        self._store = store
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

    async def between(
        self, begin: datetime, end: datetime, *, after: str = "", limit: int = 1000
    ) -> list[tuple[str, Seen]]:
        """Every look of a span with its id, oldest first, for a report of a breach."""
        rows = await self._store.read(
            "select * from access_record where at_ms >= $1 and at_ms < $2 and id > $3 order by id limit $4",
            epoch_ms(begin), epoch_ms(end), after, limit,
        )  # fmt: skip
        return [(str(row["id"]), _seen(row)) for row in rows]

    def _line(self, look: Look) -> tuple[str, int, Look]:
        return new_id("acc", self._clock, self._chance), epoch_ms(self._clock.now()), look

    async def _written(self, run: Run, *, lines: Sequence[tuple[str, int, Look]]) -> None:
        for line_id, at_ms, look in lines:
            await run(
                "insert into access_record (id, citizen_id, at_ms, portal_id, by_whom, what, purpose, agency,"
                " consent_id, assistant) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (id) do nothing",
                line_id, look.citizen_id, at_ms, look.portal_id, look.by_whom, look.what, look.purpose, look.agency,
                look.consent_id, look.assistant,
            )  # fmt: skip
        seen = [(line_id, Seen(from_ms(at_ms), look)) for line_id, at_ms, look in lines]
        told = {"looks": len(lines), "digest": digest(seen)}
        await events.append(run, [NewEvent(type="access.recorded", at=self._clock.now(), data=told)])


def digest(lines: Sequence[tuple[str, Seen]]) -> str:
    """SHA-256 over the lines as they are stored."""
    plain = [
        [line_id, epoch_ms(seen.at), seen.look.citizen_id, seen.look.portal_id, seen.look.by_whom, seen.look.what,
         seen.look.purpose, seen.look.agency, seen.look.consent_id, seen.look.assistant]
        for line_id, seen in lines
    ]  # fmt: skip
    return hashlib.sha256(orjson.dumps(plain)).hexdigest()


def _seen(row: Row) -> Seen:
    named = ("citizen_id", "portal_id", "by_whom", "what", "purpose", "agency", "consent_id", "assistant")
    return Seen(from_ms(int(row["at_ms"] or 0)), Look(**{name: str(row[name]) for name in named}))
