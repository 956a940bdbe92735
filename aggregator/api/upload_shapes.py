"""Documents on the wire (docs/api.md section 2.4)."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from aggregator.api.shapes import Asked, Given
from aggregator.api.words import (
    AgencyId,
    CitizenId,
    Code,
    Cursor,
    Flag,
    Limit,
    Sentence,
    Title,
    WebAddress,
    When,
    many,
    open_words,
    text,
    whole,
)

DocumentId = Annotated[
    str,
    text(
        "The document's machine id.", "doc_01JCZ5QK8V9XW3T6R2M4N7P0AB", most=30,
        pattern="^doc_[0-9A-HJKMNP-TV-Z]{26}$",
    ),
]  # fmt: skip


class DocumentUpload(Asked, frozen=True, kw_only=True):
    """One file, and whose it is."""

    file: Annotated[
        str,
        Meta(
            description="The file: PDF, JPEG or PNG. What it is, its bytes say, not its name.",
            examples=["%PDF-1.7"],
            max_length=5_242_880,
            extra_json_schema={"contentMediaType": "application/octet-stream", "format": "binary"},
        ),
    ]
    citizen_id: CitizenId | UnsetType = UNSET


class DocumentDetail(Given, frozen=True, kw_only=True):
    """What is known of a document. Its bytes are not here."""

    id: DocumentId
    uri: Annotated[
        str,
        text(
            "What an upload field of a form is filled with.", "document:doc_01JCZ5QK8V9XW3T6R2M4N7P0AB", most=40,
            pattern="^document:doc_[0-9A-HJKMNP-TV-Z]{26}$",
        ),
    ]  # fmt: skip
    state: Annotated[str, open_words("Whether it may be passed on.", "READY", "CHECKING", "REFUSED", "ARRIVING")]
    explanation: Sentence
    reason_code: Code | UnsetType = UNSET
    name: Annotated[str, text("The sender's word for it.", "rc.pdf", most=200)] | UnsetType = UNSET
    media_type: Annotated[str, text("What it is, by its bytes.", "application/pdf", most=80)] | UnsetType = UNSET
    size_bytes: Annotated[int, whole("Its size.", 120_000)]
    received_bytes: Annotated[int, whole("How much of it is here.", 120_000)]
    sha256: (
        Annotated[str, text("Of all its bytes, hexadecimal.", "0" * 64, most=64, pattern="^[0-9a-f]{64}$")] | UnsetType
    ) = UNSET
    source: Annotated[str, open_words("How it came.", "UPLOAD", "REFERENCE")]
    issuer: AgencyId | UnsetType = UNSET
    reference: (
        Annotated[str, text("Under which reference it was fetched.", "in.gov.transport-RVCER-OD99ZZ0000", most=260)]
        | UnsetType
    ) = UNSET
    created_at: When
    expires_at: When | UnsetType = UNSET


class DocumentList(Given, frozen=True, kw_only=True):
    """A page of documents."""

    items: Annotated[tuple[DocumentDetail, ...], many("Documents, oldest first.", 200)]
    next: WebAddress | UnsetType = UNSET


class DocumentsQuery(Asked, frozen=True, kw_only=True):
    """Whose documents."""

    citizen_id: CitizenId | UnsetType = UNSET
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = 50


class DocumentQuery(Asked, frozen=True, kw_only=True):
    """Whose document it is, where the token is a portal's."""

    citizen_id: CitizenId | UnsetType = UNSET


class DocumentRemoved(Given, frozen=True, kw_only=True):
    """Whether it is gone."""

    id: DocumentId
    explanation: Sentence


class ReferenceAsked(Asked, frozen=True, kw_only=True):
    """An issued document by its URI, or by its kind and number; and whose it is.

    Name and birth date go to the issuer from the citizen's own record. `consent` is the citizen's leave for this one
    request, with the citizen's token; without the token a consent for FETCH_DOCUMENTS must hold.
    """

    uri: (
        Annotated[
            str,
            text(
                "The document's URI, as the locker shows it.", "in.gov.transport-RVCER-OD99ZZ0000", most=160,
                pattern="^[A-Za-z0-9.]{3,60}-[A-Z]{5}-[^ \\x00-\\x1f\\x7f]{1,90}$",
            ),
        ]
        | UnsetType
    ) = UNSET  # fmt: skip
    document_type: (
        Annotated[str, text("The kind of document, as its issuer calls it.", "RVCER", most=5, pattern="^[A-Z]{5}$")]
        | UnsetType
    ) = UNSET
    number: (
        Annotated[
            str,
            text("The issuer's own number for it.", "OD99ZZ0000", most=60, pattern="^[A-Za-z0-9][A-Za-z0-9 /-]{0,59}$"),
        ]
        | UnsetType
    ) = UNSET
    locker_id: Annotated[
        str,
        text(
            "The citizen's own id at the locker. It is passed on and not kept.",
            "00000000-0000-4000-8000-000000000000", most=36,
            pattern="^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
        ),
    ]  # fmt: skip
    citizen_id: CitizenId | UnsetType = UNSET
    consent: Flag = False


class IssuerLine(Given, frozen=True, kw_only=True):
    """An authority whose documents can be brought by reference."""

    agency: AgencyId
    agency_title: Title
    prefix: Annotated[str, text("What its URIs begin with.", "in.gov.transport", most=100)]
    document_types: Annotated[
        tuple[Annotated[str, text("A kind of document.", "RVCER", most=5, pattern="^[A-Z]{5}$")], ...],
        many("The kinds it can be asked for by number.", 100),
    ]


class IssuerList(Given, frozen=True, kw_only=True):
    """The city's issuers."""

    items: Annotated[tuple[IssuerLine, ...], many("The issuers.", 100)]
