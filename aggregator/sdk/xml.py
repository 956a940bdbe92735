"""XML is parsed with everything switched off that reaches outside the bytes: no DTD, no entities, no network.

The text is decoded by us, strictly, before lxml sees it; lxml would believe a declaration over the transport.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import TypeAlias

from lxml import etree

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
from aggregator.sdk.rest import Auth
from aggregator.sdk.wire import Reply, Wire

Element: TypeAlias = etree._Element  # noqa: SLF001 - lxml has no public name for the type of an element
ATTRIBUTES_MAX = 20_000
DEPTH_MAX = 100
_DECLARATION = re.compile(rb"\s*<\?xml\b[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)", re.DOTALL)
_PROLOG = re.compile(r"(?:\s|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_OPTIONS = {
    "encoding": "utf-8",
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}

XmlJudge = Callable[[Reply, Element], bool | None]
"""As `aggregator.sdk.rest.Judge`, over the root element."""


def parse(
    body: bytes | str, *, charset: str = "", root: str | None = None, attributes_max: int = ATTRIBUTES_MAX
) -> Element:
    """The root element. `charset` is the HTTP one; `root` the expected name, `{namespace}local` or a bare name.

    Raises ContractBroken: garbled for what is no XML or has a DOCTYPE, plain for another root.
    """
    declared = _DECLARATION.match(body) if isinstance(body, bytes) else None
    text = body.lstrip() if isinstance(body, str) else _text(body, charset, declared)
    prolog = _PROLOG.match(text)
    start = prolog.end() if prolog else 0
    if text[start : start + 2] == "<!":
        raise ContractBroken("the answer has a DOCTYPE", garbled=True)
    # Counting signs is cheap and only ever counts too many; what looks like too much is looked at closely.
    if text.count("=") > attributes_max and text.count('="') + text.count("='") > attributes_max:
        raise ContractBroken(f"the answer has more than {attributes_max} attributes")
    try:
        # A parser of its own per document: lxml's keep state, and this may run in a thread.
        found = etree.fromstring(text[start:].encode(), etree.XMLParser(**_OPTIONS))
    except (etree.LxmlError, ValueError) as exc:
        raise ContractBroken("the answer is not XML", garbled=True) from exc
    if text.count("</") >= DEPTH_MAX:  # every level that holds another is closed by a tag of its own
        _refuse_depth(found)
    if root is not None and found.tag != root:
        raise ContractBroken("the answer has another root element", garbled=local(found).lower() == "html")
    return found


def _text(body: bytes, charset: str, declared: re.Match[bytes] | None) -> str:
    named = declared.group(1).decode("ascii", "replace") if declared else ""
    if named.lower().startswith("utf-16"):
        named = ""  # seen as single bytes, so it is not; without a BOM there is no other UTF-16 we could have read
    return decode(body, charset=charset, declared=named)


def _refuse_depth(root: Element) -> None:
    level, depth = [root], 0
    while level:
        depth += 1
        if depth > DEPTH_MAX:
            raise ContractBroken(f"the answer is nested deeper than {DEPTH_MAX}")
        level = [child for parent in level for child in parent]


def local(element: Element) -> str:
    """The element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def text(element: Element, name: str = "", default: str = "") -> str:
    """The text of the child at path `name` (of the element itself without one), as NFC and stripped."""
    found = element.find(name) if name else element
    if found is None or found.text is None:
        return default
    return unicodedata.normalize("NFC", found.text).strip()


def need_child(element: Element, name: str) -> Element:
    """The child at path `name`. Raises ContractBroken without it."""
    found = element.find(name)
    if found is None:
        raise ContractBroken(f"the reply has no {name!r}")
    return found


def element(
    name: str, *children: Element, text: str | None = None, nsmap: Mapping[str, str] | None = None, **attributes: str
) -> Element:
    """An element to send. Control characters in text, which XML cannot carry, raise ValueError."""
    made = etree.Element(name, attributes, nsmap=dict(nsmap) if nsmap else None)
    made.text = text
    made.extend(children)
    return made


def to_bytes(root: Element, *, declaration: bool = True) -> bytes:
    """The document on one line, in UTF-8."""
    return bytes(etree.tostring(root, encoding="UTF-8" if declaration else "utf-8", xml_declaration=declaration))


class XmlClient:
    """An agency that takes and gives plain XML documents."""

    def __init__(  # noqa: PLR0913 - the facts of one agency
        self,
        wire: Wire,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: Auth | None = None,
        labels: frozenset[str] = frozenset({"", "application/xml", "text/xml"}),
        judge: XmlJudge | None = None,
    ) -> None:
        self._wire = wire
        self._base = base_url.rstrip("/")
        self._auth = auth
        self._labels = labels
        self._judge = judge
        self._headers = {
            "Accept": "application/xml, text/xml",
            "Content-Type": "application/xml; charset=utf-8",
            **(headers or {}),
        }

    async def post(
        self,
        path: str,
        document: Element | bytes,
        *,
        root: str | None = None,
        effect: bool = True,
        cap: int | None = None,
    ) -> Element:
        """The root of the answer, which must be `root` if that is given."""
        url = self._base + path
        body = document if isinstance(document, bytes) else to_bytes(document)
        headers = {**self._headers, **self._auth.headers("POST", url, body)} if self._auth else self._headers
        reply = await exchange(self._wire, "POST", url, headers=headers, body=body, effect=effect, cap=cap)
        return read_xml(reply, root=root, effect=effect, labels=self._labels, judge=self._judge)


def read_xml(
    reply: Reply,
    *,
    effect: bool,
    root: str | None = None,
    labels: frozenset[str] = frozenset({"", "application/xml", "text/xml"}),
    judge: XmlJudge | None = None,
) -> Element:
    """The root of a 2xx answer, or of any answer `judge` recognises as the agency's own; else by the one table."""
    judge_redirect(reply)
    if 200 <= reply.status < 300:
        refuse_html(reply)
        refuse_label(reply, labels)
        found = parse(reply.body, charset=http_charset(reply), root=root)
    else:
        maybe = attempt(reply) if judge is not None else None
        if maybe is None or (root is not None and maybe.tag != root):
            judge_status(reply, effect=effect)
            raise AssertionError  # pragma: no cover - judge_status raises for every status but 2xx
        found = maybe
    if judge is not None and judge(reply, found):
        return found
    judge_status(reply, effect=effect)
    return found


def refuse_label(reply: Reply, labels: frozenset[str]) -> None:
    """Raises ContractBroken for a media type that is neither listed nor some `+xml`."""
    label = media_type(reply)
    if label not in labels and not label.endswith("+xml"):
        raise ContractBroken("the answer is labelled as something other than XML", garbled=True)


def attempt(reply: Reply) -> Element | None:
    """The body of an error answer if it is XML at all; its status decides otherwise."""
    if is_html(reply) or not reply.body:
        return None
    try:
        return parse(reply.body, charset=http_charset(reply))
    except ContractBroken:
        return None
