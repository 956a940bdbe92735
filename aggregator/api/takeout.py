"""POST /citizens/{citizen_id}/exports: everything the city holds of a citizen, over all portals, in one archive.

It shows one portal's window what was done through another, so it needs a code given for it now; a nominee's session
began with one. It is put together in memory and leaves once, by an address nobody can guess: nothing of it is on disk.
Files that do not fit into one archive come with the next, and each is listed with its hash in any case.
"""

import asyncio
import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
from msgspec import UNSET

from aggregator.api.call import Call
from aggregator.api.case_view import case_view, event_view, second
from aggregator.api.citizen_of import citizen_of
from aggregator.api.downloads import file_name_of
from aggregator.api.looked import looked
from aggregator.api.payment_view import payment_view
from aggregator.api.privacy import consents_given, room_of
from aggregator.api.privacy_shapes import TakeoutAsked, TakeoutGiven
from aggregator.api.route import Answer
from aggregator.api.step_up import stepped_up
from aggregator.api.upload_documents import detail
from aggregator.cases.takeout import TakenCase
from aggregator.citizens import number
from aggregator.citizens.assistance import ByWhom
from aggregator.citizens.belongings import OWN
from aggregator.citizens.documents import DocumentRecord, Owner, State
from aggregator.citizens.person import Person
from aggregator.payments.counter import NoReceipt
from aggregator.sdk.model import Document

FILES_MOST = 32 * 1_048_576
"""Bytes of documents in one archive: whatever else there is goes whole."""
_PAGE = 100
Files = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class _Papers:
    """The documents of one archive; `left` is the last id in it where more are to come."""

    listed: list[dict[str, Any]]
    content: Files
    left: str


async def take(call: Call) -> Answer:
    """POST /citizens/{citizen_id}/exports."""
    asked: TakeoutAsked = call.body
    citizen_id, room = await citizen_of(call), room_of(call)
    if call.caller.by_whom != ByWhom.NOMINEE:
        await stepped_up(call, asked.confirmations)
    looked(call, citizen_id, "EXPORT")
    await room.accesses.flush()
    person = await call.rooms.citizens.register.person(citizen_id)
    assert person is not None  # noqa: S101 - the token's session said so
    names = await room.belongings.names(citizen_id)
    papers = await _papers(call, names, asked.documents_after if isinstance(asked.documents_after, str) else "")
    told = {**await _of_the_room(call, person), **await _of_the_counters(call, names), "documents": papers.listed}
    files = {f"{name}.json": orjson.dumps(value, option=orjson.OPT_INDENT_2) for name, value in told.items()}
    archive = await asyncio.to_thread(_zipped, files, papers.content)
    path, until = call.rooms.downloads.put(Document("everything-of-mine.zip", "application/zip", archive))
    given = TakeoutGiven(
        download_url=call.origin + path, until=second(until), sha256=hashlib.sha256(archive).hexdigest(),
        size_bytes=len(archive), files=tuple(sorted({**files, **papers.content})),
        documents_after=papers.left or UNSET,
        explanation=call.say("takeout.more" if papers.left else "takeout.whole"),
    )  # fmt: skip
    return Answer(given, status=201)


async def _of_the_room(call: Call, person: Person) -> Mapping[str, Any]:
    room = room_of(call)
    return {
        "profile": {
            "number": number.shown(person.number), "state": person.state.value, "portal_id": person.portal_id,
            "has_password": person.has_password, "created_at": second(person.created_at),
            "updated_at": second(person.updated_at), "hold_until": person.hold_until,
            "said": msgspec.to_builtins(person.profile),
        },
        "changes": await room.belongings.changes(person.id),
        "consents": msgspec.to_builtins(await consents_given(call, person.id)),
        **{name: await room.belongings.of(name, person.id) for name in OWN},
    }  # fmt: skip


async def _of_the_counters(call: Call, names: Sequence[str]) -> Mapping[str, Any]:
    cases = [_case(call, one) async for one in call.rooms.desk.taken_along(names)]
    payments = []
    for payment, tracking in await call.rooms.payments.of_citizen(names) if call.rooms.payments is not None else []:
        assert call.rooms.payments is not None  # noqa: S101 - asked in the line before
        told = msgspec.to_builtins(payment_view(payment, tracking, call))
        told["evidence"] = dict(await call.rooms.payments.evidence(payment))
        try:
            told["receipt"] = await call.rooms.payments.receipt(payment)
        except NoReceipt:
            told["receipt"] = None
        payments.append(told)
    drafts = []
    for row in await room_of(call).belongings.places("draft", ("portal_id", "citizen_id", "service_id"), names):
        drafts += [
            {"id": one.id, "portal_id": one.portal_id, "service_id": one.service_id, "form": dict(one.form),
             "created_at": one.created_at, "updated_at": one.updated_at, "expires_at": one.expires_at}
            for one in await call.rooms.drafts.of(row["portal_id"], row["citizen_id"], row["service_id"])
        ]  # fmt: skip
    return {"cases": cases, "payments": payments, "drafts": drafts}


def _case(call: Call, one: TakenCase) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(case_view(one.record, call))
    return {
        **told, "portal_id": one.record.portal_id, "form": one.form, "operations": one.asked, "facts": one.facts,
        "readings": one.readings, "events": [msgspec.to_builtins(event_view(event, call)) for event in one.events],
        "documents": one.documents, "receipt": one.receipt,
    }  # fmt: skip


async def _papers(call: Call, names: Sequence[str], after: str) -> _Papers:
    """Every document with its hash; the bytes of as many as fit, after the one with that id."""
    shelf, found = call.rooms.documents, list[DocumentRecord]()
    for row in await room_of(call).belongings.places("document", ("portal_id", "citizen_id"), names):
        last, owner = "", Owner(row["portal_id"], row["citizen_id"])
        while page := await shelf.of(owner, after=last, limit=_PAGE):
            found += page
            last = page[-1].id
    found.sort(key=lambda one: one.id)
    content: Files = {}
    size, left, last = 0, "", ""
    for one in found:
        if one.id <= after or one.state is State.ARRIVING:
            continue
        if content and size + one.size_bytes > FILES_MOST:
            left = last
            break
        name = file_name_of(Document(one.name, one.media_type, b""))
        content[f"documents/{one.id}-{name}"] = await shelf.content(one.id, one.owner)
        size, last = size + one.size_bytes, one.id
    return _Papers([msgspec.to_builtins(detail(one, call)) for one in found], content, left)


def _zipped(files: Files, papers: Files) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for name, content in papers.items():
            archive.writestr(name, content, compress_type=zipfile.ZIP_STORED)  # a JPEG gets no smaller
    return whole.getvalue()
