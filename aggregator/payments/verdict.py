"""What a gateway's answer proves: pure decisions, no clock, no store, no gateway.

Only a server-to-server answer counts, and only whole: amount, currency, order and payee must equal ours. "Not paid" is
proved by an order that ended *and* two negative answers after that, apart from each other.
Source: docs/outcomes.md section 12.
"""

from dataclasses import dataclass
from typing import Any

from aggregator.payments.payment import CURRENCY, Payment
from aggregator.sdk.model import Absent, Reading

PAID = "PAID"
ENDED_UNPAID = frozenset({"EXPIRED", "CANCELLED"})
MISS_GAP_MS = 300_000
"""Two counted negatives lie at least so far apart; banks report late captures within minutes."""
SETTLE_MS = 60_000
"""A negative counts from so long after the order ended."""
WORDS = frozenset({"OPEN", "PENDING", PAID, "REFUNDED"}) | ENDED_UNPAID


@dataclass(frozen=True, slots=True)
class Verdict:
    """One answer, or one webhook, in our words. `trouble` names what does not agree with us."""

    word: str
    paid_paise: int = 0
    gateway_payment: str = ""
    bank_reference: str = ""
    pay_url: str = ""
    expires_ms: int | None = None
    trouble: str = ""
    kind: str = "payment"


def verdict_of(payment: Payment, answer: Any, payee: str) -> Verdict:
    """What the gateway's answer to `verify` says about this payment. `payee`: who we are there, if it says so."""
    if isinstance(answer, Absent) or not isinstance(answer, Reading):
        return Verdict("", trouble="order_unknown")
    facts = answer.facts
    word = answer.detail if answer.detail in WORDS else ""
    found = Verdict(
        word,
        paid_paise=_paise(facts.get("paid_paise", "")),
        gateway_payment=facts.get("gateway_payment", ""),
        bank_reference=facts.get("bank_reference", ""),
        pay_url=facts.get("pay_url", ""),
        expires_ms=int(facts["expires_ms"]) if facts.get("expires_ms", "").isdecimal() else None,
        kind=facts.get("kind", "payment"),
    )
    return _with(found, trouble=_trouble(payment, found, facts, payee))


def _trouble(payment: Payment, found: Verdict, facts: Any, payee: str) -> str:
    """The first thing that does not agree with what we ordered."""
    paid = found.word == PAID
    wrong = {
        "word_unknown": not found.word,
        "another_order": facts.get("order", payment.reference) != payment.reference,
        "another_payee": bool(payee) and facts.get("payee", payee) != payee,
        "another_currency": facts.get("currency", CURRENCY) != CURRENCY,
        "collected_twice": paid and facts.get("captures", "1") != "1",
        "amount_differs": paid and found.paid_paise != payment.amount_paise,
        "no_payment_id": paid and not found.gateway_payment,
    }
    return next((name for name, is_so in wrong.items() if is_so), "")


def _with(found: Verdict, *, trouble: str) -> Verdict:
    return Verdict(
        found.word,
        found.paid_paise,
        found.gateway_payment,
        found.bank_reference,
        found.pay_url,
        found.expires_ms,
        trouble,
        found.kind,
    )


def _paise(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else 0


@dataclass(frozen=True, slots=True)
class Misses:
    """Counted negatives so far, and whether they prove that nothing was paid."""

    count: int
    at_ms: int | None
    proved: bool


def missed(payment: Payment, word: str, now_ms: int) -> Misses:
    """Counts this negative answer if it may be counted."""
    if word not in ENDED_UNPAID:
        return Misses(0, None, proved=False)
    early = word == "EXPIRED" and now_ms < payment.expires_ms + SETTLE_MS
    near = payment.missed_ms is not None and now_ms - payment.missed_ms < MISS_GAP_MS
    if early or near:
        return Misses(payment.misses, payment.missed_ms, proved=False)
    return Misses(payment.misses + 1, now_ms, proved=payment.misses + 1 >= 2)


LOOKS_S = (2.0, 3.0, 5.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0)
"""Distances between looks while the citizen is at the bank; the last repeats."""


def next_look_ms(payment: Payment, now_ms: int, counted_ms: int | None = None) -> int:
    """When to ask again while nobody knows more. A webhook or the browser's return makes it at once."""
    due = now_ms + round(LOOKS_S[min(payment.asked, len(LOOKS_S) - 1)] * 1000)
    if counted_ms is not None:
        return max(due, counted_ms + MISS_GAP_MS)
    if payment.expires_ms and now_ms < payment.expires_ms < due:
        return payment.expires_ms + SETTLE_MS
    return due
