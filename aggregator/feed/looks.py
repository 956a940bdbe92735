"""How a batch of looks is put under one event of the log: each line by its own hash, the batch by a digest of these.

So a line can be shown and proved without its neighbours, who are other people: they stay hashes. A line names the
citizen as the operations centre knows them, and its random id keeps anybody from guessing a line from its hash.
"""

import hashlib
from collections.abc import Iterable, Sequence

import orjson

Line = Sequence[str | int]
"""Id, time in ms, citizen, portal, by whom, what, purpose, agency, consent, assistant."""


def line_hash(line: Line) -> str:
    """SHA-256 over the line as JSON, in hex."""
    return hashlib.sha256(orjson.dumps(list(line))).hexdigest()


def digest(hashes: Iterable[str]) -> str:
    """SHA-256 over the lines' hashes in their order, in hex."""
    return hashlib.sha256("".join(hashes).encode()).hexdigest()
