"""What each grant gives: a portal its own token, a citizen's session the next one, a portal's log-in a citizen of ours.

Source: RFC 6749 sections 4.4 and 6, RFC 8693, RFC 9700 section 4.14 (rotation with reuse detection).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aggregator.api.auth import TOKEN_LIFE_S, USE, Names
from aggregator.api.citizen_tokens import Bearing, CitizenTokens
from aggregator.api.ports import PortalRegister
from aggregator.citizens.pairwise import portal_sector
from aggregator.citizens.portals import Portal
from aggregator.citizens.room import CitizenRoom
from aggregator.citizens.session_record import Purpose, Session
from aggregator.sdk.auth import Signer, Unverified
from aggregator.sdk.clock import Chance, Clock, new_id
from aggregator.sdk.proof import issuer_of, login_subject

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS = "urn:ietf:params:oauth:token-type:access_token"
_SUBJECTS = {"urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token"}


class Refusal(Exception):
    """An OAuth error code."""


@dataclass(frozen=True, slots=True)
class Client:
    """An authenticated portal, the key it used, and what its tokens are bound to."""

    portal: Portal
    key_id: str
    confirmation: dict[str, str]

    @property
    def token_type(self) -> str:
        return "DPoP" if "jkt" in self.confirmation else "Bearer"


class Grants:
    """From a request's fields to a token answer. Raises Refusal."""

    def __init__(  # noqa: PLR0913 - the parts of a token
        self,
        *,
        portals: PortalRegister,
        citizens: CitizenRoom,
        citizen_tokens: CitizenTokens,
        signer: Signer,
        clock: Clock,
        chance: Chance,
        names: Names,
    ) -> None:
        self._portals = portals
        self._citizens = citizens
        self._citizen_tokens = citizen_tokens
        self._signer = signer
        self._clock = clock
        self._chance = chance
        self._names = names

    async def granted(self, client: Client, fields: Mapping[str, str]) -> dict[str, object]:
        match fields.get("grant_type"):
            case "client_credentials":
                return self._own(client, fields)
            case "refresh_token":
                return await self._refreshed(client, fields)
            case str(grant) if grant == EXCHANGE:
                return await self._exchanged(client, fields)
            case None:
                raise Refusal("invalid_request")
            case _:
                raise Refusal("unsupported_grant_type")

    def _own(self, client: Client, fields: Mapping[str, str]) -> dict[str, object]:
        portal = client.portal
        wanted = set(fields.get("scope", "").split()) or portal.scopes
        if not wanted <= portal.scopes:
            raise Refusal("invalid_scope")
        scope = " ".join(sorted(wanted))
        now = int(self._clock.now().timestamp())
        claims: dict[str, object] = {
            "iss": self._names.issuer, "aud": self._names.audience, "sub": portal.id, "client_id": portal.id,
            "iat": now, "exp": now + TOKEN_LIFE_S, "jti": new_id("tok", self._clock, self._chance),
            "scope": scope, "key": client.key_id, "use": USE,
        }  # fmt: skip
        if client.confirmation:
            claims["cnf"] = client.confirmation
        token = self._signer.sign(claims)
        return {
            "access_token": token, "token_type": client.token_type, "expires_in": TOKEN_LIFE_S, "scope": scope,
        }  # fmt: skip

    async def _refreshed(self, client: Client, fields: Mapping[str, str]) -> dict[str, object]:
        found = await self._citizens.sessions.refreshed(fields.get("refresh_token", ""), client.portal.id)
        if found is None:
            raise Refusal("invalid_grant")
        session, following = found
        return await self._for_citizen(client, session, following, fields)

    async def _exchanged(self, client: Client, fields: Mapping[str, str]) -> dict[str, object]:
        token = fields.get("subject_token", "")
        if fields.get("subject_token_type") not in _SUBJECTS or not token:
            raise Refusal("invalid_request")
        issuer = issuer_of(token)
        keys = await self._portals.issuer_keys(client.portal.id, issuer)
        if keys is None:
            raise Refusal("invalid_request")
        try:
            audiences = frozenset({client.portal.id, self._names.audience})
            subject = login_subject(token, keys, issuer=issuer, audiences=audiences, now=self._clock.now())
        except Unverified as exc:
            raise Refusal("invalid_request") from exc
        room, portal = self._citizens, client.portal
        citizen_id = await room.federated.citizen(issuer, subject, portal.id, portal.sector)
        session = await room.sessions.open_for(Purpose.FEDERATED, portal.id, citizen_id, "en")
        following = await room.sessions.refresh_credential(session.id)
        return {**await self._for_citizen(client, session, following, fields), "issued_token_type": _ACCESS}

    async def _for_citizen(
        self, client: Client, session: Session, following: str, fields: Mapping[str, str]
    ) -> dict[str, object]:
        portal = client.portal
        living = await self._citizens.sessions.alive(session.id, portal.id)
        owner = session.citizen_id if living is None else living.citizen_id
        name = await self._citizens.register.name_for(owner, portal_sector(portal.sector))
        bearing = Bearing(portal.id, client.key_id, portal.scopes, client.confirmation or None)
        token, scope = self._citizen_tokens.issue(bearing, session.id, name, fields.get("scope", "").split())
        return {
            "access_token": token, "token_type": client.token_type, "expires_in": TOKEN_LIFE_S, "scope": scope,
            "refresh_token": following, "session_id": session.id, "citizen_id": name,
        }  # fmt: skip
