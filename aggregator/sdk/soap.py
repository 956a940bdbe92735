"""SOAP without a SOAP client: zeep encodes and decodes (`wsdl.py`), everything between is ours.

Sending goes through the wire, statuses are judged before a codec sees the body, and Faults of both SOAP versions
are read here from the raw reply: zeep loses the code of a 1.1 Fault that answers a 1.2 call, and takes an HTML page
with status 503 for a business answer.
Source: the shared rules of the protocols, section 7.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from aggregator.sdk.dialect import CURRENT, exchange, http_charset, judge_redirect, judge_status, refuse_html, trouble
from aggregator.sdk.errors import AgencyError, ContractBroken, Refused, Unavailable
from aggregator.sdk.wire import Reply, Wire
from aggregator.sdk.wsdl import Port, Unreadable, load
from aggregator.sdk.wsdl_check import WsdlRefused
from aggregator.sdk.xml import Element, attempt, local, parse, refuse_label, to_bytes

__all__ = ["Faults", "SoapClient", "SoapFault", "WsdlRefused", "load"]

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
_IN_A_THREAD = 65_536
_LABELS = frozenset({"", "text/xml", "application/xml", "application/soap+xml"})


@dataclass(frozen=True, slots=True)
class SoapFault:
    """A Fault of either version. `code` and `subcode` are local names; `reason` and `detail` may hold personal data."""

    code: str
    subcode: str
    reason: str
    detail: Element | None


Faults = Mapping[str, str] | Callable[[SoapFault], AgencyError | None]
"""Listed codes or subcodes -> our reason (Refused), or a function; a Fault that neither knows is trouble."""
HeadersWriter = Callable[[str], Sequence[Element]]
"""Header blocks for one send, made anew each time; gets the envelope's namespace (for mustUnderstand)."""


