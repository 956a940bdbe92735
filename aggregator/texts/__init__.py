"""Every sentence a citizen sees, by key, in the languages of the city. Saying something can never fail.

Whoever records a fact keeps a key and language-free arguments: a reason's code, a time in RFC 3339, an age in
seconds. They become words only here, because the reader's language is known only when somebody reads.
A sentence that lacks an argument gives way to its sister `<key>_plain`; a language that lacks a sentence gives
way to English, and `missing()` lists it for `aggregator registry check`.
"""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any

from aggregator.sdk.clock import IST

languages: tuple[str, ...] = ("en", "or", "hi")
"""English first: it is the source, and what every other language falls back to."""

UNSAID = "\N{EM DASH}"
"""Stands where an argument is not known: a citizen never reads a brace."""
_FAMILIES = {"reason": "reason", "words": "status", "advice": "status_sentence", "desk": "desk"}
"""Arguments that are codes, and where their words are."""
_DAY, _MOMENT = "%d-%m-%Y", "%d-%m-%Y %H:%M:%S"


def say(key: str, language: str, /, **args: str) -> str:
    """The sentence of `key` for a reader of `language`. Keys do not mind case: a status or state word will do.

    Whoever gives the agency's `words` as a status gets `advice` with it: what that status asks of the citizen.
    An unknown key becomes its family's `other`, and failing that its own last word: an agency's new reason must not
    cost the citizen the page.
    """
    known = {name: value for name, value in args.items() if value != ""}
    if "words" in known:
        known.setdefault("advice", known["words"] if has(f"status_sentence.{known['words']}") else "")
    text = _sentence(_fold(key), language, known)
    if text is None:
        return _numbered(key, language) or key.rpartition(".")[2].replace("_", " ")
    return text.format_map(_Words(known, language)).rstrip()


def _numbered(key: str, language: str) -> str:
    """`fact.stop_3` as "Stop 3", for a list told as named values; empty for a key that is no such thing."""
    name, _, number = key.rpartition("_")
    return f"{say(name, language)} {number}" if number.isdecimal() and has(name) else ""


def has(key: str) -> bool:
    """Whether there is a sentence of this key, in English at least."""
    return _fold(key) in texts("en")


def missing() -> list[str]:
    """What a translator still owes: `language: key` for every sentence that falls back to English."""
    return [f"{language}: {key}" for language in languages for key in texts("en") if key not in texts(language)]


@cache
def texts(language: str) -> Mapping[str, str]:
    """All sentences of one language by folded key."""
    source = files(__package__).joinpath(f"{language}.toml").read_text(encoding="utf-8")
    return {_fold(key): text for key, text in _flat(tomllib.loads(source)).items()}


@cache
def arguments(text: str) -> frozenset[str]:
    """The names in braces in a sentence."""
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name)


def _fold(key: str) -> str:
    return key.lower().replace("-", "_")


def _flat(table: Mapping[str, Any], path: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{path}{name}.")
        elif path:  # the file's own two lines, language and unverified, are no sentences
            found[path + name] = str(value)
    return found


def _sentence(key: str, language: str, known: Mapping[str, str]) -> str | None:
    family = key.partition(".")[0]
    for candidate in (key, f"{family}.other"):
        text = _in(language, candidate)
        if text is not None:
            lacking = not arguments(text) <= known.keys()
            return (_in(language, candidate + "_plain") or text) if lacking else text
    return None


def _in(language: str, key: str) -> str | None:
    spoken = language if language in languages else languages[0]
    return texts(spoken).get(key) or texts(languages[0]).get(key)


class _Words(dict[str, str]):
    """Arguments as they are said: looked up by name while the sentence is put together."""

    def __init__(self, known: Mapping[str, str], language: str) -> None:
        super().__init__({name: _worded(name, value, language) for name, value in known.items()})

    def __missing__(self, name: str) -> str:
        return UNSAID


def _worded(name: str, value: str, language: str) -> str:
    key = f"{_FAMILIES.get(name)}.{value}"
    if name in _FAMILIES and has(key):
        return say(key, language)
    if name == "age" and value.isascii() and value.isdigit():
        return _age(int(value), language)
    if name in {"time", "date", "since"}:
        return _when(value, _DAY if name == "date" else _MOMENT)
    return value


def _when(value: str, form: str) -> str:
    """A moment on the city's clock; whatever is not an aware RFC 3339 time has been put into words already."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return value
    return at.astimezone(IST).strftime(form) if at.tzinfo else value


def _age(seconds: int, language: str) -> str:
    if seconds < 2:
        return say("unit.moment", language)
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * size:
            return say(f"unit.{unit}", language, count=str(seconds // size))
    return say("unit.second", language, count=str(seconds))
