"""The two files of facts as shapes: registry.toml is the operator's, adapter.toml the author's.

Whatever a key may be stands here once. Defaults are read from the types they fill, so they cannot differ.
"""

from dataclasses import fields
from datetime import datetime
from typing import Any

from aggregator.registry.agency import PROOFS, Poll
from aggregator.registry.forwarding import DECLARED, NARROWED, OVERALL
from aggregator.registry.locate import Path
from aggregator.registry.shape import Either, Flag, Free, ListOf, Named, Number, Schema, Shape, Table, Text, Words
from aggregator.registry.source import Source, shown
from aggregator.registry.tighten import RULES, Rule
from aggregator.registry.trust import TLS
from aggregator.resilience.policy import Policy

AGENCY_ID = r"^[a-z0-9_]+$"
SERVICE_ID = r"^[a-z0-9_]+([.][A-Za-z0-9_]+)+$"
WORD = r"^[a-z][a-z0-9_]*$"
KINDS = ("APPLICATION", "COMPLAINT", "SUGGESTION", "FEEDBACK", "ENQUIRY", "BOOKING", "PAYMENT")
ACTIONS = ("WITHDRAW", "REMIND", "BOOK", "RESCHEDULE", "PAY", "CONSENT", "REPLY", "RATE", "REOPEN")
LEAVES = ("ASK_AGENCIES", "PASS_ON")
UNITS = ("MINUTE", "HOUR", "DAY", "WORKING_DAY")
TYPES: dict[str, type | tuple[type, ...]] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
_SECRET_HINT: Schema = {
    "type": "object",
    "properties": {"env": {"type": "string"}, "file": {"type": "string"}, "sandbox": {"type": "string"}},
    "additionalProperties": False,
    "minProperties": 1,
}

# Per field of Policy: doc, least, most. Whether a number is whole is read from its default.
POLICY_NUMBERS: dict[str, tuple[str, float, float]] = {
    "deadline_s": ("Patience of one caller, all attempts included", 0.1, 60),
    "max_concurrency": ("Calls talking to the agency at once", 1, 1000),
    "max_waiting": ("Calls waiting for a place; the next one is told to come back", 0, 100_000),
    "max_wait_s": ("Longest wait for a place", 0, 60),
    "max_rps": ("Calls started per second", 0.01, 10_000),
    "share_interactive": ("Part of the places for citizens who are waiting", 0.01, 1),
    "share_settling": ("Part of the places for finding out what became of doubtful sends", 0.01, 1),
    "share_polling": ("Part of the places for regular status polls", 0.01, 1),
    "retry_max_attempts": ("Attempts of a safe read, the first included", 1, 3),
    "retry_budget_percent": ("Repeats per hundred first attempts", 0, 100),
    "retry_budget_floor_per_min": ("Repeats a minute that are always allowed", 0, 10_000),
    "retry_wait_min_s": ("Shortest wait before a repeat", 0, 60),
    "retry_wait_max_s": ("Longest wait before a repeat", 0, 60),
    "breaker_fail_max": ("Outages in a row that open the circuit", 1, 1000),
    "breaker_reset_s": ("First pause of an open circuit", 0.1, 3600),
    "breaker_reset_max_s": ("Longest pause of an open circuit", 0.1, 86_400),
    "breaker_trials": ("Trial calls at once after the pause", 1, 3),
    "breaker_success_threshold": ("Trials that must succeed to close the circuit", 1, 100),
    "breaker_window_s": ("Length of the window in which failures are counted", 1, 3600),
    "breaker_window_calls": ("Calls a window must hold before its share of failures counts", 1, 100_000),
    "breaker_fail_percent": ("Share of failed calls in a window that opens the circuit", 1, 100),
    "slow_call_s": ("A call longer than this counts as slow", 0.01, 300),
}
POLL_NUMBERS: dict[str, tuple[str, float, float]] = {
    "every_s": ("Between two status reads of an open leg", 10, 30 * 86_400),
    "final_every_s": ("Between two reads of a leg in a final status; 0 = never", 0, 365 * 86_400),
    "max_per_day": ("Status reads of the whole agency per day; 0 = none", 0, 10_000_000),
}


def _numbers(of: Any, told: dict[str, tuple[str, float, float]]) -> dict[str, Shape]:
    """A shape per field of a dataclass of numbers; a field nobody described may be any number."""
    made: dict[str, Shape] = {}
    for found in fields(of):
        doc, least, most = told.get(found.name, ("", 0, 1_000_000))
        default: Any = found.default
        made[found.name] = Number(doc=doc, least=least, most=most, whole=isinstance(default, int), default=default)
    return made


