"""A form is one definition; here it speaks one language, and every mistake in an answer gets a code of ours.

The validator's own message is never shown and never logged: it quotes what the citizen typed (libraries.md JS-3, JS-4).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aggregator.registry.form import Form, compiled, spoken

# One code per keyword; the few that depend on more are decided in `_code`.
_CODES = {
    "required": "required",
    "additionalProperties": "unknown_field",
    "pattern": "pattern",
    "minLength": "too_short",
    "maxLength": "too_long",
    "minimum": "too_small",
    "exclusiveMinimum": "too_small",
    "maximum": "too_large",
    "exclusiveMaximum": "too_large",
    "multipleOf": "not_a_multiple",
    "minItems": "too_few",
    "maxItems": "too_many",
    "uniqueItems": "repeated",
    "const": "must_agree",
    "enum": "choose_one",
    "oneOf": "choose_one",
    "anyOf": "one_of_these",
    "not": "not_allowed",
}
_FORMATS = {
    "date": "not_a_date",
    "date-time": "not_a_moment",
    "time": "not_a_time",
    "email": "not_an_email",
    "uri": "not_a_link",
}
_TYPES = {
    "string": "not_text",
    "integer": "not_a_whole_number",
    "number": "not_a_number",
    "boolean": "not_yes_or_no",
    "array": "not_a_list",
    "object": "not_a_group",
}
OTHER = "invalid"
CODES = frozenset({*_CODES.values(), *_FORMATS.values(), *_TYPES.values(), OTHER})
"""Every code `violations` can give; each has a sentence in every language."""


@dataclass(frozen=True, slots=True)
class FormError:
    """One mistake. `pointer` begins with /form; `params` are facts of the form (a limit, names), never the answer."""

    pointer: str
    code: str
    params: Mapping[str, str] = field(default_factory=dict)


def localised(form: Mapping[str, Any], language: str) -> dict[str, Any]:
    """The form as pure draft-07 in one language; English stands in, text by text, where a translation is missing."""
    made: dict[str, Any] = spoken(form, lambda words: words.get(language) or words["en"])
    return made


def violations(form: Mapping[str, Any], data: Any) -> list[FormError]:
    """Every mistake of an answer, in the order of the form's fields; empty for a good one."""
    validator = form.validator if isinstance(form, Form) else compiled(form)
    by_place: dict[tuple[str, str], FormError] = {}
    for error in validator.iter_errors(data):
        for one in _errors(error):
            by_place.setdefault((one.pointer, one.code), one)
    order = {name: place for place, name in enumerate(form.get("properties", {}))}
    return sorted(by_place.values(), key=lambda one: (order.get(_field(one.pointer), len(order)), one.pointer))


def pointer(path: Iterable[str | int]) -> str:
    """The JSON pointer of a value in a request whose form stands under /form. Source: RFC 6901."""
    return "/form" + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _errors(error: Any) -> list[FormError]:
    path = list(error.instance_path)
    name = error.kind.name
    if name == "required":
        return [FormError(pointer([*path, error.kind.property]), "required")]
    if name == "additionalProperties":
        # The name of an unknown field was typed by someone: it is in the pointer and nowhere else.
        return [FormError(pointer([*path, extra]), "unknown_field") for extra in error.kind.unexpected]
    if name == "anyOf":
        return [FormError(pointer(path), "one_of_these", _alternatives(error.kind.context))]
    return [FormError(pointer(path), _code(name, error.kind), _params(error.kind))]


def _code(name: str, kind: Any) -> str:
    if name == "format":
        return _FORMATS.get(kind.format, OTHER)
    if name == "type":
        return _TYPES.get(kind.types[0], OTHER) if len(kind.types) == 1 else OTHER
    return _CODES.get(name, OTHER)


def _params(kind: Any) -> dict[str, str]:
    limit = getattr(kind, "limit", None)
    return {} if limit is None else {"limit": str(limit)}


def _alternatives(context: list[list[Any]]) -> dict[str, str]:
    """The fields of which one is wanted, when the form says it by `anyOf` of `required`."""
    wanted = [error.kind.property for branch in context for error in branch if error.kind.name == "required"]
    return {"fields": ", ".join(dict.fromkeys(wanted))} if wanted else {}


def _field(at: str) -> str:
    parts = at.split("/")
    return parts[2].replace("~1", "/").replace("~0", "~") if len(parts) > 2 else ""
