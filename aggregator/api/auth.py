"""Who is calling is settled before whether anything exists. A right not granted is a right denied.

Access tokens are JWTs our own key signed (ES256, algorithm pinned, audience, issuer and expiry essential: CR-1, CR-2).
A checked token is remembered for at most 5 s (CR-8), so a revoked portal is out within that time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aggregator.api.limits import Quota
from aggregator.api.ports import LiveSessions, PortalRegister
from aggregator.api.problem import Problem
from aggregator.citizens.assistance import ByWhom, Task, rights_of
from aggregator.citizens.pairwise import portal_sector
from aggregator.citizens.portals import Portal
from aggregator.citizens.rights import CITIZEN_SCOPES, SCOPES
from aggregator.sdk.auth import Signer, Unverified
from aggregator.sdk.clock import Clock

TOKEN_LIFE_S = 600
REMEMBERED_S = 5.0
_REMEMBERED_MOST = 10_000
SANDBOX_TOKEN = "sk_test_portal"  # noqa: S105 - published on purpose; refused beside any live agency
SANDBOX_PORTAL = "prt_sandbox"
USE = "access"
CITIZEN_USE = "citizen"


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated portal with what this token may do; with a citizen's token, for that citizen alone.

    `citizen_id` is the internal id and `citizen_name` the pairwise one this portal knows; both empty for the portal
    itself. `sector` is what pairwise ids of this portal are made for.
    """

    portal_id: str
    scopes: frozenset[str]
    origins: frozenset[str]
    quota: Quota
    sector: str = SANDBOX_PORTAL
    citizen_id: str = ""
    citizen_name: str = ""
    session_id: str = ""
    key_id: str = ""
    confirmation: dict[str, str] | None = None
    """`cnf` of the token: the key or certificate it is bound to (RFC 7800)."""
    portal_name: str = ""
    by_whom: str = ""
    """Who acts for the citizen; empty where it is the citizen, as the next three are."""
    assistance_id: str = ""
    assistant: str = ""
    consent_id: str = ""

    @property
    def names_for(self) -> str:
        """The sector of pairwise ids given to this caller."""
        return portal_sector(self.sector)


@dataclass(frozen=True, slots=True)
class Names:
    """What our tokens call us."""

    issuer: str
    audience: str


def names_of(base_url: str | None) -> Names:
    """Issuer and audience; a sandbox without a public address uses a name of its own."""
    issuer = base_url.rstrip("/") if base_url else "urn:citizen-service-aggregator"
    return Names(issuer, f"{issuer}#api")


