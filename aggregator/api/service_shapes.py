"""Services, their forms and the agencies behind them on the wire (docs/api.md section 2.1)."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from aggregator.api.shapes import Asked, Given
from aggregator.api.words import (
    AgencyId,
    AgencyWords,
    Code,
    Day,
    Flag,
    Renderer,
    Sentence,
    ServiceId,
    Title,
    When,
    Word,
    many,
    open_words,
    text,
    whole,
)

_MONEY = Annotated[str, text("Rupees with two decimals.", "120.00", most=20, pattern="^[0-9]+[.][0-9]{2}$")]
_CURRENCY = Annotated[str, text("ISO 4217.", "INR", most=3, pattern="^[A-Z]{3}$")]
_STATE = Annotated[str, open_words("How the agency is doing.", "UP", "DEGRADED", "DOWN", "DISABLED")]


class Money(Given, frozen=True, kw_only=True):
    """An amount."""

    amount: _MONEY
    currency: _CURRENCY


class FeeLine(Given, frozen=True, kw_only=True):
    """A row of the fee."""

    title: Title
    amount: Money
    up_to: Money | UnsetType = UNSET
    """The upper end, where the fee is a range."""


class Guarantee(Given, frozen=True, kw_only=True):
    """What repeating can and cannot do, computed from the weakest operation behind the service."""

    effect: Annotated[
        Literal["exactly_once", "at_most_once"], Meta(description="What is promised.", examples=["exactly_once"])
    ]
    by: Annotated[
        Literal["key", "lookup", "uniqueness", "idempotence", "nothing"],
        Meta(description="What the promise rests on.", examples=["lookup"]),
    ]
    then: Annotated[
        Literal["we_check", "a_person_checks"], Meta(description="Who settles a doubt.", examples=["we_check"])
    ]
    doubt_settled_within_s: Annotated[int, whole("Seconds until a doubt is settled by machine.", 7200)] | UnsetType = (
        UNSET
    )
    weakest_operation: Word
    certified_on: Day | UnsetType = UNSET
    """When the kit last held this version of the driver to its classes; without it the promise is the least one."""
    desk: Annotated[str, text("Whose queue settles what no machine can.", "worklist:rto", most=80)] | UnsetType = UNSET
    answer_within_s: Annotated[int, whole("Seconds in which that desk answers.", 86400)] | UnsetType = UNSET


class AgencyLine(Given, frozen=True, kw_only=True):
    """An agency of a service, and whether it answers now."""

    id: AgencyId
    title: Title
    state: _STATE
    availability: Sentence


class ServiceForm(Given, frozen=True, kw_only=True):
    """The form of a service, for a renderer."""

    service_id: ServiceId
    renderer: Annotated[Renderer, Meta(description="For which renderer.", examples=["jsonforms"])]
    language: Annotated[str, text("The language of its texts.", "or", most=2, pattern="^[a-z]{2}$")]
    data_schema: Annotated[
        dict[str, Any],
        Meta(description="JSON Schema, draft-07.", examples=[{"type": "object"}], max_length=100),
    ]
    ui_schema: Annotated[
        dict[str, Any],
        Meta(description="Order and widgets for the renderer.", examples=[{"type": "VerticalLayout"}], max_length=300),
    ]


class Value(Given, frozen=True, kw_only=True):
    """One thing an agency told."""

    name: Word
    label: Title
    value: AgencyWords
    masked: Flag


class EnquiryLine(Given, frozen=True, kw_only=True):
    """What one agency answered, or why it did not."""

    agency: AgencyId
    agency_title: Title
    result: Annotated[str, open_words("How it went.", "VALUE", "ABSENT", "REFUSED", "UNAVAILABLE")]
    explanation: Sentence
    values: Annotated[tuple[Value, ...], many("What it told, in the order to show it.", 100)]
    as_of: When | UnsetType = UNSET
    stale: Flag
    reason_code: Code | UnsetType = UNSET
    agency_code: AgencyWords | UnsetType = UNSET


class EnquiryAnswer(Given, frozen=True, kw_only=True):
    """One line per agency asked; a dead agency is a line, never an error."""

    service_id: ServiceId
    lines: Annotated[tuple[EnquiryLine, ...], many("One per agency.", 50)]


class LinkChecked(Given, frozen=True, kw_only=True):
    """Whether the agency knows this record with this second factor. Nothing else of its answer is told."""

    service_id: ServiceId
    agency: AgencyId
    verified: Flag
    explanation: Sentence


class PlannedPause(Given, frozen=True, kw_only=True):
    """A planned time in which an agency will not answer; what is sent meanwhile is kept."""

    begins: When
    ends: When
    reason: Sentence


class AgencyDetail(Given, frozen=True, kw_only=True):
    """An agency."""

    id: AgencyId
    title: Title
    kind: Word
    state: _STATE
    availability: Sentence
    capabilities: Annotated[tuple[Word, ...], many("What its system can do.", 40)]
    livemode: Flag
    organisation: AgencyId | UnsetType = UNSET
    """The organisation this back end belongs to, where one has several."""
    backends: Annotated[tuple[AgencyLine, ...], many("An organisation's back ends, each with its own state.", 50)] = ()
    maintenance: Annotated[
        tuple[PlannedPause, ...], many("Planned windows, those to come and the present one.", 50)
    ] = ()


class AgencyList(Given, frozen=True, kw_only=True):
    """All agencies of the city."""

    items: Annotated[tuple[AgencyDetail, ...], many("Agencies.", 200)]


class HealthDetail(Given, frozen=True, kw_only=True):
    """How calls to one agency are going."""

    agency: AgencyId
    title: Title
    state: _STATE
    explanation: Sentence
    breakers: Annotated[dict[Word, Word], many("State of each circuit breaker by class of operation.", 20)]
    in_flight: Annotated[int, whole("Calls being made.", 3)]
    waiting: Annotated[int, whole("Calls waiting for a place.", 0)]
    calls: Annotated[int, whole("Calls in the window.", 120)]
    failed: Annotated[int, whole("Of these, failed.", 2)]
    p50_ms: Annotated[int, whole("Median of the answer time.", 80)] | UnsetType = UNSET
    p95_ms: Annotated[int, whole("95th percentile of the answer time.", 420)] | UnsetType = UNSET
    retry_after_s: Annotated[int, whole("Seconds until calling makes sense again.", 12)] | UnsetType = UNSET
    last_ok_at: When | UnsetType = UNSET
    last_failure: Word | UnsetType = UNSET


class HealthList(Given, frozen=True, kw_only=True):
    """How calls to all agencies are going."""

    items: Annotated[tuple[HealthDetail, ...], many("One per agency.", 200)]


class FormQuery(Asked, frozen=True, kw_only=True):
    """Which rendering."""

    renderer: Annotated[Renderer, Meta(description="For which renderer.", examples=["jsonforms"])] = "jsonforms"
