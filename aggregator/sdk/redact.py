"""What leaves the house in a transcript keeps its shape and loses its people: letters become x, digits become 0.

Masking is the default and showing the exception: only fields that are codes by their name, with a value short
enough to be one, are shown. A name that happens to look like a code is therefore masked, and a code in a field
nobody thought of as well; that is the right way round.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

_SHOWN_FIELDS = re.compile(
    r"(?:^|[_\W]|(?<=[a-z]))(?:code|cd|status|error|errors|fault|faultcode|result|api|ver|version|type|format)$",
    re.IGNORECASE,
)
_SECRET_FIELDS = re.compile(r"passw|passwd|pwd|secret", re.IGNORECASE)
"""Of these not even the shape is shown: its length and its marks are the first half of a guess."""
_SHOWN_VALUE = re.compile(r"[A-Za-z0-9_.:-]{1,24}")
_CODE_DIGITS_MAX = 4
_SHOWN_HEADERS = frozenset(
    {"accept", "accept-encoding", "content-type", "content-length", "content-encoding", "connection", "date"}
    | {"retry-after", "server", "soapaction", "transfer-encoding", "user-agent", "vary"}
)
_BODY_MAX = 262_144


def mask(text: str) -> str:
    """The shape of a text in any script: case, digits and punctuation stay recognisable, nothing else does."""
    return "".join(_masked(char) for char in text)


def _masked(char: str) -> str:
    if char.isdecimal():
        return "0"
    if char.isupper():
        return "X"
    # Vowel signs of Indian scripts are marks and not letters.
    return char if char.isascii() and not char.isalpha() else "x"


def mask_field(name: str, value: str) -> str:
    """A code in a field that holds codes, else its shape; nothing at all of a secret."""
    if _SECRET_FIELDS.search(name):
        return "(hidden)"
    harmless = _SHOWN_VALUE.fullmatch(value) and sum(char.isdigit() for char in value) <= _CODE_DIGITS_MAX
    return value if harmless and _SHOWN_FIELDS.search(name) else mask(value)


def mask_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers of the protocol are shown; credentials, and whatever else an agency invents, are not."""
    return {
        name: value if name.lower() in _SHOWN_HEADERS else f"({len(value)} characters)"
        for name, value in headers.items()
    }


def mask_url(url: str, *, whole_query: bool = True) -> str:
    """The URL with masked path segments that hold digits, and a masked (or, by default, hidden) query."""
    parts = urlsplit(url)
    path = "/".join(mask(segment) if re.search(r"\d{3}|%", segment) else segment for segment in parts.path.split("/"))
    query = ("?..." if whole_query else "?" + mask(parts.query)) if parts.query else ""
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{path}{query}"


def mask_body(body: bytes) -> str:
    """JSON and XML keep their field names, everything else only its shape; beyond 256 KiB only its size."""
    if len(body) > _BODY_MAX:
        return f"({len(body)} bytes)"
    if not body:
        return ""
    return _mask_json(body) or _mask_xml(body) or mask(body.decode("utf-8", "replace"))


def _mask_json(body: bytes) -> str:
    if body.lstrip()[:1] not in {b"{", b"["}:
        return ""
    try:
        return json.dumps(_mask_value("", json.loads(body)), ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""


def _mask_value(name: str, value: Any) -> Any:
    match value:
        case dict():
            # A key can be a person's number, too.
            return {(mask(key) if re.search(r"\d{3}", key) else key): _mask_value(key, v) for key, v in value.items()}
        case list():
            return [_mask_value(name, each) for each in value]
        case str():
            return mask_field(name, value)
        case bool() | None:
            return value
        case _:
            return mask_field(name, str(value))


def _mask_xml(body: bytes) -> str:
    if body.lstrip()[:1] != b"<":
        return ""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(body, parser)
    except (etree.LxmlError, ValueError):
        return ""
    for element in root.iter():
        if not isinstance(element.tag, str):
            return ""  # an entity: such a document is refused, not shown
        name = element.tag.rpartition("}")[2]
        element.text = mask_field(name, element.text) if element.text else element.text
        element.tail = mask(element.tail) if element.tail else element.tail
        for key, value in element.attrib.items():
            element.attrib[key] = mask_field(key.rpartition("}")[2], value)
    return str(etree.tostring(root, encoding="unicode"))
