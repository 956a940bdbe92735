"""Tables change in numbered steps, each whole or not at all, so that a process killed in between still boots.

`migrations/NNNN_name.sql` holds statements separated by `;` at the end of a line (so no triggers with bodies).
Each file runs in one transaction together with its row in `schema_version`. The step looks at the version
again under the lock, so any number of workers may boot at once. A database of a newer program is refused
before anything is touched: an old program would misread columns it does not know.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from aggregator.store.port import Run, SchemaTooNew, Work

Transact = Callable[[Work[Any]], Awaitable[Any]]
_NAME = re.compile(r"(\d{4})_\w+\.sql")
_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)
_END = re.compile(r";\s*$", re.MULTILINE)
_TABLE = "create table if not exists schema_version (only_row bigint primary key, version bigint not null)"
_READ = "select version from schema_version"
_MARK = (
    "insert into schema_version (only_row, version) values (1, $1)"
    " on conflict (only_row) do update set version = excluded.version"
)


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    statements: tuple[str, ...]


def migration(name: str, text: str) -> Migration:
    """The step in a file. Raises ValueError for a name that is not NNNN_words.sql."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name}: a migration is called NNNN_words.sql")
    parts = (part.strip() for part in _END.split(_COMMENT.sub("", text)))
    return Migration(int(match[1]), name, tuple(part for part in parts if part))


@cache
def packaged() -> tuple[Migration, ...]:
    """The steps that ship with this program, in order. Raises ValueError when two bear one number."""
    folder = files("aggregator.store").joinpath("migrations")
    found = [migration(file.name, file.read_text("utf-8")) for file in folder.iterdir() if file.name.endswith(".sql")]
    return tuple(in_order(found))


def in_order(steps: Iterable[Migration]) -> list[Migration]:
    ordered = sorted(steps, key=lambda step: step.number)
    for before, after in pairwise(ordered):
        if before.number == after.number:
            raise ValueError(f"{before.name} and {after.name} bear one number")
    return ordered


async def migrate(transact: Transact, steps: Sequence[Migration], *, lock: str = "") -> int:
    """The version the database is at afterwards.

    `transact` runs a work in one durable transaction; `lock` is the statement that keeps other workers out of
    it, empty where the transaction itself does. Raises SchemaTooNew.
    """
    known = steps[-1].number if steps else 0
    found = int(await transact(_version(lock)))
    if found > known:
        raise SchemaTooNew(found, known)
    for step in steps:
        if step.number > found:
            await transact(_apply(step, lock))
    return max(found, known)


def _version(lock: str) -> Work[int]:
    async def look(run: Run) -> int:
        if lock:
            await run(lock)
        await run(_TABLE)
        return await _current(run)

    return look


def _apply(step: Migration, lock: str) -> Work[None]:
    async def apply(run: Run) -> None:
        if lock:
            await run(lock)
        if await _current(run) >= step.number:  # another worker was first
            return
        for statement in step.statements:
            await run(statement)
        await run(_MARK, step.number)

    return apply


async def _current(run: Run) -> int:
    rows = await run(_READ)
    return int(rows[0]["version"]) if rows else 0
