"""Everything of one citizen's over all linked agencies, on the wire."""

from typing import Annotated

from msgspec import UNSET, UnsetType

from aggregator.api.service_shapes import EnquiryLine, Money
from aggregator.api.shapes import Asked, Given
from aggregator.api.words import (
    AgencyId,
    CitizenId,
    Day,
    Flag,
    Sentence,
    ServiceId,
    StatusWord,
    Title,
    When,
    many,
    whole,
)


class BillLine(EnquiryLine, frozen=True, kw_only=True):
    """What is due at one agency, or why it could not be asked."""

    service_id: ServiceId
    service_title: Title
    amount: Money | UnsetType = UNSET
    due_date: Day | UnsetType = UNSET


class BillList(Given, frozen=True, kw_only=True):
    """What a citizen owes, everywhere, as far as the agencies answered."""

    citizen_id: CitizenId
    lines: Annotated[tuple[BillLine, ...], many("One per bill of each link.", 200)]
    total: Money
    complete: Flag
    """Every agency answered, now."""
    explanation: Sentence
    asked_at: When


class EverythingAsked(Asked, frozen=True, kw_only=True):
    """What to ask for: everything, or one agency only."""

    agency: AgencyId | UnsetType = UNSET


class FoundLine(EnquiryLine, frozen=True, kw_only=True):
    """What one agency holds of the citizen, by one of its services."""

    service_id: ServiceId
    service_title: Title


class EverythingFound(Given, frozen=True, kw_only=True):
    """What the agencies hold of a citizen."""

    citizen_id: CitizenId
    lines: Annotated[tuple[FoundLine, ...], many("One per question of each link.", 200)]
    complete: Flag
    asked_at: When


_SO_MANY = whole("How many.", 3)


class StatusCount(Given, frozen=True, kw_only=True):
    """So many of one status."""

    status: StatusWord
    status_text: Title
    count: Annotated[int, _SO_MANY]


class AgencySum(Given, frozen=True, kw_only=True):
    """A citizen's parts of cases at one agency. `as_of`: the oldest knowledge of an open one; absent without one."""

    agency: AgencyId
    agency_title: Title
    parts: Annotated[int, _SO_MANY]
    open: Annotated[int, _SO_MANY]
    by_status: Annotated[tuple[StatusCount, ...], many("Parts by status, the commonest first.", 40)]
    as_of: When | UnsetType = UNSET
    stale: Flag


class CitizenSummary(Given, frozen=True, kw_only=True):
    """What a citizen has going, over all agencies, as it is known now."""

    citizen_id: CitizenId
    cases: Annotated[int, _SO_MANY]
    open: Annotated[int, _SO_MANY]
    waiting_for_citizen: Annotated[int, _SO_MANY]
    by_status: Annotated[tuple[StatusCount, ...], many("Cases by status, the commonest first.", 40)]
    agencies: Annotated[tuple[AgencySum, ...], many("One line per agency.", 200)]
    explanation: Sentence
    counted_at: When