def _operation_key(rule: Rule) -> Shape:
    if rule.codes:
        return ListOf(item=Free(hint={"type": ["string", "integer"]}, also=_code), doc=rule.doc)
    if rule.words:
        return Text(doc=rule.doc, choices=rule.words) if len(rule.words) > 1 else Text(doc=rule.doc)
    return Number(doc=rule.doc, least=rule.least, most=rule.most, whole=rule.whole)


def _moment(value: Any, path: Path, source: Source) -> None:
    if not isinstance(value, datetime) or value.tzinfo is None:
        source.wrong(path, f"must be a time with its offset, 2026-12-01T22:00:00+05:30, got {shown(value)}")


_MOMENT = Free(hint={"type": "string", "format": "date-time"}, also=_moment, doc="With its offset from UTC")


def _code(value: Any, path: Path, source: Source) -> None:
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        source.wrong(path, f"must hold HTTP statuses (numbers) or agency codes (text), got {shown(value)}")


OPERATION = Table(
    doc="Stricter facts of one operation; the driver's stand where nothing is said",
    keys={name: _operation_key(rule) for name, rule in RULES.items()},
)

AGENCY = Table(
    doc="One organisation of the city",
    needed=("kind", "driver", "title", "url"),
    keys={
        "kind": Text(doc="What it is for: the folder under adapters/", pattern=WORD, like="rto or electricity"),
        "driver": Text(doc="Who speaks its protocol: the folder under adapters/<kind>/", pattern=WORD, like="vahan"),
        "title": Words(doc="Its name, as citizens know it"),
        "url": Text(doc="Base address of its interface, http or https, without user name", longest=2000),
        "enabled": Flag(doc="false: nothing is offered and nothing is sent", default=True),
        "sandbox": Flag(doc="true: a simulator, never the real agency", default=False),
        "secrets": Free(
            doc="References to secrets, never secrets", hint={"type": "object", "additionalProperties": _SECRET_HINT}
        ),
        "options": Free(doc="What this driver's adapter.toml asks for under [settings]", hint={"type": "object"}),
        "policy": Table(doc="Patience and limits", keys=_numbers(Policy, POLICY_NUMBERS)),
        "poll": Table(doc="How often statuses are read", keys=_numbers(Poll, POLL_NUMBERS)),
        "maintenance": ListOf(
            doc="Planned windows in which it will not answer; citizens are told beforehand",
            item=Table(
                needed=("begins", "ends", "reason"),
                keys={"begins": _MOMENT, "ends": _MOMENT, "reason": Words(doc="Why, in a sentence")},
            ),
        ),
        "operations": Named(item=OPERATION, names=WORD, like="submit", doc="Stricter facts by operation"),
        "tls": TLS,
        "documents": NARROWED,
    },
)

ORGANISATION = Table(
    doc="One organisation with several back ends, each an agency of its own below",
    needed=("kind", "title", "backends"),
    keys={
        "kind": Text(doc="What it is for", pattern=WORD, like="transport"),
        "title": Words(doc="Its name, as citizens know it"),
        "backends": ListOf(item=Text(), at_least=1, doc="Its back ends: names under [agencies]"),
    },
)

_FEE = Table(
    needed=("rows",),
    keys={
        "currency": Text(doc="ISO 4217", choices=("INR",), default="INR"),
        "rows": ListOf(
            at_least=1,
            item=Table(
                needed=("title", "amount_paise"),
                keys={
                    "title": Words(doc="What this amount is for"),
                    "amount_paise": Number(doc="Whole paise: 150000 is 1,500 rupees", most=10**12, whole=True),
                    "when": Free(
                        doc="Answers of the form that make it due, by field; rows without one are then always due",
                        hint={"type": "object"},
                    ),
                    "per": Text(doc="A whole-number field of the form: the amount is for each", longest=60),
                },
            ),
        ),
    },
    doc="Fee rows of the rules",
)

SERVICE = Table(
    doc="A public service a citizen can find",
    needed=("title", "description", "category", "agencies", "offer", "source"),
    keys={
        "title": Words(doc="Its name in the catalogue"),
        "description": Words(doc="One or two sentences"),
        "category": Text(doc="Shelf of the catalogue", pattern=WORD, like="driving_licence"),
        "agencies": ListOf(item=Text(), at_least=1, doc="Who serves it: names under [agencies]"),
        "offer": Text(doc="The key under [services] in the driver's adapter.toml"),
        "documents": ListOf(item=Words(), doc="What the citizen brings"),
        "fee": _FEE,
        "time_limit": Table(
            doc="The statutory limit; never one bare number",
            needed=("amount", "unit", "start_event"),
            keys={
                "amount": Number(least=1, most=1000, whole=True),
                "unit": Text(choices=UNITS),
                "start_event": Words(doc="What the clock starts with"),
            },
        ),
        "proof": Text(doc="The one proof a link to its record takes; left out: any its offer has", choices=PROOFS),
        "source": Text(doc="Where title, fee, documents and limit were read", longest=1000),
        "unverified": ListOf(item=Text(choices=("or", "hi")), doc="Languages translated without a native source"),
    },
)

