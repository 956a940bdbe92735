"""What a person sees before deciding: every attempt with its trail, every look, what came late, what others noted.

Answers of agencies are shown with their shape and without their people: names and numbers are masked, codes stay.
A note is in the words of whoever wrote it, for the eyes of those who decide; it never leaves the worklist.
Source: docs/outcomes.md sections 6, 9 and 14.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.citizens.envelopes import Envelopes
from aggregator.citizens.four_eyes import Proposal, proposal_of
from aggregator.sdk.clock import Chance, Clock, epoch_ms, from_ms, new_id
from aggregator.sdk.redact import mask_body
from aggregator.store import Run, Store

PERSON, LATE_ANSWER, CALLBACK = "person", "late_answer", "callback"
SHOWN_BYTES = 4000
MOST = 100


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One send. `sent`: no, maybe, or unknown where the sender died with its record. `reply` is masked."""

    n: int
    started_at: datetime
    ended_at: datetime | None
    sent: str
    answered: bool
    outcome: str
    why: str
    reply_status: int | None
    reply: str
    driver_version: str


@dataclass(frozen=True, slots=True)
class LookRecord:
    """One question to the agency by our reference, and what it led to."""

    n: int
    at: datetime
    result: str
    counted: bool
    control: str
    matches: int


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """A fact that came after its attempt, or from a person. `source`: person, late_answer or callback."""

    at: datetime
    source: str
    kind: str
    agency_reference: str
    text: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """All there is to decide by."""

    attempts: tuple[AttemptRecord, ...]
    looks: tuple[LookRecord, ...]
    evidence: tuple[EvidenceRecord, ...]
    proposal: Proposal | None

    @property
    def numbers(self) -> frozenset[str]:
        """The agency's numbers that machines have heard of since; one alone is a strong hint."""
        return frozenset(one.agency_reference for one in self.evidence if one.agency_reference and one.source != PERSON)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvidence:
    """A fact to keep beside an item. `body` is sealed; `by_code` is the code of a person's name, or empty."""

    item: str
    source: str
    kind: str
    agency_reference: str = ""
    by_code: str = ""
    body: bytes = b""


async def keep(run: Run, vault: Envelopes, clock: Clock, chance: Chance, fact: NewEvidence) -> None:
    """Keeps a fact as evidence, in the commit of whatever follows from it."""
    row, owner = new_id("evd", clock, chance), await _owner(run, fact.item)
    sealed = vault.seal(fact.body, owner=owner, table="evidence", row=row, column="body_sealed") if fact.body else ""
    await run(
        "insert into evidence (id, item, at_ms, source, kind, agency_reference, by_code, body_sealed)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        row,
        fact.item,
        epoch_ms(clock.now()),
        fact.source,
        fact.kind,
        fact.agency_reference,
        fact.by_code,
        sealed,
    )


async def _owner(run: Run, item_id: str) -> str:
    """Under whose key: of an item that is no operation nobody knows the citizen."""
    rows = await run("select sealed_for from operation where id = $1", item_id)
    return str(rows[0]["sealed_for"]) if rows else ""


async def dossier_of(store: Store, vault: Envelopes, item_id: str) -> Dossier:
    """Everything kept about an item; empty lists for one that never was an operation."""
    attempts = await store.read("select * from attempt where operation_id = $1 order by n limit $2", item_id, MOST)
    looks = await store.read("select * from look where operation_id = $1 order by n desc limit $2", item_id, MOST)
    facts = await store.read("select * from evidence where item = $1 order by at_ms desc, id limit $2", item_id, MOST)
    waiting = await store.read("select * from decision where item = $1 and state = 'PROPOSED'", item_id)
    return Dossier(
        tuple(_attempt(row, vault) for row in attempts),
        tuple(_look(row) for row in reversed(looks)),
        tuple(_evidence(row, vault) for row in reversed(facts)),
        proposal_of(waiting[0], vault.own) if waiting else None,
    )


def _attempt(row: Any, vault: Envelopes) -> AttemptRecord:
    place = f"{row['operation_id']}/{row['n']}"
    sealed = row["reply_sealed"]
    reply = vault.open(sealed, table="attempt", row=place, column="reply_sealed") if sealed else b""
    ended = row["ended_ms"]
    return AttemptRecord(
        n=row["n"],
        started_at=from_ms(row["started_ms"]),
        ended_at=None if ended is None else from_ms(ended),
        sent=row["sent"],
        answered=bool(row["answered"]),
        outcome=row["outcome"],
        why=row["why"],
        reply_status=row["reply_status"],
        reply=mask_body(reply)[:SHOWN_BYTES],
        driver_version=row["driver_version"],
    )


def _look(row: Any) -> LookRecord:
    return LookRecord(
        row["n"], from_ms(row["at_ms"]), row["result"], bool(row["counted"]), row["control"], row["matches"]
    )


def _evidence(row: Any, vault: Envelopes) -> EvidenceRecord:
    sealed = row["body_sealed"]
    body = vault.open(sealed, table="evidence", row=row["id"], column="body_sealed") if sealed else b""
    text = body.decode("utf-8", "replace") if row["source"] == PERSON else mask_body(body)
    return EvidenceRecord(
        from_ms(row["at_ms"]), row["source"], row["kind"], row["agency_reference"], text[:SHOWN_BYTES]
    )
