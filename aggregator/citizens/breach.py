"""A breach pack: who was affected in a span of time, what was read or handed over, each line with its proof.

It is written while the city works, in pieces, and judged without it (`aggregator.feed.breach_verifier`). People are
named as the operations centre knows them: to tell them, the city looks each name up; whoever else reads the pack learns
nobody's name. The clock of the law runs from when it was noticed. Source: DPDP Rules 2025, rule 7.
"""

import base64
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from aggregator.citizens.accesses import Accesses, Kept, Span
from aggregator.citizens.pairwise import OPERATIONS
from aggregator.feed.audit import Audit, Checkpoint, Proof
from aggregator.feed.looks import line_hash
from aggregator.sdk.auth import Signer
from aggregator.sdk.clock import Clock, epoch_ms
from aggregator.store import Store

BOARD_WITHIN = timedelta(hours=72)
CERT_WITHIN = timedelta(hours=6)
LOOKS, SENT, PROOFS, AFFECTED, PACK = "looks.jsonl", "sent.jsonl", "proofs.jsonl", "affected.jsonl", "pack.jws"
ISSUER = "citizen-service-aggregator breach pack"
_PAGE = 1000
_SENT = (
    "select e.seq, e.at_ms, e.case_id, e.body, c.service_id, p.citizen_id from event e"
    " left join cases c on c.id = e.case_id left join citizen_pairwise p on p.pairwise_id = c.citizen_id"
    " where e.type = 'operation.sending' and e.agency = $1 and e.at_ms >= $2 and e.at_ms < $3 and e.seq > $4"
    " order by e.seq limit $5"
)


@dataclass(slots=True)
class Affected:
    """What was done with one citizen's things."""

    first_ms: int
    last_ms: int
    lines: int = 0
    what: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Told:
    """What the pack says in numbers. `unproved`: lines from before lines had proofs, or after the last signed root."""

    looks: int = 0
    sent: int = 0
    unproved: int = 0
    people: dict[str, Affected] = field(default_factory=dict)
    portals: set[str] = field(default_factory=set)
    nobody: int = 0
    """Sends for people who are no citizens of ours by record: the agency alone can say who they are."""

    def count(self, name: str, at_ms: int, what: str) -> None:
        one = self.people.setdefault(name, Affected(at_ms, at_ms))
        one.first_ms, one.last_ms = min(one.first_ms, at_ms), max(one.last_ms, at_ms)
        one.lines += 1
        one.what.add(what)


class BreachPack:
    """Writes packs. `name_for`: internal id and sector -> the pairwise id."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a pack is made from
        self,
        store: Store,
        accesses: Accesses,
        audit: Audit,
        signer: Signer,
        clock: Clock,
        name_for: Callable[[str, str], str],
    ) -> None:
        self._store = store
        self._accesses = accesses
        self._audit = audit
        self._signer = signer
        self._clock = clock
        self._name_for = name_for

    async def write(self, folder: Path, span: Span, noticed: datetime) -> Told:
        """The files of the pack in an empty folder; the last one signs the others."""
        root = await self._audit.catch_up()
        told = Told()
        with (folder / LOOKS).open("wb") as looks, (folder / PROOFS).open("wb") as proofs:
            async for page in self._pages(span):
                await self._looks(page, root, told, (looks, proofs))
        with (folder / SENT).open("wb") as sent:
            if span.agency:
                await self._sent(span, root, told, sent)
        with (folder / AFFECTED).open("wb") as people:
            for name, one in sorted(told.people.items()):
                line = {"citizen": name, "lines": one.lines, "what": sorted(one.what), "first_ms": one.first_ms,
                        "last_ms": one.last_ms}  # fmt: skip
                people.write(orjson.dumps(line) + b"\n")
        (folder / PACK).write_text(self._signed(folder, span, noticed, root, told), encoding="utf-8")
        return told

    async def _pages(self, span: Span) -> AsyncIterator[Sequence[Kept]]:
        after = ""
        while page := await self._accesses.between(span, after=after, limit=_PAGE):
            yield page
            after = str(page[-1].line[0])

    async def _looks(self, page: Sequence[Kept], root: Checkpoint | None, told: Told, out: tuple[Any, Any]) -> None:
        looks, proofs = out
        shown: dict[int, list[Kept]] = {}
        for one in page:
            looks.write(orjson.dumps({"event": one.event_seq, "line": list(one.line)}) + b"\n")
            shown.setdefault(one.event_seq, []).append(one)
            told.looks += 1
            told.portals.add(str(one.line[3]))
            told.count(str(one.line[2]), int(one.line[1]), str(one.line[5]))
        for seq, lines in shown.items():
            proof = await self._audit.proof(seq, root) if seq else None
            if proof is None:
                told.unproved += len(lines)
                continue
            hashes = [line_hash(kept.line) for kept in await self._accesses.batch(seq)]
            proofs.write(orjson.dumps({"event": seq, "hashes": hashes, **_shown(proof)}) + b"\n")

    async def _sent(self, span: Span, root: Checkpoint | None, told: Told, out: Any) -> None:
        last, begin, end = 0, epoch_ms(span.begin), epoch_ms(span.end)
        while rows := await self._store.read(_SENT, span.agency, begin, end, last, _PAGE):
            for row in rows:
                last, operation = int(row["seq"]), orjson.loads(row["body"])["data"].get("operation", "")
                name = self._name_for(row["citizen_id"], OPERATIONS) if row["citizen_id"] else ""
                proof = await self._audit.proof(last, root)
                line = {"event": last, "at_ms": int(row["at_ms"]), "citizen": name, "service": row["service_id"] or "",
                        "operation": operation, "proof": None if proof is None else _shown(proof)}  # fmt: skip
                out.write(orjson.dumps(line) + b"\n")
                told.sent += 1
                told.unproved += proof is None
                if name:
                    told.count(name, int(row["at_ms"]), f"{row['service_id']}/{operation}")
                else:
                    told.nobody += 1

    def _signed(self, folder: Path, span: Span, noticed: datetime, root: Checkpoint | None, told: Told) -> str:
        files = {name: _sha256(folder / name) for name in (LOOKS, SENT, PROOFS, AFFECTED)}
        return self._signer.sign(
            {
                "iss": ISSUER, "iat": int(self._clock.now().timestamp()), "files": files,
                "span": {"begin": span.begin.isoformat(), "end": span.end.isoformat(), "portal": span.portal_id,
                         "agency": span.agency, "assistant": span.assistant},
                "noticed": noticed.isoformat(), "board_by": (noticed + BOARD_WITHIN).isoformat(),
                "cert_by": (noticed + CERT_WITHIN).isoformat(),
                "counts": {"citizens": len(told.people), "looks": told.looks, "sent": told.sent,
                           "unproved": told.unproved, "nobody": told.nobody},
                "checkpoint": "" if root is None else root.signed,
            }
        )  # fmt: skip


def _shown(proof: Proof) -> dict[str, Any]:
    path = [base64.b64encode(step).decode() for step in proof.path]
    return {"leaf_index": proof.leaf_index, "logged": proof.event, "path": path}


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
