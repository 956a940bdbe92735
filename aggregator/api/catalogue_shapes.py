"""Services, complaint types and the words they are made of, on the wire (docs/api.md section 2.1)."""

from typing import Annotated

from msgspec import UNSET, UnsetType

from aggregator.api.service_shapes import AgencyLine, FeeLine, Guarantee
from aggregator.api.shapes import Asked, Given
from aggregator.api.words import (
    AgencyId,
    AgencyWords,
    Cursor,
    Flag,
    KindWord,
    Limit,
    Sentence,
    ServiceId,
    Title,
    WebAddress,
    Word,
    many,
    open_words,
    text,
    whole,
)

_AMOUNT = Annotated[int, whole("How many units.", 30, least=0, most=10_000)]
_UNIT = Annotated[str, open_words("The unit.", "DAY", "WORKING_DAY", "HOUR", "WORKING_HOUR", "MINUTE", "MONTH")]


class PeriodCase(Given, frozen=True, kw_only=True):
    """The limit in one case."""

    case: Title
    amount: _AMOUNT
    unit: _UNIT
    start_event: Title | UnsetType = UNSET


class Period(Given, frozen=True, kw_only=True):
    """The statutory time limit: never one number, because what starts the clock belongs to it."""

    amount: _AMOUNT
    unit: _UNIT
    start_event: Title
    exclusions: Annotated[tuple[Title, ...], many("What is not counted.", 20)] = ()
    cases: Annotated[tuple[PeriodCase, ...], many("Limits by case; the amount above is the longest.", 20)] = ()
    wording: Annotated[str, text("The notification's own words.", "7 days", most=1000)] | UnsetType = UNSET


_MATURITY = Annotated[
    str, open_words("How far it goes with us, computed from the drivers.", "FULL", "PAY", "TRACK", "APPLY", "INFO")
]
_AVAILABILITY = Annotated[
    str,
    open_words(
        "Whether it can be done online now.", "AVAILABLE", "DEGRADED", "PLANNED_PAUSE", "DOWN", "CLOSED", "NOT_ONLINE"
    ),
]


class ServiceLine(Given, frozen=True, kw_only=True):
    """A hit in the list of services."""

    id: ServiceId
    title: Title
    kind: KindWord
    agency: AgencyId
    """Who provides it; `GET /agencies/{agency_id}` knows it when `availability` is not NOT_ONLINE."""
    category: Word | UnsetType = UNSET
    department: Word | UnsetType = UNSET
    time_limit: Period | UnsetType = UNSET
    maturity: _MATURITY
    availability: _AVAILABILITY
    matched: Annotated[str, open_words("Why it is in the list.", "TITLE", "SAYING", "KEYWORD", "MEANING", "ALL")]
    why: Sentence | UnsetType = UNSET


class ServiceList(Given, frozen=True, kw_only=True):
    """A page of services."""

    items: Annotated[tuple[ServiceLine, ...], many("Services.", 200)]
    question: Sentence | UnsetType = UNSET
    facets: Annotated[tuple["Facet", ...], many("How many there are of each, over all pages.", 20)] = ()
    next: WebAddress | UnsetType = UNSET


class FacetValue(Given, frozen=True, kw_only=True):
    """One value of a facet."""

    value: Word
    title: Title
    services: Annotated[int, whole("How many services have it.", 25)]


class Facet(Given, frozen=True, kw_only=True):
    """One way of narrowing the list."""

    name: Word
    values: Annotated[tuple[FacetValue, ...], many("The most frequent first.", 200)]


class Named(Given, frozen=True, kw_only=True):
    """A word of the vocabulary."""

    id: Word
    title: Title


class AppealLadder(Given, frozen=True, kw_only=True):
    """Who has to act, and to whom to go when they do not. In the notification's own English."""

    designated_officer: AgencyWords | UnsetType = UNSET
    appeal: AgencyWords | UnsetType = UNSET
    appeal_within_days: Annotated[int, whole("Days to appeal.", 30)] | UnsetType = UNSET
    revision: AgencyWords | UnsetType = UNSET
    revision_within_days: Annotated[int, whole("Days to ask for revision.", 30)] | UnsetType = UNSET


