"""A description that lies about itself is found out before any codec sees it, with file, line and reason.

Codecs forgive: zeep loads a port that names an unknown binding as a service with no ports. So every import, prefix,
message and binding is followed here first, over packaged files only.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from aggregator.sdk.xml import Element, local

WSDL = "http://schemas.xmlsoap.org/wsdl/"
XSD = "http://www.w3.org/2001/XMLSchema"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|/|~")
_WSDL_NAMES = ("message", "binding", "type", "element")
_XSD_NAMES = ("type", "base", "ref", "itemType", "memberTypes", "substitutionGroup", "refer")


class WsdlRefused(Exception):
    """The description cannot be used. `line` is 0 where the fault is not in one line."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"{file}:{line}: {reason}" if line else f"{file}: {reason}")
        self.file = file
        self.line = line
        self.reason = reason


@dataclass(slots=True)
class Checked:
    """What the packaged files hold, by Clark name."""

    entry: Path
    files: set[Path] = field(default_factory=set)
    messages: set[str] = field(default_factory=set)
    port_types: set[str] = field(default_factory=set)
    bindings: set[str] = field(default_factory=set)
    definitions: list[tuple[Path, Element]] = field(default_factory=list)
    needs_configuration: list[str] = field(default_factory=list)
    """Policies in the description, which the codec ignores and a person must set up."""


def check(entry: Path) -> Checked:
    """Follows everything `entry` reaches. Raises WsdlRefused."""
    checked = Checked(entry)
    _walk(entry, entry, 0, checked)
    for path, root in checked.definitions:
        _references(path, root, checked)
    _usable(checked)
    return checked


def _walk(path: Path, named_in: Path, line: int, checked: Checked) -> None:
    real = path.resolve()
    if real in checked.files:
        return
    if not real.is_file() or not real.is_relative_to(checked.entry.resolve().parent):
        raise WsdlRefused(named_in.name, line, f"missing file {path.name}")
    checked.files.add(real)
    root = _parse(path)
    if path == checked.entry and root.tag != f"{{{WSDL}}}definitions":
        raise WsdlRefused(path.name, root.sourceline or 0, _what_it_is(root))
    _prefixes(path, root)
    if root.tag == f"{{{WSDL}}}definitions":
        checked.definitions.append((path, root))
        _collect(root, checked)
    for at, location in _locations(root):
        if _SCHEME.match(location):
            raise WsdlRefused(path.name, at, f"import of {location} from outside the package")
        _walk(path.parent / location, path, at, checked)


def _parse(path: Path) -> Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    content = path.read_bytes()
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as exc:
        if re.search(rb"<html[\s>]", content[:4096], re.IGNORECASE):
            raise WsdlRefused(path.name, exc.lineno or 0, "not a WSDL but an HTML page") from exc
        undeclared = "undeclared prefix: " if "prefix" in str(exc.msg) else ""
        raise WsdlRefused(path.name, exc.lineno or 0, f"{undeclared}{exc.msg}") from exc
    if root.getroottree().docinfo.doctype and local(root).lower() != "schema":
        raise WsdlRefused(path.name, 1, _what_it_is(root) if local(root).lower() == "html" else "it has a DOCTYPE")
    return root


def _what_it_is(root: Element) -> str:
    return "not a WSDL but an HTML page" if local(root).lower() == "html" else f"not a WSDL but <{local(root)}>"


def _locations(root: Element) -> Iterator[tuple[int, str]]:
    for found in root.iter(f"{{{WSDL}}}import"):
        if "location" in found.attrib:
            yield found.sourceline or 0, found.attrib["location"]
    for name in ("import", "include", "redefine"):
        for found in root.iter(f"{{{XSD}}}{name}"):
            if "schemaLocation" in found.attrib:
                yield found.sourceline or 0, found.attrib["schemaLocation"]


def _prefixes(path: Path, root: Element) -> None:
    for found in root.iter(f"{{{WSDL}}}*", f"{{{XSD}}}*"):
        names = _WSDL_NAMES if found.tag.startswith(f"{{{WSDL}}}") else _XSD_NAMES
        for name in names:
            for value in found.get(name, "").split():
                prefix = value.partition(":")[0] if ":" in value else None
                if prefix is not None and prefix not in found.nsmap and prefix != "xml":
                    raise WsdlRefused(path.name, found.sourceline or 0, f"undeclared prefix {prefix!r} in {value!r}")


def _collect(root: Element, checked: Checked) -> None:
    space = root.get("targetNamespace", "")
    for kind, into in (
        ("message", checked.messages),
        ("portType", checked.port_types),
        ("binding", checked.bindings),
    ):
        into.update(f"{{{space}}}{found.get('name')}" for found in root.findall(f"{{{WSDL}}}{kind}"))
    for found in root.iter():
        space, _, name = str(found.tag).rpartition("}")
        if name == "Policy" and "policy" in space.lower():
            # Inner alternatives have no name; the policy around them does.
            named = [value for key, value in found.attrib.items() if key.rpartition("}")[2] in {"Id", "Name"}]
            checked.needs_configuration.extend(f"policy {each}" for each in named)


def _clark(element: Element, qname: str, space: str) -> str:
    prefix, _, name = qname.rpartition(":")
    return f"{{{element.nsmap.get(prefix or None) or ('' if prefix else space)}}}{name}"


def _references(path: Path, root: Element, checked: Checked) -> None:
    space = root.get("targetNamespace", "")
    for binding in root.findall(f"{{{WSDL}}}binding"):
        if _clark(binding, binding.get("type", ""), space) not in checked.port_types:
            reason = f"binding {binding.get('name')} names unknown port type {binding.get('type')}"
            raise WsdlRefused(path.name, binding.sourceline or 0, reason)
    # Operations' inputs and outputs, and the headers of bindings: all name messages.
    for found in root.iter():
        message = found.get("message") if isinstance(found.tag, str) else None
        if message and _clark(found, message, space) not in checked.messages:
            name = message.rpartition(":")[2]
            raise WsdlRefused(path.name, found.sourceline or 0, f"undefined message {name}")


def _usable(checked: Checked) -> None:
    ports = 0
    for path, root in checked.definitions:
        space = root.get("targetNamespace", "")
        for port in root.iterfind(f"{{{WSDL}}}service/{{{WSDL}}}port"):
            ports += 1
            if _clark(port, port.get("binding", ""), space) not in checked.bindings:
                reason = f"port {port.get('name')} names unknown binding {port.get('binding')}"
                raise WsdlRefused(path.name, port.sourceline or 0, reason)
    if not ports:
        found = ", ".join(sorted(name.rpartition("}")[2] for name in checked.bindings)) or "none"
        raise WsdlRefused(checked.entry.name, 0, f"no service with a usable port (bindings found: {found})")
