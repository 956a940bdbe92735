"""A token that is bound to a key is worth nothing to who merely saw it: each request proves the key anew (RFC 9449).

Also read here: the tokens of a portal's own log-in (RFC 8693), and the thumbprint a certificate binds by (RFC 8705).
Algorithms are pinned; whatever a header says of its own key is used for that proof and for nothing else.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from aggregator.sdk.auth import Unverified, same

FRESH_S = 60
"""How old a proof may be, and how far its clock may be ahead."""
PROOF_ALGORITHMS = ["ES256"]
ASSERTION_S = 300
"""How long at most what a portal signs to ask for a token may be valid."""
CLIENT_ALGORITHMS = ["ES256", "PS256", "Ed25519", "EdDSA"]
_LOGINS = ["ES256", "RS256", "EdDSA", "Ed25519"]
_MOST = 8000


@dataclass(frozen=True, slots=True)
class Proof:
    """Of a proof: the thumbprint of its key, its own id, and when it says to have been made (epoch seconds)."""

    key: str
    number: str
    made_s: float


def proof_key(proof: str, *, method: str, url: str, now: datetime, token: str = "") -> Proof:
    """What this proof proves. `url` without its query.

    `token`: the access token the proof comes with, "" when one is being asked for. Raises Unverified.
    """
    try:
        header = jws.extract_compact(proof[:_MOST].encode()).headers()
        shown = header.get("jwk")
        if header.get("typ") != "dpop+jwt" or not isinstance(shown, dict) or "d" in shown:
            raise Unverified("this is no proof")
        key = ECKey.import_key(shown)
        claims = jwt.decode(proof, key, algorithms=PROOF_ALGORITHMS).claims
    except (JoseError, ValueError, UnicodeError, KeyError, TypeError, AttributeError) as exc:
        raise Unverified("the proof does not verify") from exc
    at, number = claims.get("iat"), claims.get("jti")
    if claims.get("htm") != method or claims.get("htu") != url:
        raise Unverified("the proof is for another request")
    if not isinstance(at, int | float) or abs(now.timestamp() - at) > FRESH_S:
        raise Unverified("the proof is not fresh")
    if not isinstance(number, str) or not 1 <= len(number) <= 100:
        raise Unverified("the proof has no id")
    if token and not same(str(claims.get("ath", "")), digest(token.encode())):
        raise Unverified("the proof is for another token")
    return Proof(key.thumbprint(), number, at)


def login_subject(token: str, keys: str, *, issuer: str, audiences: frozenset[str], now: datetime) -> str:
    """Whom a portal's own log-in says it is. `keys`: the issuer's JWK Set as JSON. Raises Unverified."""
    try:
        claims = jwt.decode(token[:_MOST], KeySet.import_key_set(json.loads(keys)), algorithms=_LOGINS).claims
        wanted: Any = {"iss": {"essential": True, "value": issuer}, "exp": {"essential": True}}
        jwt.JWTClaimsRegistry(now=int(now.timestamp()), **wanted).validate(claims)
    except (JoseError, ValueError, UnicodeError, KeyError, TypeError) as exc:
        raise Unverified("the log-in does not verify") from exc
    named = claims.get("aud")
    meant = {named} if isinstance(named, str) else set(named) if isinstance(named, list) else set()
    subject = claims.get("sub")
    if not meant & audiences or not isinstance(subject, str) or not 1 <= len(subject) <= 200:
        raise Unverified("the log-in is not for us")
    return subject


def client_assertion(
    token: str, keys: str, *, client: str, audiences: frozenset[str], now: datetime
) -> tuple[str, int]:
    """The id of what a portal signed to ask for a token (RFC 7523), and its end in epoch seconds. Raises Unverified.

    `keys`: the portal's JWK Set as JSON. For one audience alone: one for two servers could be carried from one to the
    other.
    """
    claims = _signed_by(token, keys)
    try:
        wanted: Any = {name: {"essential": True, "value": client} for name in ("iss", "sub")}
        jwt.JWTClaimsRegistry(now=int(now.timestamp()), exp={"essential": True}, **wanted).validate(claims)
    except (JoseError, ValueError, TypeError) as exc:
        raise Unverified("the assertion is not this portal's, or not valid now") from exc
    named, until, number = claims.get("aud"), claims.get("exp"), claims.get("jti")
    meant = named[0] if isinstance(named, list) and len(named) == 1 else named
    if not isinstance(meant, str) or meant not in audiences:
        raise Unverified("the assertion is not for us alone")
    if not isinstance(until, int | float) or until - now.timestamp() > ASSERTION_S:
        raise Unverified("the assertion is valid for too long")
    if not isinstance(number, str) or not 1 <= len(number) <= 100:
        raise Unverified("the assertion has no id")
    return number, int(until)


def _signed_by(token: str, keys: str) -> dict[str, Any]:
    """The claims, if one of these keys signed them: the named one where it is named. Raises Unverified."""
    try:
        name = jws.extract_compact(token[:_MOST].encode()).headers().get("kid")
        known = KeySet.import_key_set(json.loads(keys)).keys
    except (JoseError, ValueError, UnicodeError, KeyError, TypeError, AttributeError) as exc:
        raise Unverified("this is no assertion") from exc
    for key in known:
        if name is None or len(known) == 1 or key.kid == name:
            try:
                return dict(jwt.decode(token, key, algorithms=CLIENT_ALGORITHMS).claims)
            except (JoseError, ValueError, UnicodeError, KeyError, TypeError):
                continue
    raise Unverified("none of the portal's keys signed this")


def certificate_thumbprint(der: bytes) -> str:
    """`x5t#S256` of a client certificate."""
    return digest(der)


def issuer_of(token: str) -> str:
    """Who says to have made this token: to look up its keys by, and for nothing else."""
    try:
        claims = json.loads(jws.extract_compact(token[:_MOST].encode()).payload)
    except (JoseError, ValueError, UnicodeError):
        return ""
    return str(claims.get("iss", "")) if isinstance(claims, Mapping) else ""


def digest(content: bytes) -> str:
    """Base64url(SHA-256), without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
