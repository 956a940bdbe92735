"""Documents of citizens: received in pieces, known by content, looked through, sealed, and lent to cases.

They are the citizen's before they are a case's: one proof of address serves many applications, and an erasure asks
for the person, not for the case. So they live in this room, and cases hold on to them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

URI = "document:"
"""A form's upload field holds this and the document's id: a link that needs no address of ours."""


class State(StrEnum):
    """ARRIVING: not all bytes are here. CHECKING: not passed on yet. READY: may be. REFUSED: never will be."""

    ARRIVING = "ARRIVING"
    CHECKING = "CHECKING"
    READY = "READY"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a document is: a portal's, and of a citizen by the id this portal has for that person, "" for none."""

    portal_id: str
    citizen_id: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Which issuer a document was fetched from, under which reference, by which question of ours, by whose leave."""

    issuer: str
    reference: str = field(repr=False)
    request: str
    consent_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRecord:
    """What is known of one document. `name` and `sha256` are personal: never logged."""

    id: str
    owner: Owner
    name: str
    sha256: str
    media_type: str
    size_bytes: int
    received_bytes: int
    state: State
    reason: str
    """Why it was refused: unknown_type, malware; or why it still waits: scanner_away."""
    source: str
    """UPLOAD, or REFERENCE: then `origin` says where from."""
    created_at: datetime
    expires_at: datetime | None
    origin: Origin | None = None
    sealed_for: str = ""
    """The name of the key it is sealed under."""

    @property
    def uri(self) -> str:
        return URI + self.id


def named_in(form: Mapping[str, Any]) -> dict[str, str]:
    """The documents a form names, by field."""
    return {
        name: value.removeprefix(URI)
        for name, value in form.items()
        if isinstance(value, str) and value.startswith(URI)
    }


class NoSuchDocument(LookupError):
    """It does not exist, is gone, or is somebody else's: one answer for all three."""


class WrongOffset(Exception):
    """The bytes do not continue where the last ones ended. `received` says where that was."""

    def __init__(self, received: int) -> None:
        super().__init__(f"{received} bytes are here")
        self.received = received


class TooLarge(Exception):
    """More bytes than one document may have. `limit` in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"at most {limit} bytes")
        self.limit = limit
