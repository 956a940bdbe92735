"""Proofs for very many events under one root: what they share is read once, and no more of it is kept than fits.

A tile is under 256 leaves and their neighbours follow each other, so nearly every proof finds its tiles already read.
"""

from collections.abc import Sequence
from typing import Any

from cachetools import LRUCache

from aggregator.feed import merkle
from aggregator.feed.audit import Checkpoint, Proof
from aggregator.store import Store

TILES_KEPT = 512
"""8 KB each."""
_AT_ONCE = 200


class Prover:
    """Proves events under a root that does not move meanwhile."""

    def __init__(self, store: Store, root: Checkpoint | None) -> None:
        self._store = store
        self._root = root
        self._runs: list[tuple[int, int]] | None = None
        self._tiles: LRUCache[merkle.Place, bytes] = LRUCache(TILES_KEPT)

    async def proofs(self, seqs: Sequence[int]) -> dict[int, Proof]:
        """A proof for each that is under the root; the others are not in it."""
        found: dict[int, Proof] = {}
        if self._root is None:
            return found
        for at in range(0, len(seqs), _AT_ONCE):
            for seq, body in (await self._bodies(seqs[at : at + _AT_ONCE])).items():
                leaf = await self._leaf(seq)
                if leaf is not None and leaf < self._root.size:
                    tiles = await self._along(merkle.path_of(leaf, self._root.size))
                    found[seq] = Proof(leaf, body, merkle.inclusion(tiles, leaf, self._root.size), self._root)
        return found

    async def _bodies(self, seqs: Sequence[int]) -> dict[int, str]:
        marks = ", ".join(f"${n}" for n in range(1, len(seqs) + 1))
        rows = await self._store.read(f"select seq, body from event where seq in ({marks})", *seqs)  # noqa: S608 - placeholders
        return {int(row["seq"]): str(row["body"]) for row in rows}

    async def _leaf(self, seq: int) -> int | None:
        if self._runs is None:
            rows = await self._store.read("select seq, leaf from audit_run order by seq desc")
            self._runs = [(int(row["seq"]), int(row["leaf"])) for row in rows]
        return next((leaf + seq - first for first, leaf in self._runs if first <= seq), None)

    async def _along(self, places: Sequence[merkle.Place]) -> dict[merkle.Place, bytes]:
        return {place: tile for place in places if (tile := await self._tile(place))}

    async def _tile(self, place: merkle.Place) -> bytes:
        tile = self._tiles.get(place)
        if tile is None:
            rows: Sequence[Any] = await self._store.read(
                "select hashes from audit_tile where level = $1 and number = $2", *place
            )
            tile = self._tiles[place] = bytes.fromhex(rows[0]["hashes"]) if rows else b""
        return tile
