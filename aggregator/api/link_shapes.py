"""Links on the wire: what is claimed, what proves it, what is kept of it."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from aggregator.api.shapes import Asked, Given
from aggregator.api.words import (
    AgencyId,
    FieldName,
    FieldValue,
    Flag,
    Sentence,
    ServiceId,
    Title,
    When,
    many,
    open_words,
    text,
)

LinkId = Annotated[
    str,
    text("The link's machine id.", "lnk_01JCZ5QK8V9XW3T6R2M4N7P0AB", most=30, pattern="^lnk_[0-9A-HJKMNP-TV-Z]{26}$"),
]
Form = Annotated[
    dict[FieldName, Any],
    Meta(
        description="The fields of the service's form that names the record: the identifier and the second factor.",
        examples=[{"file_no": "SI9990000000000", "date_of_birth": "1990-01-01"}],
        max_length=200,
    ),
]
Amount = Annotated[
    str,
    text(
        "What the last bill says is due, in rupees: the proof where the form asks for an identifier alone.",
        "664.00",
        most=16,
        pattern="^[0-9]{1,12}([.][0-9]{2})?$",
    ),
]


class LinkAsked(Asked, frozen=True, kw_only=True):
    """A claim to be a record, with its proof. `mobile` in a form is filled with the citizen's own."""

    service_id: ServiceId
    form: Form
    agency: AgencyId | UnsetType = UNSET
    amount: Amount | UnsetType = UNSET


class ProofAsked(Asked, frozen=True, kw_only=True):
    """The proof once more: the whole form, or nothing to use the one that was kept."""

    form: Form | UnsetType = UNSET
    amount: Amount | UnsetType = UNSET


class LinkGiven(Given, frozen=True, kw_only=True):
    """A link, its identifier masked."""

    id: LinkId
    agency: AgencyId
    agency_title: Title
    service_id: ServiceId
    kind: Annotated[
        str,
        open_words("What kind of record it is.", "ELECTRICITY_ACCOUNT", "VEHICLE", "DRIVING_LICENCE", "PASSPORT_FILE"),
    ]
    identifier: Annotated[str, text("The identifier, masked.", "***********0000", most=100)]
    state: Annotated[str, open_words("PENDING until the agency has proved it.", "PENDING", "VERIFIED")]
    exclusive: Flag
    created_at: When
    verified_at: When | UnsetType = UNSET
    explanation: Sentence


class LinkList(Given, frozen=True, kw_only=True):
    """A citizen's links, oldest first."""

    items: Annotated[tuple[LinkGiven, ...], many("All of them.", 200)]


class ValuesQuery(Asked, frozen=True, kw_only=True):
    """Which form."""

    service_id: ServiceId


class FormValues(Given, frozen=True, kw_only=True):
    """What of a service's form is known already."""

    service_id: ServiceId
    values: Annotated[dict[FieldName, FieldValue], many("Values by field.", 200)]
    explanation: Sentence
