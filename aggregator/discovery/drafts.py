"""A form begun today and finished next week: kept sealed, resumed anywhere, gone by itself after a month.

A draft is nobody's application: it has no number, no agency has heard of it, and mistakes in it are no errors yet. Two
phones that change the same draft do not overwrite each other: the second one is told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

import orjson

from aggregator.sdk.clock import Chance, Clock, epoch_ms, from_ms, new_id
from aggregator.store import Row, Run, Store

KEPT_MS = 30 * 86_400_000
_COLUMNS = "id, portal_id, citizen_id, service_id, version, body_sealed, created_ms, updated_ms, expires_ms"


class Sealer(Protocol):
    """`aggregator.citizens.envelopes.Envelopes`, of which this room sees some doors."""

    async def key_for(self, citizen_id: str) -> str: ...

    def seal(self, plain: bytes, *, owner: str, table: str, row: str, column: str) -> str: ...

    def open(self, sealed: str, *, table: str, row: str, column: str) -> bytes: ...

    def named(self, sealed: str) -> str: ...

    def forget(self, owners: Iterable[str]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """`form` is what is known so far; `passed` are fields the citizen chose to leave open. Both are personal data."""

    id: str
    portal_id: str
    citizen_id: str
    service_id: str
    form: Mapping[str, Any]
    passed: Sequence[str] = field(default_factory=tuple)
    version: int = 1
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    sealed_for: str
    """The name of the key it is sealed under."""


class DraftMoved(Exception):
    """Somebody changed the draft meanwhile."""


class Drafts:
    """All drafts of the city. Everything is asked for in the name of a portal, and of its citizen if there is one."""

    def __init__(self, store: Store, sealer: Sealer, clock: Clock, chance: Chance) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._chance = chance

    async def begin(self, portal_id: str, citizen_id: str, service_id: str, form: Mapping[str, Any]) -> Draft:
        """A new draft. Raises StoreUnavailable."""
        now = self._clock.now().replace(microsecond=0)
        made = Draft(
            id=new_id("drf", self._clock, self._chance), portal_id=portal_id, citizen_id=citizen_id,
            service_id=service_id, form=form, created_at=now, updated_at=now, expires_at=_end(now),
            sealed_for=await self._sealer.key_for(citizen_id),
        )  # fmt: skip
        await self._store.write(
            lambda run: run(
                f"insert into draft ({_COLUMNS}) values ($1, $2, $3, $4, 1, $5, $6, $7, $8)",  # noqa: S608 - a constant
                made.id, portal_id, citizen_id, service_id, self._sealed(made), epoch_ms(now), epoch_ms(now),
                epoch_ms(made.expires_at),
            )
        )  # fmt: skip
        return made

    async def get(self, draft_id: str, portal_id: str, citizen_id: str, service_id: str) -> Draft | None:
        """The draft, if it is this portal's, this citizen's, of this service, and its time is not over."""
        rows = await self._store.read(
            f"select {_COLUMNS} from draft where id = $1 and portal_id = $2 and citizen_id = $3 and service_id = $4"  # noqa: S608 - a constant
            " and expires_ms > $5",
            draft_id, portal_id, citizen_id, service_id, epoch_ms(self._clock.now()), inline=True,
        )  # fmt: skip
        return self._draft(rows[0]) if rows else None

    async def of(self, portal_id: str, citizen_id: str, service_id: str) -> list[Draft]:
        """The drafts of one service, oldest first."""
        rows = await self._store.read(
            f"select {_COLUMNS} from draft where portal_id = $1 and citizen_id = $2 and service_id = $3"  # noqa: S608 - a constant
            " and expires_ms > $4 order by id limit 50",
            portal_id, citizen_id, service_id, epoch_ms(self._clock.now()),
        )  # fmt: skip
        return [self._draft(row) for row in rows]

    async def change(self, draft: Draft, form: Mapping[str, Any], passed: Sequence[str] = ()) -> Draft:
        """The draft with another content, and a month more. Raises DraftMoved."""
        now = self._clock.now().replace(microsecond=0)
        made = replace(
            draft, form=form, passed=tuple(passed), version=draft.version + 1, updated_at=now, expires_at=_end(now),
            sealed_for=draft.sealed_for or await self._sealer.key_for(draft.citizen_id),
        )  # fmt: skip

        async def put(run: Run) -> bool:
            return bool(
                await run(
                    "update draft set body_sealed = $1, version = $2, updated_ms = $3, expires_ms = $4"
                    " where id = $5 and version = $6 returning id",
                    self._sealed(made), made.version, epoch_ms(now), epoch_ms(made.expires_at), draft.id, draft.version,
                )
            )  # fmt: skip

        if not await self._store.write(put):
            raise DraftMoved
        return made

    async def remove(self, draft: Draft) -> None:
        await self._store.write(lambda run: run("delete from draft where id = $1", draft.id))
        self._sealer.forget([draft.sealed_for])

    async def erase(self, portal_id: str, citizen_id: str) -> int:
        """Deletes all drafts of a citizen; how many. For erasure."""
        rows = await self._store.write(
            lambda run: run(
                "delete from draft where portal_id = $1 and citizen_id = $2 returning id", portal_id, citizen_id
            )
        )
        return len(rows)

    async def tidy(self) -> int:
        """Deletes what has had its time; how many."""
        now_ms = epoch_ms(self._clock.now())
        rows = await self._store.write(
            lambda run: run("delete from draft where expires_ms <= $1 returning body_sealed", now_ms)
        )
        self._sealer.forget(self._sealer.named(row["body_sealed"]) for row in rows)
        return len(rows)

    def _sealed(self, draft: Draft) -> str:
        body = orjson.dumps({"form": dict(draft.form), "passed": list(draft.passed)})
        return self._sealer.seal(body, owner=draft.sealed_for, table="draft", row=draft.id, column="body_sealed")

    def _draft(self, row: Row) -> Draft:
        body = orjson.loads(self._sealer.open(row["body_sealed"], table="draft", row=row["id"], column="body_sealed"))
        return Draft(
            id=row["id"], portal_id=row["portal_id"], citizen_id=row["citizen_id"], service_id=row["service_id"],
            form=body["form"], passed=tuple(body["passed"]), version=row["version"],
            created_at=from_ms(row["created_ms"]), updated_at=from_ms(row["updated_ms"]),
            expires_at=from_ms(row["expires_ms"]), sealed_for=self._sealer.named(row["body_sealed"]),
        )  # fmt: skip


def _end(now: datetime) -> datetime:
    return from_ms(epoch_ms(now) + KEPT_MS)
