"""Cases as their readers see them: machine values and text keys; sentences are made at the edge, in a language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from aggregator.cases.lifecycle import State
from aggregator.citizens.envelopes import Envelopes, Erased
from aggregator.feed.events import TYPE_PREFIX
from aggregator.sdk.clock import from_ms
from aggregator.sdk.status import FINAL, Status
from aggregator.store import Store, Value

STALE_AFTER = timedelta(hours=24)
"""Knowledge of an open leg older than this is shown as stale, beside the shorter rule of its poll cadence."""


@dataclass(frozen=True, slots=True)
class LegRecord:
    """One agency's part of a case."""

    id: str
    agency: str
    status: Status
    effect: str
    agency_reference: str
    agency_code: str
    agency_text: str
    detail: str
    as_of: datetime
    checked_at: datetime | None
    source: str
    stale: bool
    next_try_at: datetime | None
    reason_code: str
    text_key: str
    text_args: Mapping[str, str]
    flagged: bool


@dataclass(frozen=True, slots=True)
class AskedRecord:
    """One thing asked of a leg's agency after its application: a slot, a payment, a withdrawal."""

    id: str
    leg_id: str
    agency: str
    name: str
    state: State
    held: bool
    """It was tried, and nothing could be sent yet."""
    reason_code: str
    agency_reference: str
    at: datetime
    """When it last moved."""


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """A case with its legs. `version` moves at every change; `settled` when no first word of an agency is awaited."""

    id: str
    number: str
    kind: str
    service_id: str
    portal_id: str
    citizen_id: str
    status: Status
    reason_code: str
    text_key: str
    text_args: Mapping[str, str]
    since: datetime
    as_of: datetime
    stale: bool
    next_check_at: datetime | None
    legs: tuple[LegRecord, ...]
    version: int
    created_at: datetime
    updated_at: datetime
    livemode: bool
    settled: bool
    asked: tuple[AskedRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class EventRecord:
    """A line of a case's timeline. `data` holds no personal data, by construction of the log."""

    id: str
    seq: int
    type: str
    at: datetime
    agency: str
    data: Mapping[str, Any]


_CASE = (
    "id, number, kind, service_id, portal_id, citizen_id, status, reason_code, text_key, text_args, since_ms, version,"
    " created_ms, updated_ms, livemode, settled"
)
_LEG = (
    "id", "agency", "status", "detail", "reason_code", "text_key", "text_args", "effect", "agency_reference",
    "agency_code", "agency_text_sealed", "source", "flagged", "as_of_ms", "checked_ms", "next_try_ms", "poll_due_ms",
)  # fmt: skip
_LEG_COLUMNS = ", ".join(f"l.{name} as leg_{name}" for name in _LEG)


async def load(store: Store, vault: Envelopes, now: datetime, where: str, *args: Value) -> list[CaseRecord]:
    """The cases that match a constant `where` clause of ours, newest first, each with its legs and what was asked.

    One read; a second only where something was asked after the application.
    """
    rows = await store.read(
        f"select c.*, {_LEG_COLUMNS}, (select count(*) from operation o where o.leg_id = l.id) as operations"  # noqa: S608 - our own clauses
        f" from (select {_CASE} from cases where {where}) c join leg l on l.case_id = c.id"
        " order by c.id desc, l.position",
        *args,
        inline=True,
    )
    more = [row["leg_id"] for row in rows if row["operations"] > 1]
    asked = await _asked(store, more) if more else {}
    cases: dict[str, tuple[Any, list[LegRecord]]] = {}
    for row in rows:
        cases.setdefault(row["id"], (row, []))[1].append(_leg_of(row, vault, now))
    return [_case_of(row, tuple(legs), asked) for row, legs in cases.values()]


async def _asked(store: Store, legs: list[str]) -> dict[str, list[AskedRecord]]:
    """What was asked of these legs after their first operation, oldest first."""
    marks = ", ".join(f"${n}" for n in range(1, len(legs) + 1))
    rows = await store.read(
        "select id, leg_id, agency, name, state, holds, reason_code, agency_reference, updated_ms from operation"  # noqa: S608 - placeholders
        f" where leg_id in ({marks}) order by created_ms, id",
        *legs,
        inline=True,
    )
    found: dict[str, list[AskedRecord]] = {}
    for row in rows:
        found.setdefault(row["leg_id"], []).append(_asked_of(row))
    return {leg: asked[1:] for leg, asked in found.items()}


def _asked_of(row: Any) -> AskedRecord:
    state = State(row["state"])
    return AskedRecord(
        id=row["id"],
        leg_id=row["leg_id"],
        agency=row["agency"],
        name=row["name"],
        state=state,
        held=state is State.READY and row["holds"] > 0,
        reason_code=row["reason_code"],
        agency_reference=row["agency_reference"],
        at=from_ms(row["updated_ms"]),
    )


def _words(vault: Envelopes, sealed: str, leg_id: str) -> str:
    """What the agency said last; nothing of a citizen who is being forgotten just now."""
    try:
        return vault.open(sealed, table="leg", row=leg_id, column="agency_text_sealed").decode() if sealed else ""
    except Erased:
        return ""


def _leg_of(row: Any, vault: Envelopes, now: datetime) -> LegRecord:
    words = row["leg_agency_text_sealed"]
    status = Status(row["leg_status"])
    as_of = from_ms(row["leg_as_of_ms"])
    checked = _time(row["leg_checked_ms"])
    fresh_at = max(as_of, checked or as_of)
    leg, source = row["leg_id"], row["leg_source"]
    return LegRecord(
        id=leg,
        agency=row["leg_agency"],
        status=status,
        effect=row["leg_effect"],
        agency_reference=row["leg_agency_reference"],
        agency_code=row["leg_agency_code"],
        agency_text=_words(vault, words, leg),
        detail=row["leg_detail"],
        as_of=fresh_at,
        checked_at=checked,
        source=source,
        stale=status not in FINAL and source == "agency" and now - fresh_at > STALE_AFTER,
        next_try_at=_time(row["leg_next_try_ms"] if row["leg_next_try_ms"] is not None else row["leg_poll_due_ms"]),
        reason_code=row["leg_reason_code"],
        text_key=row["leg_text_key"],
        text_args=orjson.loads(row["leg_text_args"]),
        flagged=bool(row["leg_flagged"]),
    )


def _case_of(row: Any, legs: tuple[LegRecord, ...], asked: Mapping[str, list[AskedRecord]]) -> CaseRecord:
    """The case in a row with its legs. Its knowledge is as old as that of its oldest open leg."""
    waits = [leg.next_try_at for leg in legs if leg.next_try_at is not None]
    return CaseRecord(
        id=row["id"],
        number=row["number"],
        kind=row["kind"],
        service_id=row["service_id"],
        portal_id=row["portal_id"],
        citizen_id=row["citizen_id"],
        status=Status(row["status"]),
        reason_code=row["reason_code"],
        text_key=row["text_key"],
        text_args=orjson.loads(row["text_args"]),
        since=from_ms(row["since_ms"]),
        as_of=min(leg.as_of for leg in legs),
        stale=any(leg.stale for leg in legs),
        next_check_at=min(waits, default=None),
        legs=legs,
        version=row["version"],
        created_at=from_ms(row["created_ms"]),
        updated_at=from_ms(row["updated_ms"]),
        livemode=bool(row["livemode"]),
        settled=bool(row["settled"]),
        asked=tuple(one for leg in legs for one in asked.get(leg.id, ())),
    )


def _time(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)


def event_of(row: Any) -> EventRecord:
    body = orjson.loads(row["body"])
    kind = body["type"].removeprefix(TYPE_PREFIX).removesuffix(".v1")
    return EventRecord(row["id"], row["seq"], kind, from_ms(row["at_ms"]), row["agency"], body["data"])
