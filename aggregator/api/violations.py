"""What a schema wanted, told so that the next try succeeds: the values there are, or an example of ours.

Of a validator's finding only the place and the rule are used: its message would quote what was sent (JS-3, JS-4).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from aggregator.api.words import CITIZEN_TEXT

_RULES = {
    "required": "required", "additionalProperties": "unknown_field", "pattern": "pattern", "minLength": "too_short",
    "maxLength": "too_long", "minimum": "too_small", "maximum": "too_large", "maxItems": "too_many",
    "maxProperties": "too_many", "enum": "choose_one", "type": "not_fitting",
}  # fmt: skip
"""Our code for each rule of the schema, the same words as for a service's form; any other rule is `invalid`."""
_KINDS = {
    "string": "not_text", "integer": "not_a_whole_number", "number": "not_a_number", "boolean": "not_yes_or_no",
    "array": "not_a_list", "object": "not_a_group",
}  # fmt: skip
CODES = frozenset([*_RULES.values(), *_KINDS.values()])
_SHOWN = 20
"""More values than this are no help in a sentence; the contract lists them."""


def violated(error: Any, schema: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Our code for a finding of the validator of `schema`, and what its sentence may say: limit, known, example."""
    error = _nearest(error)
    kind = error.kind
    if kind.name == "type":
        wanted = [name for name in kind.types if name != "null"]
        return (_KINDS.get(wanted[0], "not_fitting") if len(wanted) == 1 else "not_fitting"), {}
    if kind.name == "enum":
        return "choose_one", _known(kind.options)
    if kind.name == "pattern" and kind.pattern != CITIZEN_TEXT:
        return _pattern(_beside(schema, error.schema_path))
    limit = getattr(kind, "limit", None)
    return _RULES.get(kind.name, "invalid"), {} if limit is None else {"limit": str(limit)}


def unknown_word(given: str, schema: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """A word we never say ourselves, asked of a vocabulary of ours: it would find nothing. Empty code: it is known."""
    known = schema.get("x-extensible-enum", ())
    return ("choose_one", _known(known)) if known and given not in known else ("", {})


def _nearest(error: Any) -> Any:
    """Of alternatives, the one that was meant: the only one whose kind of value was given."""
    while error.kind.name == "anyOf":
        meant = [branch[0] for branch in error.kind.context if branch and branch[0].kind.name != "type"]
        if len(meant) != 1:
            return error
        error = meant[0]
    return error


def _known(options: Sequence[Any]) -> dict[str, str]:
    known = [str(option) for option in options if option is not None]
    return {"known": ", ".join(known)} if len(known) <= _SHOWN else {}


def _pattern(beside: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    if "x-extensible-enum" in beside:
        return "choose_one", _known(beside["x-extensible-enum"])
    examples = beside.get("examples", ())
    return "pattern", {"example": str(examples[0])} if examples else {}


def _beside(schema: Mapping[str, Any], path: Sequence[str | int]) -> Mapping[str, Any]:
    """The part of the schema whose rule stands at the end of `path`."""
    part: Any = schema
    for step in path[:-1]:
        part = part[step]
    return part  # type: ignore[no-any-return]  # a schema's parts are what they are
