"""Three books side by side: ours, the gateway's file, the biller's. One table says what each combination means.

Pure; a row nobody thought of is `UNEXPLAINED` and goes to a person. Source: docs/outcomes.md section 12.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from aggregator.payments.payment import Payment, Phase


class Match(StrEnum):
    MATCHED = "matched"
    PAID_NOT_POSTED = "paid_not_posted"
    FOUND_BY_LOOK = "found_by_look"
    POSTED_LATE = "posted_late"
    STILL_IN_DOUBT = "still_in_doubt"
    COLLECTED_UNSEEN = "collected_unseen"
    POSTED_NOT_PAID = "posted_not_paid"
    MATCHED_REFUND = "matched_refund"
    REFUND_NOT_EXECUTED = "refund_not_executed"
    REFUNDED_AND_POSTED = "refunded_and_posted"
    DUPLICATE = "duplicate"
    AMOUNT_DIFFERS = "amount_differs"
    NOTHING = "nothing"
    UNEXPLAINED = "unexplained"


FINE = frozenset({Match.MATCHED, Match.MATCHED_REFUND, Match.NOTHING, Match.FOUND_BY_LOOK})
"""Nobody has to look at these."""


@dataclass(frozen=True, slots=True)
class Books:
    """What the files say of one payment, in paise: each capture, whether it was refunded, each posting."""

    paid: Sequence[int]
    refunded: bool
    posted: Sequence[int]


def ours_of(payment: Payment) -> str:
    """What we believe: not_paid, in_doubt, posted, refunding or refunded."""
    if payment.collected_ms is None:
        return "not_paid"
    match Phase(payment.phase):
        case Phase.POSTED:
            return "posted"
        case Phase.REFUNDED:
            return "refunded"
        case Phase.POSTING:
            return "in_doubt"
        case _:
            return "refunding" if payment.refund_id else "in_doubt"


_TABLE: dict[tuple[str, bool, bool, bool], Match] = {
    # ours, paid at the gateway, refunded there, present at the biller
    ("posted", True, False, True): Match.MATCHED,
    ("posted", True, False, False): Match.PAID_NOT_POSTED,
    ("in_doubt", True, False, True): Match.POSTED_LATE,
    ("in_doubt", True, False, False): Match.STILL_IN_DOUBT,
    ("not_paid", True, False, False): Match.COLLECTED_UNSEEN,
    ("not_paid", True, False, True): Match.COLLECTED_UNSEEN,
    ("not_paid", False, False, False): Match.NOTHING,
    ("refunding", True, False, False): Match.STILL_IN_DOUBT,
    ("refunding", True, True, False): Match.STILL_IN_DOUBT,
    ("refunded", True, True, False): Match.MATCHED_REFUND,
    ("refunded", True, False, False): Match.REFUND_NOT_EXECUTED,
    ("refunded", True, True, True): Match.REFUNDED_AND_POSTED,
    ("refunded", True, False, True): Match.REFUNDED_AND_POSTED,
}


def match(payment: Payment, books: Books) -> Match:
    """The row of the table this payment is in."""
    if any(amount != payment.amount_paise for amount in (*books.paid, *books.posted)):
        return Match.AMOUNT_DIFFERS
    if len(books.posted) > 1:
        return Match.DUPLICATE
    if books.posted and not books.paid:
        return Match.POSTED_NOT_PAID
    if len(books.paid) > 1:
        return Match.UNEXPLAINED
    row = (ours_of(payment), bool(books.paid), books.refunded, bool(books.posted))
    return _TABLE.get(row, Match.UNEXPLAINED)
