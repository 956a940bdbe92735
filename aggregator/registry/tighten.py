"""An agency's block may make a driver's promise stricter and never weaker.

The author knows what the agency's interface guarantees; the operator knows what was seen to go wrong in this
city. A longer delay, a smaller budget or a shorter list of harmless codes costs time; the other way costs duplicates.
Source: docs/outcomes.md sections 2 and 3.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from aggregator.registry.locate import Path
from aggregator.registry.source import Source, shown
from aggregator.sdk.adapter import Class, Declared

DAY_S = 86_400.0
KEY_MARGIN_S = 5.0
"""With timeout and apply delay, the end of a key's life in which it is not used. Source: docs/outcomes.md section 2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What an operator may do to one declared fact. `only` is "lengthen", "shorten", "lower", or empty: either way."""

    doc: str
    only: str = ""
    least: float = 0
    most: float = 365 * DAY_S
    whole: bool = False
    codes: bool = False
    words: tuple[str, ...] = ()


RULES: dict[str, Rule] = {
    "class": Rule(doc="Only opaque: never repeat, a person decides", words=tuple(cls.value for cls in Class)),
    "timeout_s": Rule(
        doc="Connect, send and read of one attempt; longer or shorter is only patience", least=0.1, most=300
    ),
    "max_apply_delay_s": Rule(
        doc="Longest time after our last byte in which the agency may still act", only="lengthen"
    ),
    "query_lag_s": Rule(doc="Longest time between acting and being findable", only="lengthen"),
    "key_ttl_s": Rule(doc="How long the agency remembers our key", only="shorten"),
    "match_window_s": Rule(doc="How far apart two records may be and still be one", only="shorten"),
    "refusal_codes": Rule(doc='Codes that certainly mean "no, and nothing is held"', codes=True),
    "already_exists_codes": Rule(doc='Codes that mean "this exists already"', codes=True),
    "shed_unsent_codes": Rule(doc="Codes answered before anything is done", codes=True),
    "gateway_unsent": Rule(doc="HTTP statuses the agency's gateway answers before the business logic", codes=True),
    "answer_due_s": Rule(doc="After an acknowledgement, how long until silence is doubt", only="shorten", least=1),
    "stale_after_s": Rule(doc="An intent older than this is never first sent", only="shorten", least=1),
    "first_look_s": Rule(doc="Before the first look for a doubtful send", only="lengthen"),
    "look_gap_s": Rule(doc="Between counted looks", only="lengthen"),
    "max_sends": Rule(doc="Attempts that may have arrived, in all", only="lower", least=1, most=100, whole=True),
    "query_budget_per_hour": Rule(doc="Looks per hour", only="lower", most=1_000_000, whole=True),
    "control_reference": Rule(doc="The known record a look must also find", words=("auto",)),
    "wire_linger_s": Rule(doc="How long bytes of a dead sender may still arrive", only="lengthen"),
    "fresh_s": Rule(doc="How long an answer may be shown again without asking", only="shorten"),
    "stale_s": Rule(doc="How long the last good answer stands in while the agency is away", only="shorten"),
    "cap_bytes": Rule(doc="Largest answer that is read", only="lower", least=1024, most=64 * 1_048_576, whole=True),
}


def tightened(declared: Declared, block: Mapping[str, Any], path: Path, source: Source) -> Declared:
    """The operation's facts with an agency's block applied; what would weaken them is reported and left out.

    `block` has passed the shapes of tables.py, or the source has errors and the result is not used.
    """
    changes: dict[str, Any] = {}
    for key, value in block.items():
        rule = RULES.get(key)
        if rule is None or source.has_errors_under((*path, key)):
            continue
        field = "cls" if key == "class" else key
        before = getattr(declared, field)
        refusal = _refusal(key, rule, before, value)
        if refusal:
            source.wrong((*path, key), refusal)
            continue
        changes[field] = _typed(key, value, before)
    made = replace(declared, **changes)
    _warn_of_a_useless_key(made, path, source)
    return made


def _warn_of_a_useless_key(made: Declared, path: Path, source: Source) -> None:
    """A keyed operation is repeated only while the agency surely knows the key; here that time would never come."""
    if made.cls is not Class.KEYED or made.key_ttl_s is None or made.max_apply_delay_s is None:
        return
    margin_s = made.timeout_s + made.max_apply_delay_s + KEY_MARGIN_S
    if made.key_ttl_s <= margin_s:
        source.warn(
            path,
            f"can never be sent again under its key: key_ttl_s {made.key_ttl_s:g} is not longer than "
            f"timeout_s + max_apply_delay_s + {KEY_MARGIN_S:g} = {margin_s:g}",
        )


def _refusal(key: str, rule: Rule, before: Any, value: Any) -> str:
    """Why this value may not stand; empty if it may."""
    if key == "class":
        return _other_class(before, value)
    if rule.codes:
        return _more_codes(before, value)
    return _weaker_number(rule.only, before, value) if rule.only else ""


def _other_class(before: Class, value: str) -> str:
    if value in {before.value, Class.OPAQUE.value}:
        return ""
    return f'is declared {before.value} by the driver, got {shown(value)}. An agency block may only say "opaque"'


def _weaker_number(only: str, before: float | None, value: float) -> str:
    if before is None:
        return f"is not declared by the driver, got {value}. An agency block may not promise it for the agency"
    weaker = value < before if only == "lengthen" else value > before
    if not weaker:
        return ""
    compared = {"lengthen": "shorter", "shorten": "longer", "lower": "greater"}[only]
    return f"is {compared} than the driver's {before:g}, got {value}. An agency block may only {only} it"


def _more_codes(before: frozenset[Any], value: list[Any]) -> str:
    known = {str(code) for code in before}
    added = [code for code in value if str(code) not in known]
    if not added:
        return ""
    return f"adds {', '.join(map(shown, added))} to the driver's list. An agency block may only take codes away"


def _typed(key: str, value: Any, before: Any) -> Any:
    if key == "class":
        return Class(value)
    if isinstance(before, frozenset):
        kept = {str(code) for code in value}
        return frozenset(code for code in before if str(code) in kept)
    return float(value) if isinstance(before, float) else value
