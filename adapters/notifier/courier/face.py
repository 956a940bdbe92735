"""JSON over HTTPS with one error document; what an answer means is decided by its code before its status.

Three calls share everything here: the token, the idempotency key, the message and its echo. A message is told with its
number, reference and state, never with its text.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from adapters.notifier.courier.vocabulary import CREDENTIALS, OUR_FAULT, REASONS, SHED, STATUS, TROUBLE
from aggregator.sdk.adapter import Settings
from aggregator.sdk.auth import Bearer
from aggregator.sdk.dialect import retry_after_s, shown, trouble
from aggregator.sdk.errors import AgencyError, ContractBroken, Misconfigured, Refused, Unavailable
from aggregator.sdk.model import Order, Reading, Receipt
from aggregator.sdk.reading import moment, need, read_status, value_of
from aggregator.sdk.rest import RestClient, read_json
from aggregator.sdk.wire import Reply, Wire

Record = Mapping[str, Any]
_STAMP = "yyyy-MM-dd'T'HH:mm:ssXXX"


class Face:
    """One provider's interface."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self._api = RestClient(wire, settings.url, auth=Bearer(settings.secret("token")))

    async def ask(self, path: str, **query: str) -> Any:
        """The body of a read; None where they have no such message."""
        reply = await self._api.fetch("GET", path, query=query)
        try:
            body = read_json(reply, effect=False, judge=_judge(effect=False))
        except Refused as refused:
            if refused.reason == "not_found":
                return None
            raise
        if body is None:
            raise ContractBroken("the answer is null")
        return body

    async def tell(self, order: Order, body: Mapping[str, Any]) -> Record:
        """The message after it was handed over under our reference as its key."""
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Idempotency-Key": order.reference,
        }
        reply = await self._api.fetch("POST", "/v1/messages", body=orjson.dumps(body), headers=headers, effect=True)
        return message(read_json(reply, effect=True, judge=_judge(effect=True)))


def _judge(*, effect: bool) -> Any:
    def judge(reply: Reply, body: Any) -> bool:
        told = body.get("error") if isinstance(body, Mapping) else None
        if isinstance(told, Mapping) and value_of(told, "code"):
            raise _meaning(reply, told, effect=effect)
        if 200 <= reply.status < 300 and isinstance(body, Mapping) and ("error" in body or "exception" in body):
            raise trouble("another error object instead of an answer", effect=effect)
        return False

    return judge


def _meaning(reply: Reply, told: Mapping[str, Any], *, effect: bool) -> AgencyError:
    """The one table of codes; whatever it does not name is a broken contract, and never a no."""
    code, wait_s = str(need(told, "code")), retry_after_s(reply)
    if code in REASONS:
        return Refused(code, REASONS[code])
    if code in SHED and reply.status == 429:
        return Unavailable("the provider sheds load", wait_s, throttled=True)
    if code in CREDENTIALS and reply.status in {401, 403}:
        return Misconfigured(f"status {reply.status}: look at the token", code)
    if code in OUR_FAULT:
        return Misconfigured(f"the provider says {code}: look at the registry", code)
    if code in TROUBLE:
        return trouble(f"the provider says {code}", effect=effect, retry_after_s=wait_s)
    return ContractBroken(f"the provider answers with the unlisted code {shown(code)}")


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
