"""The worklist and the switches on the wire: what waits for a person, the evidence, and what was decided."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from aggregator.api.shapes import Asked, Given
from aggregator.api.words import (
    AgencyId,
    CaseId,
    Code,
    Cursor,
    Effect,
    FieldName,
    Flag,
    Limit,
    Number,
    Reference,
    Sentence,
    ServiceId,
    Title,
    WebAddress,
    When,
    many,
    open_words,
    text,
    whole,
)

ItemId = Annotated[
    str,
    text(
        "What waits for a person.",
        "op_01JCZ5QK8V9XW3T6R2M4N7P0AB",
        most=40,
        pattern="^[a-z]{2,4}_[0-9A-HJKMNP-TV-Z]{26}$",
    ),
]
_WORD = Annotated[str, text("A word of ours.", "submit", most=60, pattern="^[A-Za-z0-9_.-]*$")]
_LEVEL = Annotated[
    str, open_words("How long it has waited: a new one, over 2 hours, over 24.", "NEW", "WARNED", "PAGED")
]
ActionWord = Annotated[
    str, open_words("What can be decided.", "CONFIRM", "REJECT", "RESEND", "CANCEL", "EXPIRE", "NOTE", "ASK_AGENCY")
]
Name = Annotated[str, text("The name of the person who decides.", "A. Das, help desk", most=120)]
Note = Annotated[str, text("The evidence or the reason, in words.", "Rang them: number 4711 is ours.", most=2000)]


class WorkItem(Given, frozen=True, kw_only=True):
    """One thing a person must decide."""

    id: ItemId
    kind: _WORD
    operation: _WORD
    agency: AgencyId
    agency_title: Title
    case_id: CaseId | UnsetType = UNSET
    reason_code: Code
    explanation: Sentence
    owner: Annotated[str, text("Whose queue it is in.", "worklist:rto", most=80)]
    level: _LEVEL
    since: When
    age_s: Annotated[int, whole("Seconds it has waited.", 5400)]
    moves_money: Flag
    names_needed: Annotated[int, whole("How many different names a decision needs.", 1, least=1, most=2)]


class WorkItemList(Given, frozen=True, kw_only=True):
    """What waits for people, the oldest first."""

    items: Annotated[tuple[WorkItem, ...], many("Items.", 200)]
    next: WebAddress | UnsetType = UNSET


class AttemptLine(Given, frozen=True, kw_only=True):
    """One send: whether a byte left, and what came back."""

    n: Annotated[int, whole("Its number.", 1)]
    started_at: When
    ended_at: When | UnsetType = UNSET
    sent: Annotated[str, open_words("Whether a byte left us.", "NO", "MAYBE", "UNKNOWN")]
    answered: Flag
    outcome: _WORD
    why: Annotated[str, text("What ended it.", "ServerDisconnectedError", most=200)]
    explanation: Sentence
    reply_status: Annotated[int, whole("HTTP status of the answer.", 500)] | UnsetType = UNSET
    reply: (
        Annotated[str, text("The answer's shape; people in it are masked.", '{"code": "E7"}', most=4000)] | UnsetType
    ) = UNSET
    driver_version: _WORD


class LookLine(Given, frozen=True, kw_only=True):
    """One question to the agency by our reference."""

    n: Annotated[int, whole("Its number.", 1)]
    at: When
    result: Annotated[str, open_words("The state it led to.", "IN_DOUBT", "ABSENT_ONCE", "ABSENT", "CONFIRMED")]
    counted: Flag
    control: Annotated[str, text("Whether the known record was found.", "found", most=40)]
    matches: Annotated[int, whole("Records under our reference.", 0)]


class EvidenceLine(Given, frozen=True, kw_only=True):
    """A fact that came after its attempt, or from a person."""

    at: When
    source: Annotated[str, open_words("Where it comes from.", "PERSON", "LATE_ANSWER", "CALLBACK", "LISTED", "RECEIPT")]
    kind: _WORD
    reference: Reference | UnsetType = UNSET
    text: Annotated[str, text("What it says; people in answers are masked.", "Rang them.", most=4000)]


class ProposalLine(Given, frozen=True, kw_only=True):
    """A decision that waits for its second name."""

    action: ActionWord
    by: Name
    at: When
    reference: Reference | UnsetType = UNSET


class WorkItemDetail(WorkItem, frozen=True, kw_only=True):
    """An item with all there is to decide by."""

    number: Number | UnsetType = UNSET
    service_id: ServiceId | UnsetType = UNSET
    our_reference: Reference | UnsetType = UNSET
    effect: Annotated[Effect, Meta(description="What is at the agency.", examples=["unknown"])]
    withdrawal_remembered: Flag
    suggested: ActionWord
    suggestion: Sentence
    actions: Annotated[tuple[ActionWord, ...], many("What can be decided now.", 20)]
    proposal: ProposalLine | UnsetType = UNSET
    attempts: Annotated[tuple[AttemptLine, ...], many("Every send.", 100)]
    looks: Annotated[tuple[LookLine, ...], many("Every look, oldest first.", 100)]
    evidence: Annotated[tuple[EvidenceLine, ...], many("What came since.", 100)]


class WorklistQuery(Asked, frozen=True, kw_only=True):
    """Which items."""

    agency: AgencyId | UnsetType = UNSET
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = 50


class DecisionAsked(Asked, frozen=True, kw_only=True):
    """What a person decides. Where money moves, a second request with another name carries it out."""

    action: ActionWord
    by: Name
    note: Note
    reference: Reference | UnsetType = UNSET
    agency_code: Annotated[str, text("The agency's code for its no.", "E7", most=80)] | UnsetType = UNSET
    more: (
        Annotated[
            dict[FieldName, Annotated[str, text("A value.", "12000", most=400)]],
            Meta(description="What another room's decision needs.", max_length=20, examples=[{"amount_paise": "1200"}]),
        ]
        | UnsetType
    ) = UNSET


class DecisionTaken(Given, frozen=True, kw_only=True):
    """What became of a decision."""

    item: ItemId
    outcome: Annotated[
        str, open_words("Carried out, waiting for a second name, or a note kept.", "CARRIED_OUT", "PROPOSED", "NOTED")
    ]
    explanation: Sentence
    case_id: CaseId | UnsetType = UNSET


class OverrideAsked(Asked, frozen=True, kw_only=True):
    """The kill switch: STOP holds from before the next send, GO lifts it."""

    action: Annotated[str, open_words("What to do.", "STOP", "GO")]
    by: Name
    reason: Note
    until: When | UnsetType = UNSET


class OverrideLine(Given, frozen=True, kw_only=True):
    """The switch of an agency, as it now is."""

    agency: AgencyId
    stopped: Flag
    since: When | UnsetType = UNSET
    until: When | UnsetType = UNSET
    explanation: Sentence


class OverrideList(Given, frozen=True, kw_only=True):
    """The agencies operators have stopped."""

    items: Annotated[tuple[OverrideLine, ...], many("Stopped agencies.", 200)]
