"""Cases on the wire (docs/api.md section 2.2)."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType, field

from aggregator.api.audit_shapes import AuditProof
from aggregator.api.shapes import Asked, FormData, Given
from aggregator.api.words import (
    AgencyId,
    AgencyWords,
    CaseId,
    CitizenId,
    Code,
    Cursor,
    Day,
    Effect,
    FieldName,
    FieldValue,
    Flag,
    KindWord,
    LegId,
    Limit,
    Number,
    Place,
    Reference,
    Sentence,
    ServiceId,
    StatusWord,
    Title,
    WebAddress,
    When,
    many,
    open_words,
    signed,
    text,
    whole,
)

_EFFECT = Meta(description="What is at the agency: none, done, or not known yet.", examples=["none"])


_TYPED = "^[A-Za-z0-9 ._/-]{4,80}$"


class NewCaseAsked(FormData, frozen=True, kw_only=True):
    """An application or complaint to be sent to an agency."""

    service_id: ServiceId
    agency: AgencyId | UnsetType = UNSET
    citizen_id: CitizenId | UnsetType = UNSET
    channel: Annotated[str, open_words("Where the citizen is.", "WEB", "COUNTER", "PHONE", "CHAT")] = "WEB"
    source_ref: Annotated[
        str,
        text("The portal's own reference. No personal data.", "P-2026-000123", most=60, pattern="^[A-Za-z0-9._/-]*$"),
    ] = ""


_ACTION = open_words(
    "What to do.", "WITHDRAW", "REMIND", "BOOK", "RESCHEDULE", "PAY", "CONSENT", "REPLY", "RATE", "REOPEN"
)


class ActionAsked(Asked, frozen=True, kw_only=True):
    """Something the citizen wants done with the case."""

    action: Annotated[str, _ACTION]
    form: Annotated[
        dict[FieldName, FieldValue],
        Meta(
            description="What the agency needs for it: a slot, an amount, an answer. Texts and whole numbers only.",
            examples=[{"slot_id": "S-2026-11-24-1030"}],
            max_length=60,
        ),
    ] = field(default_factory=dict)
    note: Annotated[str, text("A word to the agency.", "Applied by mistake", most=500)] = ""


class CaseAction(Given, frozen=True, kw_only=True):
    """An action, and why it is not possible now if it is not."""

    action: Annotated[str, _ACTION]
    title: Title
    why_not: Sentence | UnsetType = UNSET


class AskedLine(Given, frozen=True, kw_only=True):
    """One thing asked after the case was opened, and how far it got."""

    action: Annotated[str, _ACTION]
    title: Title
    agency: AgencyId
    state: Annotated[
        str,
        open_words(
            "How far it got.", "CONFIRMED", "READY", "SENDING", "PENDING", "IN_DOUBT", "ABSENT_ONCE", "ABSENT",
            "NEEDS_HUMAN", "CONFLICT", "REJECTED", "EXPIRED", "CANCELLED",
        ),
    ]  # fmt: skip
    explanation: Sentence
    reason_code: Code | UnsetType = UNSET
    reference: Reference | UnsetType = UNSET
    at: When


class Leg(Given, frozen=True, kw_only=True):
    """One agency's part of the case."""

    id: LegId
    agency: AgencyId
    agency_title: Title
    status: StatusWord
    status_text: Title
    explanation: Sentence
    effect: Annotated[Effect, _EFFECT]
    reference: Reference | UnsetType = UNSET
    reason_code: Code | UnsetType = UNSET
    detail_code: Code | UnsetType = UNSET
    agency_code: AgencyWords | UnsetType = UNSET
    agency_text: AgencyWords | UnsetType = UNSET
    as_of: When
    checked_at: When | UnsetType = UNSET
    next_try_at: When | UnsetType = UNSET
    stale: Flag
    known_from: Annotated[str, open_words("Whose words the status is.", "OURS", "AGENCY")]
    being_checked: Flag


class CaseLinks(Given, frozen=True, kw_only=True):
    """Where to read on."""

    self: Place
    events: Place
    legs: Place
    receipt: Place


