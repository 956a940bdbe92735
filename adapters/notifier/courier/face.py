"""JSON over HTTPS with one error document; what an answer means is decided by its code before its status.

Three calls share everything here: the token, the idempotency key, the message and its echo. A message is told with its
number, reference and state, never with its text.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from adapters.notifier.courier.vocabulary import CODES, STATUS
from aggregator.sdk.adapter import Settings
from aggregator.sdk.auth import Bearer
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.model import Order, Reading, Receipt
from aggregator.sdk.reading import moment, need, read_status, value_of
from aggregator.sdk.rest import RestClient
from aggregator.sdk.wire import Wire

Record = Mapping[str, Any]
_STAMP = "yyyy-MM-dd'T'HH:mm:ssXXX"


class Face:
    """One provider's interface."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self._api = RestClient(wire, settings.url, auth=Bearer(settings.secret("token")))

    async def ask(self, path: str, **query: str) -> Any:
        """The body of a read; None where they have no such message."""
        return CODES.read_or_none(await self._api.fetch("GET", path, query=query))

    async def tell(self, order: Order, body: Mapping[str, Any]) -> Record:
        """The message after it was handed over under our reference as its key."""
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Idempotency-Key": order.reference,
        }
        reply = await self._api.fetch("POST", "/v1/messages", body=orjson.dumps(body), headers=headers, effect=True)
        return message(CODES.read(reply, effect=True))


def message(body: Any) -> Record:
    """A message as the provider shows it. Raises ContractBroken for anything that is not one."""
    if not isinstance(body, Mapping):
        raise ContractBroken("the answer is not a message")
    for name in ("id", "reference"):
        if not isinstance(need(body, name), str):
            raise ContractBroken(f"{name!r} is not text")
    return body


def echoed(row: Record, order: Order) -> Record:
    """The record, if it is the one that was asked for: by our reference, by their number, or by both."""
    if order.reference and row["reference"] != order.reference and not order.agency_reference:
        raise ContractBroken("the message carries another reference")
    if order.agency_reference and row["id"] != order.agency_reference:
        raise ContractBroken("the message is another message's")
    return row


def receipt(row: Record) -> Receipt:
    return Receipt(row["id"], agency_code=status_of(row), reference=row["reference"], at=at_of(row))


def reading(row: Record) -> Reading:
    """Where the message is. A blank state is UNKNOWN, a missing one a broken contract."""
    if "state" not in row:
        raise ContractBroken("the message has no state")
    return read_status(STATUS, status_of(row), at=at_of(row), remark=value_of(row, "reason", ""))


def status_of(row: Record) -> str:
    return str(value_of(row, "state", ""))


def at_of(row: Record) -> Any:
    return moment(value_of(row, "updated_at"), _STAMP)
