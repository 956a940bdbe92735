"""JSON over HTTPS with one error document; its code decides what an answer means, its status only confirms.

The gateway keeps the first answer to a key, errors of its own included: a repeat under the key may bring the same 500
again. That is still a doubt, and the look-up by our own number ends it.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from adapters.gateway.cashfree.vocabulary import CODES
from aggregator.sdk.adapter import Settings
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.model import Order
from aggregator.sdk.rest import RestClient
from aggregator.sdk.wire import Wire

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
        found = CODES.read_or_none(reply)
        return None if found is None else _whole(found)

    async def look(self, path: str, body: Mapping[str, Any]) -> Any:
        """A read that happens to be a POST."""
        reply = await self._api.fetch("POST", path, body=orjson.dumps(body), headers=_JSON, effect=False)
        return _whole(CODES.read(reply, effect=False))

    async def tell(self, path: str, order: Order, body: Mapping[str, Any]) -> Any:
        """The record after a write under our reference as its key."""
        headers = {**_JSON, "x-idempotency-key": order.reference}
        reply = await self._api.fetch("POST", path, body=orjson.dumps(body), headers=headers, effect=True)
        return _whole(CODES.read(reply, effect=True))


_JSON = {"Accept": "application/json", "Content-Type": "application/json"}


def _whole(body: Any) -> Any:
    if not isinstance(body, Mapping | list):
        raise ContractBroken("the answer is no record")
    return body
