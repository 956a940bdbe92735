"""What a portal proves itself by: a secret we made and showed once, or a key of its own whose public half we hold.

With a key of its own nothing that opens the door is ever ours, and a request for a token that somebody saw is worth
nothing a second time. Which keys and algorithms count is decided here, never by what is to be verified.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

KEYS_MOST = 5
RSA_BITS = 2048


class PortalRefused(ValueError):
    """The portal cannot be registered like this; the message names the field, for the operator."""


@dataclass(frozen=True, slots=True)
class PortalKey:
    """A key's public half. `signs`: it is the portal's own key, and there is no secret."""

    id: str
    portal_id: str
    created_at: datetime
    revoked_at: datetime | None
    signs: bool = False


@dataclass(frozen=True, slots=True)
class NewSecret:
    """Shown once: what the portal sends as `client_id` and `client_secret`; no secret where it signs."""

    portal_id: str
    key_id: str
    secret: str

    def __repr__(self) -> str:
        return f"NewSecret(portal_id={self.portal_id!r}, key_id={self.key_id!r})"


def issuer_keys(keys: str) -> str:
    """The keys of a portal's own log-in, as they were given. Raises PortalRefused."""
    _public(keys, "the issuer's keys are")
    return keys


def client_keys(keys: str) -> str:
    """The keys a portal signs with, as they are kept. Raises PortalRefused, which says what is wrong with which one."""
    found = _public(keys, "a portal's keys are")
    if len(found) > KEYS_MOST:
        raise PortalRefused(f"a portal has at most {KEYS_MOST} keys at a time, got {len(found)}")
    names = [str(key.get("kid", "")) for key in found]
    if len(found) > 1 and ("" in names or len(set(names)) < len(names)):
        raise PortalRefused("several keys need a `kid` each, all of them different")
    try:
        keyset = KeySet.import_key_set(json.loads(keys))
    except (JoseError, ValueError, KeyError, TypeError) as exc:
        raise PortalRefused(f"the keys cannot be read: {type(exc).__name__}") from exc
    for at, key in enumerate(keyset.keys, 1):
        if not _strong(key):
            raise PortalRefused(f"key {at} must be EC P-256, Ed25519, or RSA of at least {RSA_BITS} bits")
    return json.dumps({"keys": [key.as_dict(private=False) for key in keyset.keys]}, sort_keys=True)


def _strong(key: Any) -> bool:
    match key:
        case ECKey():
            return bool(key.curve_name == "P-256")
        case OKPKey():
            return bool(key.curve_name == "Ed25519")
        case RSAKey():
            return bool(key.raw_value.key_size >= RSA_BITS)
        case _:
            return False


def _public(keys: str, what: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(keys)["keys"]
    except (ValueError, KeyError, TypeError):
        found = None
    if not isinstance(found, list) or not found or any(not isinstance(key, dict) for key in found):
        raise PortalRefused(f'{what} a JWK Set of public keys: {{"keys": [...]}}')
    if any("d" in key or "k" in key for key in found):
        raise PortalRefused(f"{what} public keys alone: this file holds a private one; keep it where it was made")
    return found
