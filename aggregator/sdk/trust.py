"""Whom a wire believes: one agency's own authority instead of the world's, and its public keys by their pins.

A pin is `sha256/` and the Base64 of SHA-256 over the SubjectPublicKeyInfo of the certificate the agency itself shows,
not of those above it: for an authority there is `ca_pem`. It is compared after the handshake and before the first byte
of a request, on every connection and again whenever one is used. A pin adds to the checks of TLS, it replaces none.
"""

import base64
import ssl
from asyncio import BaseTransport
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from aggregator.sdk.wire import Sent, WireError

PIN = r"^sha256/[A-Za-z0-9+/]{43}=$"


@dataclass(frozen=True, slots=True)
class Trust:
    """`ca_pem`: the only authorities believed; empty for those of the machine. `pins`: empty for any key."""

    ca_pem: str = ""
    pins: tuple[str, ...] = ()

    def context(self) -> ssl.SSLContext:
        """With every check on. Raises ssl.SSLError for a `ca_pem` that is none."""
        return ssl.create_default_context(cadata=self.ca_pem or None)


@lru_cache(maxsize=1024)
def pin_of(certificate: bytes) -> str:
    """The pin of a certificate (DER)."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    digest = sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return "sha256/" + base64.b64encode(digest).decode()


def shown_pin(transport: BaseTransport | None) -> str:
    """The pin of what the other end showed; empty without TLS."""
    tls = transport.get_extra_info("ssl_object") if transport is not None else None
    certificate = tls.getpeercert(binary_form=True) if tls is not None else None
    return pin_of(certificate) if certificate else ""


def refuse_unpinned(transport: BaseTransport | None, pins: Collection[str]) -> None:
    """Raises WireError, with nothing sent, where the other end is not one of the pinned. No pins: any may be there."""
    if pins and shown_pin(transport) not in pins:
        raise WireError(Sent.NO, "PinMismatch", tls=True)
