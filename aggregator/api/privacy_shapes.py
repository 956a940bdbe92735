"""Consents, looks, being forgotten and taking one's data along, on the wire."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from aggregator.api.link_shapes import LinkGiven
from aggregator.api.session_shapes import SessionId
from aggregator.api.shapes import Asked, Given
from aggregator.api.upload_shapes import DocumentId
from aggregator.api.words import (
    AgencyId,
    CitizenId,
    Flag,
    Number,
    Sentence,
    StatusWord,
    WebAddress,
    When,
    many,
    open_words,
    signed,
    text,
    whole,
)

ConsentId = Annotated[
    str,
    text(
        "The consent's machine id.", "cns_01JCZ5QK8V9XW3T6R2M4N7P0AB", most=30, pattern="^cns_[0-9A-HJKMNP-TV-Z]{26}$"
    ),
]
PurposeWord = Annotated[
    str,
    open_words("What it is for.", "ASK_AGENCIES", "PASS_ON", "FILL_FORMS", "ASSISTANCE", "FETCH_DOCUMENTS", "NOMINEE"),
]
PortalId = Annotated[str, text("A portal's machine id.", "prt_01JCZ5QK8V9XW3T6R2M4N7P0AB", most=60)]

AssistantName = Annotated[
    str,
    text(
        "Who acts for the citizen, as a pseudonym: the same for the same person of one portal.",
        "ast_mfrggzdfmztwq2lknnwg23tpoa",
        most=30,
        pattern="^ast_[a-z2-7]{26}$",
    ),
]


class ConsentAsked(Asked, frozen=True, kw_only=True):
    """What the citizen allows this portal to do without them. Without `agency` it is every agency."""

    purpose: PurposeWord
    agency: AgencyId | UnsetType = UNSET
    until: When


class ConsentGiven(Given, frozen=True, kw_only=True):
    """One consent. `artefact` is a signed paper of it, for whatever rests on it; withdrawn ones have none."""

    id: ConsentId
    purpose: PurposeWord
    agency: AgencyId | UnsetType = UNSET
    portal_id: PortalId
    given_at: When
    until: When
    withdrawn_at: When | UnsetType = UNSET
    holds: Flag
    explanation: Sentence
    artefact: (
        Annotated[
            str,
            signed("A compact JWS; the keys are at `/oauth/jwks.json`."),
        ]
        | UnsetType
    ) = UNSET


class ConsentList(Given, frozen=True, kw_only=True):
    """Newest first, withdrawn and ended ones too."""

    items: Annotated[tuple[ConsentGiven, ...], many("The consents.", 500)]


class AccessLine(Given, frozen=True, kw_only=True):
    """Somebody looked at something of the citizen's."""

    at: When
    portal_id: PortalId
    by_whom: Annotated[str, open_words("Who looked.", "CITIZEN", "PORTAL", "AGENCY", "ASSISTANT", "NOMINEE", "OFFICER")]
    what: Annotated[
        str,
        open_words(
            "At what; of an assistant, what was done.",
            "PROFILE",
            "SUMMARY",
            "BILLS",
            "ENQUIRIES",
            "EXPORT",
            "OPEN_CASE",
            "DOCUMENT",
        ),
    ]
    purpose: PurposeWord | UnsetType = UNSET
    agency: AgencyId | UnsetType = UNSET
    consent_id: ConsentId | UnsetType = UNSET
    assistant: AssistantName | UnsetType = UNSET


class AccessList(Given, frozen=True, kw_only=True):
    """Newest first; the same look within a minute is one line."""

    items: Annotated[tuple[AccessLine, ...], many("The looks.", 500)]


class ErasureNotice(Given, frozen=True, kw_only=True):
    """When the citizen is forgotten, and which cases have to end before. Until then it can be taken back."""

    due_at: When
    held_by: Annotated[tuple[Number, ...], many("Tracking numbers of open cases.", 500)]
    explanation: Sentence


class ExportedCase(Given, frozen=True, kw_only=True):
    """A case of the citizen's, in short; `GET /cases/{case_id}` has the rest."""

    number: Number
    service_id: Annotated[str, text("The service.", "rto.transfer_ownership", most=80)]
    status: StatusWord
    created_at: When


class TakeoutAsked(Asked, frozen=True, kw_only=True):
    """Everything, with the code that was given for it. `documents_after`: go on with the files after this one."""

    confirmations: Annotated[tuple[SessionId, ...], many("A session of CONFIRM whose code was given just now.", 3)] = ()
    documents_after: DocumentId | UnsetType = UNSET


class TakeoutGiven(Given, frozen=True, kw_only=True):
    """An archive (zip) of JSON files and documents. `documents_after` is there while more documents are to come."""

    download_url: WebAddress
    until: When
    sha256: Annotated[str, text("Of the archive, hexadecimal.", "0" * 64, most=64, pattern="^[0-9a-f]{64}$")]
    size_bytes: Annotated[int, whole("Its size.", 120_000)]
    files: Annotated[
        tuple[Annotated[str, text("A file in it.", "cases.json", most=200)], ...], many("What is in it.", 5000)
    ]
    documents_after: DocumentId | UnsetType = UNSET
    explanation: Sentence


class CitizenExport(Given, frozen=True, kw_only=True):
    """What this portal's window shows of the citizen, as data; `exports` has everything."""

    citizen_id: CitizenId
    exported_at: When
    profile: Annotated[
        dict[str, Any], Meta(description="What the citizen said.", examples=[{"name": "Asha Das"}], max_length=40)
    ]
    cases: Annotated[tuple[ExportedCase, ...], many("The cases.", 5000)]
    links: Annotated[tuple[LinkGiven, ...], many("The links to agencies.", 500)]
    consents: Annotated[tuple[ConsentGiven, ...], many("The consents.", 500)]
    looks: Annotated[tuple[AccessLine, ...], many("Who looked at what.", 500)]
