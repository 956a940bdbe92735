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
    whole,
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


Proof = Annotated[
    str,
    open_words(
        "How it is proved. FACTOR: by what only the owner knows, in the form or as the amount. AGENCY_CODE: by the "
        "code that the agency sends to the mobile number it has on record.",
        "FACTOR",
        "AGENCY_CODE",
    ),
]
AgencyCode = Annotated[str, text("The code that the agency sent.", "123456", most=12, pattern="^[0-9A-Za-z]{4,12}$")]


class LinkAsked(Asked, frozen=True, kw_only=True):
    """A claim to be a record, with its proof. `mobile` in a form is filled with the citizen's own.

    Without `proof` it is the one the service takes; of two, FACTOR where form or amount proves, else AGENCY_CODE.
    """

    service_id: ServiceId
    form: Form
    agency: AgencyId | UnsetType = UNSET
    amount: Amount | UnsetType = UNSET
    proof: Proof | UnsetType = UNSET


class ProofAsked(Asked, frozen=True, kw_only=True):
    """The code that the agency sent; or the proof once more: the whole form, or nothing to use the kept one."""

    form: Form | UnsetType = UNSET
    amount: Amount | UnsetType = UNSET
    code: AgencyCode | UnsetType = UNSET


class CodeAwaited(Given, frozen=True, kw_only=True):
    """The agency's own code, as far as the citizen may know of it."""

    state: Annotated[
        str,
        open_words(
            "SENT: it can be typed. DOUBTFUL: nobody knows whether one was sent. NONE: none can be used, ask for one.",
            "SENT", "DOUBTFUL", "NONE",
        ),
    ]  # fmt: skip
    sent_to: Annotated[str, text("Where it went, masked.", "******1234", most=20)] | UnsetType = UNSET
    tries_left: Annotated[int, whole("How often it may still be tried.", 3)]
    expires_at: When | UnsetType = UNSET
    resend_at: When
    """When another one may be asked for."""


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
    code: CodeAwaited | UnsetType = UNSET
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
