"""Query parameters are as strict as bodies: an unknown one is refused with the nearest that exists.

A silently ignored `stauts=HELD` would answer with everything, and the caller would believe it.
"""

import re
from difflib import get_close_matches
from functools import cache
from typing import Any, TypeVar, get_args

import jsonschema_rs
import msgspec
from msgspec import NODEFAULT, Struct, ValidationError

from aggregator.api.decode import invalid
from aggregator.api.problem import Problem, Says
from aggregator.api.shapes import ErrorLine
from aggregator.api.violations import unknown_word, violated

S = TypeVar("S", bound=Struct)
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_WHOLE = re.compile("-?[0-9]{1,9}")


class QueryReader:
    """Reads one route's query parameters."""

    def __init__(self, shape: type[Struct]) -> None:
        self._shape = shape
        self._fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
        self._schemas = {name: msgspec.json.schema(field.type) for name, field in self._fields.items()}

    def read(self, pairs: list[tuple[str, str]], say: Says, language: str) -> Any:
        """The parameters as the route's shape. Raises Problem validation-failed with every mistake."""
        values: dict[str, Any] = {}
        errors: list[ErrorLine] = []
        for name, raw in pairs:
            rule, params = self._rule(name, raw, values)
            if rule:
                errors.append(_line(name, rule, params, say, language))
        missing = [name for name, field in self._fields.items() if _needed(field) and name not in dict(pairs)]
        errors += [_line(name, "required", {}, say, language) for name in missing]
        if errors:
            raise self._refused(pairs, errors)
        return self._shape(**values)

    def _rule(self, name: str, raw: str, values: dict[str, Any]) -> tuple[str, dict[str, str]]:
        field = self._fields.get(name)
        if field is None:
            return "unknown_field", {}
        if name in values:
            return "repeated", {}
        if _CONTROL.search(raw):
            return "control", {}
        counts, flag = _counts(field.type), _flags(field.type)
        if (counts and not _WHOLE.fullmatch(raw)) or (flag and raw not in {"true", "false"}):
            return ("not_a_whole_number" if counts else "not_yes_or_no"), {}
        try:
            # Not lenient where no number is wanted: "0.5" would become a moment of 1970.
            values[field.name] = msgspec.convert(raw, field.type, strict=not (counts or flag))
        except ValidationError:
            return _broken(self._schemas[name], int(raw) if counts else raw)
        return unknown_word(raw, self._schemas[name])

    def _refused(self, pairs: list[tuple[str, str]], errors: list[ErrorLine]) -> Problem:
        unknown = [name for name, _ in pairs if name not in self._fields]
        close = get_close_matches(unknown[0], self._fields, 1) if unknown else []
        problem = invalid(errors)
        problem.members["did_you_mean"] = close[0] if close else ""
        return problem


@cache
def query_reader_of(shape: type[Struct]) -> QueryReader:
    """The one reader of this shape."""
    return QueryReader(shape)


def _needed(field: Any) -> bool:
    return field.default is NODEFAULT and field.default_factory is NODEFAULT


def _flags(kind: Any) -> bool:
    return kind is bool or any(_flags(part) for part in get_args(kind))


def _counts(kind: Any) -> bool:
    return kind is int or any(_counts(part) for part in get_args(kind))


def _broken(schema: dict[str, Any], given: str | int) -> tuple[str, dict[str, str]]:
    """Which rule of the parameter's schema was broken, and what it wanted."""
    found = list(jsonschema_rs.Draft202012Validator(schema, validate_formats=True, offline=True).iter_errors(given))
    return violated(found[0], schema) if found else ("not_fitting", {})


def _line(name: str, rule: str, params: dict[str, str], say: Says, language: str) -> ErrorLine:
    known = re.sub("[^A-Za-z0-9_-]", "", name)[:60]
    return ErrorLine(parameter=known, code=rule, detail=say(f"problem.violation.{rule}", language, **params))
