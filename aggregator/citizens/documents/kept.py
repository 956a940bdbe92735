"""The steps on the shelf that run inside somebody's commit: a verdict, one copy for the same bytes, a removal."""

from dataclasses import dataclass

from aggregator.citizens.documents import State
from aggregator.store import Run


async def settle(run: Run, document_id: str, state: State, reason: str) -> None:
    await run("update document set state = $1, reason = $2 where id = $3", state.value, reason, document_id)


async def share(run: Run, document_id: str, index: str) -> None:
    """Points at the same owner's same bytes, if they are here already, and drops the second copy."""
    rows = await run(
        "select content from document where digest_index = $1 and id <> $2 order by id limit 1", index, document_id
    )
    if rows:
        await run("delete from document_part where content = $1", document_id)
        await run("update document set content = $1 where id = $2", rows[0]["content"], document_id)


_HEAD = 160
"""Letters of a sealed piece that say whose key it is under."""


@dataclass(frozen=True, slots=True)
class Removed:
    """What a document leaves behind: the name of its key, and the head of a sealed piece if its bytes went with it."""

    sealed_for: str
    bytes_sealed: str
    lends_bytes: bool
    """Another document still has its bytes, sealed under its key."""


async def removed(run: Run, document_id: str) -> Removed | None:
    """Deletes one document, and its bytes when nothing else points at them. None while a case holds on to it."""
    if await run("select case_id from case_document where document_id = $1 limit 1", document_id):
        return None
    rows = await run("delete from document where id = $1 returning content, sealed_for", document_id)
    if not rows:
        return None
    content, key = rows[0]["content"], rows[0]["sealed_for"]
    if await run("select id from document where content = $1 limit 1", content):
        return Removed(key, "", lends_bytes=content == document_id)
    first = await run(
        "select substr(sealed, 1, $2) as head from document_part where content = $1 limit 1", content, _HEAD
    )
    await run("delete from document_part where content = $1", content)
    return Removed(key, first[0]["head"] if first else "", lends_bytes=False)
