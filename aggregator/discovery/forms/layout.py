"""The one list behind every rendering: which fields, in which order, in which groups, with which widget, shown when.

What the form file does not say is decided by rule here, once: a hint (`x-widget`, `x-groups`, `x-autofill`) is for the
case in which the rule is wrong. At most twelve fields stand together, because more on one small screen lose people.
Source: docs/api.md section 8.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LONG_TEXT = 200
"""From this length on a field is a text area."""
FEW_CHOICES = 5
"""So many choices are all shown; more fold into a list."""
FIELDS_TOGETHER = 12
SEARCHED_CHOICES = 10
"""A list longer than this is searched by typing."""
_FORMATS = {"date": "date", "date-time": "moment", "time": "time", "email": "email", "uri": "link"}
_KINDS = {"boolean": "checkbox", "array": "checkboxes", "integer": "number", "number": "number"}
_AUTOFILL = {
    "name": "name", "given_name": "given-name", "first_name": "given-name", "surname": "family-name",
    "last_name": "family-name", "mobile": "tel", "email": "email", "date_of_birth": "bday",
    "address": "street-address", "address_line1": "address-line1", "address_line2": "address-line2",
    "pin": "postal-code", "pincode": "postal-code", "state": "address-level1", "district": "address-level2",
}  # fmt: skip
"""Fields that are about the person who fills the form in, and what a browser calls them (WCAG 1.3.5)."""


@dataclass(frozen=True, slots=True)
class Condition:
    """The field is wanted only when `controlling` fits `schema`."""

    controlling: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field, in the language the form was given in. `choices` are (value, title)."""

    name: str
    schema: Mapping[str, Any]
    title: str
    description: str
    required: bool
    widget: str
    """text, textarea, number, date, moment, time, email, link, file, checkbox, radio, select, checkboxes."""
    choices: tuple[tuple[Any, str], ...] = ()
    autofill: str = ""
    condition: Condition | None = None

    @property
    def searched(self) -> bool:
        """Whether its list is too long to be looked through."""
        return len(self.choices) > SEARCHED_CHOICES

    @property
    def accept(self) -> str:
        """The media type a file must have; empty for any we take."""
        return str(self.schema.get("contentMediaType", ""))


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that stand together. `title` is empty where the form has one group only."""

    title: str
    fields: tuple[Field, ...]


def layout(form: Mapping[str, Any]) -> tuple[Group, ...]:
    """The groups of a form in one language (`localised`), every field in exactly one of them."""
    fields = {field.name: field for field in _fields(form)}
    groups = []
    for given in form.get("x-groups", ()):
        members = tuple(fields.pop(name) for name in given["fields"] if name in fields)
        if members:
            groups.append(Group(str(given["title"]), members))
    rest = tuple(fields.values())
    if groups:
        return (*groups, *([Group("", rest)] if rest else []))
    return tuple(Group("", part) for part in _apportioned(rest))


def fields_of(form: Mapping[str, Any]) -> tuple[Field, ...]:
    """All fields in the order in which they are shown."""
    return tuple(field for group in layout(form) for field in group.fields)


def _apportioned(fields: Sequence[Field]) -> list[tuple[Field, ...]]:
    """As few groups as the rule allows, of nearly equal length."""
    count = max(1, -(-len(fields) // FIELDS_TOGETHER))
    size, more = divmod(len(fields), count)
    made, at = [], 0
    for index in range(count):
        end = at + size + (1 if index < more else 0)
        made.append(tuple(fields[at:end]))
        at = end
    return made


def _fields(form: Mapping[str, Any]) -> Iterator[Field]:
    conditions = dict(_conditions(form))
    required = set(form.get("required", ()))
    for name, schema in form.get("properties", {}).items():
        yield Field(
            name=name,
            schema=schema,
            title=str(schema.get("title", name)),
            description=str(schema.get("description", "")),
            required=name in required,
            widget=_widget(schema),
            choices=_choices(schema),
            autofill=str(schema.get("x-autofill", _AUTOFILL.get(name, ""))),
            condition=conditions.get(name),
        )


def _widget(schema: Mapping[str, Any]) -> str:
    kind = str(schema.get("type", ""))
    if "x-widget" in schema:
        return str(schema["x-widget"])
    if "contentMediaType" in schema:
        return "file"
    if kind in _KINDS:
        return _KINDS[kind]
    if "oneOf" in schema:
        return "radio" if len(schema["oneOf"]) <= FEW_CHOICES else "select"
    long = int(schema.get("maxLength", 0)) > LONG_TEXT and "pattern" not in schema
    return _FORMATS.get(str(schema.get("format", "")), "textarea" if long else "text")


def _choices(schema: Mapping[str, Any]) -> tuple[tuple[Any, str], ...]:
    offered = schema.get("oneOf", schema.get("items", {}).get("oneOf", ()))
    return tuple((one["const"], str(one.get("title", one["const"]))) for one in offered if "const" in one)


def _conditions(form: Mapping[str, Any]) -> Iterator[tuple[str, Condition]]:
    """Fields that only an `if` asks for, with what it asks."""
    for part in (form, *form.get("allOf", ())):
        for controlling, wanted in part.get("if", {}).get("properties", {}).items():
            then = part.get("then", {})
            for name in (*then.get("required", ()), *then.get("properties", ())):
                yield name, Condition(controlling, wanted)
