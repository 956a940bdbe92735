"""Assistance on the wire: a counter acts for a citizen who gave the code, for named tasks and a while."""

from typing import Annotated

from msgspec import UNSET, UnsetType

from aggregator.api.privacy_shapes import AssistantName, ConsentId, PortalId
from aggregator.api.session_shapes import ClientAddress, Credential, DeliveryWord, Device, Mobile
from aggregator.api.shapes import Asked, Given
from aggregator.api.words import CitizenId, Flag, Sentence, When, many, open_words, text, whole
from aggregator.citizens.assistance import AT_A_COUNTER, MINUTES_MOST, ByWhom, Task

AssistanceId = Annotated[
    str,
    text(
        "The assistance's machine id.",
        "asn_01JCZ5QK8V9XW3T6R2M4N7P0AB",
        most=30,
        pattern="^asn_[0-9A-HJKMNP-TV-Z]{26}$",
    ),
]
TaskWord = Annotated[str, open_words("What is to be done at the counter.", *AT_A_COUNTER)]
Tasks = Annotated[tuple[TaskWord, ...], many("What is to be done; each gives the rights it needs.", len(AT_A_COUNTER))]
StateWord = Annotated[str, open_words("Where it stands.", "WAITING", "OPEN", "ENDED")]


class AssistanceAsked(Asked, frozen=True, kw_only=True):
    """Who wants to act for whom, and for what."""

    mobile: Mobile
    device: Device
    assistant: Annotated[
        str,
        text(
            "What the portal calls the person at the counter, such as a staff number. Kept by nobody: only a pseudonym "
            "made of it is.",
            "counter-4/117",
            most=80,
            pattern="^[!-~]{3,80}$",
        ),
    ]
    tasks: Tasks
    minutes: Annotated[int, whole("How long it may last.", 30, least=5, most=MINUTES_MOST)] = 30
    client_address: ClientAddress | UnsetType = UNSET


class AssistanceGiven(Given, frozen=True, kw_only=True):
    """Assistance as the portal sees it; the token is shown once, with the code's acceptance."""

    assistance_id: AssistanceId
    state: StateWord
    assistant: AssistantName
    tasks: Tasks
    delivery: DeliveryWord | UnsetType = UNSET
    code_until: When | UnsetType = UNSET
    resend_at: When | UnsetType = UNSET
    tries_left: Annotated[int, whole("How often a code can still be tried.", 5, most=5)] | UnsetType = UNSET
    until: When | UnsetType = UNSET
    citizen_id: CitizenId | UnsetType = UNSET
    consent_id: ConsentId | UnsetType = UNSET
    access_token: Credential | UnsetType = UNSET
    token_type: Annotated[str, text("How to send the access token.", "Bearer", most=10)] | UnsetType = UNSET
    expires_in: Annotated[int, whole("Seconds the access token lives.", 1800, most=3600)] | UnsetType = UNSET
    scope: Annotated[str, text("The rights of the token.", "cases.read cases.write", most=600)] | UnsetType = UNSET
    explanation: Sentence


class AssistanceSeen(Given, frozen=True, kw_only=True):
    """Assistance as the citizen sees it."""

    assistance_id: AssistanceId
    portal_id: PortalId
    by_whom: Annotated[str, open_words("Who acts.", *ByWhom)]
    assistant: AssistantName
    tasks: Annotated[tuple[Annotated[str, open_words("What for.", *Task)], ...], many("What for.", len(Task))]
    asked_at: When
    until: When
    holds: Flag
    consent_id: ConsentId
    explanation: Sentence


class AssistanceList(Given, frozen=True, kw_only=True):
    """Newest first, ended ones too."""

    items: Annotated[tuple[AssistanceSeen, ...], many("Who acted or acts for the citizen.", 200)]
