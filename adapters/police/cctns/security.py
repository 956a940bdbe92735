"""The WS-Security header is written here, not by a library: new nonce and new time for every send, a repeat too.

A server that sees an identical envelope again calls it a replay, so this header is the one part of a request that
may differ between two sends of the same order (`volatile_fields`).
Source: WS-Security UsernameToken Profile 1.0; the shared rules of the protocols, section 8.
"""

import base64
from datetime import UTC
from typing import Literal

from aggregator.sdk.auth import password_digest
from aggregator.sdk.clock import Chance, Clock
from aggregator.sdk.xml import Element, element

HEADER = "wsse:Security"
"""The header's tag as it is written."""
NONCE_BYTES = 16

_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE = _OASIS + "wssecurity-secext-1.0.xsd"
WSU = _OASIS + "wssecurity-utility-1.0.xsd"
_PROFILE = _OASIS + "username-token-profile-1.0#"
_BASE64 = _OASIS + "soap-message-security-1.0#Base64Binary"


class UsernameToken:
    """Who we are, in one header block per send. The password is never shown: this has no representation of its own."""

    def __init__(
        self, user: str, password: str, *, kind: Literal["text", "digest"], clock: Clock, chance: Chance
    ) -> None:
        self._user = user
        self._password = password
        self._digest = kind == "digest"
        self._clock = clock
        self._chance = chance

    def blocks(self, envelope_namespace: str) -> list[Element]:
        """The header blocks for one send, for `SoapClient`."""
        nonce = self._chance.bytes(NONCE_BYTES)
        created = self._clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        password = password_digest(nonce, created, self._password) if self._digest else self._password
        kind = "PasswordDigest" if self._digest else "PasswordText"
        token = element(
            f"{{{WSSE}}}UsernameToken",
            element(f"{{{WSSE}}}Username", text=self._user),
            element(f"{{{WSSE}}}Password", text=password, Type=_PROFILE + kind),
            element(f"{{{WSSE}}}Nonce", text=base64.b64encode(nonce).decode(), EncodingType=_BASE64),
            element(f"{{{WSU}}}Created", text=created),
        )
        must = {f"{{{envelope_namespace}}}mustUnderstand": "1"}
        return [element(f"{{{WSSE}}}Security", token, nsmap={"wsse": WSSE, "wsu": WSU}, **must)]
