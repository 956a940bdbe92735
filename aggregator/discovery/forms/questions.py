"""One question at a time, for a chat and for a voice: what is asked next, what an answer means, and how to go back.

A pure reading of the form and of what is known: whoever holds the draft holds the conversation, so it can begin in a
chat, go on at a counter and end on a page. A choice may be answered by its number, by its words or by its value.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.discovery.forms.answers import understood, western
from aggregator.discovery.forms.layout import Condition, Field, fields_of
from aggregator.discovery.forms.mistakes import FormError, violations
from aggregator.registry.form import compiled

YES = frozenset({"yes", "y", "true", "1", "ହଁ", "हाँ", "हां", "han", "haan", "ha"})
NO = frozenset({"no", "n", "false", "2", "0", "ନା", "ନାହିଁ", "नहीं", "nahi", "nahin", "na"})


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `position` counts from 1 among the `count` fields that are asked for as things stand."""

    field: Field
    position: int
    count: int


def asked_for(form: Mapping[str, Any], known: Mapping[str, Any]) -> list[Field]:
    """The fields that are asked for, given what is known: a condition that does not hold asks for nothing."""
    return [field for field in fields_of(form) if field.condition is None or _holds(field.condition, known)]


def next_question(form: Mapping[str, Any], known: Mapping[str, Any], passed: Collection[str]) -> Question | None:
    """The first field without a good answer that was not passed over; None when nothing is left to ask."""
    fields = asked_for(form, known)
    wrong = {error.pointer.partition("/form/")[2].partition("/")[0] for error in violations(form, dict(known))}
    for position, field in enumerate(fields, 1):
        answered = field.name in known and field.name not in wrong
        if not answered and (field.name not in passed or field.required):
            return Question(field, position, len(fields))
    return None


def stepped_back(form: Mapping[str, Any], known: Mapping[str, Any], passed: Collection[str]) -> str:
    """The field before the one that would be asked now; "" at the very beginning."""
    fields = [field.name for field in asked_for(form, known)]
    now = next_question(form, known, passed)
    at = fields.index(now.field.name) if now is not None else len(fields)
    return fields[at - 1] if at > 0 else ""


def answered(form: Mapping[str, Any], field: Field, text: str) -> tuple[Any, list[FormError]]:
    """What the words mean for this field, and what is wrong with that; no value for an empty answer."""
    value = _meant(field, text)
    if value is None:
        return None, [FormError(f"/form/{field.name}", "required")] if field.required else []
    pointer = f"/form/{field.name}"
    errors = [
        error
        for error in violations(form, {field.name: value})
        if error.pointer == pointer or error.pointer.startswith(pointer + "/")
    ]
    return value, errors


def _meant(field: Field, text: str) -> Any:
    if field.widget == "checkbox":
        word = western(text).strip().casefold()
        return True if word in YES else False if word in NO else text.strip() or None
    if field.widget == "checkboxes":
        parts = [part for part in western(text).replace(";", ",").split(",") if part.strip()]
        return understood(field, [str(_option(field, part)) for part in parts])
    if field.choices:
        return understood(field, [str(_option(field, text))])
    return understood(field, [text])


def _option(field: Field, text: str) -> Any:
    """The value of the option whose value, words or number this is; the text itself where none is."""
    plain = western(text).strip()
    for value, title in field.choices:
        if plain.casefold() in {str(value).casefold(), title.casefold()} or text.strip() == title:
            return value
    if plain.isascii() and plain.isdigit() and 1 <= int(plain[:4]) <= len(field.choices):
        return field.choices[int(plain[:4]) - 1][0]
    return text


def _holds(condition: Condition, known: Mapping[str, Any]) -> bool:
    if condition.controlling not in known:
        return False
    rule = {"properties": {condition.controlling: condition.schema}}
    return bool(compiled(rule).is_valid({condition.controlling: known[condition.controlling]}))
