"""The Agency API's words are ours, so every one has a meaning and a new one is a new version of the API.

An agency that knows more than these says it in `message`, in its own words. Source: docs/agency-api.md.
"""

from aggregator.sdk.coded import Codes
from aggregator.sdk.reading import Word
from aggregator.sdk.status import OURS, Status

STATUS: dict[str, Word] = {status.value: status for status in Status if status not in OURS | {Status.UNKNOWN}}

REASONS = {  # code of an error document -> our reason
    "not_found": "not_found",
    "fields_invalid": "fields_invalid",
    "duplicate": "duplicate",
    "not_eligible": "not_eligible",
    "wrong_state": "wrong_state",
    "refused": "refused",
    "consent_invalid": "consent_missing",
}
SHED = frozenset({"too_many"})
"""Answered before anything is done; always with 429."""
CREDENTIALS = frozenset({"unauthorized", "forbidden"})
TROUBLE = frozenset({"busy", "internal"})
"""It may have acted or not: a doubt for a write."""
OUR_FAULT = frozenset({"key_missing", "key_reused", "unknown_service"})
"""Only a mistake in the driver or the registry can earn these."""

CODES = Codes(
    whose="the agency", reasons=REASONS, shed=SHED, credentials=CREDENTIALS, our_fault=OUR_FAULT, trouble=TROUBLE
)
