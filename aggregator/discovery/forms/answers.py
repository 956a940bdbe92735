"""What people type becomes what the form wants: a page's fields, a chat's line, a voice's digits.

Nothing is guessed into being right. What cannot be read stays as it was typed, so that the form's own check names the
mistake; what is empty is left out, so that a missing answer is told as missing. Digits of every Indian script count as
digits, and a day may come the Indian way round. A moment without a zone is the city's.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from aggregator.discovery.forms.layout import Field, fields_of

_DAY_FIRST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")
_LOCAL_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2})?")
_LOCAL_TIME = re.compile(r"(\d{1,2}):(\d{2})(:\d{2})?")
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_NUMBER = re.compile(r"[+-]?(\d{1,15}([.]\d{0,9})?|[.]\d{1,9})")
CITY_ZONE = "+05:30"
_TYPED_CODES = frozenset({"text", "number", "date", "moment", "time", "email", "link"})


def form_of(form: Mapping[str, Any], given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """A page's fields as an answer to the localised form; unknown names stay, to be told as unknown."""
    fields = {field.name: field for field in fields_of(form)}
    made: dict[str, Any] = {}
    for name, field in fields.items():
        value = understood(field, given.get(name, ()))
        if value is not None:
            made[name] = value
    made |= {name: values[0] for name, values in given.items() if name not in fields and values}
    return made


def understood(field: Field, given: Sequence[str]) -> Any:
    """The value of one field; None for no answer."""
    texts = [plain for one in given if (plain := _plain(one))]
    if field.widget == "checkboxes":
        return [_chosen(field, one) for one in texts] or None
    if field.widget == "checkbox":
        return _agreed(texts, field)
    if not texts:
        return None
    if field.choices:
        return _chosen(field, texts[0])
    return _typed(field, texts[0])


def western(text: str) -> str:
    """The text with every decimal digit as 0-9."""
    return "".join(str(unicodedata.digit(char)) if char.isdecimal() else char for char in text)


def _plain(text: str) -> str:
    """NFC, with single line ends: a browser sends two characters, and a length counts as the citizen saw it."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _agreed(texts: Sequence[str], field: Field) -> bool | None:
    if texts:
        return texts[0].casefold() not in {"false", "no", "0", "off"}
    return None if field.required else False


def _chosen(field: Field, text: str) -> Any:
    """The offered value whose text this is; the text itself where none is."""
    for value, _ in field.choices:
        if str(value) == text:
            return value
    return text


def _typed(field: Field, text: str) -> Any:
    coded = field.widget in _TYPED_CODES and (field.widget != "text" or "pattern" in field.schema)
    plain = western(text) if coded else text
    match field.widget:
        case "number":
            return _counted(field, plain)
        case "date":
            return _day(plain)
        case "moment":
            found = _LOCAL_MOMENT.fullmatch(plain)
            return f"{found[1]}T{found[2]}{found[3] or ':00'}{CITY_ZONE}" if found else plain
        case "time":
            found = _LOCAL_TIME.fullmatch(plain)
            return f"{int(found[1]):02}:{found[2]}{found[3] or ':00'}{CITY_ZONE}" if found else plain
        case _:
            return plain


def _counted(field: Field, text: str) -> Any:
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if field.schema.get("type") == "number" and _NUMBER.fullmatch(text) else text


def _day(text: str) -> str:
    found = _DAY_FIRST.fullmatch(text)
    return f"{found[3]}-{int(found[2]):02}-{int(found[1]):02}" if found else text


def page_value(field: Field, value: Any) -> list[str]:
    """A known value as the page's field shows it: the way back of `understood`."""
    if value is None or value is False:
        return []
    if value is True:
        return ["true"]
    if isinstance(value, list | tuple):
        return [str(one) for one in value]
    text = str(value)
    if field.widget == "moment":
        return [text[:16]]
    return [text[:5]] if field.widget == "time" else [text]
