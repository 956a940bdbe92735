"""What a file is, its bytes say; its name and its sender's word say nothing.

Only kinds that every agency's clerk can open and that can be recognised without doubt. The mark must stand at the very
beginning (a PDF may have it later by its standard; such files are also something else), and the end must be there, so
that an upload cut off is not taken for a document. Cameras write more behind the end of a photograph: there it may
stand anywhere.
"""

import puremagic

PDF, JPEG, PNG = "application/pdf", "image/jpeg", "image/png"
ACCEPTED = (PDF, JPEG, PNG)
_BEGINS = {PDF: b"%PDF-", JPEG: b"\xff\xd8\xff", PNG: b"\x89PNG\r\n\x1a\n"}
_TAIL_BYTES = 2048
_ENDS = {PDF: b"%%EOF", JPEG: b"\xff\xd9", PNG: b"IEND\xaeB`\x82"}


def media_type_of(content: bytes) -> str:
    """One of `ACCEPTED`, or "" for anything else, for a broken file and for one that is two things at once."""
    for kind, mark in _BEGINS.items():
        if content.startswith(mark):
            rest = content if kind == JPEG else content[-_TAIL_BYTES:]
            return kind if _ENDS[kind] in rest and _agrees(content, kind) else ""
    return ""


def _agrees(content: bytes, kind: str) -> bool:
    """Whether a list of known files other people keep sees the same in it."""
    try:
        seen = {match.mime_type for match in puremagic.magic_string(content)}
    except (puremagic.PureError, ValueError):
        return False
    return kind in seen
