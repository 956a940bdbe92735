"""A breach pack: who was affected in a span of time, what was read or handed over, each line with its proof.

It is written while the city works, in pieces that fit into memory however many there are, and judged without the city
(`aggregator.feed.breach_verifier`). People are named as the operations centre knows them: to tell them, the city looks
each name up; whoever else reads the pack learns nobody's name. The clock of the law runs from when it was noticed.
Source: DPDP Rules 2025, rule 7.
"""

import base64
import hashlib
from collections import Counter
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
from aggregator.feed.prover import Prover
from aggregator.feed.spill import Spill
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
class Told:
    """What the pack says in numbers. `unproved`: lines from before lines had proofs, or after the last signed root."""

    looks: int = 0
    sent: int = 0
    unproved: int = 0
    people: int = 0
    what: set[str] = field(default_factory=set)
    nobody: int = 0
    """Sends for people who are no citizens of ours by record: the agency alone can say who they are."""


@dataclass(frozen=True, slots=True)
class _Writing:
    """A pack on its way to disk."""

    told: Told
    prover: Prover
    people: Spill

    def count(self, name: str, at_ms: int, what: str) -> None:
        self.people.add(name, b"%d %b" % (at_ms, what.encode()))
        self.told.what.add(what)


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
        root, told = await self._audit.catch_up(), Told()
        with Spill(folder, "people") as people:
            writing = _Writing(told, Prover(self._store, root), people)
            with (folder / LOOKS).open("wb") as looks, (folder / PROOFS).open("wb") as proofs:
                async for page in self._pages(span):
                    await self._looks(page, writing, (looks, proofs))
            with (folder / SENT).open("wb") as sent:
                if span.agency:
                    await self._sent(span, writing, sent)
            with (folder / AFFECTED).open("wb") as affected:
                for name, lines in people.groups():
                    affected.write(_affected(name, lines))
                    told.people += 1
        (folder / PACK).write_text(self._signed(folder, span, noticed, root, told), encoding="utf-8")
        return told

    async def _pages(self, span: Span) -> AsyncIterator[Sequence[Kept]]:
        after = ""
        while page := await self._accesses.between(span, after=after, limit=_PAGE):
            yield page
            after = str(page[-1].line[0])

    async def _looks(self, page: Sequence[Kept], writing: _Writing, out: tuple[Any, Any]) -> None:
        (looks, proofs), told = out, writing.told
        shown: Counter[int] = Counter()
        for one in page:
            looks.write(orjson.dumps({"event": one.event_seq, "line": list(one.line)}) + b"\n")
            shown[one.event_seq] += 1
            told.looks += 1
            writing.count(str(one.line[2]), int(one.line[1]), str(one.line[5]))
        proved = await writing.prover.proofs([seq for seq in shown if seq])
        hashes: dict[int, list[str]] = {seq: [] for seq in proved}
        for kept in await self._accesses.batches(list(proved)):
            hashes[kept.event_seq].append(line_hash(kept.line))
        for seq, proof in proved.items():
            proofs.write(orjson.dumps({"event": seq, "hashes": hashes[seq], **_shown(proof)}) + b"\n")
        told.unproved += sum(count for seq, count in shown.items() if seq not in proved)

    async def _sent(self, span: Span, writing: _Writing, out: Any) -> None:
        last, begin, end, told = 0, epoch_ms(span.begin), epoch_ms(span.end), writing.told
        while rows := await self._store.read(_SENT, span.agency, begin, end, last, _PAGE):
            proved = await writing.prover.proofs([int(row["seq"]) for row in rows])
            for row in rows:
                last, operation = int(row["seq"]), orjson.loads(row["body"])["data"].get("operation", "")
                name = self._name_for(row["citizen_id"], OPERATIONS) if row["citizen_id"] else ""
                proof = proved.get(last)
                line = {"event": last, "at_ms": int(row["at_ms"]), "citizen": name, "service": row["service_id"] or "",
                        "operation": operation, "proof": None if proof is None else _shown(proof)}  # fmt: skip
                out.write(orjson.dumps(line) + b"\n")
                told.sent += 1
                told.unproved += proof is None
                if name:
                    writing.count(name, int(row["at_ms"]), f"{row['service_id']}/{operation}")
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
                "counts": {"citizens": told.people, "looks": told.looks, "sent": told.sent,
                           "unproved": told.unproved, "nobody": told.nobody},
                "checkpoint": "" if root is None else root.signed,
            }
        )  # fmt: skip


def _affected(name: str, lines: Sequence[bytes]) -> bytes:
    """What was done with one citizen's things, as a line."""
    parts = [line.split(b" ", 1) for line in lines]
    times = [int(at) for at, _ in parts]
    told = {"citizen": name, "lines": len(lines), "what": sorted({what.decode() for _, what in parts}),
            "first_ms": min(times), "last_ms": max(times)}  # fmt: skip
    return orjson.dumps(told) + b"\n"


def _shown(proof: Proof) -> dict[str, Any]:
    path = [base64.b64encode(step).decode() for step in proof.path]
    return {"leaf_index": proof.leaf_index, "logged": proof.event, "path": path}


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
