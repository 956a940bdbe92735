"""A driver's form is checked and compiled when the registry is read, so that no citizen meets its mistakes.

The draft-07 subset that JSON Forms, rjsf, a WhatsApp flow and a plain page can all show. References stay inside the
form: a validator that may follow others opens files and asks the network. Source: docs/api.md section 8.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import jsonschema_rs

from aggregator.registry.form_hints import HINTS, check_hint
from aggregator.registry.locate import Path
from aggregator.registry.shape import LANGUAGES, Words
from aggregator.registry.source import Source, shown

DRAFT7 = "http://json-schema.org/draft-07/schema#"
FORMATS = ("date", "date-time", "time", "email", "uri")
LONGEST_PATTERN = 200
_SHOWN = frozenset({"title", "description"})
_ONE = frozenset({"if", "then", "else", "not", "items", "contains", "propertyNames", "additionalProperties"})
_MANY = frozenset({"oneOf", "anyOf", "allOf"})
_BY_NAME = frozenset({"properties", "definitions"})
_PLAIN = frozenset({
    "$schema", "$ref", "$comment", "type", "required", "const", "enum", "default", "examples", "pattern", "format",
    "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "contentMediaType", "contentEncoding",
    "readOnly", "writeOnly",
})  # fmt: skip
_KNOWN = _SHOWN | _ONE | _MANY | _BY_NAME | _PLAIN


class Form(dict[str, Any]):
    """A checked form as it stands in its file, titles in every language, with its validator compiled once."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        super().__init__(schema)
        self.validator = compiled(schema)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        """A copy is made to be changed, so it is a plain mapping: the validator would no longer fit it."""
        return deepcopy(dict(self), memo)


def compiled(schema: Mapping[str, Any]) -> jsonschema_rs.Draft7Validator:
    """The validator: draft named, formats on, nothing fetched. Raises ValueError for a form that is no schema.

    Guessing the draft would take 2020-12, where formats are not checked: 30-02-1990 passes (libraries.md JS-1).
    """
    return jsonschema_rs.Draft7Validator(spoken(schema, lambda _: ""), validate_formats=True, offline=True)


def spoken(schema: Any, choose: Callable[[Mapping[str, str]], str]) -> Any:
    """The schema with each sentence given in several languages replaced by the one chosen."""
    if not isinstance(schema, Mapping):
        return schema
    return {key: _spoken_part(key, value, choose) for key, value in schema.items()}


def _spoken_part(key: str, value: Any, choose: Callable[[Mapping[str, str]], str]) -> Any:
    if key == "x-groups" and isinstance(value, list):
        return [spoken(group, choose) for group in value]
    if key in _SHOWN or key.startswith("x-"):
        return choose(value) if _is_words(value) else value
    if key in _ONE:
        return spoken(value, choose)
    if key in _MANY and isinstance(value, list):
        return [spoken(item, choose) for item in value]
    if key in _BY_NAME and isinstance(value, Mapping):
        return {name: spoken(item, choose) for name, item in value.items()}
    return value


def _is_words(value: Any) -> bool:
    return isinstance(value, Mapping) and "en" in value and set(value) <= set(LANGUAGES)


def checked(source: Source) -> Form | None:
    """The form of a file; None when it has errors, all of which are then in `source.problems`."""
    _Checker(source).root()
    if source.has_errors_under(()) or not source.data:
        return None
    try:
        return Form(source.data)
    except ValueError as exc:
        source.wrong((), f"is not a usable draft-07 form: {str(exc).splitlines()[0]}")
        return None


class _Checker:
    def __init__(self, source: Source) -> None:
        self.source = source

    def root(self) -> None:
        form = self.source.data
        if not form:
            return
        if form.get("type") != "object":
            self.source.missing((), "type") if "type" not in form else self._wrong(("type",), 'must be "object"')
        if form.get("additionalProperties") is not False:
            self._wrong((), 'must say "additionalProperties": false: a field nobody reads must not look sent')
        self._schema(form, (), field=True)

    def _schema(self, schema: Any, path: Path, *, field: bool = False) -> None:
        if isinstance(schema, bool):
            return
        if not isinstance(schema, Mapping):
            self._wrong(path, f"must be a schema, got {shown(schema)}")
            return
        if field and "title" not in schema:
            self.source.missing(path, "title")
        for key, value in schema.items():
            self._keyword(key, value, (*path, key))

    def _keyword(self, key: str, value: Any, path: Path) -> None:
        if key in _SHOWN or key == "x-error-message":
            Words().check(value, path, self.source)
        elif key in _BY_NAME and isinstance(value, Mapping):
            for name, item in value.items():
                self._schema(item, (*path, name), field=self._is_page(path))
        elif key in _MANY and isinstance(value, list):
            for index, item in enumerate(value):
                self._choice(item, (*path, index))
        elif key in _ONE:
            self._schema(value, path)
        elif key in HINTS:
            check_hint(key, value, path, self.source)
        elif key not in _KNOWN and not key.startswith("x-"):
            self.source.unknown(path, "form keyword", key, _KNOWN)
        else:
            self._plain(key, value, path)

    def _choice(self, item: Any, path: Path) -> None:
        chosen = isinstance(item, Mapping) and "const" in item
        self._schema(item, path, field=chosen and "oneOf" in path)

    def _plain(self, key: str, value: Any, path: Path) -> None:
        if key == "$schema" and value != DRAFT7:
            self._wrong(path, f"must be left out or {DRAFT7}, got {shown(value)}: JSON Forms fails on later drafts")
        elif key == "$ref":
            self._reference(value, path)
        elif key == "enum":
            self._wrong(path, "has no titles. Use oneOf with const and title", on_key=True)
        elif key == "format" and value not in FORMATS:
            self._wrong(path, f"must be one of {', '.join(FORMATS)}, got {shown(value)}: others are not checked")
        elif key == "pattern":
            self._pattern(value, path)

    def _reference(self, value: Any, path: Path) -> None:
        if not isinstance(value, str) or not value.startswith("#/"):
            self._wrong(path, f"must stay in this form and begin with #/, got {shown(value)}")
            return
        found: Any = self.source.data
        for name in value[2:].split("/"):
            found = found.get(name.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        if found is None:
            self._wrong(path, f"points to nothing: {shown(value)}")

    def _pattern(self, value: Any, path: Path) -> None:
        if not isinstance(value, str):
            self._wrong(path, f"must be text, got {shown(value)}")
        elif len(value) > LONGEST_PATTERN:
            self._wrong(path, f"must be at most {LONGEST_PATTERN} characters, got {len(value)}")
        elif "\\d" in value:
            self._wrong(path, r"uses \d, on which engines disagree. Use [0-9]")
        else:
            self._compiles(value, path)

    def _compiles(self, pattern: str, path: Path) -> None:
        try:
            jsonschema_rs.Draft7Validator({"pattern": pattern}, offline=True)
        except ValueError:
            self._wrong(path, f"is not a regular expression: {shown(pattern)}")

    def _wrong(self, path: Path, message: str, *, on_key: bool = False) -> None:
        self.source.wrong(path, message, on_key=on_key)

    @staticmethod
    def _is_page(path: Path) -> bool:
        """Whether `properties` at this path are fields a citizen sees, not conditions on fields shown elsewhere."""
        return path[-1] == "properties" and not any(part in _MANY | {"if", "then", "else", "not"} for part in path[:-1])
