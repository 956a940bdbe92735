"""Standard Webhooks, verified: HMAC-SHA256 over `id.timestamp.body`, within five minutes of its arrival.

The bytes are checked before anything is parsed, in constant time, against every secret that is valid now: a second
one lets an agency change its secret without losing a notice. Source: the Standard Webhooks specification 1.0.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Sequence
from datetime import datetime

from aggregator.sdk.callback import Callback

WINDOW_S = 300
"""A notice older than this, or this far ahead, may be somebody's recording."""
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


class NotSigned(Exception):
    """`why` names the check that failed, never a value."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def key_of(secret: str) -> bytes:
    """The key in `whsec_<Base64>`. Raises ValueError, without the secret, for anything else."""
    if not secret.startswith("whsec_"):
        raise ValueError("a callback secret begins with whsec_")
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError("a callback secret is Base64 behind whsec_") from None
    if len(key) < 24:
        raise ValueError("a callback secret holds at least 24 bytes")
    return key


def signature(key: bytes, event_id: str, timestamp: str, body: bytes) -> str:
    """One entry of `webhook-signature`."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def verified(callback: Callback, keys: Sequence[bytes]) -> str:
    """The event id of a genuine notice. Raises NotSigned."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    event_id, timestamp, given = (callback.headers.get(name, "") for name in names)
    if not (event_id and _TIMESTAMP.fullmatch(timestamp) and given):
        raise NotSigned("the signature headers are not complete")
    if abs(_age_s(timestamp, callback.received_at)) > WINDOW_S:
        raise NotSigned("the timestamp is outside the window")
    offered = given.split()[:8]
    right = [signature(key, event_id, timestamp, callback.body) for key in keys]
    if not any(hmac.compare_digest(one.encode(), other.encode()) for one in offered for other in right):
        raise NotSigned("the signature is not theirs")
    return event_id


def _age_s(timestamp: str, at: datetime) -> float:
    return at.timestamp() - int(timestamp)
