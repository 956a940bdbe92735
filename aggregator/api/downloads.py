"""A paper the agency issued stays in memory for five minutes, behind an address nobody can guess, and leaves once.

Never on disk, never in the store: it is the citizen's, and the agency has the original. The address is outside /v1
and needs no token, so that a portal can hand it to a browser; whoever has used it has used it up. It lives in the
process that made it.
"""

import base64
import re
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from aggregator.api.problem import Problem
from aggregator.sdk.clock import Chance, Clock
from aggregator.sdk.model import Document

LIFE_S = 300.0
KEPT_BYTES = 64 * 1_048_576
_TOKEN_BYTES = 32
_MEDIA_TYPE = re.compile(r"[a-z0-9]+/[a-z0-9.+-]+")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class _Kept:
    document: Document
    until: float


class Downloads:
    """The papers waiting to be fetched; the oldest goes when their bytes together are too many."""

    def __init__(self, clock: Clock, chance: Chance, *, most_bytes: int = KEPT_BYTES) -> None:
        self._clock = clock
        self._chance = chance
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0

    def put(self, document: Document) -> tuple[str, datetime]:
        """The path it can be fetched at, once, and until when."""
        token = base64.urlsafe_b64encode(self._chance.bytes(_TOKEN_BYTES)).rstrip(b"=").decode()
        now = self._clock.monotonic()
        self._kept[token] = _Kept(document, now + LIFE_S)
        self._bytes += len(document.content)
        while len(self._kept) > 1 and (self._bytes > self._most_bytes or self._oldest().until <= now):
            self._drop(next(iter(self._kept)))
        return f"/downloads/{token}", self._clock.now() + timedelta(seconds=LIFE_S)

    def take(self, token: str) -> Document | None:
        """The paper, for the first who asks in time."""
        kept = self._drop(token) if token in self._kept else None
        return kept.document if kept is not None and kept.until > self._clock.monotonic() else None

    def _oldest(self) -> _Kept:
        return self._kept[next(iter(self._kept))]

    def _drop(self, token: str) -> _Kept:
        kept = self._kept.pop(token)
        self._bytes -= len(kept.document.content)
        return kept

    def routes(self) -> list[web.RouteDef]:
        """GET only: looking at the head of it must not use it up."""
        return [web.get("/downloads/{token:[A-Za-z0-9_-]{43}}", self._serve, allow_head=False)]

    async def _serve(self, request: web.Request) -> web.Response:
        document = self.take(request.match_info["token"])
        if document is None:
            raise Problem("not-found")
        headers = {
            "Content-Type": media_type_of(document),
            "Content-Disposition": f'attachment; filename="{file_name_of(document)}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Referrer-Policy": "no-referrer",
        }
        return web.Response(body=document.content, headers=headers)


def media_type_of(document: Document) -> str:
    """What it is, as far as the agency's word can be put into a header."""
    told = document.media_type.lower()
    return told if len(told) <= 80 and _MEDIA_TYPE.fullmatch(told) else "application/octet-stream"


def file_name_of(document: Document) -> str:
    """The agency's name for it, as a name that any file system takes and no header breaks on."""
    return _UNSAFE.sub("_", document.name)[-100:].lstrip(".") or "document"
