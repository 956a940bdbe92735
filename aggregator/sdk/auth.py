"""Credentials and signatures on the wire. Algorithms are pinned here, never read from what is to be verified.

Some of what agencies ask for is weak by design (a key that is its own IV, SHA-1); it is ours to speak, not to
praise, and each has its published vector as a test. Our own tokens and receipts are JWS with ES256.
Source: the shared rules of the protocols, sections 8 and 9.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from aggregator.sdk.errors import ContractBroken

_ALGORITHMS = ["ES256"]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key in a header of its own."""

    value: str = field(repr=False)
    header: str = "X-Api-Key"

    def headers(self, method: str, url: str, body: bytes) -> Mapping[str, str]:  # noqa: ARG002 - as the port has it
        return {self.header: self.value}


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token in Authorization."""

    token: str = field(repr=False)

    def headers(self, method: str, url: str, body: bytes) -> Mapping[str, str]:  # noqa: ARG002 - as the port has it
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True, slots=True)
class Basic:
    """User and password, RFC 7617 with UTF-8."""

    user: str
    password: str = field(repr=False)

    def headers(self, method: str, url: str, body: bytes) -> Mapping[str, str]:  # noqa: ARG002 - as the port has it
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}


@dataclass(frozen=True, slots=True)
class BodyHmac:
    """Base64(HMAC-SHA256) over the bytes on the wire, in a header."""

    key: str = field(repr=False)
    header: str = "x-digilocker-hmac"

    def headers(self, method: str, url: str, body: bytes) -> Mapping[str, str]:  # noqa: ARG002 - as the port has it
        return {self.header: hmac_base64(self.key, body)}


def hmac_base64(key: str, body: bytes) -> str:
    """Base64(HMAC-SHA256(key, body)). One newline more gives another value."""
    return base64.b64encode(hmac.digest(key.encode(), body, "sha256")).decode()


def same(one: str, other: str) -> bool:
    """Equality that takes the same time for any difference."""
    return hmac.compare_digest(one.encode(), other.encode())


def password_digest(nonce: bytes, created: str, password: str) -> str:
    """WS-Security PasswordDigest: Base64(SHA-1(nonce + created + password)). Source: UsernameToken Profile 1.0."""
    return base64.b64encode(hashlib.sha1(nonce + created.encode() + password.encode()).digest()).decode()  # noqa: S324


class SharedSecretCipher:
    """Texts in Base64(AES-128-CBC, PKCS#7) with key = IV = the secret's first 16 bytes, zero padded.

    It hides little and protects nothing against change: an answer is checked by its echo, not by this.
    """

    def __init__(self, secret: str) -> None:
        key = secret.encode()[:16].ljust(16, b"\0")
        self._cipher = Cipher(algorithms.AES(key), modes.CBC(key))

    def encrypt(self, text: str) -> str:
        padder = padding.PKCS7(128).padder()
        padded = padder.update(text.encode()) + padder.finalize()
        encryptor = self._cipher.encryptor()
        return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()

    def decrypt_bytes(self, text: str) -> bytes:
        """The plain bytes; line breaks in the Base64 are accepted. Raises ContractBroken for anything else odd."""
        try:
            sealed = base64.b64decode("".join(text.split()), validate=True)
            decryptor = self._cipher.decryptor()
            padded = decryptor.update(sealed) + decryptor.finalize()
            unpadder = padding.PKCS7(128).unpadder()
            return unpadder.update(padded) + unpadder.finalize()
        except ValueError as exc:
            raise ContractBroken("the encrypted text cannot be read", garbled=True) from exc

    def decrypt(self, text: str) -> str:
        """The plain text, UTF-8. Raises ContractBroken."""
        try:
            return self.decrypt_bytes(text).decode()
        except UnicodeDecodeError as exc:
            raise ContractBroken("the decrypted text is not utf-8", garbled=True) from exc


class Unverified(Exception):
    """A token that is not ours, not for us, or no longer valid. Says no more than that, on purpose."""


class Signer:
    """Our own ES256 key: signs tokens and receipts, verifies them, and publishes its public half."""

    def __init__(self, key: ECKey) -> None:
        self._key = key
        self._kid = key.thumbprint()

    @classmethod
    def generate(cls) -> "Signer":
        return cls(ECKey.generate_key("P-256", private=True))

    @classmethod
    def from_pem(cls, pem: bytes) -> "Signer":
        """Raises ValueError for anything but a P-256 private key."""
        try:
            key = ECKey.import_key(pem)
        except (ValueError, JoseError) as exc:
            raise ValueError("not a P-256 private key in PEM") from exc
        if key.curve_name != "P-256" or not key.is_private:
            raise ValueError("not a P-256 private key in PEM")
        return cls(key)

    def pem(self) -> bytes:
        """The private key, PKCS#8."""
        return self._key.as_pem(private=True)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A compact JWS over the claims."""
        header = {"alg": "ES256", "typ": "JWT", "kid": self._kid}
        return jwt.encode(header, dict(claims), self._key, algorithms=_ALGORITHMS)

    def verify(
        self, token: str, *, audience: str | None = None, issuer: str | None = None, now: datetime
    ) -> dict[str, Any]:
        """The claims of a token of ours. `exp` is always required, `aud` and `iss` when given here, `nbf` honoured.

        A receipt, which does not expire, is read with `receipt`. Raises Unverified.
        """
        claims = self.receipt(token)
        wanted: dict[str, Any] = {"exp": {"essential": True}}
        if audience is not None:
            wanted["aud"] = {"essential": True, "value": audience}
        if issuer is not None:
            wanted["iss"] = {"essential": True, "value": issuer}
        try:
            jwt.JWTClaimsRegistry(now=int(now.timestamp()), **wanted).validate(claims)
        except JoseError as exc:
            raise Unverified("the token is not valid here and now") from exc
        return claims

    def receipt(self, token: str) -> dict[str, Any]:
        """The claims of anything this key signed, expired or not. Raises Unverified."""
        try:
            return dict(jwt.decode(token, self._key, algorithms=_ALGORITHMS).claims)
        except (JoseError, ValueError, UnicodeError, json.JSONDecodeError) as exc:
            raise Unverified("the signature is not ours") from exc

    def jwks(self) -> dict[str, Any]:
        """The public key as a JWK Set."""
        public = dict(self._key.as_dict(private=False))
        return {"keys": [{**public, "kid": self._kid, "use": "sig", "alg": "ES256"}]}
