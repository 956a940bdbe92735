"""A payment in the caller's language: what happened to the money, what to do, when we look next."""

from datetime import datetime, timedelta

from msgspec import UNSET, UnsetType

from aggregator.api.case_view import second
from aggregator.api.citizens import money, rupees
from aggregator.api.payment_shapes import Payment, PaymentLeg
from aggregator.api.speaker import Speaker
from aggregator.api.words import Effect
from aggregator.cases.number import shown
from aggregator.payments.payment import ENDED, Phase
from aggregator.payments.payment import Payment as Row
from aggregator.sdk.clock import from_ms

REFUND_DAYS = 5
PERSON_DAYS = 1
_OF_A_FEE = frozenset({Phase.IN_DOUBT, Phase.CONFLICT})
"""Phases whose sentence speaks of a bill, or else of a fee."""
_COLLECTED_UNKNOWN = frozenset({Phase.IN_DOUBT, Phase.CONFLICT})


def words_of(payment: Row, speaker: Speaker) -> str:
    """The sentence of a payment's phase. Source: docs/outcomes.md section 15."""
    phase = Phase(payment.phase)
    key = phase.value.lower()
    if phase is Phase.CONFLICT and payment.collected_ms is None:
        key = "disagreement"
    elif phase is Phase.REFUNDING and payment.late:
        key = "refunding_late"
    elif payment.for_case_id and phase in _OF_A_FEE:
        key += "_fee"
    return speaker.say(
        f"payment.{key}",
        agency=speaker.agency_title(payment.agency),
        amount=rupees(payment.amount_paise),
        time=from_ms(_time_ms(payment)).isoformat(timespec="seconds"),
        date=_by(payment).isoformat(timespec="seconds"),
        reference=payment.reference,
    )


def _time_ms(payment: Row) -> int:
    """While the citizen is at the bank, the order's end: until then nobody else may pay the bill."""
    waits = payment.phase == Phase.WAITING.value and payment.expires_ms
    return payment.expires_ms if waits else payment.next_action_ms


def _by(payment: Row) -> datetime:
    """Until when the money is back, or a person has answered; for what is over, when it was."""
    if payment.closed_ms is not None:
        return from_ms(payment.closed_ms)
    days = REFUND_DAYS if payment.collected_ms is not None else PERSON_DAYS
    return from_ms(payment.collected_ms or payment.updated_ms) + timedelta(days=days)


def next_check(payment: Row) -> datetime | UnsetType:
    return UNSET if Phase(payment.phase) in ENDED else second(from_ms(payment.next_action_ms))


def payment_view(payment: Row, number: str, speaker: Speaker) -> Payment:
    """The whole payment."""
    phase = Phase(payment.phase)
    payable = phase is Phase.WAITING and bool(payment.pay_url)
    gave_back = bool(payment.refund_id)
    return Payment(
        id=payment.id,
        case_id=payment.case_id,
        number=shown(number),
        phase=phase.value,
        explanation=words_of(payment, speaker),
        reason_code=payment.reason_code,
        amount=money(payment.amount_paise),
        held=money(payment.amount_paise if held(payment) else 0),
        collected=PaymentLeg(
            agency=payment.gateway,
            agency_title=speaker.agency_title(payment.gateway),
            effect=_collected(payment),
            reference=payment.gateway_payment or UNSET,
            at=_moment(payment.collected_ms),
        ),
        posted=PaymentLeg(
            agency=payment.agency, agency_title=speaker.agency_title(payment.agency), effect=_posted(payment)
        ),
        refunded=PaymentLeg(
            agency=payment.gateway,
            agency_title=speaker.agency_title(payment.gateway),
            effect="done" if phase is Phase.REFUNDED else "unknown",
            reference=payment.reference,
        )
        if gave_back
        else UNSET,
        bill=payment.bill_key,
        for_case_id=payment.for_case_id or UNSET,
        bill_as_of=second(from_ms(payment.bill_as_of_ms)),
        pay_url=payment.pay_url if payable else UNSET,
        pay_before=second(from_ms(payment.expires_ms)) if payable else UNSET,
        next_check_at=next_check(payment),
        created_at=second(from_ms(payment.created_ms)),
        link=f"/v1/payments/{payment.id}",
    )


def held(payment: Row) -> bool:
    """Whether the money is with us: collected, and neither posted nor given back."""
    return payment.collected_ms is not None and payment.closed_ms is None


def _collected(payment: Row) -> Effect:
    if payment.collected_ms is not None:
        return "done"
    return "unknown" if Phase(payment.phase) in _COLLECTED_UNKNOWN else "none"


def _posted(payment: Row) -> Effect:
    if payment.phase == Phase.POSTED.value or (payment.phase == Phase.CONFLICT.value and payment.collected_ms):
        return "done"
    return "unknown" if payment.phase == Phase.POSTING.value else "none"


def _moment(ms: int | None) -> datetime | UnsetType:
    return UNSET if ms is None else second(from_ms(ms))
