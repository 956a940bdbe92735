"""What the gateway pushes: Base64(HMAC-SHA256(timestamp + raw body)) with the merchant's secret, checked first.

A hint in any case: the core asks the gateway before anything is believed. A webhook counts for a day after its stamp,
because the gateway repeats one that was not answered for hours; a replay changes nothing, it only makes us ask.
"""

import base64
import hmac
import re
from collections.abc import Mapping
from typing import Any

from adapters.gateway.cashfree.answers import money
from adapters.gateway.cashfree.vocabulary import FAILED, SUCCESS
from aggregator.sdk.callback import Ack, Callback, Notice, Unverified
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.model import Reading
from aggregator.sdk.reading import need, value_of
from aggregator.sdk.rest import parse_json
from aggregator.sdk.status import Status

WINDOW_MS = 86_400_000
AHEAD_MS = 300_000
_STAMP = re.compile(r"[0-9]{10,13}", re.ASCII)
_ACK = Ack(b'{"received":true}')


def notice_of(callback: Callback, secret: str) -> Notice:
    """What it says. Raises Unverified for what is not provably the gateway's."""
    stamp = callback.headers.get("x-webhook-timestamp", "")
    given = callback.headers.get("x-webhook-signature", "")
    if not (_STAMP.fullmatch(stamp) and given):
        raise Unverified("the signature headers are not complete", _no("signature_missing", 401))
    if not hmac.compare_digest(signature(secret, stamp, callback.body).encode(), given.encode()):
        raise Unverified("the signature is not theirs", _no("signature_invalid", 401))
    age_ms = callback.received_at.timestamp() * 1000 - int(stamp.ljust(13, "0"))
    if not -AHEAD_MS <= age_ms <= WINDOW_MS:
        raise Unverified("the timestamp is outside the window", _no("stamp_outside", 401))
    try:
        body = parse_json(callback.body)
        return _read(body, callback.headers)
    except ContractBroken as broken:
        raise Unverified("the webhook cannot be read", _no("unreadable", 400)) from broken


def signature(secret: str, stamp: str, body: bytes) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), stamp.encode() + body, "sha256")).decode()


def _read(body: Any, headers: Mapping[str, str]) -> Notice:
    kind, data = str(need(body, "type")), need(body, "data")
    event = headers.get("x-idempotency-key", "")
    if "REFUND" in kind:
        told = need(data, "refund")
        facts = {"kind": "refund", "order": str(need(told, "order_id"))}
        reading = Reading(Status.UNKNOWN, str(value_of(told, "refund_status", "")), detail="REFUNDED", facts=facts)
        return Notice(ack=_ACK, event_id=event, reference=facts["order"], reading=reading)
    order, told = need(data, "order"), need(data, "payment")
    word = str(need(told, "payment_status"))
    facts = {
        "kind": "payment",
        "order": str(need(order, "order_id")),
        "currency": str(value_of(told, "payment_currency", "INR")),
        "paid_paise": str(money(need(told, "payment_amount"))) if word == SUCCESS else "",
        "gateway_payment": str(need(told, "cf_payment_id")) if word == SUCCESS else "",
    }
    detail = "PAID" if word == SUCCESS else "OPEN" if word in FAILED else "PENDING"
    status = Status.COMPLETED if word == SUCCESS else Status.AWAITING_PAYMENT
    reading = Reading(status, word, detail=detail, facts={key: value for key, value in facts.items() if value})
    return Notice(ack=_ACK, event_id=event, reference=facts["order"], reading=reading)


def _no(code: str, status: int) -> Ack:
    return Ack(b'{"error":"' + code.encode() + b'"}', status=status)
