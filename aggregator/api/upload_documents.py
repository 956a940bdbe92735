"""POST /documents and what is known of a document. Large ones, or bad lines: the same shelf by tus at /uploads.

No Idempotency-Key: a document is known by its content, so the same file of the same owner is the same bytes however
often it comes. Whose it is, is the portal's word, or the citizen's own token.
"""

import re

from msgspec import UNSET, UnsetType

from aggregator.api.call import Call
from aggregator.api.case_view import second
from aggregator.api.citizen_of import ME
from aggregator.api.decode import explained, invalid
from aggregator.api.paging import asked_from, page
from aggregator.api.problem import Problem
from aggregator.api.route import PARAMETERS, Answer
from aggregator.api.speaker import Speaker
from aggregator.api.upload_read import Upload
from aggregator.api.upload_shapes import (
    DocumentDetail,
    DocumentList,
    DocumentQuery,
    DocumentRemoved,
    DocumentsQuery,
)
from aggregator.citizens.documents import DocumentRecord, NoSuchDocument, Owner, State, TooLarge
from aggregator.citizens.documents.shelf import Arriving


def owner_of(call: Call, asked: str | UnsetType) -> Owner:
    """The citizen of the token; else the one the portal names; else the portal itself."""
    named = "" if asked is UNSET else str(asked)
    return Owner(call.caller.portal_id, call.caller.citizen_name or named)


async def take(call: Call) -> Answer:
    """POST /documents."""
    sent: Upload = call.body
    named = sent.words.get("citizen_id", "")
    if set(sent.words) - {"citizen_id"}:
        raise invalid([explained("", "unknown_field", {}, call.rooms.say, call.language)])
    if "citizen_id" in sent.words and not _is_citizen(named):
        raise invalid([explained("/citizen_id", "pattern", {}, call.rooms.say, call.language)])
    try:
        kept = call.rooms.documents.put(
            Arriving(owner=owner_of(call, named), size_bytes=len(sent.content), name=sent.name), sent.content
        )
        record = await call.progress.commit(kept, unmoved=lambda exc: isinstance(exc, TooLarge))
    except TooLarge as exc:
        raise Problem("too-large", about={"limit": str(exc.limit)}) from exc
    return Answer(detail(record, call), status=201, headers={"Location": f"/v1/documents/{record.id}"})


async def listing(call: Call) -> Answer:
    """GET /documents."""
    query: DocumentsQuery = call.query
    found = await call.rooms.documents.of(
        owner_of(call, query.citizen_id), after=asked_from(call), limit=query.limit + 1
    )
    records, link, headers = page(call, found, query.limit, lambda record: record.id)
    return Answer(DocumentList(items=tuple(detail(one, call) for one in records), next=link), headers=headers)


async def show(call: Call) -> Answer:
    """GET /documents/{document_id}."""
    return Answer(detail(await _mine(call), call))


async def remove(call: Call) -> Answer:
    """DELETE /documents/{document_id}."""
    record = await _mine(call)
    if not await call.rooms.documents.remove(record.id, record.owner):
        raise Problem("action-not-possible", about={"why": call.say("problem.action_not_possible.why_document_held")})
    return Answer(DocumentRemoved(id=record.id, explanation=call.say("upload.removed")))


def detail(record: DocumentRecord, speaker: Speaker) -> DocumentDetail:
    """A document in the caller's language."""
    key = record.reason if record.state is State.REFUSED else record.state.value.lower()
    return DocumentDetail(
        id=record.id,
        uri=record.uri,
        state=record.state.value,
        explanation=speaker.say(f"upload.{key}"),
        reason_code=record.reason or UNSET,
        name=record.name or UNSET,
        media_type=record.media_type or UNSET,
        size_bytes=record.size_bytes,
        received_bytes=record.received_bytes,
        sha256=record.sha256 or UNSET,
        source=record.source,
        issuer=record.origin.issuer if record.origin else UNSET,
        reference=record.origin.reference if record.origin else UNSET,
        created_at=second(record.created_at),
        expires_at=UNSET if record.expires_at is None else second(record.expires_at),
    )


async def _mine(call: Call) -> DocumentRecord:
    query: DocumentQuery = call.query
    try:
        return await call.rooms.documents.get(call.params["document_id"], owner_of(call, query.citizen_id))
    except NoSuchDocument as exc:
        raise Problem("not-found") from exc


def _is_citizen(text: str) -> bool:
    return text != ME and bool(re.fullmatch(PARAMETERS["citizen_id"].pattern, text))
