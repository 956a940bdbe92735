"""What this room's tables hold of one citizen, opened, to be taken along: every row, and nothing of anybody else's.

A table stands here with the columns that are the citizen's to have. What is left out is left out by name, and a test
compares the tables of the database with this list: one that comes later and is forgotten here does not pass.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aggregator.citizens.nominations import theirs
from aggregator.citizens.seals import Seals
from aggregator.citizens.vault import Tampered
from aggregator.sdk.clock import from_ms
from aggregator.store import Row, Store

_PAGE = 500
Opened = Callable[[Row, Any], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Kept:
    """One table: its name in the archive, its key, the plain columns, and (column, member) of what is sealed."""

    table: str
    key: str
    plain: tuple[str, ...]
    sealed: tuple[tuple[str, str], ...] = ()
    whose: str = "citizen_id"


OWN: Mapping[str, Kept] = {
    "logins": Kept("citizen_login", "issuer", ("issuer", "created_ms")),
    "known_to": Kept("citizen_pairwise", "pairwise_id", ("sector", "created_ms")),
    "links": Kept(
        "link", "id",
        ("id", "agency", "service_id", "kind", "state", "portal_id", "created_ms", "verified_ms", "revoked_ms"),
        (("form", "identifiers"), ("shown", "shown")),
    ),
    "sessions": Kept(
        "session", "id",
        ("id", "portal_id", "purpose", "state", "channel", "language", "delivery", "created_ms", "verified_ms",
         "expires_ms"),
    ),
    "looks": Kept(
        "access_record", "id",
        ("at_ms", "portal_id", "by_whom", "what", "purpose", "agency", "consent_id", "assistant"),
    ),
    "assistances": Kept(
        "assistance", "id",
        ("id", "portal_id", "consent_id", "by_whom", "assistant", "tasks", "minutes", "asked_ms", "until_ms"),
    ),
    "nominations": Kept(
        "nomination", "id", ("id", "state", "portal_id", "named_ms", "until_ms", "answered_ms", "ended_ms"),
        (("nominee", "nominee"),),
    ),
    "named_by_others": Kept(
        "nomination", "id", ("id", "state", "named_ms", "answered_ms", "ended_ms"), whose="nominee_id"
    ),
    "nominees_requests": Kept(
        "nominee_claim", "id",
        ("id", "nomination_id", "portal_id", "why", "certificate", "state", "asked_ms", "decided_ms", "from_ms",
         "until_ms", "consent_id"),
        (("evidence", "certificate_number"),),
    ),
    "requests_as_nominee": Kept(
        "nominee_claim", "id",
        ("id", "nomination_id", "portal_id", "why", "certificate", "state", "asked_ms", "decided_ms", "from_ms",
         "until_ms"),
        whose="nominee_id",
    ),
    "notices": Kept("citizen_notice", "id", ("what", "at_ms", "done_ms")),
    "erasure": Kept("erasure", "citizen_id", ("asked_ms", "due_ms", "state")),
}  # fmt: skip
"""Everything of the room that needs no knowledge of another; profile, its history and consents are made elsewhere."""


class Belongings:
    """Reads them. `citizen_id` is the internal one; records that were merged into the citizen's come along."""

    def __init__(self, store: Store, seals: Seals) -> None:
        self._store = store
        self._seals = seals

    async def of(self, name: str, citizen_id: str) -> list[dict[str, Any]]:
        """The rows of one of `OWN`, oldest first, with times as RFC 3339."""
        kept = OWN[name]
        return [self._told(kept, row) async for row in self._rows(kept.table, kept.key, kept.whose, citizen_id)]

    async def changes(self, citizen_id: str) -> list[dict[str, Any]]:
        """The record's history, oldest first; `before` is what the record said before a change."""
        found = []
        version: dict[str, int] = {}
        async for row in self._rows("citizen_change", "id", "citizen_id", citizen_id):
            told = _plain(row, ("at_ms", "what", "fields", "portal_id"))
            if row["before_sealed"]:
                before, version[row["citizen_id"]] = self._before(row, version.get(row["citizen_id"], 0))
                told["before"] = before
            found.append(told)
        return found

    async def names(self, citizen_id: str) -> list[str]:
        """Every pairwise id of the citizen: under these lie cases, payments, documents and drafts."""
        return [
            row["pairwise_id"] async for row in self._rows("citizen_pairwise", "pairwise_id", "citizen_id", citizen_id)
        ]

    async def places(self, table: str, columns: Sequence[str], names: Sequence[str]) -> list[Row]:
        """The distinct values of these columns in a table of another room, over the citizen's pairwise ids."""
        if not names:
            return []
        marks = ", ".join(f"${at}" for at in range(1, len(names) + 1))
        return list(
            await self._store.read(
                f"select distinct {', '.join(columns)} from {table} where citizen_id in ({marks})",  # noqa: S608 - ours
                *names,
            )
        )

    async def _rows(self, table: str, key: str, whose: str, citizen_id: str) -> AsyncIterator[Row]:
        after = ""
        while True:
            rows = await self._store.read(
                # substr(x, 1) is x, and no order an index has: the citizen's few are found first, and sorted.
                f"select * from {table} where {theirs(whose)} and substr({key}, 1) > $2"  # noqa: S608 - ours
                f" order by substr({key}, 1) limit $3",
                citizen_id, after, _PAGE,
            )  # fmt: skip
            for row in rows:
                yield row
            if len(rows) < _PAGE:
                return
            after = rows[-1][key]

    def _told(self, kept: Kept, row: Row) -> dict[str, Any]:
        told = _plain(row, kept.plain)
        for column, member in kept.sealed:
            told[member] = self._seals.open(
                row["citizen_id"], row[f"{column}_sealed"], table=kept.table, row=row["id"], column=column
            )
        return told

    def _before(self, row: Row, version: int) -> tuple[Any, int]:
        """What was sealed under the version it had; the row does not say which, so the next ones are tried."""
        for tried in range(version + 1, version + 1000):
            try:
                before = self._seals.open(
                    row["citizen_id"], row["before_sealed"], table="citizen_change", row=str(tried), column="before"
                )
            except Tampered:
                continue
            return before, tried
        raise Tampered("no version of the record opens what a change kept")


def _plain(row: Row, columns: Sequence[str]) -> dict[str, Any]:
    return {_member(name): _value(name, row[name]) for name in columns if row[name] not in {None, ""}}


def _member(column: str) -> str:
    return (
        f"{column.removesuffix('_ms')}_at"
        if column.endswith("_ms") and column != "at_ms"
        else column.removesuffix("_ms")
    )


def _value(column: str, value: Any) -> Any:
    if column.endswith("_ms"):
        return from_ms(int(value)).isoformat().replace("+00:00", "Z")
    return value.split() if column in {"fields", "tasks"} else value
