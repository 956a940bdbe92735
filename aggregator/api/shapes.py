"""The shapes requests and answers share. Requests refuse unknown members; answers leave out what is absent.

The contract documents are generated from these types, so a member that is not here does not exist.
"""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from aggregator.api.words import (
    AgencyId,
    AgencyWords,
    CaseId,
    CitizenId,
    Code,
    Effect,
    FieldName,
    Flag,
    Number,
    RequestId,
    Sentence,
    Title,
    WebAddress,
    When,
    many,
    text,
    whole,
)


class Asked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a caller sends."""


class Given(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What we answer."""


class NoQuery(Asked, frozen=True, kw_only=True):
    """No query parameters."""


class ErrorLine(Given, frozen=True, kw_only=True):
    """One violation in the request."""

    pointer: Annotated[str, text("JSON pointer into the request body.", "/form/mobile", most=500)] | UnsetType = UNSET
    parameter: Annotated[str, text("The query parameter or header meant.", "limit", most=60)] | UnsetType = UNSET
    code: Annotated[str, text("Which rule was broken.", "required", most=60, pattern="^[A-Za-z0-9_-]*$")]
    detail: Sentence


class Trouble(Given, frozen=True, kw_only=True):
    """Why the request was not done, what it did all the same, and what to do (RFC 9457)."""

    type: WebAddress
    title: Title
    status: Annotated[int, whole("The HTTP status.", 400, least=400, most=599)]
    detail: Sentence
    instance: Annotated[
        str,
        Meta(
            description="This request, as a URN.",
            examples=["urn:uuid:01932a3f-8a7b-4c5d-9e6f-a1b2c3d4e5f6"],
            max_length=60,
            extra_json_schema={"format": "uri"},
        ),
    ]
    code: Annotated[str, text("The last part of `type`.", "validation-failed", most=60, pattern="^[a-z-]+$")]
    request_id: RequestId
    effect: Annotated[Effect, Meta(description="What this request did.", examples=["none"])]
    safe_to_retry: Annotated[
        bool, Meta(description="The identical request with the same key may be sent again.", examples=[False])
    ]
    what_you_should_do: Sentence | UnsetType = UNSET
    next_check_at: When | UnsetType = UNSET
    errors: Annotated[tuple[ErrorLine, ...], many("Every violation at once.", 1000)] | UnsetType = UNSET
    agency: AgencyId | UnsetType = UNSET
    agency_code: AgencyWords | UnsetType = UNSET
    case_id: CaseId | UnsetType = UNSET
    number: Number | UnsetType = UNSET
    did_you_mean: Annotated[str, text("The nearest name that exists.", "/services", most=300)] | UnsetType = UNSET


class FormCheck(Given, frozen=True, kw_only=True):
    """Whether a form would be accepted. Nothing was stored."""

    valid: Flag
    errors: Annotated[tuple[ErrorLine, ...], many("Every violation at once.", 1000)]


FormFields = Annotated[
    dict[FieldName, Any],
    Meta(
        description="The fields of the service's form, as `GET /services/{service_id}/form` describes them.",
        examples=[{"vehicle_number": "OD02AB1234"}],
        max_length=200,
    ),
]


class FormData(Asked, frozen=True, kw_only=True):
    """A filled-in form."""

    form: FormFields


class EnquiryAsked(FormData, frozen=True, kw_only=True):
    """A live question to the agencies of a service."""

    agency: AgencyId | UnsetType = UNSET
    citizen_id: CitizenId | UnsetType = UNSET


class Reason(Given, frozen=True, kw_only=True):
    """A reason in words and as a code."""

    reason_code: Code
    explanation: Sentence
