"""The platform's own code as proof: it knows a connection's holder by mobile number, and lets in who has that number.

The holder's number comes from the register, never from the citizen. The code it then gets is the platform's ordinary
one-time password for a log-in (`user-otp`), and logging in with it is the only question the platform answers about it.
The token that comes back is somebody's log-in: it is looked at for whose it is, and dropped.
"""

import base64
from collections.abc import Mapping
from typing import Any

from adapters.municipal.digit.bills import consumer_of
from adapters.municipal.digit.gateway import Platform, judged
from aggregator.sdk.adapter import Settings
from aggregator.sdk.errors import AgencyError, ContractBroken, Misconfigured, Refused
from aggregator.sdk.form import masked_mobile, normal
from aggregator.sdk.model import Order, Receipt
from aggregator.sdk.reading import need
from aggregator.sdk.rest import RestClient
from aggregator.sdk.wire import Reply, Wire

CONNECTIONS = "/ws-services/wc/_search"
SEND = "/user-otp/v1/_send"
LOGIN = "/user/oauth/token"
LIFE_S, TRIES = "300", "3"
"""Of a code: not told by the platform. Ours, and not longer than its own defaults."""
_SAID = {
    "invalid login credentials": "code_wrong",  # also for one that was used, or is too old: they do not tell
    "account locked": "code_blocked",
    "please activate your account": "code_blocked",
}


class Codes:
    """Codes to the holders of one tenant's connections."""

    def __init__(self, platform: Platform, wire: Wire, settings: Settings) -> None:
        client = f"{settings.option('client', '')}:{settings.secrets.get('client_secret', '')}"
        basic = "Basic " + base64.b64encode(client.encode()).decode()
        self._platform = platform
        self._login = RestClient(wire, settings.url, headers={"Authorization": basic}, judge=_judge)

    async def send(self, order: Order) -> Receipt:
        """Form `consumer_code`. Raises Refused where nobody is on record who could be sent one."""
        mobile = await self._holder(order)
        wanted = {"mobileNumber": mobile, "tenantId": self._platform.state, "type": "login", "userType": "CITIZEN"}
        reply = await self._platform.tell(order, SEND, {"otp": wanted})
        if reply.get("isSuccessful") is not True:
            raise ContractBroken("the answer does not say that a code was sent")
        return Receipt(mobile, facts={"sent_to": masked_mobile(mobile), "life_s": LIFE_S, "tries": TRIES})

    async def check(self, order: Order) -> Receipt:
        """Form `code`; the sending is the number it went to."""
        mobile = order.agency_reference
        given = {"username": mobile, "password": str(order.form["code"]), "grant_type": "password", "scope": "read"}
        got = await self._login.post_form(LOGIN, given | {"tenantId": self._platform.state, "userType": "CITIZEN"})
        if not isinstance(got, Mapping):
            raise ContractBroken("the log-in's answer is no object")
        need(got, "access_token")
        user = got.get("UserRequest")
        if not isinstance(user, Mapping) or str(need(user, "userName")) != mobile:
            raise ContractBroken("the log-in is somebody else's")
        return Receipt(mobile)

    async def _holder(self, order: Order) -> str:
        """The mobile number the register has of the connection's first holder."""
        number = consumer_of(order)
        query = {"tenantId": self._platform.tenant, "connectionNumber": number}
        rows = await self._platform.rows(order, CONNECTIONS, "WaterConnection", **query)
        if not rows:
            raise Refused("not found", "not_found")
        if str(need(rows[0], "connectionNo")).upper() != number:
            raise ContractBroken("the reply shows another connection")
        holders = rows[0].get("connectionHolders")
        first = holders[0] if isinstance(holders, list) and holders and isinstance(holders[0], Mapping) else {}
        mobile = normal("mobile", str(first.get("mobileNumber") or ""))
        if not mobile.isdecimal():  # none, or a masked one: nobody can be sent a code
            raise Refused("no mobile number", "not_found")
        return mobile


def _judge(reply: Reply, body: Any) -> bool:
    """What the log-in says in its own shape; the gateway before it has its own."""
    if reply.status in {400, 401} and isinstance(body, Mapping) and "error_description" in body:
        raise _refusal(str(body.get("error")), str(body["error_description"]))
    return judged(reply, body, young=False, effect=True)


def _refusal(error: str, said: str) -> AgencyError:
    reason = _SAID.get(" ".join(said.split()).removesuffix(".").casefold())
    if reason:
        return Refused(error, reason)
    if error == "invalid_client":
        return Misconfigured("the platform refuses our client: look at client and client_secret", error)
    return ContractBroken("the log-in refuses with words nobody listed")
