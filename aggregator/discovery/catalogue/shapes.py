"""What the files of the catalogue may hold, said once: checker and published JSON Schema are read from here."""

from typing import Any

from aggregator.registry.locate import Path
from aggregator.registry.shape import Flag, Free, ListOf, Named, Number, Schema, Shape, Table, Text, Words
from aggregator.registry.source import Source, shown
from aggregator.registry.tables import SERVICE_ID, WORD

LIMIT_UNITS = ("HOUR", "WORKING_HOUR", "DAY", "WORKING_DAY", "MONTH")
VERIFIED = ("yes", "partly", "no")
DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
AS_OF = r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$"
LANGUAGES = ("en", "or", "hi")
ENTRY_FACTS = (
    "title", "description", "life_events", "audience", "channels", "documents", "fee", "time_limit", "officers",
    "eligibility",
)  # fmt: skip


def _number_or_text(value: Any, path: Path, source: Source) -> None:
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        source.wrong(path, f"must be a number or text, got {shown(value)}")


class Titles(Words):
    """As `Words`, without a warning for each missing language: `check` counts them instead of burying the rest."""

    def check(self, value: Any, path: Path, source: Source) -> None:
        before = len(source.problems)
        super().check(value, path, source)
        source.problems[before:] = [one for one in source.problems[before:] if one.severity == "error"]


_ID: Shape = Text(pattern=WORD, like="driving_licence", longest=60)
_IDS = ListOf(item=_ID)
_TEXTS = ListOf(item=Text(longest=300))
_LONG = Text(longest=1000)
_UNVERIFIED = ListOf(item=Text(choices=("or", "hi")), doc="Languages translated without a native source")

VARIANT = Table(
    needed=("case", "amount", "unit"),
    keys={
        "case": Titles(doc="Which case"),
        "amount": Number(least=1, most=1000, whole=True),
        "unit": Text(choices=LIMIT_UNITS),
        "start_event": _ID,
    },
)
LIMIT = Table(
    needed=("amount", "unit", "start_event"),
    keys={
        "amount": Number(least=1, most=1000, whole=True),
        "unit": Text(choices=LIMIT_UNITS),
        "start_event": Text(doc="What the clock starts with: an id of the vocabulary", pattern=WORD),
        "exclusions": ListOf(item=_ID, doc="What is not counted: ids of the vocabulary"),
        "variants": ListOf(item=VARIANT, at_least=2, doc="Cases with limits of their own"),
        "text": Text(doc="The notification's own wording", longest=1000),
    },
)
FEE = Table(
    needed=("currency", "rows"),
    keys={
        "currency": Text(choices=("INR",)),
        "rule": Text(doc="The rule of law", longest=100),
        "rows": ListOf(
            at_least=1,
            item=Table(
                needed=("title",),
                keys={
                    "title": Titles(),
                    "amount_paise": Number(most=10**12, whole=True),
                    "most_paise": Number(most=10**12, whole=True, doc="Upper end of a range"),
                    "rule": Titles(doc="A fee that is no number"),
                },
            ),
        ),
    },
)
CONDITION = Table(
    needed=("question", "because"),
    keys={
        "question": _ID,
        "least": Number(most=10**9),
        "most": Number(most=10**9),
        "one_of": ListOf(item=_ID, at_least=1),
        "because": Titles(doc="The rule, in a sentence"),
        "source": Text(longest=60),
    },
)
EARLIER = Table(
    needed=("fact", "source", "superseded_by", "value"),
    keys={
        "fact": Text(choices=ENTRY_FACTS),
        "source": Text(longest=60),
        "superseded_by": Text(longest=60),
        "value": Free(doc="The replaced fact", hint={"type": "object"}),
    },
)
OFFICERS = Table(keys={"designated": _LONG, "appeal": _LONG, "revision": _LONG})
SOURCES = Table(keys={fact: ListOf(item=Text(longest=60), at_least=1) for fact in ENTRY_FACTS})

