"""The audit log is the event log, hashed into a Merkle tree whose root is signed and kept in a second place.

Whoever edits, deletes, inserts or reorders an event afterwards, with all rights on the database, is found out by
anyone who holds a later checkpoint. The leaf of an event is its stored bytes. The tree is grown behind the log, a
minute at most, because a hash in the hot path of a submission would protect nothing more: before the root is signed
elsewhere, whoever can rewrite the log can rewrite the tree.
Source: RFC 6962; C2SP tlog-tiles for the tiles.
"""

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from aggregator.feed import merkle
from aggregator.sdk.auth import Signer
from aggregator.sdk.clock import Clock, epoch_ms
from aggregator.store import Run, Store, StoreUnavailable

ORIGIN = "citizen-service-aggregator"
EVERY_S = 20.0
"""How often a new checkpoint is signed where something happened; figures.md S13 asks for 60 s at most."""
BATCH = 2000

_HEAD = (
    "select size, last_seq, (select max(seq) from event) as newest, (select max(size) from audit_checkpoint) as signed"
    " from audit_head"
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed root. `signed` is a compact JWS over origin, size, root (hex) and time."""

    size: int
    root: str
    at_ms: int
    signed: str

    def line(self) -> str:
        return orjson.dumps({"size": self.size, "root": self.root, "at_ms": self.at_ms, "signed": self.signed}).decode()


@dataclass(frozen=True, slots=True)
class Proof:
    """That an event is in the log: its place, the path to a signed root, and the event itself."""

    leaf_index: int
    event: str
    path: Sequence[bytes]
    """Hashes from the leaf up."""
    checkpoint: Checkpoint


class Audit:
    """Grows the tree behind the log. `second_places`: files on other volumes that get each checkpoint as a line."""

    def __init__(self, store: Store, signer: Signer, clock: Clock, second_places: Sequence[Path]) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock
        self._places = second_places

    async def run(self) -> None:
        """Until cancelled; a store that is away is waited for."""
        while True:
            with suppress(StoreUnavailable):
                await self.catch_up()
            await self._clock.sleep(EVERY_S)

    async def catch_up(self) -> Checkpoint | None:
        """The checkpoint over everything there is now; None when there is none yet."""
        if await self._behind():
            while await self._store.write(_grow) == BATCH:
                pass
            made = await self._store.write(self._sign)
            if made is not None:
                await asyncio.to_thread(self._keep, made)
        return await self.latest()

    async def _behind(self) -> bool:
        """Whether there is anything to hash or to sign: an idle city is not made to write for nothing."""
        [head] = await self._store.read(_HEAD)
        return int(head["newest"] or 0) > int(head["last_seq"]) or int(head["size"]) > int(head["signed"] or 0)

    async def latest(self) -> Checkpoint | None:
        found = await self._store.read("select * from audit_checkpoint order by size desc limit 1")
        return _checkpoint(found[0]) if found else None

    async def checkpoints(self, *, after_size: int = 0, limit: int = 100) -> list[Checkpoint]:
        """Oldest first."""
        rows = await self._store.read(
            "select * from audit_checkpoint where size > $1 order by size limit $2", after_size, limit
        )
        return [_checkpoint(row) for row in rows]

    async def proof(self, seq: int, under: Checkpoint | None = None) -> Proof | None:
        """That event `seq` is in the log, under this root or the newest; None while it does not cover it."""
        runs = await self._store.read("select seq, leaf from audit_run where seq <= $1 order by seq desc limit 1", seq)
        event = await self._store.read("select body from event where seq = $1", seq)
        newest = under or await self.latest()
        if not runs or not event or newest is None:
            return None
        leaf = int(runs[0]["leaf"]) + seq - int(runs[0]["seq"])
        if leaf >= newest.size:
            return None
        tiles = await _tiles(self._store.read, merkle.path_of(leaf, newest.size))
        path = merkle.inclusion(tiles, leaf, newest.size)
        return Proof(leaf, event[0]["body"], path, newest)

    async def proof_of_case(self, case_id: str) -> Proof | None:
        """That the acceptance of a case is in the log."""
        found = await self._store.read(
            "select seq from event where case_id = $1 and type = 'case.accepted' order by seq limit 1", case_id
        )
        return await self.proof(int(found[0]["seq"])) if found else None

    async def _sign(self, run: Run) -> Checkpoint | None:
        """A new checkpoint where the tree has grown since the last one."""
        size = int((await run("update audit_head set size = size where only_row = 1 returning size"))[0]["size"])
        newest = await run("select max(size) as size from audit_checkpoint")
        if size == (newest[0]["size"] or 0):
            return None
        root = merkle.root(await _tiles(run, merkle.edge_of(size)), size).hex()
        at_ms = epoch_ms(self._clock.now())
        signed = self._signer.sign({"iss": ORIGIN, "size": size, "root": root, "iat": at_ms // 1000})
        await run(
            "insert into audit_checkpoint (size, root, at_ms, signed) values ($1, $2, $3, $4)"
            " on conflict (size) do nothing",
            size, root, at_ms, signed,
        )  # fmt: skip
        return Checkpoint(size, root, at_ms, signed)

    def _keep(self, made: Checkpoint) -> None:
        for place in self._places:
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("a", encoding="utf-8") as file:
                file.write(made.line() + "\n")
                file.flush()
                os.fsync(file.fileno())


async def _grow(run: Run) -> int:
    """Takes the next events into the tree; how many. The head's row keeps other workers out until the commit."""
    head = (await run("update audit_head set size = size where only_row = 1 returning size, last_seq"))[0]
    size, last = int(head["size"]), int(head["last_seq"])
    rows = await run("select seq, body from event where seq > $1 order by seq limit $2", last, BATCH)
    if not rows:
        return 0
    leaves = [merkle.leaf_hash(row["body"].encode()) for row in rows]
    changed = merkle.grown(await _tiles(run, merkle.edge_of(size)), size, leaves)
    for (level, number), hashes in changed.items():
        await run(
            "insert into audit_tile (level, number, hashes) values ($1, $2, $3)"
            " on conflict (level, number) do update set hashes = excluded.hashes",
            level, number, hashes.hex(),
        )  # fmt: skip
    for at, row in enumerate(rows):
        if int(row["seq"]) != last + 1 or size + at == 0:
            await run("insert into audit_run (seq, leaf) values ($1, $2)", row["seq"], size + at)
        last = int(row["seq"])
    await run(
        "update audit_head set size = $1, last_seq = $2 where only_row = 1", size + len(rows), int(rows[-1]["seq"])
    )
    return len(rows)


async def _tiles(run: Any, places: Sequence[merkle.Place]) -> dict[merkle.Place, bytes]:
    found = {}
    for level, number in places:
        rows = await run("select hashes from audit_tile where level = $1 and number = $2", level, number)
        if rows:
            found[level, number] = bytes.fromhex(rows[0]["hashes"])
    return found


def _checkpoint(row: Any) -> Checkpoint:
    return Checkpoint(int(row["size"]), row["root"], int(row["at_ms"]), row["signed"])
