"""The compiled codec is zeep, only faster: whatever it does not know for certain, it leaves to zeep."""

import dataclasses
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from zeep.helpers import serialize_object

from aggregator.sdk.codec import Field, Odd, Shape, Text, Values, reader, template
from aggregator.sdk.errors import Misconfigured
from aggregator.sdk.wsdl import Port, Unreadable, WsdlRefused, _body, _shape, load
from aggregator.sdk.xml import to_bytes

ROOT = Path(__file__).resolve().parents[3]
FOREIGN = ROOT.parent / "shared" / "specs" / "wsdl"
SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
TEXTS = ["Asha", "ଆଶା <b>&\r\n", " a ", "12", "2026-11-22", "true", "1.50", "2026-11-22T10:00:00Z", ""]
CHILDREN_MAX = 3


def described() -> Iterator[tuple[str, Port]]:
    """Every port of every WSDL at hand: our own, and other people's where the folder is there."""
    files = [*(ROOT / "adapters").rglob("*.wsdl"), *(FOREIGN.rglob("*.wsdl") if FOREIGN.exists() else ())]
    for path in sorted(files):
        try:
            ports = load(path).ports
        except WsdlRefused:
            continue
        for port in ports:
            yield f"{path.stem}-{port.name}", port


PORTS = dict(described())


def operations(port: Port) -> Iterator[tuple[str, Any, Any]]:
    for name, operation in port._binding.all().items():
        yield name, _body(operation.input), _body(operation.output)


def zeeps(port: Port) -> Port:
    return dataclasses.replace(port, _templates={}, _readers={})


def instance(rng: random.Random, tag: str, shape: Shape, depth: int = 0) -> etree._Element:
    node = etree.Element(tag)
    for field in shape.fields:
        times = rng.randint(0, CHILDREN_MAX) if field.many else int(not field.optional or rng.random() < 0.8)
        for _ in range(min(times, 1) if depth > 4 else times):
            node.append(_child(rng, field, depth))
    return node


def _child(rng: random.Random, field: Field, depth: int) -> etree._Element:
    if isinstance(field.kind, Shape):
        return instance(rng, field.tag, field.kind, depth + 1)
    child = etree.Element(field.tag)
    child.text = rng.choice(TEXTS) or None
    return child


def spoilt(rng: random.Random, node: etree._Element) -> None:
    """One thing that is not as described."""
    victim = rng.choice(list(node.iter()))
    match rng.randrange(6):
        case 0 if victim is not node:
            victim.getparent().remove(victim)
        case 1:
            victim.append(etree.Element("Stranger"))
        case 2:
            victim.set(XSI + "nil", "true")
        case 3 if victim is not node:
            victim.addnext(etree.fromstring(etree.tostring(victim)))
        case 4 if len(victim) > 1:
            victim.append(victim[0])
        case _:
            victim.set("odd", "1")


def read(port: Port, operation: str, node: etree._Element) -> Any:
    try:
        value, drifted = port.value(operation, etree.fromstring(etree.tostring(node)))
    except Unreadable as error:
        return str(error)
    return plain(serialize_object(value, dict)), drifted


def plain(value: Any) -> Any:
    """As data that compares; elements zeep did not know are compared as text."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple) or type(value).__name__ == "deque":
        return [plain(inner) for inner in value]
    return etree.tostring(value) if isinstance(value, etree._Element) else value


@pytest.mark.parametrize("name", sorted(PORTS))
def test_an_answer_read_by_the_table_is_the_one_zeep_reads(name):
    port, rng = PORTS[name], random.Random(name)
    for operation, _, output in operations(port):
        shape = _shape(output.type) if output is not None else None
        if shape is None:
            continue
        for _ in range(6):
            node = instance(rng, output.qname.text, shape)
            assert read(port, operation, node) == read(zeeps(port), operation, node), etree.tostring(node)
            spoilt(rng, node)
            assert read(port, operation, node) == read(zeeps(port), operation, node), etree.tostring(node)


def arguments(rng: random.Random, shape: Shape, depth: int = 0) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for field in shape.fields:
        if field.optional and rng.random() < 0.3:
            continue
        value = _argument(rng, field, depth)
        given[field.name] = [value] if field.many else value
    return given


def _argument(rng: random.Random, field: Field, depth: int) -> Any:
    if isinstance(field.kind, Shape):
        return arguments(rng, field.kind, depth + 1)
    text = rng.choice(TEXTS[:3])
    try:
        return field.kind.read(rng.choice(TEXTS)) if field.kind.read else text
    except (TypeError, ValueError, ArithmeticError):
        return text


def written(port: Port, operation: str, given: dict[str, Any]) -> Any:
    document = port.document(operation, SOAP_11, given, "")
    try:
        whole = document if document is not None else to_bytes(port.message(operation, given))
    except Misconfigured as error:
        return str(error)
    body = etree.fromstring(whole)[-1]
    return [(node.tag, node.text or "", dict(node.attrib)) for node in body.iter() if node is not body]


@pytest.mark.parametrize("name", sorted(PORTS))
def test_a_request_from_the_template_is_the_one_zeep_writes(name):
    port, rng = PORTS[name], random.Random(name)
    for operation, asked, _ in operations(port):
        shape = _shape(asked.type) if asked is not None else None
        if shape is None:
            continue
        for _ in range(4):
            given = arguments(rng, shape)
            assert written(port, operation, given) == written(zeeps(port), operation, given), given
        odd = {**given, "stranger": "1"}
        assert written(port, operation, odd) == written(zeeps(port), operation, odd)


@pytest.mark.parametrize("path", sorted((ROOT / "adapters").rglob("*.wsdl")), ids=lambda path: path.stem)
def test_every_request_of_our_own_agencies_goes_out_from_a_template(path):
    for port in load(path).ports:
        assert set(port._templates) == set(port.operations)


TEXT = Shape((Field("{urn:x}a", "a", Text(), optional=False, many=False),))


@pytest.mark.parametrize(
    "given",
    [{}, {"a": None}, {"a": 1}, {"a": "\x00"}, {"a": "x", "b": "y"}, {"a": ["x"]}],
    ids=["missing", "nothing", "no text", "not for XML", "unknown", "a list"],
)
def test_what_is_not_the_ordinary_request_is_left_to_zeep(given):
    with pytest.raises(Odd):
        template("{urn:x}ask", TEXT).document(SOAP_11, given)


def test_a_citizens_text_stays_text_whatever_it_holds():
    sent = template("{urn:x}ask", TEXT).document(SOAP_11, {"a": "</a><b>&amp;\r"})
    assert etree.fromstring(sent).find(".//{urn:x}a").text == "</a><b>&amp;\r"


@pytest.mark.parametrize(
    "answer",
    ["<r/>", "<r><b/></r>", "<r><a/><a/></r>", "<r><a x='1'/></r>", "<r><a><b/></a></r>", "<r x='1'><a/></r>"],
)
def test_what_is_not_the_ordinary_answer_is_left_to_zeep(answer):
    node = etree.fromstring(answer.replace("<r", "<r xmlns='urn:x'", 1))
    with pytest.raises(Odd):
        reader(TEXT)(node)


def test_an_answer_reads_by_name_and_by_attribute():
    got = reader(TEXT)(etree.fromstring("<r xmlns='urn:x'><a>1</a></r>"))
    assert (got, got.a) == (Values(a="1"), "1")
    assert not hasattr(got, "b")
