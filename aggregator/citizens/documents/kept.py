"""The steps on the shelf that run inside somebody's commit: a verdict, one copy for the same bytes, a removal."""

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


async def removed(run: Run, document_id: str) -> bool:
    """Deletes one document, and its bytes when nothing else points at them. False while a case holds on to it."""
    if await run("select case_id from case_document where document_id = $1 limit 1", document_id):
        return False
    rows = await run("delete from document where id = $1 returning content", document_id)
    for row in rows:
        if not await run("select id from document where content = $1 limit 1", row["content"]):
            await run("delete from document_part where content = $1", row["content"])
    return bool(rows)
