"""Documents that are not the agency's: login pages, gateways, frameworks, and bytes in the wrong clothes.

Shared by all simulators and by the list of hostile answers, so that a driver meets the same strangers in a unit
test and on a socket. Source: the protocols' common part, sections 2 and 11.
"""

import codecs
import unicodedata
import zlib
from collections.abc import Iterator

from aggregator.sdk.testing.simulator import Answer

HTML = "text/html; charset=utf-8"
JSON = "application/json"
LOGIN = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form>Session expired</form></body></html>"
CAPTCHA = b"<html><body><h1>Are you human?</h1><img src='captcha.png' alt='type the letters'></body></html>"
MAINTENANCE = (
    b"<html><body><h1>Scheduled maintenance</h1>"
    b"<p>The portal is closed from 14/01/2026 20:00 to 15/01/2026 06:00.</p></body></html>"
)
GATEWAY = b"<html><head><title>%d</title></head><body><center>%d %s</center><hr>gateway</body></html>"
DEPTH = 100_000
MEBIBYTE = 1_048_576

_JSON_TROUBLE = (
    b'{"timestamp":"2026-01-15T05:00:00.000+00:00","status":500,'
    b'"error":"Internal Server Error","message":"java.lang.NullPointerException"}'
)
_XML_TROUBLE = (
    b'<?xml version="1.0" encoding="UTF-8"?><S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>'
    b"<S:Fault><faultcode>S:Server</faultcode><faultstring>java.lang.NullPointerException</faultstring></S:Fault>"
    b"</S:Body></S:Envelope>"
)
_GATEWAY_WORDS = {400: b"Bad Request", 401: b"Unauthorized", 403: b"Forbidden", 404: b"Not Found"}
_GATEWAY_WORDS |= {412: b"Precondition Failed", 502: b"Bad Gateway", 504: b"Gateway Time-out"}


def trouble(status: int, *, xml: bool) -> Answer:
    """The framework's own error object: a Fault nobody listed, or Spring's JSON."""
    return Answer(_XML_TROUBLE, "text/xml; charset=utf-8", status) if xml else Answer(_JSON_TROUBLE, JSON, status)


_PAGES: dict[str, Answer] = {
    "200": Answer(LOGIN, HTML),
    "201": Answer(CAPTCHA, HTML),
    "202": Answer(b"", "", 202),
    "302": Answer(LOGIN, HTML, 302, {"Location": "/login"}),
    "429": Answer(b'{"message":"Too many requests"}', JSON, 429, {"Retry-After": "3"}),
    "430": Answer(b'{"message":"Too many requests"}', JSON, 429),
    "503": Answer(MAINTENANCE, HTML, 503, {"Retry-After": "7"}),
    "505": Answer(MAINTENANCE, HTML, 503),
    "506": Answer(MAINTENANCE, HTML, 503),
} | {str(status): Answer(GATEWAY % (status, status, words), HTML, status) for status, words in _GATEWAY_WORDS.items()}


def page(fault: str, *, xml: bool, elsewhere: str) -> Answer:
    """The shared document for a fault of way PAGE. `elsewhere`: the address of the other host."""
    match fault:
        case "204":
            return Answer(b"", "text/xml; charset=utf-8" if xml else JSON)
        case "210":
            return trouble(200, xml=xml)
        case "308":
            return Answer(b"", HTML, 308, {"Location": elsewhere + "/moved"})
        case "500" | "501":
            return trouble(500, xml=xml)
        case _:
            return _PAGES[fault]


_LATIN = "Renée Müller, café"
_WORDS = {
    "703": _LATIN,
    "704": _LATIN,
    "705": "\u201cDemo Colony\u201d \u2013 near the café",
    "706": unicodedata.normalize("NFD", "କୋଣାର୍କ ऩगर योजना"),
}


def words_for(fault: str) -> str:
    """Text to place in a name, remark or message so that 703 to 706 have something to spoil; empty for others."""
    return _WORDS.get(fault, "")


def clothed(text: str, content_type: str, fault: str, *, xml: bool) -> Answer:
    """`text` as an answer, in the encoding and shape the fault says; plain UTF-8 for every other code."""
    plain = text.encode()
    if fault == "701" and not xml:
        return Answer(plain, content_type)
    if fault in _ENCODINGS:
        return _encoded(text, content_type.partition(";")[0], *_ENCODINGS[fault])
    if fault == "203":
        plain = plain[: len(plain) * 2 // 3]
    elif fault == "211":
        plain = _with_entity(text) if xml else _with_twin(text)
    elif fault == "611":
        plain = _deep(xml=xml)
    return Answer(_BEFORE.get(fault, b"") + plain, HTML if fault == "205" else content_type)


_BEFORE = {"700": codecs.BOM_UTF8, "702": b"\n"}
_ENCODINGS = {  # the codec, what the HTTP header says, what the XML declaration says
    "701": ("utf-16", "utf-16", ' encoding="UTF-16"'),
    "703": ("latin-1", "utf-8", ' encoding="UTF-8"'),
    "704": ("latin-1", "iso-8859-1", ' encoding="ISO-8859-1"'),
    "705": ("cp1252", "windows-1252", ""),
}


def _encoded(text: str, media: str, codec: str, header: str, declaration: str) -> Answer:
    body = text.replace(' encoding="UTF-8"', declaration, 1).encode(codec, "replace")
    return Answer(body, f"{media}; charset={header}")


def _with_twin(text: str) -> bytes:
    return ('{"twin":1,"twin":2,' + text.lstrip()[1:]).encode()


def _with_entity(text: str) -> bytes:
    """After the XML declaration, where there is one."""
    head, mark, rest = text.rpartition("?>")
    return (head + mark + '<!DOCTYPE x [<!ENTITY e "boom">]>' + rest).encode()


def _deep(*, xml: bool) -> bytes:
    return b"<d>" * DEPTH + b"</d>" * DEPTH if xml else b'{"d":' * DEPTH + b"0" + b"}" * DEPTH


def flood(*, xml: bool) -> Iterator[bytes]:
    """64 MiB that begin like a document, a mebibyte at a time."""
    yield (b"<d>" if xml else b'{"d":"').ljust(MEBIBYTE, b"x")
    for _ in range(63):
        yield b"x" * MEBIBYTE


def bomb() -> Iterator[bytes]:
    """About a mebibyte of gzip that unpacks to one gibibyte.

    One fully flushed block may be repeated as it stands; the trailer is wrong, but nobody sane gets that far.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(b" " * MEBIBYTE) + packer.flush(zlib.Z_FULL_FLUSH)
    yield b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
    for _ in range(1024):
        yield block
    yield packer.flush() + b"\x00" * 8
