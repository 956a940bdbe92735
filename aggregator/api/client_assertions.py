"""A portal that signs: its request for a token carries what it signed a moment ago, for us alone, good once.

No secret travels and none is kept here. That it counts once is remembered in the database until it ends, so another
process refuses it as well. Every refusal looks alike. Source: RFC 7521, RFC 7523 sections 2.2 and 3, OpenID Connect
Core section 9 (`private_key_jwt`).
"""

from collections.abc import Mapping

from aggregator.api.auth import Names
from aggregator.api.oauth_grants import Refusal
from aggregator.api.ports import PortalRegister
from aggregator.citizens.allowances import Allowances
from aggregator.citizens.portals import Portal
from aggregator.sdk.auth import Unverified
from aggregator.sdk.clock import Clock
from aggregator.sdk.proof import client_assertion, issuer_of

ASSERTED = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LATE_S = 60
"""Remembered a while longer than it is valid: clocks of processes differ."""


class ClientAssertions:
    """Who signed this."""

    def __init__(self, portals: PortalRegister, once: Allowances, clock: Clock, names: Names) -> None:
        self._portals = portals
        self._once = once
        self._clock = clock
        self._names = names

    async def portal(self, fields: Mapping[str, str], origin: str, endpoint: str) -> tuple[Portal, str] | None:
        """The portal and the id of its key; None for anything wrong, without saying what.

        `origin` and `endpoint` are what the request calls us by. Raises Refusal for a request that proves itself in
        two ways at once, or in none we know.
        """
        if fields.get("client_assertion_type") != ASSERTED or "client_secret" in fields:
            raise Refusal("invalid_request")
        token, now = fields.get("client_assertion", ""), self._clock.now()
        portal_id = issuer_of(token)
        if fields.get("client_id", portal_id) != portal_id:
            return None
        audiences = frozenset({self._names.issuer, origin, endpoint})
        for key_id, keys in await self._portals.public_keys(portal_id):
            try:
                number, until = client_assertion(token, keys, client=portal_id, audiences=audiences, now=now)
            except Unverified:
                continue
            life_s = max(0.0, until - now.timestamp()) + _LATE_S
            portal = await self._portals.active(portal_id, key_id)
            if portal is None or not await self._once.first_use("assertion", f"{portal_id}/{number}", life_s):
                return None
            return portal, key_id
        return None
