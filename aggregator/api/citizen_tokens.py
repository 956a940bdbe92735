"""A citizen's access token: ten minutes, for one portal, under the name that portal knows the citizen by.

`act` names the portal that acts (RFC 8693), `sid` the session, so that a log-out ends it within five seconds. The
internal id is in no token: it is looked up from the session when the token is checked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aggregator.api.auth import CITIZEN_USE, TOKEN_LIFE_S, Names
from aggregator.citizens.rights import CITIZEN_SCOPES
from aggregator.sdk.auth import Signer
from aggregator.sdk.clock import Chance, Clock, new_id


@dataclass(frozen=True, slots=True)
class Bearing:
    """Through whom a citizen acts: the portal, the key it used, the rights it has."""

    portal_id: str
    key_id: str
    scopes: frozenset[str]
    confirmation: dict[str, str] | None = None
    """`cnf` of a portal whose tokens are bound to a key or certificate."""


class CitizenTokens:
    """Signs them."""

    def __init__(self, *, signer: Signer, clock: Clock, chance: Chance, names: Names) -> None:
        self._signer = signer
        self._clock = clock
        self._chance = chance
        self._names = names

    def issue(  # noqa: PLR0913 - through whom, for whom, in which session, with which rights
        self,
        by: Bearing,
        session_id: str,
        citizen_name: str,
        wanted: Iterable[str] = (),
        *,
        assistant: str = "",
        life_s: int = TOKEN_LIFE_S,
    ) -> tuple[str, str]:
        """The token and its scope; `wanted` narrows what the portal has. `citizen_name` is the pairwise id.

        `assistant` is the pseudonym of who acts for the citizen at the portal.
        """
        granted = by.scopes & CITIZEN_SCOPES
        scope = " ".join(sorted(granted & set(wanted) if wanted else granted))
        acting = {"sub": by.portal_id}
        now = int(self._clock.now().timestamp())
        claims: dict[str, Any] = {
            "iss": self._names.issuer, "aud": self._names.audience, "sub": citizen_name, "client_id": by.portal_id,
            "act": {"sub": assistant, "act": acting} if assistant else acting, "sid": session_id, "iat": now,
            "exp": now + life_s, "jti": new_id("tok", self._clock, self._chance), "scope": scope, "key": by.key_id,
            "use": CITIZEN_USE,
        }  # fmt: skip
        if by.confirmation:
            claims["cnf"] = by.confirmation
        return self._signer.sign(claims), scope
