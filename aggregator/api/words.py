r"""Every text, number and time on the wire is bounded: length, pattern or format, description, example.

An unbounded string is a finding of the contract's linters and an invitation to callers. Patterns use `[0-9]`,
never `\d`; absent members are `UNSET` and never null (docs/api.md section 3; MS-2, MS-3, MS-5, MS-9).
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta

_ULID = "[0-9A-HJKMNP-TV-Z]{26}"
_WHEN = {"maxLength": 40, "example": "2026-11-21T10:00:00Z"}
CITIZEN_TEXT = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]*$"
"""Any script, no control characters but tab and line ends."""


def text(about: str, example: str, *, most: int = 200, pattern: str = CITIZEN_TEXT) -> Any:
    """A described, bounded string."""
    return Meta(description=about, examples=[example], max_length=most, pattern=pattern)


def open_words(about: str, *known: str) -> Any:
    """A vocabulary that may grow: clients must accept words they do not know."""
    return Meta(
        description=f"{about} Open vocabulary: accept words you do not know.",
        examples=[known[0]],
        max_length=40,
        pattern="^[A-Z][A-Z_]*$",
        extra_json_schema={"x-extensible-enum": list(known)},
    )


def whole(about: str, example: int, *, least: int = 0, most: int = 2_147_483_647) -> Any:
    """A described, bounded integer."""
    return Meta(description=about, examples=[example], ge=least, le=most, extra_json_schema={"format": "int32"})


def many(about: str, most: int) -> Any:
    """A described, bounded list or mapping."""
    return Meta(description=about, max_length=most)


def signed(about: str, most: int = 2000) -> Any:
    """A paper of ours that anybody can verify with our public key."""
    return text(about, "eyJhbGciOiJFUzI1NiJ9.e30.c2ln", most=most, pattern="^[A-Za-z0-9._-]+$")


def when(about: str) -> Any:
    """An RFC 3339 time in UTC, ending in Z."""
    return Meta(tz=True, description=about, examples=["2026-11-21T10:00:00Z"], extra_json_schema=_WHEN)


CaseId = Annotated[
    str, text("The case's machine id.", "case_01JCZ5QK8V9XW3T6R2M4N7P0AB", most=31, pattern=f"^case_{_ULID}$")
]
LegId = Annotated[
    str, text("The leg's machine id.", "leg_01JCZ5QK8V9XW3T6R2M4N7P0AB", most=40, pattern="^[a-z]+_[0-9A-Z]+$")
]
RequestId = Annotated[
    str,
    text("The request's id, as in `Request-Id`.", "req_01JCZ5QK8V9XW3T6R2M4N7P0AB", most=30, pattern=f"^req_{_ULID}$"),
]
ServiceId = Annotated[
    str,
    text("A service of the catalogue.", "rto.transfer_ownership", most=120, pattern="^[a-z0-9_]+([.][A-Za-z0-9_]+)+$"),
]
AgencyId = Annotated[str, text("An agency of the city.", "rto", most=40, pattern="^[a-z0-9_]+$")]
CitizenId = Annotated[
    str,
    text(
        "The citizen's pairwise id for this portal.",
        "ctz_mfrggzdfmztwq2lknnwg23tpoa",
        most=44,
        pattern="^ctz_[a-z0-9]{10,40}$",
    ),
]
Number = Annotated[
    str, text("The tracking number.", "4071-9936-2185-0345", most=19, pattern="^[0-9]{4}(-[0-9]{4}){3}$")
]
Title = Annotated[str, text("A name in the asked language.", "Transfer of ownership", most=300)]
Sentence = Annotated[str, text("A sentence in the asked language.", "Received. We have not sent it yet.", most=4000)]
Code = Annotated[str, text("Our word for the reason.", "agency_away", most=60, pattern="^[A-Za-z0-9_-]*$")]
AgencyWords = Annotated[str, text("The agency's own words or code, verbatim.", "SCR", most=2000)]
Reference = Annotated[str, text("The agency's number for it.", "OD99A0000000000", most=80)]
When = Annotated[datetime, when("A time in UTC.")]
WebAddress = Annotated[
    str,
    Meta(
        description="An address.",
        examples=["https://city.example/v1/cases"],
        max_length=2000,
        extra_json_schema={"format": "uri"},
    ),
]
Place = Annotated[
    str, text("A path on this server.", "/v1/cases/case_01JCZ5QK8V9XW3T6R2M4N7P0AB", most=300, pattern="^/[!-~]*$")
]
StatusWord = Annotated[
    str,
    open_words(
        "Where it is.", "ACCEPTED", "HELD", "UNCONFIRMED", "SUBMITTED", "ACKNOWLEDGED", "ASSIGNED", "IN_PROGRESS",
        "AWAITING_CITIZEN", "AWAITING_PAYMENT", "SCHEDULED", "APPROVED", "DISPATCHED", "RESOLVED_BY_AGENCY",
        "COMPLETED", "REJECTED", "WITHDRAWN", "TRANSFERRED", "UNKNOWN",
    ),
]  # fmt: skip
KindWord = Annotated[
    str, open_words("What kind of request it is.", "APPLICATION", "COMPLAINT", "ENQUIRY", "BOOKING", "PAYMENT")
]
Word = Annotated[str, text("A word of the catalogue.", "transport", most=60, pattern="^[A-Za-z0-9_.-]*$")]
FieldName = Annotated[str, text("The name of a field.", "vehicle_number", most=100)]
FieldValue = (
    Annotated[str, text("A text.", "S-2026-11-24-1030", most=4000)]
    | Annotated[
        int,
        Meta(
            description="A whole number; money in paise.",
            examples=[50000],
            ge=-9_007_199_254_740_991,
            le=9_007_199_254_740_991,
            extra_json_schema={"format": "int64"},
        ),
    ]
)
Day = Annotated[
    date,
    Meta(description="A day.", examples=["2026-11-24"], extra_json_schema={"maxLength": 10, "example": "2026-11-24"}),
]
Effect = Literal["none", "done", "unknown"]
Renderer = Literal["jsonforms", "rjsf"]
Cursor = Annotated[
    str,
    text(
        "Where the next page starts; opaque.", "1.eyJhIjoiY2FzZV8wMUpDIn0.Zm9v", most=600, pattern="^[A-Za-z0-9_.-]+$"
    ),
]
Limit = Annotated[int, whole("How many at most.", 50, least=1, most=200)]
Flag = Annotated[bool, Meta(description="True or false.", examples=[False])]