_EITHER = Either(mark="backends", unless="driver", first=ORGANISATION, second=AGENCY)

REGISTRY = Table(
    needed=("city",),
    keys={
        "include": ListOf(
            item=Text(), doc="More files with agencies and services, by path or pattern relative to this one"
        ),
        "city": Table(
            needed=("name", "timezone"),
            keys={"name": Text(doc="The city's name"), "timezone": Text(doc="IANA name", like="Asia/Kolkata")},
        ),
        "catalogue": Table(
            needed=("folder",),
            doc="The facts on services, complaint types, offices and holidays",
            keys={
                "folder": Text(doc="Where they are, relative to this file", longest=2000),
                "broken": Text(
                    doc="A broken entry: skip leaves it out and tells of it, refuse keeps what was in use",
                    choices=("skip", "refuse"),
                    default="skip",
                ),
            },
        ),
        "documents": OVERALL,
        "agencies": Named(item=_EITHER, names=AGENCY_ID, like="lower case letters, digits and _"),
        "services": Named(item=SERVICE, names=SERVICE_ID, like='"passport.fresh", quoted'),
    },
)

INCLUDED = Table(
    keys={key: shape for key, shape in REGISTRY.keys.items() if key not in {"city", "catalogue", "documents"}}
)

MANIFEST = Table(
    needed=("driver",),
    keys={
        "driver": Table(
            needed=("name", "kind", "version", "protocol", "title", "summary"),
            keys={
                "name": Text(doc="The folder's name", pattern=WORD, like="vahan"),
                "kind": Text(doc="The folder above", pattern=WORD, like="rto"),
                "version": Text(pattern=r"^[0-9]+[.][0-9]+[.][0-9]+$", like="0.1.0"),
                "protocol": Text(doc="In words"),
                "title": Words(),
                "summary": Text(longest=1000),
            },
        ),
        "settings": Named(
            names=WORD,
            like="client_id",
            doc="What an agency block gives under [options]",
            item=Table(
                needed=("type",),
                keys={
                    "type": Text(choices=tuple(TYPES)),
                    "required": Flag(default=False),
                    "default": Free(hint={"type": list(TYPES)}),
                    "choices": ListOf(item=Free(hint={"type": list(TYPES)}), at_least=1),
                    "description": Text(longest=1000),
                },
            ),
        ),
        "secrets": Named(
            names=WORD,
            like="api_key",
            doc="What an agency block refers to under [secrets]",
            item=Table(keys={"required": Flag(default=False), "description": Text(longest=1000)}),
        ),
        "contracts": Named(
            names=r"^[A-Za-z0-9_./-]+$",
            like="VahanInfo.wsdl",
            doc="Pinned files beside the driver and their sha256",
            item=Text(pattern=r"^[0-9a-f]{64}$", like="64 hexadecimal digits"),
        ),
        "services": Named(
            names=WORD,
            like="transfer_ownership",
            doc="What the driver offers",
            item=Table(
                needed=("kind", "operation", "form", "title"),
                keys={
                    "kind": Text(choices=KINDS),
                    "operation": Text(doc="The driver's coroutine that does it", pattern=WORD, like="submit"),
                    "form": Text(doc="Path of the form, draft-07, beside this file"),
                    "title": Words(),
                    "actions": ListOf(
                        item=Text(choices=ACTIONS), doc="What can be asked for afterwards; left out: all it can do"
                    ),
                    "ends_with": Text(
                        doc="Field of the form, a date or a moment, after which it is not first sent", like="date"
                    ),
                    "proofs": ListOf(item=Text(choices=PROOFS), at_least=1, doc="How a link to its record is proved"),
                    "consent": Text(choices=LEAVES, doc="What the citizen must have allowed before it is called"),
                    "watched_leg": Table(
                        needed=("begins", "done"),
                        doc="A leg the agency runs elsewhere and only tells of",
                        keys={
                            "begins": Text(doc="Readings whose detail begins so are its news", like="POLICE"),
                            "done": ListOf(item=Text(), at_least=1, doc="Details that end it"),
                        },
                    ),
                },
            ),
        ),
        "documents": DECLARED,
        "quality": Named(
            names=WORD, like="status_vocabulary", doc="What was proved, and against what", item=Text(longest=1000)
        ),
    },
)