class FactSource(Given, frozen=True, kw_only=True):
    """Where one fact was read."""

    fact: Word
    source: Word
    reference: AgencyWords
    as_of: Annotated[str, text("A day, a month or a year.", "2024-07-05", most=10, pattern="^[0-9-]{4,10}$")]
    verified: Annotated[str, open_words("Whether somebody checked it at its source.", "YES", "PARTLY", "NO")]
    superseded_by: Word | UnsetType = UNSET


class LinkOffered(Given, frozen=True, kw_only=True):
    """The record that a citizen can link with this service's form, and what proves that it is the citizen's."""

    kind: Word
    proofs: Annotated[
        tuple[Word, ...],
        many("FACTOR: what only the owner knows. AGENCY_CODE: the code that the agency sends.", 5),
    ]


class ServiceDetail(Given, frozen=True, kw_only=True):
    """A service."""

    id: ServiceId
    title: Title
    description: Sentence
    kind: KindWord
    category: Word | UnsetType = UNSET
    agencies: Annotated[tuple[AgencyLine, ...], many("Who provides it.", 50)]
    documents: Annotated[tuple[Title, ...], many("What to have at hand.", 100)]
    fees: Annotated[tuple[FeeLine, ...], many("What it costs.", 50)]
    fee_rules: Annotated[tuple[Sentence, ...], many("What it costs where that is no number.", 50)] = ()
    time_limit: Period | UnsetType = UNSET
    delivery_guarantee: Guarantee | UnsetType = UNSET
    link: LinkOffered | UnsetType = UNSET
    """Set where a citizen can link the record that this service asks for."""
    department: Named | UnsetType = UNSET
    organisation: Named | UnsetType = UNSET
    group: Named | UnsetType = UNSET
    life_events: Annotated[tuple[Named, ...], many("When people need it.", 20)] = ()
    audience: Annotated[tuple[Named, ...], many("Whom it is for.", 20)] = ()
    channels: Annotated[tuple[Named, ...], many("Where it can be asked for.", 30)] = ()
    appeal: AppealLadder | UnsetType = UNSET
    maturity: _MATURITY
    abilities: Annotated[tuple[Word, ...], many("What can be done with us: APPLY, TRACK, PAY, ASK.", 10)]
    availability: _AVAILABILITY
    offered_as: Annotated[
        tuple[ServiceId, ...], many("Services that carry it out or a part of it; cases are opened with these.", 30)
    ] = ()
    form_page_url: WebAddress | UnsetType = UNSET
    """The form as a plain page, to be filled in without scripts."""
    blank_form_url: WebAddress | UnsetType = UNSET
    """The same form empty, laid out for A4: to be printed, or kept as a PDF by the browser."""
    superseded_by: Annotated[tuple[ServiceId, ...], many("What replaces this entry.", 20)] = ()
    also_known_as: Annotated[tuple[Title, ...], many("Other English names.", 50)] = ()
    sources: Annotated[tuple[FactSource, ...], many("Where each fact was read.", 100)] = ()
    translation_unverified: Flag = False


class ServicesQuery(Asked, frozen=True, kw_only=True):
    """Which services."""

    q: Annotated[str, text("Words to look for, in any language.", "transfer", most=100)] | UnsetType = UNSET
    kind: KindWord | UnsetType = UNSET
    agency: AgencyId | UnsetType = UNSET
    category: Word | UnsetType = UNSET
    department: Word | UnsetType = UNSET
    life_event: Word | UnsetType = UNSET
    audience: Word | UnsetType = UNSET
    group: Word | UnsetType = UNSET
    maturity: _MATURITY | UnsetType = UNSET
    availability: _AVAILABILITY | UnsetType = UNSET
    facets: (
        Annotated[
            str,
            text("Facets to count, with commas between.", "category,agency", most=200, pattern="^[a-z_]+(,[a-z_]+)*$"),
        ]
        | UnsetType
    ) = UNSET
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = 50