class SoapClient:
    """One port of one packaged WSDL, at the address of registry.toml. `version` is "1.1" or "1.2"."""

    def __init__(  # noqa: PLR0913 - the facts of one agency
        self,
        wire: Wire,
        wsdl_path: Path | str,
        *,
        url: str,
        port: str | None = None,
        version: str | None = None,
        headers_writer: HeadersWriter | None = None,
        faults: Faults | None = None,
    ) -> None:
        self._wire = wire
        self._url = url
        self._port: Port = load(Path(wsdl_path)).port(port, version)
        self._ns = SOAP_12 if self._port.version == "1.2" else SOAP_11
        self._envelope_tag = f"{{{self._ns}}}Envelope"
        self._body_tag = f"{{{self._ns}}}Body"
        self._http: dict[str, Mapping[str, str]] = {}
        self._headers_writer = headers_writer
        self._faults: Faults = faults or {}
        self.drift: dict[str, int] = {}
        """How often an operation's answer had elements its WSDL does not know."""

    async def call(self, operation: str, /, *, effect: bool = True, cap: int | None = None, **arguments: Any) -> Any:
        """The decoded answer: an object with one attribute per element of the response wrapper, for `need()`.

        Raises ContractBroken for an answer without content where the WSDL promises some.
        """
        body, big = await self._exchange(operation, arguments, effect=effect, cap=cap)
        if big:
            return await asyncio.to_thread(self._decode, operation, body)
        return self._decode(operation, body)

    async def call_raw(
        self, operation: str, /, *, effect: bool = True, cap: int | None = None, **arguments: Any
    ) -> Element:
        """The response element itself, name and namespace checked: for DataSet results and `xs:any`.

        Its content is read by our own lxml code, because zeep would read it by a schema inside the reply.
        """
        body, _big = await self._exchange(operation, arguments, effect=effect, cap=cap)
        return body

    async def _exchange(
        self, operation: str, arguments: Mapping[str, Any], *, effect: bool, cap: int | None
    ) -> tuple[Element, bool]:
        content = self._encode(operation, arguments)
        headers = self._http.get(operation) or self._http.setdefault(operation, self._headers(operation))
        reply = await exchange(self._wire, "POST", self._url, headers=headers, body=content, effect=effect, cap=cap)
        big = len(reply.body) > _IN_A_THREAD
        if big:
            envelope = await asyncio.to_thread(self._envelope, reply, effect=effect)
        else:
            envelope = self._envelope(reply, effect=effect)
        return self._response(operation, envelope), big

    def _headers(self, operation: str) -> Mapping[str, str]:
        action = self._port.action(operation)
        if self._port.version == "1.2":
            return {"Content-Type": f'application/soap+xml; charset=utf-8; action="{action}"'}
        return {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}

    def _encode(self, operation: str, arguments: Mapping[str, Any]) -> bytes:
        blocks = self._headers_writer(self._ns) if self._headers_writer else ()
        written = "".join(etree.tostring(block, encoding="unicode") for block in blocks)
        ready = self._port.document(operation, self._ns, arguments, written)
        if ready is not None:
            return ready
        envelope = self._port.message(operation, arguments)
        if blocks:
            header = envelope.find(f"{{{self._ns}}}Header")
            if header is None:
                header = etree.Element(f"{{{self._ns}}}Header")
                envelope.insert(0, header)
            header.extend(blocks)
        return to_bytes(envelope)

    def _envelope(self, reply: Reply, *, effect: bool) -> Element:
        judge_redirect(reply)
        if 200 <= reply.status < 300:
            refuse_html(reply)
            refuse_label(reply, _LABELS)
            if not reply.body.strip():
                raise ContractBroken("the answer is empty", garbled=True)
            found: Element | None = parse(reply.body, charset=http_charset(reply))
        else:
            found = attempt(reply)
        if found is not None and local(found) == "Envelope" and (fault := read_fault(found)):
            raise self._fault_error(fault, effect=effect)
        judge_status(reply, effect=effect)
        if found is None or found.tag != self._envelope_tag:
            raise ContractBroken("the answer is no envelope of our SOAP version")
        return found

    def _fault_error(self, fault: SoapFault, *, effect: bool) -> AgencyError:
        if callable(self._faults):
            error = self._faults(fault)
            if error is not None:
                return error
        declared = CURRENT.get()
        for code in (fault.subcode, fault.code):
            if code in declared.shed_unsent_codes:
                return Unavailable("the agency sheds load with a Fault")
            if not callable(self._faults) and code in self._faults:
                return Refused(code, self._faults[code])
            if code and code in declared.refusal_codes:
                return Refused(code)
        return trouble("a Fault nobody listed", effect=effect)

    def _response(self, operation: str, envelope: Element) -> Element:
        children = [child for body in envelope if body.tag == self._body_tag for child in body]
        wanted = self._port.response_name(operation)
        if len(children) != 1:
            raise ContractBroken("the answer's Body has not one element")
        if wanted is not None and children[0].tag != wanted:
            raise ContractBroken("the answer has another element in its Body")
        return children[0]

    def _decode(self, operation: str, body: Element) -> Any:
        try:
            value, drifted = self._port.value(operation, body)
        except Unreadable as exc:
            raise ContractBroken(f"the answer to {operation} does not fit its schema ({exc})") from exc
        if drifted:
            self.drift[operation] = self.drift.get(operation, 0) + 1
        if value is None:
            raise ContractBroken(f"the answer to {operation} has no content")
        return value


def read_fault(envelope: Element) -> SoapFault | None:
    """The Fault in an envelope of either version, whichever was asked for; None without one."""
    for child in envelope:
        if local(child) == "Body":
            fault = next((inner for inner in child if local(inner) == "Fault"), None)
            return None if fault is None else _fault(fault)
    return None


def _fault(fault: Element) -> SoapFault:
    named = {local(child): child for child in fault}
    if "Code" in named:
        values = _values(named["Code"])
        reason = named.get("Reason")
        words = "" if reason is None else "".join(reason.itertext()).strip()
        return SoapFault(values[0], values[-1] if len(values) > 1 else "", words, named.get("Detail"))
    code = _plain(named.get("faultcode"))
    words = "" if "faultstring" not in named else "".join(named["faultstring"].itertext()).strip()
    return SoapFault(code, "", words, named.get("detail"))


def _values(code: Element) -> list[str]:
    """The Values of Code and its Subcodes, outermost first."""
    found = [_plain(child) for child in code if local(child) == "Value"] or [""]
    inner = next((child for child in code if local(child) == "Subcode"), None)
    return found[:1] + (_values(inner) if inner is not None else [])


def _plain(element: Element | None) -> str:
    """A QName's local part: prefixes are declared wrongly too often to be resolved."""
    return "" if element is None or element.text is None else element.text.strip().rpartition(":")[2]
