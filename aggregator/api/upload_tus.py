"""Uploads that survive a bad line: tus 1.0 with creation, expiration, checksum and termination, at /uploads.

tus and not the IETF draft for resumable uploads: clients for it exist and are kept; the draft still moves. An upload is
a document from its first byte: the same id under /v1/documents, the same owner, the same shelf.
Source: https://tus.io/protocols/resumable-upload
"""

import asyncio
import base64
import binascii
import hashlib
import re
from collections.abc import Awaitable, Callable
from datetime import UTC
from email.utils import format_datetime

from aiohttp import web

from aggregator.api.auth import Caller, Gate, require, require_token_of
from aggregator.api.edge import SLIP
from aggregator.api.headers import bearer_of
from aggregator.api.limits import Buckets, Limits
from aggregator.api.problem import Problem
from aggregator.api.route import PARAMETERS
from aggregator.citizens.documents import DocumentRecord, NoSuchDocument, Owner, State, TooLarge, WrongOffset
from aggregator.citizens.documents.shelf import PART_BYTES, Arriving, DocumentShelf

VERSION = "1.0.0"
_EXTENSIONS = "creation,expiration,checksum,termination"
_ALGORITHMS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}
"""The protocol's own list; sha1 guards against a bad line, not against anybody."""
_MISMATCH = 460
Handler = Callable[[web.Request, Caller], Awaitable[web.StreamResponse]]


