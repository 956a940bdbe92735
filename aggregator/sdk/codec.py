"""A codec compiled from a description: requests from a template, answers by a table of tags.

zeep reads the WSDL at start-up and stays the judge. What is here serves the ordinary message, at a tenth of the price;
whatever is not exactly as described (an argument of another kind, an attribute, an element that is unknown, missing
or out of order) is `Odd` and left to zeep, so that both give the same values and zeep alone gives the errors.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from lxml import etree

Element: TypeAlias = etree._Element  # noqa: SLF001 - lxml has no public name for the type of an element
Write = Callable[[Any, list[str]], None]
Read = Callable[[Element], Any]

_SPECIAL = re.compile("[&<>\\r\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ud800-\\udfff\\ufffe\\uffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
DEEPEST = 20
"""Types nested deeper than this, or in themselves, are not compiled."""


class Odd(Exception):
    """Not the ordinary message; zeep has the word."""


class Values(dict[str, Any]):
    """An answer's elements by name, readable as attributes too, as zeep's are."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True, slots=True)
class Text:
    """A simple type. None stands for text that is taken as it is."""

    write: Callable[[Any], str] | None = None
    read: Callable[[str], Any] | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One element of a sequence. `tag` is its Clark name, `name` the one callers use."""

    tag: str
    name: str
    kind: "Text | Shape"
    optional: bool
    many: bool
    default: Any = None


@dataclass(frozen=True, slots=True)
class Shape:
    """A complex type that is a plain sequence without attributes."""

    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """Writes one operation's request. `tag` is the Clark name of the element in the Body."""

    head: str
    tail: str
    names: frozenset[str]
    writes: tuple[tuple[str, Write], ...]

    def document(self, namespace: str, arguments: Mapping[str, Any], header: str = "") -> bytes:
        """The whole envelope of that SOAP namespace, with these header blocks. Raises Odd."""
        if not arguments.keys() <= self.names:
            raise Odd
        parts = [f"<?xml version='1.0' encoding='UTF-8'?>\n<e:Envelope xmlns:e=\"{namespace}\">"]
        if header:
            parts += ("<e:Header>", header, "</e:Header>")
        parts += ("<e:Body>", self.head)
        for name, write in self.writes:
            write(arguments.get(name), parts)
        parts += (self.tail, "</e:Body></e:Envelope>")
        return "".join(parts).encode()


def template(tag: str, shape: Shape) -> Template:
    """The request whose Body holds this element."""
    prefixes = _prefixes(tag, shape)
    name = _prefixed(tag, prefixes)
    declared = "".join(f' xmlns:{prefix}="{namespace}"' for namespace, prefix in prefixes.items())
    writes = tuple((field.name, _writing(field, prefixes)) for field in shape.fields)
    return Template(f"<{name}{declared}>", f"</{name}>", frozenset(name for name, _ in writes), writes)


def reader(shape: Shape) -> Read:
    """Reads an element of this shape into Values. What it returns raises Odd."""
    table = tuple((field.tag, field.name, field.optional, field.many, _reading(field)) for field in shape.fields)
    lists = tuple(field.name for field in shape.fields if field.many)
    blank = {field.name: field.default for field in shape.fields}

    def read(node: Element) -> Values:
        if node.attrib or not len(node) or not table:
            raise Odd  # xsi:nil, xsi:type, or nothing at all
        values, places = Values(blank), iter(table)
        for name in lists:
            values[name] = []
        tag, name, optional, many, take = next(places)
        fresh = True
        for child in node:
            while child.tag != tag or not (fresh or many):
                if fresh and not optional:
                    raise Odd
                place = next(places, None)
                if place is None:
                    raise Odd
                tag, name, optional, many, take = place
                fresh = True
            fresh = False
            if many:
                values[name].append(take(child))
            else:
                values[name] = take(child)
        if (fresh and not optional) or any(not place[2] for place in places):
            raise Odd
        return values

    return read


def _reading(field: Field) -> Read:
    if isinstance(field.kind, Text):
        return _text_reading(field.kind.read)
    inside = reader(field.kind)

    def complex_value(node: Element) -> Any:
        return inside(node) if len(node) or node.attrib else None

    return complex_value


def _text_reading(convert: Callable[[str], Any] | None) -> Read:
    def plain(node: Element) -> Any:
        if node.attrib or len(node):
            raise Odd
        return node.text

    def converted(node: Element) -> Any:
        text = plain(node)
        if text is None or convert is None:
            return text
        try:
            return convert(text)
        except (TypeError, ValueError, ArithmeticError):
            raise Odd from None

    return plain if convert is None else converted


def _writing(field: Field, prefixes: Mapping[str, str]) -> Write:
    name = _prefixed(field.tag, prefixes)
    opening, closing = f"<{name}>", f"</{name}>"
    inside = _text_writing(field.kind) if isinstance(field.kind, Text) else _shape_writing(field.kind, prefixes)

    def one(value: Any, parts: list[str]) -> None:
        if value is None:
            if not field.optional:
                raise Odd
            return
        parts.append(opening)
        inside(value, parts)
        parts.append(closing)

    def several(value: Any, parts: list[str]) -> None:
        if not isinstance(value, list) or not value or None in value:
            raise Odd
        for item in value:
            one(item, parts)

    def several_or_none(value: Any, parts: list[str]) -> None:
        if value is not None:
            several(value, parts)
        elif not field.optional:
            raise Odd

    return several_or_none if field.many else one


def _text_writing(kind: Text) -> Write:
    def write(value: Any, parts: list[str]) -> None:
        if kind.write is not None:
            try:
                value = kind.write(value)
            except (TypeError, ValueError, ArithmeticError, AttributeError):
                raise Odd from None
        if type(value) is not str:
            raise Odd
        parts.append(_SPECIAL.sub(_escaped, value) if _SPECIAL.search(value) else value)

    return write


def _shape_writing(shape: Shape, prefixes: Mapping[str, str]) -> Write:
    writes = tuple((field.name, _writing(field, prefixes)) for field in shape.fields)
    names = frozenset(name for name, _ in writes)

    def write(value: Any, parts: list[str]) -> None:
        if type(value) is not dict or not value.keys() <= names:
            raise Odd
        for name, inner in writes:
            inner(value.get(name), parts)

    return write


def _escaped(found: re.Match[str]) -> str:
    escape = _ESCAPES.get(found[0])
    if escape is None:
        raise Odd  # XML cannot carry it: zeep's error names the argument
    return escape


def _prefixes(tag: str, shape: Shape) -> dict[str, str]:
    """Every namespace of the request -> its prefix."""
    found: dict[str, str] = {}
    waiting: list[tuple[str, Text | Shape]] = [(tag, shape)]
    while waiting:
        name, kind = waiting.pop(0)
        namespace = etree.QName(name).namespace
        if namespace and namespace not in found:
            found[namespace] = f"n{len(found)}"
        if isinstance(kind, Shape):
            waiting += [(field.tag, field.kind) for field in kind.fields]
    return found


def _prefixed(tag: str, prefixes: Mapping[str, str]) -> str:
    name = etree.QName(tag)
    return f"{prefixes[name.namespace]}:{name.localname}" if name.namespace else name.localname
