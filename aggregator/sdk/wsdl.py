"""zeep is a codec: it reads packaged WSDLs at start-up and turns values into XML and back. It never opens anything.

All of zeep's untyped surface is in this file. Its transport is ours: it has no session, its `load` reads packaged
files while a description is being loaded and raises for every location afterwards, because zeep would follow an
`xs:import` inside a *reply* even with `forbid_external=True`. The address in a WSDL is never used.
Source: the shared rules of the protocols, section 7.
"""

import functools
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree
from zeep import Client, Settings, Transport
from zeep import exceptions as zeep_errors
from zeep.wsdl.messages.soap import DocumentMessage, RpcMessage
from zeep.xsd import AnySimpleType, ComplexType, CompoundValue, Sequence, String
from zeep.xsd import Element as ZeepElement
from zeep.xsd.context import XmlParserContext

from aggregator.sdk import codec
from aggregator.sdk.codec import Field, Odd, Shape, Text
from aggregator.sdk.errors import Misconfigured
from aggregator.sdk.wsdl_check import WsdlRefused, check
from aggregator.sdk.xml import Element, local

# zeep writes whole bodies at DEBUG; a root logger turned up for diagnosis must not write citizens down.
logging.getLogger("zeep").setLevel(logging.WARNING)

_VERSIONS = {"Soap11Binding": "1.1", "Soap12Binding": "1.2"}
_UNREADABLE = (
    zeep_errors.Error,
    etree.LxmlError,
    ArithmeticError,
    ValueError,
    AttributeError,
    LookupError,
    TypeError,
)


class Unreadable(Exception):
    """The element does not fit its schema. `why` is a class name: zeep's texts hold values."""


class NothingToOpen(Exception):
    """Something asked the codec to open a location after loading. A reply did that; nothing was opened."""


class _Outspoken(logging.Filter):
    """zeep writes a value it cannot read into the log, with the value, and reads on with None; here it raises."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002 - its text is the value
        raise ValueError("a value does not fit its type")


logging.getLogger("zeep.xsd.types.simple").addFilter(_Outspoken())


class _Packaged(Transport):
    """Reads the files `check` has walked, during loading only."""

    def __init__(self, files: set[Path]) -> None:
        # Not super().__init__(): it would make a requests session.
        self.cache = None
        self._close_session = False
        self._files = files
        self.sealed = False

    def load(self, url: str) -> bytes:
        path = Path(url).resolve()
        if self.sealed or path not in self._files:
            raise NothingToOpen("the codec opens packaged files at start-up and nothing else")
        return path.read_bytes()

    def _refuse(self, *_args: Any, **_kwargs: Any) -> Any:
        raise NothingToOpen("the codec does not send")

    get = post = post_xml = _load_remote_data = _refuse


@dataclass(frozen=True, slots=True)
class Port:
    """One port: builds requests and reads answers of its operations. `version` is "1.1" or "1.2"."""

    name: str
    version: str
    operations: tuple[str, ...]
    _binding: Any
    _client: Any
    _templates: Mapping[str, codec.Template]
    _readers: Mapping[str, codec.Read]

    def document(self, operation: str, namespace: str, arguments: Mapping[str, Any], header: str) -> bytes | None:
        """The ordinary request as bytes, or None where zeep has to build it."""
        ready = self._templates.get(operation)
        try:
            return ready.document(namespace, arguments, header) if ready else None
        except Odd:
            return None

    def action(self, operation: str) -> str:
        return str(self._operation(operation).soapaction or "")

    def message(self, operation: str, arguments: Mapping[str, Any]) -> Element:
        """The envelope. Raises Misconfigured for arguments the description does not know or misses."""
        described = self._operation(operation)
        try:
            # Not client.create_message(): its own parameters would clash with an agency's argument called "service".
            return described.create(**arguments).content
        except _UNREADABLE as exc:
            why = f"the request {operation} does not fit its WSDL ({type(exc).__name__})"
            raise Misconfigured(why) from None  # the cause's text may hold the citizen's values

    def response_name(self, operation: str) -> str | None:
        """The Clark name of the element an answer's Body holds; None where the style leaves it open."""
        output = self._operation(operation).output
        if output is None or output.body is None or isinstance(output, RpcMessage):
            return None
        return str(output.body.qname.text)

    def value(self, operation: str, element: Element) -> tuple[Any, bool]:
        """The element's value, and whether it held elements the description does not know.

        Always an object or mapping by element name: zeep would hand over the only field of a wrapper bare.
        Raises Unreadable.
        """
        ready = self._readers.get(operation)
        if ready is not None:
            with suppress(Odd):
                return ready(element), False
        body = self._operation(operation).output.body
        try:
            try:
                return _wrapped(self._parse(body, element), element), False
            except zeep_errors.XMLParseError as exc:
                if "nexpected element" not in str(exc):
                    raise
                # Lax for this reason only, and synchronously: the setting is this thread's.
                with self._client.settings(strict=False):
                    return _wrapped(self._parse(body, element), element), True
        except (*_UNREADABLE, NothingToOpen) as exc:
            raise Unreadable(type(exc).__name__) from None

    def _parse(self, body: Any, element: Element) -> Any:
        schema = self._client.wsdl.types
        return body.parse(element, schema, context=XmlParserContext(settings=self._client.settings))  # type: ignore[no-untyped-call]

    def _operation(self, name: str) -> Any:
        try:
            return self._binding.get(name)
        except (KeyError, ValueError) as exc:
            raise Misconfigured(f"the WSDL has no operation {name}") from exc


