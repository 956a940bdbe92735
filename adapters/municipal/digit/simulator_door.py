"""The simulated gateway: logins, tokens in the body, limits, and what it says in its own name."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from aggregator.sdk.testing.pages import JSON
from aggregator.sdk.testing.simulator import Answer, Arrived, World

FIXED_TOKEN = "00000000-0000-4000-8000-00000000sim0"
"""Of a SYSTEM user, who has no limits here."""
CLIENT, PASSWORD = "sim-client:sim-client-secret", "123456"
TOKEN_S = 1800
LOGIN = "/user/oauth/token"
CREATES_PER_MIN, OTPS_PER_MIN = 5, 4


def errors(code: str, message: str = "", status: int = 400) -> dict[str, Any]:
    """A document of the platform that says no."""
    one = {"code": code, "message": message or code, "description": None, "params": None}
    return {"_status": status, "ResponseInfo": None, "Errors": [one]}


def answer(document: Mapping[str, Any], **headers: str) -> Answer:
    body = {key: value for key, value in document.items() if key != "_status"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(json.dumps(body).encode(), JSON, int(document.get("_status", 200)), named)


def missing(path: str) -> Answer:
    return answer(errors("ResourceNotFoundException", f"The resource - {path} not found", 404))


_NOT_FAST = errors("RateLimitExceededException", "Rate limit exceeded", 429)
_OURS = {
    "210": errors("SIM_INTERNAL", "could not be finished", 200),
    "401": errors("CustomException", "InvalidAccessTokenException: token has ended", 400),
    "403": errors("CustomException", "You are not authorized to access this resource", 403),
    "404": errors("ResourceNotFoundException", "The resource - / not found", 404),
    "429": _NOT_FAST,
    "430": _NOT_FAST,
    "500": errors("NullPointerException", "null", 500),
    "501": errors("NullPointerException", "null", 500),
    "502": errors("HttpHostConnectException", "The backend service is unreachable", 502),
}


def page(fault: str) -> Answer | None:
    """The gateway's own document for a fault; None for the shared one."""
    document = _OURS.get(fault)
    if document is None:
        return None
    return answer(document, Retry_After="3") if fault == "429" else answer(document)


class Door:
    """Tokens and limits. What is asked of it is no call of the agency: no row, no fault."""

    def __init__(self, world: World, *, limits: bool) -> None:
        self._world = world
        self._limits = limits

    def login(self, arrived: Arrived) -> Answer | None:
        """The answer to a service account's login; None for any other path, and for a citizen's."""
        if arrived.path != LOGIN or b"userType=CITIZEN" in arrived.body:
            return None
        return self._token(arrived)

    def _token(self, arrived: Arrived) -> Answer:
        asked = {name: values[0] for name, values in parse_qs(arrived.body.decode()).items()}
        expected = "Basic " + base64.b64encode(CLIENT.encode()).decode()
        if arrived.headers.get("authorization") != expected:
            return answer({"_status": 401, "error": "invalid_client", "error_description": "Bad client credentials"})
        if not asked.get("tenantId"):
            return _no("TenantId is mandatory")
        refreshes = self._world.table("refreshes")
        if asked.get("grant_type") == "refresh_token":
            user = refreshes.get(asked.get("refresh_token", ""))
        else:
            user = asked.get("username") if asked.get("password") == PASSWORD else None
        return self._given(str(user), asked) if user else _no("Invalid login credentials")

    def citizen(self, mobile: str) -> dict[str, Any]:
        """What a citizen gets who logged in with a code."""
        return self._session(mobile, {"tenantId": "od", "userType": "CITIZEN"})

    def _given(self, user: str, asked: Mapping[str, str]) -> Answer:
        return answer(self._session(user, asked))

    def _session(self, user: str, asked: Mapping[str, str]) -> dict[str, Any]:
        number = self._world.number("token")
        token, refresh = f"sim-token-{number:06d}", f"sim-refresh-{number:06d}"
        until = (self._world.now() + timedelta(seconds=TOKEN_S)).isoformat()
        self._world.table("tokens")[token] = {"until": until, "user": user}
        self._world.table("refreshes")[refresh] = user
        tenant = asked["tenantId"]
        person = {
            "id": 24226,
            "uuid": f"00000000-0000-4000-8000-{abs(hash_of(user)) % 10**12:012d}",
            "userName": user,
            "name": user,
            "mobileNumber": "9000000000",
            "emailId": None,
            "tenantId": tenant,
            "type": asked.get("userType", "CITIZEN"),
            "roles": [{"code": "CSR", "name": "CSR", "tenantId": tenant}],
        }
        said = {"api_id": "", "ver": "", "ts": "", "status": "Access Token generated successfully"}
        return {
            "access_token": token,
            "token_type": "bearer",
            "refresh_token": refresh,
            "expires_in": TOKEN_S - 1,
            "scope": "read",
            "ResponseInfo": said,
            "UserRequest": person,
        }

    def turned_away(self, info: Mapping[str, Any], operation: str, caller: str) -> Answer | None:
        """Why this request is not let in, if it is not."""
        token = str(info.get("authToken") or "")
        if token == FIXED_TOKEN:
            return None
        known = self._world.table("tokens").get(token)
        if known is None or datetime.fromisoformat(known["until"]) <= self._world.now():
            return answer(errors("InvalidAccessTokenException", "Invalid access token", 401))
        if operation == "send_code" and not self._within("otp " + caller, OTPS_PER_MIN):
            return answer(_NOT_FAST)
        if operation == "submit" and not self._within("create " + str(known["user"]), CREATES_PER_MIN):
            return answer(_NOT_FAST, Retry_After="12")
        return None

    def _within(self, who: str, limit: int) -> bool:
        if not self._limits:
            return True
        now, table = self._world.now(), self._world.table("limits")
        recent = [at for at in table.get(who, []) if now - datetime.fromisoformat(at) < timedelta(minutes=1)]
        if len(recent) >= limit:
            return False
        table[who] = [*recent, now.isoformat()]
        return True


def hash_of(text: str) -> int:
    """A small stable number for a text."""
    return int.from_bytes(text.encode()[:6].ljust(6, b"."))


def _no(why: str) -> Answer:
    return answer({"_status": 400, "error": "invalid_request", "error_description": why})
