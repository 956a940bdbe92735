"""A search on the wire: what was asked, and an answer that groups, asks back, explains, or says that nothing fits."""

from typing import Annotated

from msgspec import UNSET, UnsetType

from aggregator.api.shapes import Asked, Given
from aggregator.api.words import Sentence, ServiceId, Title, Word, many, open_words, text, whole

_INTENT = Annotated[
    str, open_words("What the citizen wants done.", "APPLY", "PAY", "RENEW", "CORRECT", "TRACK", "COMPLAIN")
]


class SearchAsked(Asked, frozen=True, kw_only=True):
    """What somebody says they need."""

    words: Annotated[
        str,
        text(
            "In English, Odia, Hindi or Urdu, in any script or spelled in Latin letters; a sentence is as good as a "
            "name. Nothing of it is kept, except, without names and numbers, when nothing fits.",
            "mo gadi ra nama badaliba",
            most=300,
        ),
    ]
    limit: Annotated[int, whole("How many services at most.", 10, least=1, most=20)] = 10


class SearchHit(Given, frozen=True, kw_only=True):
    """A service that fits, and why."""

    id: ServiceId
    title: Title
    kind: Annotated[str, open_words("What it is.", "SERVICE", "COMPLAINT")]
    intent: _INTENT
    matched: Annotated[str, open_words("Which of its names fits.", "TITLE", "SAYING", "KEYWORD", "MEANING")]
    understood: Annotated[
        str, open_words("How the words were understood.", "EXACT", "ACRONYM", "SOUND", "SPELLING", "MEANING")
    ]
    why: Sentence


class SearchGroup(Given, frozen=True, kw_only=True):
    """What can be done of one kind: paying, renewing, complaining."""

    intent: _INTENT
    title: Title
    hits: Annotated[tuple[SearchHit, ...], many("Best first.", 20)]


class SearchOption(Given, frozen=True, kw_only=True):
    """A service by its name alone."""

    id: ServiceId
    title: Title


class SearchQuestion(Given, frozen=True, kw_only=True):
    """One question, where two services fit equally well or none does."""

    sentence: Sentence
    options: Annotated[tuple[SearchOption, ...], many("What may be answered; empty: in the citizen's own words.", 2)]


class RelatedServices(Given, frozen=True, kw_only=True):
    """What people in the same situation need as well."""

    life_event: Word
    title: Title
    services: Annotated[tuple[SearchOption, ...], many("Services of the same life event.", 5)]


class SearchAnswer(Given, frozen=True, kw_only=True):
    """The answer to a search."""

    outcome: Annotated[str, open_words("How it went.", "FOUND", "WHICH", "NONE")]
    groups: Annotated[tuple[SearchGroup, ...], many("The best service's group first.", 6)]
    question: SearchQuestion | UnsetType = UNSET
    related: RelatedServices | UnsetType = UNSET