def _wrapped(value: Any, element: Element) -> Any:
    if value is None or isinstance(value, CompoundValue | Mapping):
        return value
    return {local(element): value}


@dataclass(frozen=True, slots=True)
class Description:
    """A loaded WSDL. `needs_configuration` lists the policies the codec ignores."""

    file: str
    ports: tuple[Port, ...]
    needs_configuration: tuple[str, ...]

    def port(self, name: str | None = None, version: str | None = None) -> Port:
        """The port of that name and version; without a name the first that fits. Raises WsdlRefused."""
        for port in self.ports:
            if name in {None, port.name} and version in {None, port.version}:
                return port
        known = ", ".join(f"{port.name} ({port.version})" for port in self.ports)
        raise WsdlRefused(self.file, 0, f"no port {name or ''} of version {version or 'any'}; it has {known}")


@functools.cache
def load(path: Path) -> Description:
    """The description in a packaged file, once per process; takes tens of milliseconds, so at start-up or in a thread.

    Raises WsdlRefused.
    """
    checked = check(path)
    transport = _Packaged(checked.files)
    settings = Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True, xml_huge_tree=False)
    try:
        client = Client(str(path.resolve()), transport=transport, settings=settings)  # type: ignore[no-untyped-call]
    except (zeep_errors.ExternalReferenceForbidden, NothingToOpen) as exc:
        # zeep looks for some well-known schemas even where the import names no location.
        raise WsdlRefused(path.name, 0, f"import from outside the package ({exc})") from exc
    except _UNREADABLE as exc:
        raise WsdlRefused(path.name, getattr(exc, "sourceline", None) or 0, str(exc)) from exc
    transport.sealed = True
    ports = tuple(
        _port(port, client)
        for service in client.wsdl.services.values()
        for port in service.ports.values()
        if type(port.binding).__name__ in _VERSIONS
    )
    if not ports:
        raise WsdlRefused(path.name, 0, "no service with a usable SOAP port")
    return Description(path.name, ports, tuple(checked.needs_configuration))


def _port(port: Any, client: Any) -> Port:
    operations = port.binding.all()
    templates, readers = {}, {}
    for name, operation in operations.items():
        if (asked := _body(operation.input)) is not None and (shape := _shape(asked.type)) is not None:
            templates[name] = codec.template(asked.qname.text, shape)
        if (answered := _body(operation.output)) is not None and (shape := _shape(answered.type)) is not None:
            readers[name] = codec.reader(shape)
    version = _VERSIONS[type(port.binding).__name__]
    return Port(port.name, version, tuple(operations), port.binding, client, templates, readers)


def _body(message: Any) -> Any | None:
    """The one element in the Body of a document/literal message without described headers; None for other styles."""
    if not isinstance(message, DocumentMessage) or message.body is None or message._is_body_wrapped:  # noqa: SLF001 - zeep says it nowhere else
        return None
    header: Any = getattr(message.header, "type", None)
    return None if isinstance(header, ComplexType) and header.elements else message.body


def _shape(kind: Any, depth: int = 0) -> Shape | None:
    """The complex type as a plain sequence; None for anything that needs zeep."""
    if not isinstance(kind, ComplexType) or kind.attributes or depth > codec.DEEPEST:
        return None
    groups = [group for _, group in kind.elements_nested]
    described = _sequence(groups[0]) if len(groups) == 1 else []
    if described is None or len(groups) > 1:
        return None
    fields = [_field(name, element, depth) for name, element in described]
    tags = {element.qname.text for _, element in described}
    if len(tags) < len(described):
        return None
    return Shape(tuple(field for field in fields if field is not None)) if None not in fields else None


def _sequence(group: Any) -> list[tuple[str, Any]] | None:
    """Its elements in order, those of sequences inside it included; None where there is more to it than order."""
    if type(group) is not Sequence or (group.min_occurs, group.max_occurs) != (1, 1):
        return None
    found: list[tuple[str, Any]] = []
    for name, inner in group.elements_nested:
        if isinstance(inner, ZeepElement) and type(inner) is ZeepElement:
            found.append((name, inner))
        elif (nested := _sequence(inner)) is not None:
            found += nested
        else:
            return None
    return found


def _field(name: str, element: Any, depth: int) -> Field | None:
    if element.default is not None:
        return None
    kind: Text | Shape | None
    if isinstance(element.type, AnySimpleType):
        kind = Text() if type(element.type) is String else Text(element.type.xmlvalue, element.type.pythonvalue)
    else:
        kind = _shape(element.type, depth + 1)
    if kind is None:
        return None
    return Field(element.qname.text, name, kind, element.is_optional, element.accepts_multiple)
