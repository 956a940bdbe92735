"""Nominees on the wire: who was named, who asks to act, and what officers decide."""

from typing import Annotated

from msgspec import UNSET, UnsetType

from aggregator.api.privacy_shapes import AssistantName
from aggregator.api.profile_shapes import PersonName
from aggregator.api.session_shapes import Credential, Mobile, SessionId
from aggregator.api.shapes import Asked, Given
from aggregator.api.words import CitizenId, Day, Flag, Sentence, When, many, open_words, text, whole
from aggregator.api.worklist_shapes import Name, Note
from aggregator.citizens.assistance import MINUTES_MOST
from aggregator.citizens.nominee_record import Certificate, NominationState, Phase, Why

NominationId = Annotated[
    str,
    text(
        "The nomination's machine id.",
        "nom_01JCZ5QK8V9XW3T6R2M4N7P0AB",
        most=30,
        pattern="^nom_[0-9A-HJKMNP-TV-Z]{26}$",
    ),
]
ClaimId = Annotated[
    str,
    text(
        "A nominee's request to act.", "ncl_01JCZ5QK8V9XW3T6R2M4N7P0AB", most=30, pattern="^ncl_[0-9A-HJKMNP-TV-Z]{26}$"
    ),
]
Confirmations = Annotated[tuple[SessionId, ...], many("A session of CONFIRM whose code was given just now.", 3)]
StandsWord = Annotated[str, open_words("Where the nomination stands.", *NominationState)]
PhaseWord = Annotated[str, open_words("Where the request stands.", *Phase)]
WhyWord = Annotated[str, open_words("Why the nominee is to act.", *Why)]
CertificateWord = Annotated[str, open_words("What kind of paper says so.", *Certificate)]
CertificateNumber = Annotated[
    str,
    text("The number on the paper, as the authority that issued it finds it.", "D-2026-7781", most=60,
         pattern="^[0-9A-Za-z][0-9A-Za-z ./()-]{2,59}$"),
]  # fmt: skip


class NominationAsked(Asked, frozen=True, kw_only=True):
    """Whom the citizen names. `replaces` ends another nomination with the same step."""

    name: PersonName
    mobile: Mobile
    replaces: NominationId | UnsetType = UNSET
    confirmations: Confirmations = ()


class Confirmed(Asked, frozen=True, kw_only=True):
    """The code that was given for this."""

    confirmations: Confirmations = ()


class ClaimGiven(Given, frozen=True, kw_only=True):
    """A nominee's request to act. `starts_at` and `until` once it was granted."""

    claim_id: ClaimId
    why: WhyWord
    phase: PhaseWord
    asked_at: When
    starts_at: When | UnsetType = UNSET
    until: When | UnsetType = UNSET
    explanation: Sentence


class NominationGiven(Given, frozen=True, kw_only=True):
    """A nomination as the citizen sees it; the nominee's number is masked."""

    nomination_id: NominationId
    name: PersonName
    mobile: Annotated[str, text("Masked.", "+91******0043", most=20)]
    state: StandsWord
    named_at: When
    answer_until: When
    claim: ClaimGiven | UnsetType = UNSET
    explanation: Sentence


class NominationList(Given, frozen=True, kw_only=True):
    """Newest first, ended ones too."""

    items: Annotated[tuple[NominationGiven, ...], many("Whom the citizen named.", 200)]


class NominatorGiven(Given, frozen=True, kw_only=True):
    """A nomination as the nominee sees it: who named them, and nothing else of that citizen."""

    nomination_id: NominationId
    named_by: PersonName
    state: StandsWord
    named_at: When
    answer_until: When
    claim: ClaimGiven | UnsetType = UNSET
    explanation: Sentence


class NominatorList(Given, frozen=True, kw_only=True):
    """Newest first; what has ended is not there."""

    items: Annotated[tuple[NominatorGiven, ...], many("Who named the citizen.", 200)]


class NomineeAnswer(Asked, frozen=True, kw_only=True):
    """Whether one wants to be it. A no is possible at any time and needs no code."""

    accept: Flag
    confirmations: Confirmations = ()


class ClaimAsked(Asked, frozen=True, kw_only=True):
    """That the day has come, and the paper that says so. No scan: officers look the number up where it was issued."""

    why: WhyWord
    certificate: CertificateWord
    certificate_number: CertificateNumber
    confirmations: Confirmations = ()


class ActingAsked(Asked, frozen=True, kw_only=True):
    """The nominee wants to act now."""

    minutes: Annotated[int, whole("How long.", 30, least=5, most=MINUTES_MOST)] = 30
    confirmations: Confirmations = ()


class ActingGiven(Given, frozen=True, kw_only=True):
    """A token for the rights of the citizen who named the nominee. Shown once, and nothing makes it longer."""

    citizen_id: CitizenId
    assistant: AssistantName
    access_token: Credential
    token_type: Annotated[str, text("How to send the access token.", "Bearer", most=10)]
    expires_in: Annotated[int, whole("Seconds the access token lives.", 1800, most=3600)]
    scope: Annotated[str, text("The rights of the token.", "citizens.read consents.read", most=600)]
    until: When
    explanation: Sentence


class NomineeItem(Given, frozen=True, kw_only=True):
    """A request that waits for officers; nobody's name."""

    claim_id: ClaimId
    why: WhyWord
    certificate: CertificateWord
    asked_at: When
    age_s: Annotated[int, whole("Seconds it has waited.", 5400)]


class NomineeItemList(Given, frozen=True, kw_only=True):
    """What waits, the oldest first."""

    items: Annotated[tuple[NomineeItem, ...], many("Requests of nominees.", 200)]


class NomineeProposal(Given, frozen=True, kw_only=True):
    """A grant that waits for its second officer."""

    by: Name
    at: When


class NomineeItemDetail(NomineeItem, frozen=True, kw_only=True):
    """All an officer decides by. That it was looked at is in the citizen's list of looks."""

    phase: PhaseWord
    certificate_number: CertificateNumber
    citizen_name: PersonName
    citizen_born: Day | UnsetType = UNSET
    nominee_named: Annotated[str, text("As the citizen wrote the nominee's name.", "Ravi Das", most=200)]
    nominee_name: Annotated[str, text("As the nominee's own record says it.", "Ravi Das", most=200)] | UnsetType = UNSET
    proposal: NomineeProposal | UnsetType = UNSET


class NomineeDecision(Asked, frozen=True, kw_only=True):
    """GRANT needs two officers, by name and by key; REFUSE needs one."""

    decision: Annotated[str, open_words("What is decided.", "GRANT", "REFUSE")]
    by: Name
    note: Note


class NomineeDecided(Given, frozen=True, kw_only=True):
    """What became of it."""

    claim_id: ClaimId
    outcome: Annotated[str, open_words("What it is now.", "PROPOSED", "GRANTED", "REFUSED")]
    explanation: Sentence
