"""What a file may hold, said once: the checker reads these shapes, and the published JSON Schema is printed from them.

A shape checks one value and reports every mistake in it; it never stops at the first.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from aggregator.registry.locate import Path
from aggregator.registry.problems import meant
from aggregator.registry.source import Source, secret_name, shown

LANGUAGES = ("en", "or", "hi")
Schema = dict[str, Any]


class Shape(Protocol):
    """`doc` is one sentence for the operator's editor; units are in the key's name."""

    @property
    def doc(self) -> str: ...

    def check(self, value: Any, path: Path, source: Source) -> None: ...

    def schema(self) -> Schema: ...


def told(schema: Schema, doc: str, default: Any = None) -> Schema:
    if doc:
        schema["description"] = doc
    if default is not None:
        schema["default"] = default
    return schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    doc: str = ""
    pattern: str = ""
    like: str = ""
    choices: tuple[str, ...] = ()
    default: str | None = None
    longest: int = 500

    def check(self, value: Any, path: Path, source: Source) -> None:
        if not isinstance(value, str):
            source.wrong(path, f"must be text, got {shown(value)}")
        elif not value.strip():
            source.wrong(path, "is empty")
        elif self.choices and value not in self.choices:
            allowed = ", ".join(self.choices)
            source.wrong(path, f"must be one of {allowed}, got {shown(value)}.{meant(value, self.choices)}")
        elif self.pattern and not re.search(self.pattern, value):
            source.wrong(path, f"must look like {self.like or self.pattern}, got {shown(value)}")
        elif len(value) > self.longest:
            source.wrong(path, f"must be at most {self.longest} characters, got {len(value)}")

    def schema(self) -> Schema:
        made: Schema = {"type": "string", "minLength": 1, "maxLength": self.longest}
        if self.choices:
            made = {"type": "string", "enum": list(self.choices)}
        if self.pattern:
            made["pattern"] = self.pattern
        return told(made, self.doc, self.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """Whole or with a fraction; `whole` refuses the fraction."""

    doc: str = ""
    least: float = 0
    most: float
    whole: bool = False
    default: float | None = None

    def check(self, value: Any, path: Path, source: Source) -> None:
        kinds = (int,) if self.whole else (int, float)
        if not isinstance(value, kinds) or isinstance(value, bool):
            source.wrong(path, f"must be a {'whole ' if self.whole else ''}number, got {shown(value)}")
        elif value > self.most:
            source.wrong(path, f"must be at most {self.most:g}, got {value}")
        elif not value >= self.least:  # also catches nan, which is smaller than nothing
            source.wrong(path, f"must be at least {self.least:g}, got {value}")

    def schema(self) -> Schema:
        kind = "integer" if self.whole else "number"
        return told({"type": kind, "minimum": self.least, "maximum": self.most}, self.doc, self.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    doc: str = ""
    default: bool | None = None

    def check(self, value: Any, path: Path, source: Source) -> None:
        if not isinstance(value, bool):
            source.wrong(path, f"must be true or false, got {shown(value)}")

    def schema(self) -> Schema:
        return told({"type": "boolean"}, self.doc, self.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A sentence in the city's languages: English is needed, the others are asked for."""

    doc: str = ""

    def check(self, value: Any, path: Path, source: Source) -> None:
        if not isinstance(value, Mapping):
            source.wrong(path, f'must be {{ en = "...", or = "...", hi = "..." }}, got {shown(value)}')
            return
        for key, text in value.items():
            if key not in LANGUAGES:
                source.unknown((*path, key), "language", key, LANGUAGES)
            else:
                Text(longest=2000).check(text, (*path, key), source)
        if "en" not in value:
            source.wrong(path, "has no English (en)", on_key=True)
        missing = [language for language in LANGUAGES[1:] if language not in value]
        if missing:
            source.warn(path, f"has no translation into {' and '.join(missing)}; English is shown instead")

    def schema(self) -> Schema:
        text = {"type": "string", "minLength": 1, "maxLength": 2000}
        made: Schema = {
            "type": "object",
            "properties": dict.fromkeys(LANGUAGES, text),
            "required": ["en"],
            "additionalProperties": False,
        }
        return told(made, self.doc)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf:
    item: Shape
    doc: str = ""
    at_least: int = 0

    def check(self, value: Any, path: Path, source: Source) -> None:
        if not isinstance(value, list):
            source.wrong(path, f"must be a list, got {shown(value)}")
            return
        if len(value) < self.at_least:
            source.wrong(path, "is an empty list")
        for index, item in enumerate(value):
            self.item.check(item, (*path, index), source)

    def schema(self) -> Schema:
        made: Schema = {"type": "array", "items": self.item.schema()}
        if self.at_least:
            made["minItems"] = self.at_least
        return told(made, self.doc)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with these keys and no others."""

    keys: Mapping[str, Shape]
    needed: tuple[str, ...] = ()
    doc: str = ""

    def check(self, value: Any, path: Path, source: Source) -> None:
        if not isinstance(value, Mapping):
            source.wrong(path, f"must be a table, got {shown(value)}")
            return
        for key, item in value.items():
            if key in self.keys:
                self.keys[key].check(item, (*path, key), source)
            elif secret_name(key) and isinstance(item, str):
                source.written((*path, key))
            else:
                source.unknown((*path, key), "key", key, self.keys)
        for key in self.needed:
            if key not in value:
                source.missing(path, key)

    def schema(self) -> Schema:
        made: Schema = {
            "type": "object",
            "properties": {key: shape.schema() for key, shape in self.keys.items()},
            "additionalProperties": False,
        }
        if self.needed:
            made["required"] = list(self.needed)
        return told(made, self.doc)


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    """A table of one of two shapes: `first` if it has the key `mark` and not the key `unless`, else `second`."""

    mark: str
    unless: str
    first: Table
    second: Table
    doc: str = ""

    def check(self, value: Any, path: Path, source: Source) -> None:
        first = isinstance(value, Mapping) and self.mark in value and self.unless not in value
        (self.first if first else self.second).check(value, path, source)

    def schema(self) -> Schema:
        return told({"oneOf": [self.first.schema(), self.second.schema()]}, self.doc)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A table of things under names of the writer's choice."""

    item: Shape
    names: str
    like: str
    doc: str = ""

    def check(self, value: Any, path: Path, source: Source) -> None:
        if not isinstance(value, Mapping):
            source.wrong(path, f"must be a table, got {shown(value)}")
            return
        for name, item in value.items():
            if not re.search(self.names, name):
                source.wrong((*path, name), f'the name "{name}" must look like {self.like}', on_key=True, bare=True)
            self.item.check(item, (*path, name), source)

    def schema(self) -> Schema:
        made: Schema = {
            "type": "object",
            "propertyNames": {"pattern": self.names},
            "additionalProperties": self.item.schema(),
        }
        return told(made, self.doc)


@dataclass(frozen=True, slots=True, kw_only=True)
class Free:
    """A value checked elsewhere, against facts no shape can hold; `hint` is its JSON Schema."""

    doc: str = ""
    hint: Mapping[str, Any] = field(default_factory=dict)
    also: Callable[[Any, Path, Source], None] | None = None

    def check(self, value: Any, path: Path, source: Source) -> None:
        if self.also:
            self.also(value, path, source)

    def schema(self) -> Schema:
        return told(dict(self.hint), self.doc)