ENTRY = Table(
    doc="One service or complaint type",
    needed=("id", "title", "category", "sources"),
    keys={
        "id": Text(pattern=SERVICE_ID, like="rto.transfer_ownership", longest=120),
        "title": Titles(),
        "description": Titles(),
        "category": _ID,
        "department": _ID,
        "organisation": _ID,
        "agency": _ID,
        "group": _ID,
        "life_events": _IDS,
        "audience": _IDS,
        "channels": _IDS,
        "documents": _IDS,
        "fee": FEE,
        "time_limit": LIMIT,
        "officers": OFFICERS,
        "eligibility": ListOf(item=CONDITION),
        "same_as": Text(pattern=SERVICE_ID, like="rto.change_of_address", longest=80),
        "parts": ListOf(item=Text(pattern=SERVICE_ID, like="passport.file_status", longest=80)),
        "statutory_refs": ListOf(item=Text(pattern=SERVICE_ID, like="ortps.comm.06", longest=80)),
        "superseded_by": ListOf(item=Text(pattern=SERVICE_ID, like="rto.noc", longest=80), at_least=1),
        "aliases": _TEXTS,
        "keywords": Table(keys=dict.fromkeys((*LANGUAGES, "ur"), _TEXTS)),
        "sources": SOURCES,
        "earlier": ListOf(item=EARLIER),
        "unverified": _UNVERIFIED,
        "catch_all": Flag(),
        "expires": Text(pattern=DAY, like="2027-03-31"),
    },
)
OFFICE = Table(
    needed=("id", "title", "organisation", "source", "verified"),
    keys={
        "id": _ID,
        "title": Titles(),
        "organisation": _ID,
        "address": Text(longest=300),
        "latitude": Number(least=-90, most=90),
        "longitude": Number(least=-180, most=180),
        "accuracy_m": Number(most=100_000, whole=True),
        "wards": ListOf(item=Text(pattern=r"^[0-9]{2}$", like="07")),
        "source": Text(longest=60),
        "verified": Text(choices=VERIFIED),
        "unverified": _UNVERIFIED,
    },
)
LOCALITY = Table(
    needed=("id", "name", "city"),
    keys={"id": _ID, "name": Text(longest=200), "city": Flag()},
)
HOLIDAY = Table(
    needed=("day", "title", "source", "verified"),
    keys={
        "day": Text(pattern=DAY, like="2026-01-26"),
        "title": Titles(),
        "source": Text(longest=60),
        "verified": Text(choices=VERIFIED),
        "moon_dependent": Flag(),
        "unverified": _UNVERIFIED,
    },
)
RULE = Table(
    needed=("id", "text", "source"),
    keys={
        "id": _ID,
        "text": _LONG,
        "source": Text(longest=60),
        "days": Number(least=1, most=1000, whole=True),
        "most_days": Number(least=1, most=1000, whole=True),
        "amount_paise": Number(most=10**12, whole=True),
    },
)

_TERMS: Shape = Named(item=Titles(), names=WORD, like="driving_licence")
SOURCE = Table(
    needed=("id", "title", "as_of", "verified"),
    keys={
        "id": Text(pattern=r"^[A-Z][A-Z0-9]*$", like="ORTPSA"),
        "title": _LONG,
        "as_of": Text(pattern=AS_OF, like="2017 or 2024-07-05"),
        "verified": Text(choices=VERIFIED),
        "note": _LONG,
    },
)
_TERM_TABLES = (
    "categories", "groups", "life_events", "audiences", "departments", "channels", "documents", "start_events",
    "exclusions",
)  # fmt: skip
VOCABULARY = Table(
    keys={
        **dict.fromkeys(_TERM_TABLES, _TERMS),
        "unverified": _UNVERIFIED,
        "organisations": Named(
            names=WORD,
            like="watco",
            item=Table(
                needed=("title",),
                keys={
                    "title": Titles(),
                    "agency": _ID,
                    "website": Text(pattern=r"^https?://", like="https://..."),
                },
            ),
        ),
        "questions": Named(
            names=WORD,
            like="age_years",
            item=Table(
                needed=("title",),
                keys={
                    "title": Titles(),
                    "answers": Named(item=Titles(), names=WORD, like="indian"),
                    "least": Number(most=10**9),
                    "most": Number(most=10**9),
                },
            ),
        ),
    },
)


def schemas() -> dict[str, Schema]:
    """JSON Schemas of the files by name, for editors' tools."""
    return {
        "entry": ENTRY.schema(), "office": OFFICE.schema(), "locality": LOCALITY.schema(),
        "holiday": HOLIDAY.schema(), "rule": RULE.schema(), "source": SOURCE.schema(),
        "vocabulary": VOCABULARY.schema(),
    }  # fmt: skip


__all__ = ["ENTRY", "HOLIDAY", "LOCALITY", "OFFICE", "RULE", "SOURCE", "VOCABULARY", "schemas"]
