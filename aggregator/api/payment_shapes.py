"""Payments on the wire: two legs, what is in doubt shown as such, and one sentence that says what to do."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType, field

from aggregator.api.service_shapes import Money
from aggregator.api.shapes import Asked, FormFields, Given, NoQuery
from aggregator.api.words import (
    AgencyId,
    CaseId,
    CitizenId,
    Code,
    Cursor,
    Effect,
    Limit,
    Number,
    Place,
    Reference,
    Sentence,
    ServiceId,
    Title,
    WebAddress,
    When,
    many,
    open_words,
    signed,
    text,
    whole,
)

_ULID = "[0-9A-HJKMNP-TV-Z]{26}"
PaymentId = Annotated[
    str, text("The payment's machine id.", "pay_01JCZ5QK8V9XW3T6R2M4N7P0AB", most=30, pattern=f"^pay_{_ULID}$")
]
PhaseWord = Annotated[
    str,
    open_words(
        "Where the money is.", "WAITING", "PREPARING", "IN_DOUBT", "POSTING", "POSTED", "REFUNDING",
        "REFUND_IN_DOUBT", "REFUNDED", "NOT_PAID", "CONFLICT", "WITH_PERSON",
    ),
]  # fmt: skip


class PaymentAsked(Asked, frozen=True, kw_only=True):
    """A bill, named by its service, or a case's fee, named by its case: one of the two.

    A bill's form is the biller's, without the amount: the bill, asked for anew, says it. A fee needs no form.
    """

    service_id: ServiceId | UnsetType = UNSET
    case_id: CaseId | UnsetType = UNSET
    """The case whose fee is paid; its agency, asked anew, says whether it waits for money."""
    variant: (
        Annotated[int, whole("Of the fee's variants, where the agency itself named no amount.", 1, least=1, most=50)]
        | UnsetType
    ) = UNSET
    form: FormFields = field(default_factory=dict)
    agency: AgencyId | UnsetType = UNSET
    citizen_id: CitizenId | UnsetType = UNSET
    return_url: WebAddress | UnsetType = UNSET
    """Where the citizen's browser goes in the end; on one of the portal's registered origins."""
    channel: Annotated[str, open_words("Where the citizen is.", "WEB", "COUNTER", "PHONE", "CHAT")] = "WEB"


class PaymentLeg(Given, frozen=True, kw_only=True):
    """One side of a payment."""

    agency: AgencyId
    agency_title: Title
    effect: Annotated[Effect, Meta(description="Whether the money is there.", examples=["done"])]
    reference: Reference | UnsetType = UNSET
    at: When | UnsetType = UNSET


class Payment(Given, frozen=True, kw_only=True):
    """A payment: collected at the gateway, posted at the biller, or given back."""

    id: PaymentId
    case_id: CaseId
    number: Number
    phase: PhaseWord
    explanation: Sentence
    reason_code: Code
    amount: Money
    held: Money
    """What is neither at the biller nor given back yet."""
    collected: PaymentLeg
    posted: PaymentLeg
    refunded: PaymentLeg | UnsetType = UNSET
    bill: Annotated[str, text("The bill, as the biller numbers it; `fee` for a case's.", "SIM202611000000001", most=80)]
    for_case_id: CaseId | UnsetType = UNSET
    """The case whose fee it is; `case_id` and `number` are the payment's own."""
    bill_as_of: When
    pay_url: WebAddress | UnsetType = UNSET
    """Where the citizen pays; only while somebody can."""
    pay_before: When | UnsetType = UNSET
    next_check_at: When | UnsetType = UNSET
    created_at: When
    link: Place


class PaymentList(Given, frozen=True, kw_only=True):
    """Payments of this portal."""

    items: Annotated[tuple[Payment, ...], many("Newest first.", 200)]
    next: Annotated[str, text("The next page.", "/v1/payments?cursor=1.eyJ9.Zm9v", most=2000)] | UnsetType = UNSET


class PaymentsQuery(NoQuery, frozen=True, kw_only=True):
    """Which payments."""

    phase: PhaseWord | UnsetType = UNSET
    limit: Limit = 50
    cursor: Cursor | UnsetType = UNSET


class PaymentReceipt(Given, frozen=True, kw_only=True):
    """A signed receipt, verifiable offline with the keys at `/oauth/jwks.json`."""

    payment_id: PaymentId
    number: Number
    format: Annotated[str, open_words("How it is signed.", "JWS")]
    receipt: Annotated[
        str,
        signed("A compact JWS.", 8000),
    ]


class PaymentEvidence(Given, frozen=True, kw_only=True):
    """Every identifier and time of a payment, both files' lines and the ledger, in one pack to download."""

    payment_id: PaymentId
    number: Number
    held: Money
    explanation: Sentence
    download_url: WebAddress
    """Fetched once, within five minutes."""
    until: When
