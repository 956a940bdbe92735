"""The values that pass the waist: what an adapter is asked, and what it answers.

Frozen, in the trade's words; what is raw and what may be missing is said beside each field.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aggregator.sdk.status import Status


@dataclass(frozen=True, slots=True)
class ConsentPaper:
    """The citizen's leave that one call rests on, as it may be shown to the agency that is called."""

    id: str
    purpose: str
    """ASK_AGENCIES or PASS_ON, as the offer's `consent` in adapter.toml asks for."""
    given_at: datetime
    until: datetime
    artefact: str = field(repr=False)
    """A compact JWS: who (a name for this agency alone), for what, from when, until when; the keys are published."""


@dataclass(frozen=True, slots=True)
class Order:
    """One thing asked of an agency, as it stands in the journal.

    The same order gives the same bytes on every attempt: whatever varies (a date, a nonce) comes from `at`
    or is named in the operation's `volatile_fields`.
    """

    reference: str
    """Ours, one per operation: 1 to 30 characters `[A-Za-z0-9-]`."""
    service: str
    """The key under `[services]` in the driver's adapter.toml."""
    form: Mapping[str, Any]
    """What the citizen filled in, checked against the driver's form; holds second factors (birth date, mobile)."""
    agency_reference: str = ""
    """The agency's number, once known."""
    at: datetime | None = None
    """When the order was journaled, UTC; None for a live enquiry."""
    documents: Mapping[str, "Document"] = field(default_factory=dict)
    """The citizen's documents by the form's field, looked through; only where adapter.toml has [documents]."""
    consent: ConsentPaper | None = None
    """Set where the offer's `consent` asks for it: without one its operation is never called. Not part of the bytes
    that a repeat must keep: send it in a header or wherever the agency's protocol has a place."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The agency holds it. `agency_reference` is never empty."""

    agency_reference: str
    agency_code: str = ""
    """Its status word or code, verbatim; empty if it gave none."""
    reference: str = ""
    """Our reference as the agency shows it back; empty if it does not."""
    pending: bool = False
    """It took it and decides later (outcome Confirmed with `awaits`)."""
    at: datetime | None = None
    """When the agency says it happened, UTC."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What else the citizen needs: fee_paise, reporting_time. Keys are ours."""
    refused_code: str = ""
    """From `find`: the record is there and says definitely no; the agency's code, verbatim."""
    service: str = ""
    """From `changes`: the key under `[services]` in the driver's adapter.toml; empty if the agency does not say."""
    match: Mapping[str, str] = field(default_factory=dict)
    """From `find`: the fields named in `match_fields`, normalised, to tell our record from a stranger's."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a leg's state. `agency_code` is kept verbatim; an unknown word is `Status.UNKNOWN`."""

    status: Status
    agency_code: str
    at: datetime | None = None
    """When the agency says it happened, UTC; None if it does not say."""
    remark: str = ""
    """The agency's words, untranslated. Sealed at rest."""
    detail: str = ""
    """A refinement of the status in our words: POLICE, SCRUTINY, GRANTED; empty if none."""
    withheld: bool = False
    """The agency's word may hurt the citizen in other hands (an adverse report): only the status is ever told."""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """The answer to a look-up: named values, in the order to show them. Keys are ours and have texts."""

    values: Mapping[str, str]
    masked: frozenset[str] = frozenset()
    """Keys whose value the agency masked; never compared, never used to overwrite."""


@dataclass(frozen=True, slots=True)
class Absent:
    """A success: the agency answered, and has no such record or nothing due. `agency_code` verbatim."""

    agency_code: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """One bookable slot. `starts_at` is aware, Asia/Kolkata; `free` is advisory."""

    slot_id: str
    place: str
    starts_at: datetime
    free: int


@dataclass(frozen=True, slots=True)
class Document:
    """A file from the agency. `content` is the file itself, never Base64."""

    name: str
    media_type: str
    content: bytes
