"""An answer from a live call becomes a sample only without its people: replaced where known, refused where left.

What is replaced keeps its form: a mobile number becomes the published sandbox number, a birth date the published
one in the same spelling, everything else its shape. Text outside the replaced values stays byte for byte, because
odd white space and odd encodings are what samples are for.
"""

import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree

from aggregator.sdk.model import Order, Reading, Receipt
from aggregator.sdk.redact import mask
from aggregator.sdk.testing.people import left_in, personal, spellings
from aggregator.sdk.wire import CAP, Reply, Wire

_KINDS = (
    ("mobile", re.compile(r"mobile|phone|contact", re.IGNORECASE)),
    ("date of birth", re.compile(r"birth|dob", re.IGNORECASE)),
    ("address", re.compile(r"address|street|house", re.IGNORECASE)),
    ("e-mail", re.compile(r"e-?mail", re.IGNORECASE)),
    ("name", re.compile(r"name|father|mother|spouse|guardian|owner", re.IGNORECASE)),
)
_INSTEAD = {"mobile": "9000000000", "address": "Plot 1, Demo Colony", "e-mail": "test@citizen.example"}
_PUBLISHED = re.compile(r"9000000\d{3}|900000[01]\d{3}")
_MOBILE = re.compile(r"(?<!\d)(?:\+?91[ -]?)?[6-9]\d{9}(?!\d)")
_BLOB = re.compile(rb"[A-Za-z0-9+/]{64,}={0,2}")
_SLUG = re.compile(r"[^a-z0-9]+")
_LABELS = {"xml": "text/xml; charset=utf-8", "json": "application/json; charset=utf-8"}
_OWN_HEADERS = ("content-type", "retry-after")


class NotRecorded(Exception):
    """Something of a person is left, or could be: the reason, without the value."""


@dataclass(eq=False)
class KeepingWire:
    """A wire that keeps the last answer as it came, unmasked. For `--record` alone."""

    inner: Wire
    last: Reply | None = field(default=None, repr=False)

    async def send(  # noqa: PLR0913 - the port's parts
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        effect: bool = True,
        cap: int = CAP,
    ) -> Reply:
        """See `aggregator.sdk.wire.Wire`."""
        self.last = None
        self.last = await self.inner.send(method, url, headers=headers, body=body, effect=effect, cap=cap)
        return self.last


@dataclass(frozen=True, slots=True)
class Sample:
    """A recorded answer, ready to be written. `replaced` counts what was, by kind."""

    name: str
    body: bytes
    beside: str
    replaced: Mapping[str, int]

    def write(self, folder: Path) -> Path:
        """Writes it. Raises FileExistsError for a name that is taken."""
        folder.mkdir(exist_ok=True)
        path = folder / self.name
        with path.open("xb") as file:
            file.write(self.body)
        if self.beside:
            path.with_name(path.name + ".http.json").write_text(self.beside, "utf-8")
        return path


def sample_of(operation: str, expected: str, note: str, reply: Reply, order: Order, *, livemode: bool) -> Sample:  # noqa: PLR0913 - what a sample is made of
    """The reply as a sample. Raises NotRecorded when a value of the form, or a stranger's mobile number, is left."""
    body, replaced = without_people(reply.body, order)
    _refuse_what_is_left(body, order, livemode=livemode)
    suffix = _suffix(reply)
    name = ".".join(part for part in (operation, expected, slug(note), suffix) if part)
    return Sample(name, body, _beside(reply, suffix), replaced)


def expectation(got: object) -> tuple[str, str]:
    """How a sample of this value is filed, and the note that goes with it: the status, and the agency's word."""
    one = got[0] if isinstance(got, list) and got else got
    match one:
        case Reading():
            return str(one.status).lower(), one.agency_code
        case Receipt():
            return "receipt", one.agency_code
        case []:
            return "absent", ""
        case _:
            return "value", ""


def slug(note: str) -> str:
    return _SLUG.sub("_", note.lower()).strip("_")[:40]


