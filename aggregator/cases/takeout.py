"""A citizen's cases with all that was said in them, over every portal they came through, to be taken along.

The counter shows a portal its own cases; this shows the citizen theirs. What was written on the wire is left out: it is
the form and the agency's answer once more, in the agency's dialect.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from aggregator.cases.attempt import Desktop
from aggregator.cases.receipt import receipt_claims
from aggregator.cases.record import CaseRecord, EventRecord, event_of, load
from aggregator.citizens.envelopes import Erased
from aggregator.sdk.auth import Signer
from aggregator.sdk.clock import from_ms

_PAGE = 50
_EVENTS = "select id, seq, agency, at_ms, body from event where case_id = $1 order by seq"


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenCase:
    """A case, opened. `facts`: leg id -> what its agency told of it; `readings`: each time it told, oldest first."""

    record: CaseRecord
    form: dict[str, Any]
    asked: list[dict[str, Any]]
    facts: dict[str, Any]
    readings: list[dict[str, Any]]
    events: list[EventRecord]
    documents: dict[str, str]
    receipt: str


class Takeout:
    """Reads them page by page."""

    def __init__(self, desk: Desktop, signer: Signer) -> None:
        self._desk = desk
        self._signer = signer

    async def cases(self, citizen_ids: Sequence[str]) -> AsyncIterator[TakenCase]:
        """Newest first. `citizen_ids`: every pairwise id of one citizen."""
        marks = ", ".join(f"${at + 2}" for at in range(1, len(citizen_ids) + 1))
        after = "~"
        while citizen_ids:
            where = f"id < $1 and citizen_id in ({marks}) order by id desc limit $2"
            page = await load(
                self._desk.store, self._desk.vault, self._desk.clock.now(), where, after, _PAGE, *citizen_ids
            )
            for record in page:
                yield await self._opened(record)
            if len(page) < _PAGE:
                return
            after = page[-1].id

    async def _opened(self, record: CaseRecord) -> TakenCase:
        store = self._desk.store
        [row] = await store.read("select form_sealed from cases where id = $1", record.id)
        legs = await store.read("select id, facts_sealed from leg where case_id = $1", record.id)
        events = await store.read(_EVENTS, record.id)
        papers = await store.read("select field, document_id from case_document where case_id = $1", record.id)
        return TakenCase(
            record=record,
            form=self._open(row["form_sealed"], "cases", record.id, "form_sealed") or {},
            asked=await self._asked(record.id),
            facts={leg["id"]: self._open(leg["facts_sealed"], "leg", leg["id"], "facts_sealed") for leg in legs},
            readings=await self._readings(record.id),
            events=[event_of(event) for event in events],
            documents={paper["field"]: paper["document_id"] for paper in papers},
            receipt=self._signer.sign(await receipt_claims(store, self._desk.vault, record)),
        )  # fmt: skip

    async def _asked(self, case_id: str) -> list[dict[str, Any]]:
        """What was asked of agencies: which operation, when, and what the citizen said with it."""
        rows = await self._desk.store.read(
            "select id, agency, name, state, reference, agency_reference, created_ms, form_sealed from operation"
            " where case_id = $1 order by created_ms, id",
            case_id,
        )
        return [
            {
                "agency": row["agency"], "operation": row["name"], "state": row["state"], "reference": row["reference"],
                "agency_reference": row["agency_reference"], "at": _time(row["created_ms"]),
                "form": self._open(row["form_sealed"], "operation", row["id"], "form_sealed") or {},
            }
            for row in rows
        ]  # fmt: skip

    async def _readings(self, case_id: str) -> list[dict[str, Any]]:
        rows = await self._desk.store.read(
            "select r.id, r.status, r.agency_code, r.polled_ms, r.remark_sealed, r.facts_sealed, l.agency"
            " from reading r join leg l on l.id = r.leg_id where l.case_id = $1 order by r.polled_ms, r.id",
            case_id,
        )
        return [
            {
                "agency": row["agency"], "status": row["status"], "agency_code": row["agency_code"],
                "at": _time(row["polled_ms"]), "remark": self._text(row["remark_sealed"], row["id"]),
                "facts": self._open(row["facts_sealed"], "reading", row["id"], "facts_sealed") or {},
            }
            for row in rows
        ]  # fmt: skip

    def _text(self, sealed: str, row: str) -> str:
        try:
            return (
                self._desk.vault.open(sealed, table="reading", row=row, column="remark_sealed").decode()
                if sealed
                else ""
            )
        except Erased:
            return ""

    def _open(self, sealed: str, table: str, row: str, column: str) -> Any:
        try:
            return orjson.loads(self._desk.vault.open(sealed, table=table, row=row, column=column)) if sealed else None
        except Erased:  # forgotten this moment
            return None


def _time(at_ms: int) -> str:
    return from_ms(at_ms).isoformat().replace("+00:00", "Z")
