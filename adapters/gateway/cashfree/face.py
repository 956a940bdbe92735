"""JSON over HTTPS with one error document; its code decides what an answer means, its status only confirms.

The gateway keeps the first answer to a key, errors of its own included: a repeat under the key may bring the same 500
again. That is still a doubt, and the look-up by our own number ends it.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from adapters.gateway.cashfree.vocabulary import CREDENTIALS, OUR_FAULT, REASONS, TROUBLE
from aggregator.sdk.adapter import Settings
from aggregator.sdk.dialect import retry_after_s, shown, trouble
from aggregator.sdk.errors import AgencyError, ContractBroken, Misconfigured, Refused, Unavailable
from aggregator.sdk.model import Order
from aggregator.sdk.reading import need, value_of
from aggregator.sdk.rest import RestClient, read_json
from aggregator.sdk.wire import Reply, Wire

VERSION = "2023-08-01"


class _Keys:
    """The merchant's two headers, and the version every answer is read in."""

    def __init__(self, settings: Settings) -> None:
        self._told = {
            "x-api-version": VERSION,
            "x-client-id": str(settings.option("client_id")),
            "x-client-secret": settings.secret("client_secret"),
        }

    def headers(self, method: str, url: str, body: bytes) -> Mapping[str, str]:  # noqa: ARG002 - as the port has it
        return self._told


class Face:
    """One merchant account."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self._api = RestClient(wire, settings.url, auth=_Keys(settings))

    async def ask(self, path: str) -> Any:
        """The body of a read; None where they have no such record."""
        reply = await self._api.fetch("GET", path)
        try:
            return _whole(read_json(reply, effect=False, judge=_judge(effect=False)))
        except Refused as refused:
            if refused.reason == "not_found":
                return None
            raise

    async def look(self, path: str, body: Mapping[str, Any]) -> Any:
        """A read that happens to be a POST."""
        reply = await self._api.fetch("POST", path, body=orjson.dumps(body), headers=_JSON, effect=False)
        return _whole(read_json(reply, effect=False, judge=_judge(effect=False)))

    async def tell(self, path: str, order: Order, body: Mapping[str, Any]) -> Any:
        """The record after a write under our reference as its key."""
        headers = {**_JSON, "x-idempotency-key": order.reference}
        reply = await self._api.fetch("POST", path, body=orjson.dumps(body), headers=headers, effect=True)
        return _whole(read_json(reply, effect=True, judge=_judge(effect=True)))


_JSON = {"Accept": "application/json", "Content-Type": "application/json"}


def _whole(body: Any) -> Any:
    if not isinstance(body, Mapping | list):
        raise ContractBroken("the answer is no record")
    return body


def _judge(*, effect: bool) -> Any:
    def judge(reply: Reply, body: Any) -> bool:
        if isinstance(body, Mapping) and value_of(body, "code") and value_of(body, "type"):
            raise _meaning(reply, body, effect=effect)
        if 200 <= reply.status < 300 and isinstance(body, Mapping) and ("error" in body or "exception" in body):
            raise trouble("another error object instead of an answer", effect=effect)
        return False

    return judge


def _meaning(reply: Reply, told: Mapping[str, Any], *, effect: bool) -> AgencyError:
    """The one table of codes; whatever it does not name is a broken contract, and never a no."""
    code, status = str(need(told, "code")), reply.status
    if code in REASONS and 400 <= status < 500:
        return Refused(code, REASONS[code])
    if code == "rate_limited" and status == 429:
        return Unavailable("the gateway sheds load", retry_after_s(reply), throttled=True)
    if (code in CREDENTIALS and status in {401, 403}) or code in OUR_FAULT:
        return Misconfigured(f"{code}: look at client_id, client_secret and the driver's version", code)
    if code in TROUBLE:
        return trouble(f"the gateway says {code}", effect=effect, retry_after_s=retry_after_s(reply))
    return ContractBroken(f"the gateway answers with the unlisted code {shown(code)}")