def without_people(body: bytes, order: Order) -> tuple[bytes, Counter[str]]:
    """The body with the people of the form, and those its own fields name, replaced; and how many of which kind."""
    text, counted = body.decode("utf-8", "surrogateescape"), Counter[str]()
    known = [(name, each) for name, value in personal(order).items() for each in spellings(value)]
    for name, value in sorted({*known, *_named(body)}, key=lambda pair: -len(pair[1])):
        kind = _kind(name)
        fresh = _instead(kind, value)
        text, count = _swapped(text, value, fresh)
        counted[kind] += count
    return text.encode("utf-8", "surrogateescape"), +counted


def _swapped(text: str, value: str, fresh: str) -> tuple[str, int]:
    """The text with whole words of this value replaced, whatever their case, and how many there were."""
    if fresh == value:
        return text, 0
    return re.subn(rf"(?<!\w){re.escape(value)}(?!\w)", lambda _: fresh, text, flags=re.IGNORECASE)


def _refuse_what_is_left(body: bytes, order: Order, *, livemode: bool) -> None:
    seen = [body.decode("utf-8", "replace")]
    for blob in _BLOB.findall(body):
        if livemode:
            raise NotRecorded("a block of Base64 from a real agency cannot be looked into: record by hand")
        try:
            seen.append(base64.b64decode(blob).decode("utf-8", "replace"))
        except binascii.Error:
            continue
    for text in seen:
        left = [name for name in left_in(text, order) if not _published(_kind(name), personal(order)[name])]
        if left:
            raise NotRecorded(f"the form's {', '.join(left)} would be left in it")
        if any(not _PUBLISHED.search(found) for found in _MOBILE.findall(text)):
            raise NotRecorded("a mobile number of somebody would be left in it")


def _named(body: bytes) -> Iterator[tuple[str, str]]:
    """(field, value) of every field whose name says that it is a person's."""
    for name, value in _json_fields("", body) or _xml_fields(body):
        if len(value) >= 4 and _kind(name) != "number":
            yield name, value


def _json_fields(name: str, body: bytes) -> list[tuple[str, str]]:
    try:
        return list(_walked(name, json.loads(body)))
    except (ValueError, RecursionError):
        return []


def _walked(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walked(key, item)
    elif isinstance(value, list):
        for item in value:
            yield from _walked(name, item)
    elif isinstance(value, str):
        yield name, value


def _xml_fields(body: bytes) -> list[tuple[str, str]]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.LxmlError, ValueError):
        return []
    return [
        (etree.QName(element).localname, element.text.strip())
        for element in root.iter(etree.Element)
        if element.text and element.text.strip()
    ]


def _kind(name: str) -> str:
    return next((kind for kind, pattern in _KINDS if pattern.search(name)), "number")


def _instead(kind: str, value: str) -> str:
    """What stands there instead; the value itself where it is already one of the sandbox's."""
    if _published(kind, value):
        return value
    if kind == "name":
        return "Test Citizen" if " " in value else "Citizen"
    if kind == "date of birth":
        return _same_spelling(value)
    return _INSTEAD.get(kind) or mask(value)


def _same_spelling(value: str) -> str:
    """1 January 1990 in the order and with the signs of this date."""
    if re.fullmatch(r"\d{4}\D\d{2}\D\d{2}", value):
        return f"1990{value[4]}01{value[7]}01"
    if re.fullmatch(r"\d{2}\D\d{2}\D\d{4}", value):
        return f"01{value[2]}01{value[5]}1990"
    return mask(value)


def _published(kind: str, value: str) -> bool:
    """Whether this belongs to one of the sandbox's invented people."""
    if kind == "mobile":
        return bool(_PUBLISHED.fullmatch(value))
    return bool(re.search(r"\b(?:test|demo|sim)\b|^sim|900000|990000|99ZZ|99A0000", value, re.IGNORECASE)) or (
        kind == "date of birth" and _same_spelling(value) == value
    )


def _beside(reply: Reply, suffix: str) -> str:
    """What `<sample>.http.json` must say; empty when the answer is as samples of this kind are by default."""
    told: dict[str, Any] = {} if reply.status == 200 else {"status": reply.status}
    own = {name: reply.headers[name] for name in _OWN_HEADERS if name in reply.headers}
    if own != {"content-type": _LABELS.get(suffix, _LABELS["json"])}:
        told["headers"] = own
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n" if told else ""


def _suffix(reply: Reply) -> str:
    label = reply.headers.get("content-type", "")
    return next((kind for kind in ("html", "xml", "json") if kind in label), "json")
