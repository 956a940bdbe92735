"""GeoReport v2 on the wire: XML or JSON by option, and above this line nobody can tell which.

Every answer becomes a list of rows with text values, whether it held none, one or many: converters between XML and
JSON turn a list of one into an object, and an empty element and an absent one mean the same. Source: README.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from adapters.municipal.open311.refusals import judged_errors
from aggregator.sdk.adapter import Settings
from aggregator.sdk.dialect import exchange, trouble
from aggregator.sdk.errors import ContractBroken, Refused
from aggregator.sdk.rest import read_json
from aggregator.sdk.wire import Reply, Wire
from aggregator.sdk.xml import Element, local, read_xml, text

Row = Mapping[str, Any]
Fields = Sequence[tuple[str, str]]
_ITEMS = frozenset({"request", "service", "request_update"})
_ACCEPT = {"xml": "text/xml, application/xml", "json": "application/json"}
_FORM = "application/x-www-form-urlencoded; charset=utf-8"
_STRANGE = frozenset({"Fault", "error", "exception", "message"})
"""Error objects of frameworks and gateways, which turn up inside a 200 as well."""


class Face:
    """One server. `ask` reads, `tell` writes; both raise by the shared table and by `refusals`."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self._wire = wire
        self._base = settings.url.rstrip("/")
        self._format = str(settings.option("format", "xml"))
        self._jurisdiction = str(settings.option("jurisdiction_id", ""))
        self._key = settings.secret("api_key")

    async def ask(self, path: str, roots: frozenset[str], **query: str) -> list[Row] | None:
        """The rows under one of `roots`; None where they have no such thing (a 404 of their own)."""
        asked = self._common() + [(name, value) for name, value in query.items() if value]
        url = self._url(path) + ("?" + urlencode(asked) if asked else "")
        headers = {"Accept": _ACCEPT[self._format]}
        reply = await exchange(self._wire, "GET", url, headers=headers, body=None, effect=False)
        try:
            return self._rows(reply, roots, effect=False)
        except Refused as refused:
            if refused.reason == "not_found":
                return None
            raise

    async def tell(self, path: str, roots: frozenset[str], fields: Fields) -> Row:
        """The one row that answers a form post."""
        form = [("api_key", self._key), *self._common(), *fields]
        headers = {"Accept": _ACCEPT[self._format], "Content-Type": _FORM}
        body = urlencode(form).encode()
        reply = await exchange(self._wire, "POST", self._url(path), headers=headers, body=body, effect=True)
        rows = self._rows(reply, roots, effect=True)
        if len(rows) != 1:
            raise ContractBroken(f"the answer to one post has {len(rows)} rows")
        return rows[0]

    def _url(self, path: str) -> str:
        return f"{self._base}{path}.{self._format}"

    def _common(self) -> list[tuple[str, str]]:
        return [("jurisdiction_id", self._jurisdiction)] if self._jurisdiction else []

    def _rows(self, reply: Reply, roots: frozenset[str], *, effect: bool) -> list[Row]:
        if self._format == "json":
            return _json_rows(reply, roots, effect=effect)
        return _xml_rows(reply, roots, effect=effect)


def _xml_rows(reply: Reply, roots: frozenset[str], *, effect: bool) -> list[Row]:
    def judge(reply: Reply, root: Element) -> bool:
        name = local(root)
        if name == "errors":
            return judged_errors(reply.status, [_row(child) for child in root])
        if not 200 <= reply.status < 300:
            return False
        if name in _STRANGE or any(local(inner) == "Fault" for inner in root.iter()):
            raise trouble("another error object instead of an answer", effect=effect)
        if name not in roots:
            raise ContractBroken("the answer has another root element")
        return True

    root = read_xml(reply, effect=effect, judge=judge)
    children = list(root)
    if all(local(child) in _ITEMS for child in children):
        return [_row(child) for child in children]
    # A definition or a discovery is one thing, not a list of things.
    return [_row(root)]


def _row(element: Element) -> dict[str, Any]:
    """The children by name. Raises ContractBroken for a name that comes twice: two readers would see two records."""
    row: dict[str, Any] = {}
    for child in element:
        if local(child) in row:
            raise ContractBroken("the answer has an element twice")
        row[local(child)] = [_row(inner) for inner in child] if len(child) else text(child)
    return row


def _json_rows(reply: Reply, roots: frozenset[str], *, effect: bool) -> list[Row]:
    def judge(reply: Reply, body: Any) -> bool:
        errors = _json_errors(body)
        if errors:
            return judged_errors(reply.status, errors)
        if 200 <= reply.status < 300 and isinstance(body, Mapping) and _STRANGE & set(body):
            raise trouble("another error object instead of an answer", effect=effect)
        return False

    return _unwrapped(read_json(reply, effect=effect, judge=judge), roots)


def _json_errors(body: Any) -> list[Row]:
    """The rows of an errors document: each has a code or a description, and nothing that a record has."""
    rows = body.get("errors") if isinstance(body, Mapping) else body
    rows = [rows] if isinstance(rows, Mapping) else rows
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        return []
    return [row for row in rows if set(row) and set(row) <= {"code", "description"}]


def _unwrapped(body: Any, roots: frozenset[str]) -> list[Row]:
    """A list, one object, or either of them inside the XML's own element names, as converters leave them."""
    if isinstance(body, Mapping):
        inner = next((body[name] for name in roots | _ITEMS if name in body), None)
        # An update's row has no such name; `service` is one only where it is an object.
        return _unwrapped(inner, roots) if isinstance(inner, Mapping | list) else [_texts(body)]
    if isinstance(body, list) and all(isinstance(row, Mapping) for row in body):
        return [_texts(row) for row in body]
    raise ContractBroken("the answer is neither a list of objects nor an object")


def _texts(row: Row) -> dict[str, Any]:
    """Values as text: a code read as the number 1, a date, a latitude; lists of objects stay lists."""
    return {str(name): _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [_texts(one) if isinstance(one, Mapping) else _value(one) for one in value]
    if isinstance(value, Mapping):
        return [_texts(value)]
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
