"""What an agency answers about a case of its own, on the wire: free slots, and the paper it issued."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from aggregator.api.shapes import Asked, Given
from aggregator.api.words import (
    AgencyId,
    CaseId,
    Day,
    Flag,
    Sentence,
    Title,
    WebAddress,
    When,
    many,
    text,
    whole,
)


class SlotsQuery(Asked, frozen=True, kw_only=True):
    """Which days."""

    from_date: Day | UnsetType = UNSET
    to_date: Day | UnsetType = UNSET


class SlotLine(Given, frozen=True, kw_only=True):
    """A slot that could be booked; how many are free is advisory until it is booked."""

    slot_id: Annotated[str, text("What `BOOK` takes as `slot_id`.", "S-2026-11-24-1030", most=200)]
    place: Title
    starts_at: When
    free: Annotated[int, whole("Places left.", 3)]


class SlotList(Given, frozen=True, kw_only=True):
    """The free slots for a case."""

    case_id: CaseId
    agency: AgencyId
    agency_title: Title
    explanation: Sentence
    items: Annotated[tuple[SlotLine, ...], many("Slots, earliest first.", 1000)]
    as_of: When
    stale: Flag


class CaseDocument(Given, frozen=True, kw_only=True):
    """The document the agency issued for a case, if it is ready."""

    case_id: CaseId
    agency: AgencyId
    agency_title: Title
    ready: Flag
    explanation: Sentence
    name: Annotated[str, text("The file's name.", "certificate.pdf", most=120)] | UnsetType = UNSET
    media_type: (
        Annotated[str, text("What it is.", "application/pdf", most=80, pattern="^[a-z0-9.+/-]+$")] | UnsetType
    ) = UNSET
    size_bytes: Annotated[int, whole("How long it is.", 48213)] | UnsetType = UNSET
    sha256: (
        Annotated[
            str,
            text(
                "Its fingerprint.",
                "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                most=64,
                pattern="^[0-9a-f]{64}$",
            ),
        ]
        | UnsetType
    ) = UNSET
    download_url: WebAddress | UnsetType = UNSET
    expires_at: Annotated[When, Meta(description="Until when the address works; it works once.")] | UnsetType = UNSET
