"""Drafts of forms, and the conversation that fills them in, on the wire."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from aggregator.api.shapes import Asked, ErrorLine, Given
from aggregator.api.words import (
    CitizenId,
    Code,
    FieldName,
    Flag,
    Sentence,
    ServiceId,
    Title,
    When,
    many,
    open_words,
    text,
    whole,
)

DraftId = Annotated[
    str,
    text("The draft's machine id.", "drf_01JCZ5QK8V9XW3T6R2M4N7P0AB", most=30, pattern="^drf_[0-9A-HJKMNP-TV-Z]{26}$"),
]
_FORM = Meta(
    description="What is known of the form so far; it may have mistakes.",
    examples=[{"vehicle_number": "OD02AB1234"}],
    max_length=200,
)


class NewDraft(Asked, frozen=True, kw_only=True):
    """A form begun."""

    form: Annotated[dict[FieldName, Any], _FORM] = msgspec.field(default_factory=dict)
    citizen_id: CitizenId | UnsetType = UNSET
    prefilled: Annotated[bool, Meta(description="Fill in what is known of the citizen.", examples=[True])] = False


class DraftChange(Asked, frozen=True, kw_only=True):
    """Fields to change; null takes one out (RFC 7396)."""

    form: Annotated[dict[FieldName, Any], _FORM]


class DraftQuery(Asked, frozen=True, kw_only=True):
    """Whose draft it is, where the token is a portal's."""

    citizen_id: CitizenId | UnsetType = UNSET


class DraftDetail(Given, frozen=True, kw_only=True):
    """A form begun and not sent."""

    id: DraftId
    service_id: ServiceId
    form: Annotated[dict[FieldName, Any], _FORM]
    filled_in: Annotated[
        dict[FieldName, Code],
        Meta(description="Fields we filled in, and from where.", examples=[{"mobile": "LINK"}], max_length=200),
    ] = msgspec.field(default_factory=dict)
    complete: Flag
    errors: Annotated[tuple[ErrorLine, ...], many("What would still be wrong if it were sent now.", 1000)]
    version: Annotated[int, whole("Grows with every change; the tag for If-Match.", 3, least=1)]
    created_at: When
    updated_at: When
    expires_at: When


class DraftList(Given, frozen=True, kw_only=True):
    """Forms begun."""

    items: Annotated[tuple[DraftDetail, ...], many("Drafts, oldest first.", 50)]


class DraftRemoved(Given, frozen=True, kw_only=True):
    """It is gone."""

    id: DraftId
    explanation: Sentence


class TurnAsked(Asked, frozen=True, kw_only=True):
    """What the citizen said. Nothing said: the question that stands."""

    step: Annotated[str, open_words("What to do.", "ANSWER", "PASS", "BACK", "ASK")] = "ASK"
    answer: Annotated[str, text("The citizen's words, or the option's number.", "2", most=4000)] = ""
    field: FieldName | UnsetType = UNSET
    """The question it answers; left out: the one that stands."""


class Option(Given, frozen=True, kw_only=True):
    """One answer that is offered."""

    number: Annotated[int, whole("What to say or press for it.", 1, least=1, most=200)]
    value: Annotated[str, text("What the form will hold.", "F", most=200)]
    title: Title


class AskedQuestion(Given, frozen=True, kw_only=True):
    """One question, in the asked language."""

    field: FieldName
    text: Sentence
    """To be said or shown: title, hint and numbered options."""
    title: Title
    hint: Sentence | UnsetType = UNSET
    widget: Code
    options: Annotated[tuple[Option, ...], many("Offered answers.", 200)]
    required: Flag
    position: Annotated[int, whole("Which of the questions.", 3, least=1, most=500)]
    count: Annotated[int, whole("How many there are, as things stand.", 14, least=1, most=500)]


class SummaryLine(Given, frozen=True, kw_only=True):
    """One answer, to be read back."""

    field: FieldName
    title: Title
    shown: Sentence


class Turn(Given, frozen=True, kw_only=True):
    """Where the conversation stands."""

    done: Flag
    question: AskedQuestion | UnsetType = UNSET
    errors: Annotated[tuple[ErrorLine, ...], many("What was wrong with the answer.", 20)]
    summary: Annotated[tuple[SummaryLine, ...], many("What was answered, once nothing is left to ask.", 500)]
    version: Annotated[int, whole("The draft's version.", 4, least=1)]
