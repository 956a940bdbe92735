"""The provider's words: states of a message, and codes of its error document. Source: README.md beside this file."""

from aggregator.sdk.coded import Codes
from aggregator.sdk.reading import Word
from aggregator.sdk.status import Status

STATUS: dict[str, Word] = {
    "ACCEPTED": Status.ACKNOWLEDGED,
    "QUEUED": Status.IN_PROGRESS,
    "SENT": Status.DISPATCHED,
    "DELIVERED": Status.COMPLETED,
    "UNDELIVERED": Status.REJECTED,
    "EXPIRED": Status.REJECTED,
    "BLOCKED": Status.REJECTED,
}
REASONS = {  # code of an error document -> our reason
    "not_found": "not_found",
    "recipient_invalid": "fields_invalid",
    "recipient_blocked": "refused",
    "text_refused": "refused",
}
SHED = frozenset({"too_many"})
"""Answered before anything is done; always with 429."""
CREDENTIALS = frozenset({"unauthorized", "forbidden"})
OUR_FAULT = frozenset({"key_missing", "key_reused", "template_unknown", "sender_unknown", "no_credit"})
"""What only the registry, or the bill we owe the provider, can put right."""
TROUBLE = frozenset({"busy", "internal"})
"""It may have acted or not: a doubt for a write."""

CODES = Codes(
    whose="the provider", reasons=REASONS, shed=SHED, credentials=CREDENTIALS, our_fault=OUR_FAULT, trouble=TROUBLE
)
