"""JSON over the wire, read strictly and spoken in agency errors, so that a driver is only build - call - read.

Numbers arrive as int or Decimal, never float: they may be money. Duplicate keys, NaN and lone surrogates are
refused, because two readers of such a document may see two different answers.
"""

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import orjson

from aggregator.sdk.dialect import (
    decode,
    exchange,
    http_charset,
    is_html,
    judge_redirect,
    judge_status,
    media_type,
    refuse_html,
)
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.wire import Reply, Wire

DEPTH_MAX = 64
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_LABELS = frozenset({"", "application/json", "text/json", "text/plain", "application/javascript"})

Judge = Callable[[Reply, Any], bool | None]
"""Sees every parsed body before the status counts. Raises the agency's own error; returns True for a body that is
the agency's answer whatever the status (a "no such record" with 404), which then goes to the driver."""


class Auth(Protocol):
    """Adds credentials to a request; sees the exact bytes. Those of `aggregator.sdk.auth` fit."""

    def headers(self, method: str, url: str, body: bytes) -> Mapping[str, str]: ...


class RestClient:
    """A REST agency. Paths are appended to `base_url`; the query is built from keywords, None meaning absent.

    `sensitive_urls` says that this agency wants personal data in its URLs: traces then show none of them.
    """

    def __init__(  # noqa: PLR0913 - the facts of one agency
        self,
        wire: Wire,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: Auth | None = None,
        sensitive_urls: bool = False,
        judge: Judge | None = None,
    ) -> None:
        self._wire = wire
        self._base = base_url.rstrip("/")
        self._auth = auth
        self._judge = judge
        self.sensitive_urls = sensitive_urls
        self._read_headers = {"Accept": "application/json", **(headers or {})}
        self._json_headers = {**self._read_headers, "Content-Type": "application/json"}

    async def post(  # noqa: PLR0913 - a request has this many parts
        self,
        path: str,
        body_obj: Any,
        *,
        effect: bool = True,
        cap: int | None = None,
        headers: Mapping[str, str] | None = None,
        judge: Judge | None = None,
    ) -> Any:
        """The parsed answer to a JSON body. `effect=False` for a read that happens to be a POST."""
        reply = await self.fetch(
            "POST",
            path,
            body=orjson.dumps(body_obj),
            effect=effect,
            cap=cap,
            headers={**self._json_headers, **(headers or {})},
        )
        return self._read(reply, effect=effect, judge=judge)

    async def post_form(
        self,
        path: str,
        fields: Mapping[str, str],
        *,
        effect: bool = True,
        cap: int | None = None,
        judge: Judge | None = None,
    ) -> Any:
        """The parsed answer to a form body."""
        kind = {**self._read_headers, "Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(fields).encode()
        reply = await self.fetch("POST", path, body=body, effect=effect, cap=cap, headers=kind)
        return self._read(reply, effect=effect, judge=judge)

    async def get(
        self,
        path: str,
        *,
        effect: bool = False,
        cap: int | None = None,
        judge: Judge | None = None,
        **query: Any,
    ) -> Any:
        """The parsed answer to a GET."""
        reply = await self.fetch("GET", path, query=query, effect=effect, cap=cap)
        return self._read(reply, effect=effect, judge=judge)

    async def fetch(  # noqa: PLR0913 - a request has this many parts
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        effect: bool = False,
        cap: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """The reply unread and unjudged, for a PDF or a text: `judge_status` and `refuse_html` are the caller's to ask.

        `headers` replace those of the client, credentials excepted.
        """
        url = self._base + path + _query(query)
        sent = self._read_headers if headers is None else headers
        if self._auth is not None:
            sent = {**sent, **self._auth.headers(method, url, body or b"")}
        return await exchange(self._wire, method, url, headers=sent, body=body, effect=effect, cap=cap)

    def _read(self, reply: Reply, *, effect: bool, judge: Judge | None) -> Any:
        return read_json(reply, effect=effect, judge=judge or self._judge)


def segment(text: str) -> str:
    """A value made safe as one segment of a path. Raises ContractBroken for the two that are no names but ways."""
    if text in {".", ".."}:  # quoting leaves them as they are, and whoever sends the URL walks them
        raise ContractBroken("a record is called like a step in a path")
    return quote(text, safe="")


def _query(query: Mapping[str, Any] | None) -> str:
    given = {key: value for key, value in (query or {}).items() if value is not None}
    return "?" + urlencode(given, doseq=True) if given else ""


def read_json(reply: Reply, *, effect: bool, judge: Judge | None = None) -> Any:
    """The body of a 2xx answer, or of any answer `judge` recognises as the agency's own.

    Raises by the one table of `aggregator.sdk.dialect` for everything else.
    """
    judge_redirect(reply)
    good = 200 <= reply.status < 300
    if good:
        refuse_html(reply)
        _refuse_label(reply)
        body = parse_json(reply.body, charset=http_charset(reply))
    else:
        body = _attempt_json(reply) if judge is not None else None
        if body is None:
            judge_status(reply, effect=effect)
    if judge is not None and judge(reply, body):
        return body
    judge_status(reply, effect=effect)
    return body


def _refuse_label(reply: Reply) -> None:
    label = media_type(reply)
    if label not in _LABELS and not label.endswith("+json"):
        raise ContractBroken("the answer is labelled as something other than JSON", garbled=True)


def _attempt_json(reply: Reply) -> Any:
    """The body of an error answer if it is JSON at all; its status decides otherwise."""
    if is_html(reply) or not reply.body:
        return None
    try:
        return parse_json(reply.body, charset=http_charset(reply))
    except ContractBroken:
        return None


def parse_json(body: bytes, *, charset: str = "") -> Any:
    """A JSON document, strictly: one value per key, no NaN, no lone surrogates, at most 64 levels.

    Raises ContractBroken. Integers as int, other numbers as Decimal.
    """
    text = decode(body, charset=charset)
    if not text:
        raise ContractBroken("the answer is empty", garbled=True)
    try:
        value = _DECODER.decode(text)
    except ContractBroken:
        raise
    except (ValueError, RecursionError) as exc:
        raise ContractBroken("the answer is not JSON", garbled=True) from exc
    if body.count(b"[") + body.count(b"{") > DEPTH_MAX and _deeper(value, DEPTH_MAX):
        raise ContractBroken(f"the answer is nested deeper than {DEPTH_MAX}")
    if _SURROGATE.search(body):
        _refuse_surrogates(value)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        # The last one wins in most readers, the first in some: two truths in one document.
        raise ContractBroken("the answer has a key twice")
    return found


def _no_constant(_name: str) -> Any:
    raise ContractBroken("the answer has a number that is none", garbled=True)


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_float=Decimal, parse_constant=_no_constant)


def _deeper(value: Any, depth: int) -> bool:
    level = [value]
    while level and depth >= 0:
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        depth -= 1
    return bool(level)


def _refuse_surrogates(value: Any) -> None:
    try:
        orjson.dumps(value, default=str)
    except TypeError as exc:
        raise ContractBroken("the answer has text that is no text", garbled=True) from exc
