"""Answers no agency of ours should give and all of them have given. Every driver meets all, on every operation.

A hostile answer is neither a yes nor a no: for a write it leaves a doubt, for a read it is an outage or a broken
contract. One shared, named list per dialect; a new horror is added here once. Source: docs/outcomes.md section 5.
"""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass

from aggregator.sdk.testing.pages import CAPTCHA, DEPTH, HTML, JSON, LOGIN, MAINTENANCE
from aggregator.sdk.wire import Reply


@dataclass(frozen=True, slots=True)
class Hostile:
    """`read` and `write`: words of `faults.EXPECTED` the operation may end as, `|` between them."""

    reply: Reply
    read: str = "broken"
    write: str = "broken"


def _reply(body: bytes, kind: str = JSON, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, ({"content-type": kind} if kind else {}) | named, body)


_TROUBLE = "unavailable", "unknown"
_SHED = "unavailable", "unavailable|unknown"
_CONFIG = "misconfigured", "misconfigured"

_COMMON: dict[str, Hostile] = {
    "a login page": Hostile(_reply(LOGIN, HTML)),
    "a login page that says it is data": Hostile(_reply(LOGIN)),
    "a CAPTCHA": Hostile(_reply(CAPTCHA, HTML)),
    "accepted and empty": Hostile(_reply(b"", "", 202)),
    "ok and empty": Hostile(_reply(b"")),
    "no content": Hostile(_reply(b"", "", 204)),
    "only white space": Hostile(_reply(b" \n\t ")),
    "an image": Hostile(_reply(b"\x89PNG\r\n\x1a\n" + bytes(64), "image/png")),
    "bytes still compressed": Hostile(_reply(gzip.compress(b'{"status":"ok"}'))),
    "UTF-16 without a mark": Hostile(_reply('{"status":"ok"}'.encode("utf-16-le"))),
    "a charset nobody knows": Hostile(_reply(b'{"status":"ok"}', "application/json; charset=martian")),
    "a codec that is no charset": Hostile(_reply(b'{"status":"ok"}', "application/json; charset=zip")),
    "a redirect to the login": Hostile(_reply(LOGIN, HTML, 302, location="/login"), *_TROUBLE),
    "moved, with a body": Hostile(_reply(b'{"requestNo":"R1","status":"RCVD"}', JSON, 308, location="//x/"), *_TROUBLE),
    "not modified": Hostile(_reply(b"", "", 304), *_TROUBLE),
    "a stranger's 400": Hostile(_reply(b"<html>Bad Request</html>", HTML, 400)),
    "a stranger's 404": Hostile(
        _reply(b'{"message":"no route"}', JSON, 404), "broken|misconfigured", "broken|misconfigured"
    ),
    "a method nobody allows": Hostile(_reply(b"", "", 405)),
    "the gateway's 401": Hostile(_reply(b"<html>Unauthorized</html>", HTML, 401), *_CONFIG),
    "the gateway's 403": Hostile(_reply(b"<html>Forbidden</html>", HTML, 403), *_CONFIG),
    "an address that is not listed": Hostile(_reply(b"<html>Precondition</html>", HTML, 412), *_CONFIG),
    "a time-out of the gateway": Hostile(_reply(b"<html>Gateway Time-out</html>", HTML, 504), *_TROUBLE),
    "a conflict": Hostile(_reply(b"<html>Conflict</html>", HTML, 409), *_TROUBLE),
    "a bad gateway": Hostile(_reply(b"<html>Bad Gateway</html>", HTML, 502), *_TROUBLE),
    "a status nobody defined": Hostile(_reply(b"", "", 599), *_TROUBLE),
    "too many requests": Hostile(_reply(b'{"message":"slow down"}', JSON, 429), *_SHED),
    "maintenance": Hostile(_reply(MAINTENANCE, HTML, 503, retry_after="7"), *_SHED),
}

_JSON: dict[str, Hostile] = {
    "cut off": Hostile(_reply(b'{"status": "RC')),
    "the wrong shape": Hostile(_reply(b'{"result": []}')),
    "a list": Hostile(_reply(b"[]")),
    "a bare word": Hostile(_reply(b'"success"')),
    "null": Hostile(_reply(b"null")),
    "two truths": Hostile(_reply(b'{"status":"ok","status":"failed"}')),
    "not a number": Hostile(_reply(b'{"amount":NaN}')),
    "half a character": Hostile(_reply(b'{"name":"\\ud800"}')),
    "bytes of another code page": Hostile(_reply(b'{"name":"Ren\xe9e"}', "application/json; charset=utf-8")),
    "too deep": Hostile(_reply(b'{"d":' * DEPTH + b"0" + b"}" * DEPTH)),
    "two documents": Hostile(_reply(b'{"status":"ok"}{"status":"ok"}')),
    "XML": Hostile(_reply(b"<ok/>", "text/xml")),
    "the framework's error, status 500": Hostile(
        _reply(b'{"status":500,"error":"Internal Server Error","message":"NullPointerException"}', JSON, 500), *_TROUBLE
    ),
}

_SOAP = "text/xml; charset=utf-8"
_ENVELOPE = b'<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>%s</S:Body></S:Envelope>'
_FAULT = _ENVELOPE % b"<S:Fault><faultcode>S:Server</faultcode><faultstring>java.lang.Error</faultstring></S:Fault>"

_XML: dict[str, Hostile] = {
    "cut off": Hostile(_reply(_ENVELOPE[:70], _SOAP)),
    "an empty body": Hostile(_reply(_ENVELOPE % b"", _SOAP)),
    "another root": Hostile(_reply(b"<ok/>", _SOAP)),
    "another answer": Hostile(_reply(_ENVELOPE % b"<x:other xmlns:x='urn:x'/>", _SOAP)),
    "an entity": Hostile(_reply(b'<!DOCTYPE x [<!ENTITY e "boom">]>' + _ENVELOPE % b"&e;", _SOAP)),
    "a file to read": Hostile(
        _reply(b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>' + _ENVELOPE % b"&e;", _SOAP)
    ),
    "bytes of another code page": Hostile(_reply(_ENVELOPE % b"<n>Ren\xe9e</n>", _SOAP)),
    "too deep": Hostile(_reply(b"<d>" * DEPTH + b"</d>" * DEPTH, _SOAP)),
    "two documents": Hostile(_reply(_ENVELOPE % b"" * 2, _SOAP)),
    "JSON": Hostile(_reply(b'{"status":"ok"}', JSON)),
    "a Fault nobody listed": Hostile(_reply(_FAULT, _SOAP), *_TROUBLE),
    "a Fault nobody listed, status 500": Hostile(_reply(_FAULT, _SOAP, 500), *_TROUBLE),
}

HOSTILE: Mapping[str, Mapping[str, Hostile]] = {"json": _COMMON | _JSON, "xml": _COMMON | _XML}
"""By dialect, then by name."""
