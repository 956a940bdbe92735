"""What somebody says about himself, checked and brought into one form; every mistake at once."""

from collections.abc import Callable
from typing import Any

from msgspec import UNSET
from msgspec.structs import asdict, replace

from aggregator.api.call import Call
from aggregator.api.decode import explained
from aggregator.api.headers import LANGUAGES
from aggregator.api.profile_shapes import ProfileAsked
from aggregator.api.shapes import ErrorLine
from aggregator.citizens.person import Address, Profile, Residency, born_of, name_of
from aggregator.sdk.form import fits

GENDERS = ("FEMALE", "MALE", "OTHER", "UNDISCLOSED")


def said(call: Call, before: Profile, asked: ProfileAsked) -> tuple[Profile, list[ErrorLine]]:
    """The profile with what was said put in, and what cannot be so."""
    today = call.rooms.clock.now().date()
    readers: dict[str, tuple[Callable[[Any], Any], str]] = {
        "name": (name_of, "not_a_name"),
        "date_of_birth": (lambda day: born_of(day.isoformat(), today), "not_a_birthday"),
        "gender": (lambda word: word if word in GENDERS else None, "choose_one"),
        "residency": (lambda word: word if word in set(Residency) else None, "choose_one"),
        "address": (_address, "not_a_pin_code"),
        "language": (lambda word: word if word in LANGUAGES else None, "choose_one"),
    }
    found: dict[str, Any] = {}
    wrong: list[ErrorLine] = []
    for name, (read, rule) in readers.items():
        value = getattr(asked, name)
        if value is UNSET:
            continue
        found[name] = read(value)
        if found[name] is None:
            pointer = "/address/pin_code" if name == "address" else f"/{name}"
            wrong.append(explained(pointer, rule, {}, call.rooms.say, call.language))
    return (before if wrong else replace(before, **found)), wrong


def _address(asked: Any) -> Address | None:
    """The address; None for an Indian one whose PIN code is none."""
    parts = {name: " ".join(value.split()) for name, value in asdict(asked).items() if isinstance(value, str)}
    if parts["country"] == "IN" and not fits("pin_code", parts["pin_code"]):
        return None
    return Address(**parts)
