"""A multipart upload, read piece by piece: one file and a few words about it, nothing kept that is too long."""

import asyncio
from dataclasses import dataclass

from aiohttp import BodyPartReader, MultipartReader, web

from aggregator.api.limits import Limits
from aggregator.api.problem import Problem

_WORD_MOST = 200
_PARTS_MOST = 8


@dataclass(frozen=True, slots=True)
class Upload:
    """What came. `name` is the sender's word for the file."""

    content: bytes
    name: str
    words: dict[str, str]


async def read_upload(request: web.Request, limits: Limits) -> Upload:
    """The file part `file` and the words beside it. Raises Problem."""
    if request.content_type != "multipart/form-data" or "boundary" not in request.headers["Content-Type"]:
        raise Problem("not-supported", variant="upload", close=True)
    if (request.content_length or 0) > limits.upload_bytes + 65_536:
        raise Problem("too-large", about={"limit": str(limits.upload_bytes)}, close=True)
    content, name = None, ""
    words: dict[str, str] = {}
    try:
        async with asyncio.timeout(limits.upload_s):
            reader = await request.multipart()
            for _ in range(_PARTS_MOST):
                part = await reader.next()
                if part is None:
                    break
                if isinstance(part, MultipartReader):
                    raise Problem("malformed-request", close=True)
                if part.name == "file":
                    content, name = await _capped(part, limits.upload_bytes), part.filename or ""
                else:
                    words[part.name or ""] = (await _capped(part, _WORD_MOST)).decode("utf-8", "replace")
    except TimeoutError as exc:
        raise Problem("malformed-request", variant="slow", close=True) from exc
    except (ValueError, AssertionError, web.RequestPayloadError) as exc:
        raise Problem("malformed-request", close=True) from exc
    if content is None:
        raise Problem("malformed-request", variant="no_file", close=True)
    return Upload(content, name, words)


@dataclass(frozen=True, slots=True)
class PageSent:
    """A page with files: its fields in order, and the files that were chosen, by field."""

    words: list[tuple[str, str]]
    files: list[tuple[str, Upload]]


async def read_page(request: web.Request, limits: Limits, most_fields: int) -> PageSent:
    """A plain page's fields and files. A file nobody chose comes empty and is left out. Raises Problem."""
    words: list[tuple[str, str]] = []
    files: list[tuple[str, Upload]] = []
    left = limits.upload_bytes * 2
    try:
        async with asyncio.timeout(limits.upload_s):
            reader = await request.multipart()
            while (part := await reader.next()) is not None:
                if isinstance(part, MultipartReader) or len(words) + len(files) >= most_fields:
                    raise Problem("malformed-request", close=True)
                content = await _capped(part, min(left, limits.upload_bytes))
                left -= len(content)
                if part.filename is None:
                    words.append((part.name or "", content.decode("utf-8")))
                elif content:
                    files.append((part.name or "", Upload(content, part.filename, {})))
    except TimeoutError as exc:
        raise Problem("malformed-request", variant="slow", close=True) from exc
    except (ValueError, AssertionError, web.RequestPayloadError) as exc:
        raise Problem("malformed-request", close=True) from exc
    return PageSent(words, files)


async def _capped(part: BodyPartReader, most: int) -> bytes:
    pieces, size = [], 0
    while piece := await part.read_chunk(65_536):
        size += len(piece)
        if size > most:
            raise Problem("too-large", about={"limit": str(most)}, close=True)
        pieces.append(piece)
    return b"".join(pieces)
