"""The gateway's words and codes, and what each means to us. What its documentation does not list is marked ours."""

from collections.abc import Mapping
from typing import Any

from aggregator.sdk.coded import Codes
from aggregator.sdk.reading import Word, value_of
from aggregator.sdk.status import Status

ORDER: dict[str, Word] = {
    "ACTIVE": (Status.AWAITING_PAYMENT, "OPEN"),
    "PAID": (Status.COMPLETED, "PAID"),
    "EXPIRED": (Status.WITHDRAWN, "EXPIRED"),
    "TERMINATED": (Status.WITHDRAWN, "CANCELLED"),
    "TERMINATION_REQUESTED": (Status.AWAITING_PAYMENT, "PENDING"),
}
"""Words of an order. `detail` is the word the payments room knows."""

SUCCESS = "SUCCESS"
UNDECIDED = frozenset({"PENDING", "NOT_ATTEMPTED"})
"""Words of a payment attempt after which the order may still be paid."""
FAILED = frozenset({"FAILED", "USER_DROPPED", "VOID", "CANCELLED"})

REFUNDED = frozenset({"SUCCESS"})
REFUND_WAITS = frozenset({"PENDING", "ONHOLD"})
REFUND_NOT = frozenset({"CANCELLED", "FAILED"})

REASONS = {  # code of an error document -> our reason
    "order_already_exists": "duplicate",
    "refund_already_exists": "duplicate",
    "order_not_found": "not_found",
    "refund_not_found": "not_found",
    "order_amount_invalid": "fields_invalid",
    "customer_details.customer_phone_invalid": "fields_invalid",
    "refund_post_failed": "refused",
    "refund_amount_invalid": "refused",
    "order_not_paid": "wrong_state",
}
CREDENTIALS = frozenset({"authentication_error", "request_failed"})
OUR_FAULT = frozenset({"api_version_invalid", "idempotency_key_reused", "order_expiry_time_invalid"})
TROUBLE = frozenset({"api_error", "internal_error"})
"""It may have acted or not: a doubt for a write."""


def error_document(body: Any) -> Mapping[str, Any] | None:
    """Theirs has no frame: `{"message", "code", "type"}` is the whole body."""
    told = body if isinstance(body, Mapping) else {}
    return told if value_of(told, "code") and value_of(told, "type") else None


CODES = Codes(
    whose="the gateway", reasons=REASONS, shed=frozenset({"rate_limited"}), credentials=CREDENTIALS,
    our_fault=OUR_FAULT, trouble=TROUBLE, no_with_4xx_alone=True, error_of=error_document,
)  # fmt: skip
