"""Documents on the wire (docs/api.md section 2.4)."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from aggregator.api.shapes import Asked, Given
from aggregator.api.words import (
    CitizenId,
    Code,
    Cursor,
    Limit,
    Sentence,
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
