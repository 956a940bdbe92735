"""Who we are to the platform: one service account, or a token the operator was given. The token goes into the body.

Logging in is no effect: whatever becomes of it, nothing was filed. A token is renewed before it ends, and once when
the gateway refuses it; one that never worked and is refused is our operator's business.
"""

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aggregator.sdk.adapter import Settings
from aggregator.sdk.clock import Clock
from aggregator.sdk.errors import ContractBroken, Misconfigured
from aggregator.sdk.reading import need
from aggregator.sdk.rest import RestClient
from aggregator.sdk.wire import Reply, Wire

_PATH = "/user/oauth/token"
_MARGIN_S = 60.0
_LIFE_S = 600.0
_TOLD = ("id", "uuid", "userName", "name", "mobileNumber", "emailId", "tenantId", "type", "roles")


@dataclass
class Session:
    """A token and whose it is. `worked` once the gateway let it through."""

    token: str = field(repr=False)
    user: Mapping[str, Any] = field(repr=False)
    ends_at: float
    refresh_token: str = field(default="", repr=False)
    worked: bool = False


class Account:
    """Makes sessions: by login, by refresh token, or the fixed one."""

    def __init__(self, wire: Wire, settings: Settings, clock: Clock) -> None:
        self._clock = clock
        self._tenant = settings.option("tenant")
        self._secrets = settings.secrets
        client = f"{settings.option('client', '')}:{settings.secrets.get('client_secret', '')}"
        basic = "Basic " + base64.b64encode(client.encode()).decode()
        self._api = RestClient(wire, settings.url, headers={"Authorization": basic}, judge=_judge)
        self._user = settings.option("user", "")
        self._session: Session | None = None
        self._lock = asyncio.Lock()

    async def session(self) -> Session:
        """A session that should be good for this call."""
        async with self._lock:
            if self._session is None or self._clock.monotonic() > self._session.ends_at:
                self._session = await self._begun(self._session)
            return self._session

    async def renewed(self, refused: Session) -> Session:
        """The session after the gateway refused `refused`. Raises Misconfigured when that cannot help."""
        async with self._lock:
            if self._session is refused:
                if not refused.worked or self._secrets.get("token"):
                    self._session = None
                    raise Misconfigured("the gateway does not accept our token", "InvalidAccessTokenException")
                self._session = await self._begun(refused)
            return self._session or await self._begun(None)

    async def _begun(self, before: Session | None) -> Session:
        if fixed := self._secrets.get("token"):
            return Session(fixed, self._service_user(), float("inf"))
        if before is not None and before.refresh_token:
            try:
                return await self._asked({"grant_type": "refresh_token", "refresh_token": before.refresh_token})
            except Misconfigured:  # it has ended as well: log in again
                pass
        password = self._secrets.get("password", "")
        return await self._asked({"grant_type": "password", "username": self._user, "password": password})

    async def _asked(self, fields: Mapping[str, str]) -> Session:
        given = {**fields, "scope": "read", "tenantId": self._tenant, "userType": "EMPLOYEE"}
        got = await self._api.post_form(_PATH, given, effect=False)
        if not isinstance(got, Mapping):
            raise ContractBroken("the login's answer is no object")
        life = got.get("expires_in")
        life_s = float(life) if isinstance(life, int) and not isinstance(life, bool) else _LIFE_S
        user = got.get("UserRequest")
        told = {name: user[name] for name in _TOLD if name in user} if isinstance(user, Mapping) else {}
        return Session(
            str(need(got, "access_token")),
            told or self._service_user(),
            self._clock.monotonic() + max(life_s - _MARGIN_S, life_s / 2),
            str(got.get("refresh_token") or ""),
        )

    def _service_user(self) -> dict[str, Any]:
        roles = [{"code": "CSR", "name": "CSR", "tenantId": self._tenant}]
        return {"userName": self._user, "type": "SYSTEM", "tenantId": self._tenant, "roles": roles}


def _judge(reply: Reply, body: Any) -> bool:
    """The login's own no: `{"error", "error_description"}` with 400 or 401."""
    if reply.status in {400, 401} and isinstance(body, Mapping) and "error_description" in body:
        raise Misconfigured("the platform refuses our login: look at user, password and client", str(body.get("error")))
    return False
