"""Tokens for portals and for their citizens: against the portal's signature or secret, ten minutes, signed by us.

Every refusal looks alike and counts against the address it came from. Answers follow RFC 6749 and not RFC 9457,
because every OAuth client reads them.
"""

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote_plus

import msgspec
from aiohttp import web

from aggregator.api.bound import Proofs, certificate_of
from aggregator.api.client_assertions import ClientAssertions
from aggregator.api.dispatch import read_capped
from aggregator.api.edge import SLIP
from aggregator.api.limits import Buckets, Limits
from aggregator.api.oauth_grants import Client, Grants, Refusal
from aggregator.api.ports import PortalRegister
from aggregator.api.problem import Problem
from aggregator.citizens.portals import Portal
from aggregator.sdk.auth import Signer, Unverified

_FORM_BYTES = 8192
_FORM_S = 10.0


class Tokens:
    """POST /oauth/token and GET /oauth/jwks.json."""

    def __init__(  # noqa: PLR0913 - the parts of a token
        self,
        *,
        portals: PortalRegister,
        assertions: ClientAssertions,
        grants: Grants,
        proofs: Proofs,
        signer: Signer,
        buckets: Buckets,
        limits: Limits,
    ) -> None:
        self._portals = portals
        self._assertions = assertions
        self._grants = grants
        self._proofs = proofs
        self._signer = signer
        self._buckets = buckets
        self._limits = limits

    async def issue(self, request: web.Request) -> web.Response:
        """POST /oauth/token."""
        slip = request[SLIP]
        standing = self._buckets.look(self._limits.address, request[SLIP].address)
        slip.standings.append(standing)
        if standing.wait_s > 0:
            raise Problem("rate-limited", retry_after_s=standing.wait_s, close=True)
        if request.content_type != "application/x-www-form-urlencoded":
            raise Problem("not-supported", variant="form", close=True)
        raw = await read_capped(request, _FORM_BYTES, _FORM_S)
        try:
            return _json(200, await self._granted(request, _fields(raw)))
        except Refusal as exc:
            if str(exc) == "invalid_client":
                self._buckets.take(self._limits.address, request[SLIP].address)
                return _json(401, {"error": "invalid_client"}, {"WWW-Authenticate": 'Basic realm="oauth"'})
            return _json(400, {"error": str(exc)})

    async def keys(self, _request: web.Request) -> web.Response:
        """GET /oauth/jwks.json: with it anyone verifies our receipts offline."""
        return _json(200, self._signer.jwks(), {"Cache-Control": "public, max-age=300"})

    async def _granted(self, request: web.Request, fields: Mapping[str, str]) -> dict[str, object]:
        known = await self._authenticated(request, fields)
        if known is None:
            raise Refusal("invalid_client")
        portal, key_id = known
        client = Client(portal, key_id, await self._bound_to(request, portal))
        return await self._grants.granted(client, fields)

    async def _authenticated(self, request: web.Request, fields: Mapping[str, str]) -> tuple[Portal, str] | None:
        """Who asks, by what it signed or by its secret. Raises Refusal for both at once."""
        authorization, origin = request.headers.get("Authorization", ""), request[SLIP].origin
        if {"client_assertion", "client_assertion_type"} & fields.keys():
            if authorization:
                raise Refusal("invalid_request")
            return await self._assertions.portal(fields, origin, origin + request.rel_url.raw_path)
        portal_id, secret = _client(authorization, fields)
        return await self._portals.authenticate(portal_id, secret) if portal_id and secret else None

    async def _bound_to(self, request: web.Request, portal: Portal) -> dict[str, str]:
        """What the token will be bound to: the key the request proves, the certificate of its connection.

        Raises Refusal for a bad proof, and where the portal's tokens must be bound and nothing is shown.
        """
        try:
            key = await self._proofs.key(request, request[SLIP].origin + request.rel_url.raw_path)
        except Unverified as exc:
            raise Refusal("invalid_dpop_proof") from exc
        certificate = certificate_of(request)
        bound = {"jkt": key} if key else {"x5t#S256": certificate} if certificate else {}
        if portal.bound and not bound:
            raise Refusal("invalid_dpop_proof")
        return bound


def _fields(raw: bytes) -> dict[str, str]:
    """The form's fields. Raises Refusal for a repeated one (RFC 6749 section 3.2) or a broken encoding."""
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError as exc:
        raise Refusal("invalid_request") from exc
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Refusal("invalid_request")
    return fields


def _client(authorization: str, fields: Mapping[str, str]) -> tuple[str, str]:
    """Client id and secret, from the header or the body, never from both."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return fields.get("client_id", ""), fields.get("client_secret", "")
    if "client_secret" in fields:
        raise Refusal("invalid_request")
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)


def _json(status: int, value: object, headers: Mapping[str, str] | None = None) -> web.Response:
    body = msgspec.json.encode(value)
    return web.Response(
        status=status, body=body, headers={"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    )