class Gate:
    """Turns a bearer token into a caller. `sandbox_open` says whether the published key counts right now."""

    def __init__(  # noqa: PLR0913 - the parts a token check needs
        self,
        *,
        signer: Signer,
        portals: PortalRegister,
        clock: Clock,
        names: Names,
        quota: Quota,
        sandbox_open: Callable[[], bool],
        sessions: LiveSessions,
    ) -> None:
        self._signer = signer
        self._portals = portals
        self._clock = clock
        self._names = names
        self._quota = quota
        self._sessions = sessions
        self._sandbox_open = sandbox_open
        self._remembered: dict[str, tuple[float, Caller]] = {}
        self._origins: tuple[float, frozenset[str]] = (float("-inf"), frozenset())

    async def caller(self, token: str) -> Caller:
        """Raises Problem not-authenticated for anything but a valid token of a living portal."""
        now = self._clock.monotonic()
        known = self._remembered.get(token)
        if known is not None and known[0] > now:
            return known[1]
        caller = await self._check(token)
        if len(self._remembered) >= _REMEMBERED_MOST:
            self._remembered.clear()
        self._remembered[token] = (now + REMEMBERED_S, caller)
        return caller

    async def registered(self, origin: str) -> bool:
        """Whether a living portal registered this origin; remembered as long as tokens are."""
        now = self._clock.monotonic()
        if self._origins[0] <= now:
            self._origins = (now + REMEMBERED_S, await self._portals.origins())
        return origin in self._origins[1]

    async def _check(self, token: str) -> Caller:
        if token == SANDBOX_TOKEN:
            if self._sandbox_open():
                return Caller(SANDBOX_PORTAL, SCOPES, frozenset(), self._quota, portal_name="Sandbox")
            raise _refused("sandbox" if token else "")
        if not token:
            raise _refused("")
        try:
            claims = self._signer.verify(
                token, audience=self._names.audience, issuer=self._names.issuer, now=self._clock.now()
            )
        except Unverified as exc:
            raise _refused("token") from exc
        use, key_id = claims.get("use"), str(claims.get("key", ""))
        portal_id = str(claims.get("client_id" if use == CITIZEN_USE else "sub", ""))
        portal = self._sandbox_portal(portal_id) or await self._portals.active(portal_id, key_id)
        if portal is None or use not in {USE, CITIZEN_USE}:
            raise _refused("token")
        cnf = claims.get("cnf")
        caller = _caller(portal, str(claims.get("scope", "")), key_id, cnf if isinstance(cnf, dict) else None)
        return caller if use == USE else await self._citizen(caller, claims)

    async def _citizen(self, caller: Caller, claims: Mapping[str, Any]) -> Caller:
        """The portal acting for one citizen, while the session lasts; an assistant with what the tasks need alone."""
        session_id = str(claims.get("sid", ""))
        living = await self._sessions.alive(session_id, caller.portal_id)
        if living is None:
            raise _refused("session")
        rights = rights_of(Task(word) for word in living.tasks) if living.assistance_id else CITIZEN_SCOPES
        return replace(
            caller, scopes=caller.scopes & rights, citizen_id=living.citizen_id, citizen_name=str(claims["sub"]),
            session_id=session_id, by_whom=living.by_whom, assistance_id=living.assistance_id,
            assistant=living.assistant, consent_id=living.consent_id,
        )  # fmt: skip

    def _sandbox_portal(self, portal_id: str) -> Portal | None:
        """The portal of the published key, for citizens who logged in through it."""
        if portal_id != SANDBOX_PORTAL or not self._sandbox_open():
            return None
        return Portal(
            id=SANDBOX_PORTAL, name="Sandbox", contact="", sector=SANDBOX_PORTAL, scopes=SCOPES,
            origins=frozenset(), per_minute=self._quota.limit, created_at=self._clock.now(),
        )  # fmt: skip


def _caller(portal: Portal, granted: str, key_id: str, confirmation: dict[str, str] | None) -> Caller:
    quota = Quota("default", portal.per_minute, 60)
    scopes = frozenset(granted.split()) & portal.scopes
    return Caller(
        portal.id, scopes, portal.origins, quota, sector=portal.sector, key_id=key_id, confirmation=confirmation,
        portal_name=portal.name,
    )  # fmt: skip


def _refused(variant: str) -> Problem:
    """401 with the challenge RFC 6750 asks for: without a token no error code, with a bad one `invalid_token`."""
    error = ', error="invalid_token"' if variant else ""
    challenge = f'Bearer realm="citizen service aggregator"{error}'
    return Problem("not-authenticated", variant=variant, headers={"WWW-Authenticate": challenge}, close=True)


def require(caller: Caller, scope: str) -> None:
    """Raises Problem insufficient-scope unless the caller holds the scope."""
    if scope not in caller.scopes:
        challenge = f'Bearer realm="citizen service aggregator", error="insufficient_scope", scope="{scope}"'
        raise Problem("insufficient-scope", headers={"WWW-Authenticate": challenge}, about={"scope": scope}, close=True)


def require_token_of(caller: Caller, for_whom: str, *, in_person: bool = False, of_nominee: bool = False) -> None:
    """Raises Problem wrong-token where the route is for a citizen's token only, or for a portal's own only.

    `in_person`: what nobody else may do for a citizen; `of_nominee`: what a nominee may, who may nothing else.
    """
    if for_whom == "citizen" and not caller.citizen_id:
        raise Problem("wrong-token", variant="citizen", close=True)
    if for_whom == "portal" and caller.citizen_id:
        raise Problem("wrong-token", variant="portal", close=True)
    theirs = of_nominee if caller.by_whom == ByWhom.NOMINEE else not in_person
    if caller.assistance_id and not theirs:
        raise Problem("wrong-token", variant="in_person", close=True)