class TusUploads:
    """The five methods. `gate` knows who asks; every answer carries the version."""

    def __init__(self, shelf: DocumentShelf, gate: Gate, buckets: Buckets, limits: Limits) -> None:
        self._shelf = shelf
        self._gate = gate
        self._buckets = buckets
        self._limits = limits

    def routes(self) -> list[web.RouteDef]:
        one = "/uploads/{document_id:doc_[0-9A-HJKMNP-TV-Z]{26}}"
        return [
            web.options("/uploads", self._options),
            web.options(one, self._options),
            web.post("/uploads", self._known(self._create)),
            web.head(one, self._known(self._head)),
            web.patch(one, self._known(self._patch)),
            web.delete(one, self._known(self._delete)),
        ]

    async def _options(self, request: web.Request) -> web.Response:
        origin = request.headers.get("Origin", "")
        headers = {
            "Tus-Version": VERSION, "Tus-Extension": _EXTENSIONS, "Tus-Max-Size": str(self._shelf.most_bytes),
            "Tus-Checksum-Algorithm": ",".join(_ALGORITHMS),
        }  # fmt: skip
        if origin and await self._gate.registered(origin):
            request[SLIP].allow_origin = origin
            headers["Access-Control-Allow-Methods"] = "POST, HEAD, PATCH, DELETE, OPTIONS"
            headers["Access-Control-Allow-Headers"] = (
                "Authorization, Content-Type, Tus-Resumable, Upload-Length, Upload-Metadata, Upload-Offset,"
                " Upload-Checksum"
            )
        return _answer(204, headers)

    def _known(self, handle: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            caller = await self._caller(request)
            if request.headers.get("Tus-Resumable") != VERSION:
                return _answer(412, {"Tus-Version": VERSION})
            try:
                return await handle(request, caller)
            except NoSuchDocument:
                return _answer(404)
            except WrongOffset:
                return _answer(409)
            except TooLarge:
                return _answer(413)

        return serve

    async def _caller(self, request: web.Request) -> Caller:
        """Raises Problem for nobody we know, for no right and for too much."""
        try:
            caller = await self._gate.caller(bearer_of(request.headers.get("Authorization", "")))
        except Problem:
            if self._buckets.take(self._limits.address, request[SLIP].address).wait_s > 0:
                raise Problem("rate-limited", close=True) from None
            raise
        require(caller, "documents.write")
        require_token_of(caller, "either", in_person=True)  # pieces are no acts: POST /documents is recorded
        standing = self._buckets.take(caller.quota, caller.portal_id)
        if standing.wait_s > 0:
            raise Problem("rate-limited", retry_after_s=standing.wait_s, close=True)
        if (origin := request.headers.get("Origin", "")) in caller.origins:
            request[SLIP].allow_origin = origin
        return caller

    async def _create(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        length = request.headers.get("Upload-Length", "")
        told = _metadata(request.headers.get("Upload-Metadata", ""))
        citizen = caller.citizen_name or (told or {}).get("citizen_id", "")
        wrong = told is None or not (length.isascii() and length.isdigit() and len(length) < 12)
        if wrong or (citizen and not re.fullmatch(PARAMETERS["citizen_id"].pattern, citizen)):
            return _answer(400)
        owner = Owner(caller.portal_id, citizen)
        record = await self._shelf.begin(
            Arriving(owner=owner, size_bytes=int(length), name=(told or {}).get("filename", ""))
        )
        return _answer(201, {"Location": f"/uploads/{record.id}", **_expires(record)})

    async def _head(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        record = await self._mine(request, caller)
        headers = {"Upload-Offset": str(record.received_bytes), "Upload-Length": str(record.size_bytes)}
        return _answer(200, {**headers, "Cache-Control": "no-store", **_expires(record)})

    async def _patch(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        offset = request.headers.get("Upload-Offset", "")
        if request.content_type != "application/offset+octet-stream":
            return _answer(415)
        if not (offset.isascii() and offset.isdigit() and len(offset) < 12):
            return _answer(400)
        record = await self._mine(request, caller)
        if int(offset) != record.received_bytes:
            return _answer(409)
        checksum = request.headers.get("Upload-Checksum", "")
        if checksum:
            return await self._checked(request, record, checksum)
        reached = await self._streamed(request, record)
        return _answer(204, {"Upload-Offset": str(reached), **_expires(record)})

    async def _streamed(self, request: web.Request, record: DocumentRecord) -> int:
        """Pieces as they come; what arrived before the line broke stays."""
        reached, waiting = record.received_bytes, b""
        try:
            async with asyncio.timeout(self._limits.upload_s):
                async for chunk in request.content.iter_any():
                    waiting += chunk
                    while len(waiting) >= PART_BYTES:
                        reached = await self._shelf.append(record.id, record.owner, reached, waiting[:PART_BYTES])
                        waiting = waiting[PART_BYTES:]
        except (TimeoutError, web.RequestPayloadError, ConnectionError):
            # Nobody hears this answer; the next HEAD says how far it got.
            pass
        if waiting or record.size_bytes == reached == 0:
            reached = await self._shelf.append(record.id, record.owner, reached, waiting)
        return reached

    async def _checked(self, request: web.Request, record: DocumentRecord, checksum: str) -> web.StreamResponse:
        """All or nothing: the piece counts only with its checksum."""
        name, _, given = checksum.partition(" ")
        if name not in _ALGORITHMS:
            return _answer(400)
        pieces, size = [], 0
        async with asyncio.timeout(self._limits.upload_s):
            async for chunk in request.content.iter_any():
                size += len(chunk)
                if size > record.size_bytes - record.received_bytes:
                    raise TooLarge(record.size_bytes)
                pieces.append(chunk)
        whole = b"".join(pieces)
        digest = base64.b64encode(_ALGORITHMS[name](whole).digest()).decode()
        if digest != given.strip():
            return _answer(_MISMATCH, reason="Checksum Mismatch")
        reached = record.received_bytes
        for at in range(0, max(len(whole), 1), PART_BYTES):
            reached = await self._shelf.append(record.id, record.owner, reached, whole[at : at + PART_BYTES])
        return _answer(204, {"Upload-Offset": str(reached), **_expires(record)})

    async def _delete(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        record = await self._mine(request, caller)
        return _answer(204 if await self._shelf.remove(record.id, record.owner) else 409)

    async def _mine(self, request: web.Request, caller: Caller) -> DocumentRecord:
        """The upload of the path, if it is this portal's, and with a citizen's token that citizen's."""
        record = await self._shelf.of_portal(request.match_info["document_id"], caller.portal_id)
        if caller.citizen_name and record.owner.citizen_id != caller.citizen_name:
            raise NoSuchDocument
        return record


def _answer(status: int, headers: dict[str, str] | None = None, *, reason: str | None = None) -> web.Response:
    return web.Response(status=status, reason=reason, headers={"Tus-Resumable": VERSION, **(headers or {})})


def _expires(record: DocumentRecord) -> dict[str, str]:
    if record.state is not State.ARRIVING or record.expires_at is None:
        return {}
    return {"Upload-Expires": format_datetime(record.expires_at.astimezone(UTC), usegmt=True)}


def _metadata(header: str) -> dict[str, str] | None:
    """The words beside an upload; None when they cannot be read."""
    made = {}
    for pair in filter(None, (one.strip() for one in header.split(","))):
        name, _, value = pair.partition(" ")
        try:
            made[name] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
    return made
