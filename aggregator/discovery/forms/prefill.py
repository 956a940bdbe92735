"""What we know already need not be typed again: linked identifiers first, then the citizen's own profile.

A link's identifiers carry the names forms use. Only those of the agency that will read the form go into it, and only
values the form itself would accept: a prefilled mistake is worse than an empty field.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aggregator.discovery.forms.layout import fields_of
from aggregator.discovery.forms.mistakes import violations

# What a profile calls it, for the names forms use.
_PROFILE = {
    "name": "name", "given_name": "given_name", "first_name": "given_name", "surname": "surname",
    "last_name": "surname", "mobile": "mobile", "email": "email", "date_of_birth": "date_of_birth", "gender": "gender",
    "father_name": "father_name", "address": "address", "address_line1": "address_line1",
    "address_line2": "address_line2", "district": "district", "state": "state", "pin": "pin", "pincode": "pin",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """A value for a field and where it comes from: LINK or PROFILE. Personal data: never logged."""

    value: Any
    source: str


def prefill(
    form: Mapping[str, Any], identifiers: Iterable[Mapping[str, str]], profile: Mapping[str, Sequence[Any]]
) -> dict[str, Known]:
    """Fields of the form we can fill in, with their source. `identifiers`: of links to the form's own agencies;
    `profile`: each fact in every spelling a form may want.

    Where two links differ on a field nothing is filled in: which vehicle it is about, only the citizen knows.
    """
    linked = _agreed(identifiers)
    made: dict[str, Known] = {}
    for field in fields_of(form):
        if linked.get(field.name):
            spellings: Sequence[Any] = (linked[field.name],)
            source = "LINK"
        else:
            spellings, source = profile.get(_PROFILE.get(field.name, ""), ()), "PROFILE"
        found = next((value for value in spellings if _fits(form, field.name, value)), None)
        if found is not None:
            made[field.name] = Known(found, source)
    return made


def _agreed(identifiers: Iterable[Mapping[str, str]]) -> dict[str, str]:
    seen: dict[str, set[str]] = {}
    for one in identifiers:
        for name, value in one.items():
            seen.setdefault(name, set()).add(value)
    return {name: values.pop() for name, values in seen.items() if len(values) == 1}


def _fits(form: Mapping[str, Any], name: str, value: Any) -> bool:
    return not any(error.pointer == f"/form/{name}" for error in violations(form, {name: value}))