class Case(Given, frozen=True, kw_only=True):
    """A case: one consolidated status over all agencies involved, and each agency's part."""

    id: CaseId
    number: Number
    kind: KindWord
    service_id: ServiceId
    status: StatusWord
    status_text: Title
    explanation: Sentence
    reason_code: Code | UnsetType = UNSET
    effect: Annotated[Effect, _EFFECT]
    since: When
    as_of: When
    stale: Flag
    next_check_at: When | UnsetType = UNSET
    created_at: When
    updated_at: When
    settled: Flag
    livemode: Flag
    legs: Annotated[tuple[Leg, ...], many("One part per agency.", 20)]
    actions: Annotated[tuple[CaseAction, ...], many("What can be done now.", 20)]
    asked: Annotated[tuple[AskedLine, ...], many("What was asked for since, oldest first.", 200)] = ()
    links: CaseLinks


class LegList(Given, frozen=True, kw_only=True):
    """The parts of a case."""

    items: Annotated[tuple[Leg, ...], many("One part per agency.", 20)]


class CaseList(Given, frozen=True, kw_only=True):
    """A page of cases."""

    items: Annotated[tuple[Case, ...], many("Cases, newest first.", 200)]
    next: WebAddress | UnsetType = UNSET


class CaseEvent(Given, frozen=True, kw_only=True):
    """A line of the timeline."""

    id: Annotated[str, text("The event's id.", "0000000000042-5f3a9c21", most=60, pattern="^[0-9A-Za-z_-]+$")]
    type: Annotated[str, text("What happened, as a word.", "case.status-changed", most=80, pattern="^[a-z._-]+$")]
    at: When
    text: Sentence
    agency: AgencyId | UnsetType = UNSET
    data: Annotated[
        dict[str, Any],
        Meta(description="The facts, without personal data.", examples=[{"status": "HELD"}], max_length=40),
    ]


class EventList(Given, frozen=True, kw_only=True):
    """A page of the timeline."""

    items: Annotated[tuple[CaseEvent, ...], many("Events, oldest first.", 200)]
    next: WebAddress | UnsetType = UNSET


class CaseReceipt(Given, frozen=True, kw_only=True):
    """A signed receipt, verifiable offline with the keys at `/oauth/jwks.json`."""

    case_id: CaseId
    number: Number
    format: Annotated[str, open_words("How it is signed.", "JWS")]
    receipt: Annotated[
        str,
        signed("A compact JWS.", 8000),
    ]
    audit: AuditProof | UnsetType = UNSET
    """That its acceptance is in the audit log; absent for the first minute."""


class TrackedCase(Given, frozen=True, kw_only=True):
    """What a tracking number shows: status and dates, nothing of the person."""

    number: Number
    kind: KindWord
    status: StatusWord
    status_text: Title
    since: When
    as_of: When
    stale: Flag
    next_check_at: When | UnsetType = UNSET
    created_at: When
    livemode: Flag


class TrackAsked(Asked, frozen=True, kw_only=True):
    """A number, and something only the citizen knows: the mobile number or the date of birth of the application."""

    number: Annotated[
        str, text("The tracking number, or the agency's own number.", "OD99A0000000000", most=80, pattern=_TYPED)
    ]
    agency: AgencyId | UnsetType = UNSET
    mobile: (
        Annotated[
            str, text("The mobile number of the application.", "9000000000", most=16, pattern="^[+]?[0-9 -]{10,15}$")
        ]
        | UnsetType
    ) = UNSET
    date_of_birth: Day | UnsetType = UNSET


class CaseQuery(Asked, frozen=True, kw_only=True):
    """How long to wait for a change."""

    wait: Annotated[int, whole("Seconds to wait for a change; use with `If-None-Match`.", 30, most=60)] = 0


class CasesQuery(Asked, frozen=True, kw_only=True):
    """Which cases."""

    status: StatusWord | UnsetType = UNSET
    kind: KindWord | UnsetType = UNSET
    service_id: ServiceId | UnsetType = UNSET
    updated_since: When | UnsetType = UNSET
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = 50


class EventsQuery(Asked, frozen=True, kw_only=True):
    """Which page of the timeline."""

    cursor: Cursor | UnsetType = UNSET
    limit: Limit = 50
