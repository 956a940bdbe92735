"""Every call is a POST with RequestInfo, filters in the query, and an answer that may be anybody's: told apart here.

The query holds mobile numbers, so its URLs are nobody's to read. An answer counts when the wanted record is in it;
`Errors`, the user service's older `error`, and what the gateway says in its own name are judged by one table.
Source: docs of the driver (README), sections on transport and gateway.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from adapters.municipal.digit.session import Account, Session
from adapters.municipal.digit.vocabulary import (
    AUTH_DOWN,
    FIELDS,
    NOT_YET,
    OUR_MISTAKES,
    REASONS,
    THROTTLED,
    TOKEN,
    TROUBLES,
)
from aggregator.sdk.adapter import Settings
from aggregator.sdk.clock import Clock, epoch_ms
from aggregator.sdk.dialect import retry_after_s, shown, trouble
from aggregator.sdk.errors import AgencyError, ContractBroken, Misconfigured, Refused, Unavailable
from aggregator.sdk.model import Order
from aggregator.sdk.reading import clean, need_rows
from aggregator.sdk.rest import RestClient
from aggregator.sdk.wire import Reply, Wire

_QUEUE_S = 5.0
"""When to come back to a record that waits in their queue."""


class TokenRefused(Misconfigured):
    """The gateway did not let the token through: nothing was acted on."""


class Platform:
    """One tenant of the platform, behind its gateway."""

    def __init__(self, wire: Wire, settings: Settings, clock: Clock) -> None:
        self.clock = clock
        self.tenant: str = settings.option("tenant")
        self._account = Account(wire, settings, clock)
        self._api = RestClient(wire, settings.url, sensitive_urls=True)

    @property
    def state(self) -> str:
        """The state level tenant, to which citizens belong."""
        return self.tenant.partition(".")[0]

    async def ask(
        self, order: Order, path: str, body: Mapping[str, Any] | None = None, **query: Any
    ) -> Mapping[str, Any]:
        """A read. A refused token is renewed once and the question asked again."""
        session = await self._account.session()
        try:
            return await self._send(session, order, path, body or {}, query, effect=False)
        except TokenRefused:
            session = await self._account.renewed(session)
            return await self._send(session, order, path, body or {}, query, effect=False)

    async def rows(self, order: Order, path: str, name: str, **query: Any) -> list[Mapping[str, Any]]:
        """The records of a read under `name`, which must be there: an empty list is how they say "none"."""
        found = need_rows(await self.ask(order, path, **query), name)
        if not all(isinstance(row, Mapping) for row in found):
            raise ContractBroken(f"the list {name!r} holds no records")
        return found

    async def tell(
        self, order: Order, path: str, body: Mapping[str, Any], *, young: bool = False, **query: Any
    ) -> Mapping[str, Any]:
        """A write, sent once. `young`: its record may still wait in their queue.

        Raises Unavailable after renewing a refused token: the next attempt carries the new one.
        """
        session = await self._account.session()
        try:
            return await self._send(session, order, path, body, query, effect=True, young=young)
        except TokenRefused as exc:
            await self._account.renewed(session)
            raise Unavailable("the token had ended and was renewed; nothing was acted on", 0.0) from exc

    async def _send(  # noqa: PLR0913 - a request has this many parts
        self,
        session: Session,
        order: Order,
        path: str,
        body: Mapping[str, Any],
        query: Mapping[str, Any],
        *,
        effect: bool,
        young: bool = False,
    ) -> Mapping[str, Any]:
        given = {key: value for key, value in query.items() if value is not None}
        url = f"{path}?{urlencode(given)}" if given else path
        envelope = {"RequestInfo": self._info(session, order), **body}
        judge = partial(judged, young=young, effect=effect)
        try:
            reply = await self._api.post(url, envelope, effect=effect, judge=judge)
        except Refused:
            session.worked = True  # the gateway let it through, or nobody could have said no
            raise
        if not isinstance(reply, Mapping):
            raise ContractBroken("the reply is no object")
        session.worked = True
        return reply

    def _info(self, session: Session, order: Order) -> dict[str, Any]:
        """The documents disagree on what is required, so all of it is sent. The same order has the same stamp."""
        stamp = epoch_ms(order.at or self.clock.now())
        return {
            "apiId": "Rainmaker",
            "ver": ".01",
            "ts": stamp,
            "action": "",
            "did": "",
            "key": "",
            "msgId": f"{stamp}|en_IN",
            "authToken": session.token,
            "userInfo": session.user,
            "correlationId": order.reference,
            "plainAccessRequest": {},
        }


def judged(reply: Reply, body: Any, *, young: bool, effect: bool) -> bool:
    """Raises what the platform or its gateway says in its own shape; False leaves the rest to the status line."""
    if not isinstance(body, Mapping):
        return False
    complaints = _complaints(body)
    good = 200 <= reply.status < 300
    if not complaints:
        if good and (isinstance(body.get("error"), str) or _failed(body)):
            raise trouble("an error object in a good answer", effect=effect)
        return False
    if error := _by_gateway(reply, complaints):
        raise error
    if reply.status >= 500:
        return False
    raise _by_code(complaints, _named(body), good=good, young=young, effect=effect)


def _complaints(body: Mapping[str, Any]) -> dict[str, str]:
    """Code -> what is said about it, of all errors, in the newer shape or the user service's older one."""
    listed = body.get("Errors") or body.get("errors")
    older = body.get("error")
    if isinstance(older, Mapping):
        fields = older.get("fields")
        listed = fields if isinstance(fields, list) and fields else [older]
    if not isinstance(listed, list):
        return {}
    found = [one for one in listed if isinstance(one, Mapping)]
    return {str(one.get("code")): f"{one.get('message') or ''} {one.get('description') or ''}" for one in found}


def _named(body: Mapping[str, Any]) -> str:
    """The record in the way, which the first error names in its `params`; empty if none does."""
    listed = body.get("Errors")
    first = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], Mapping) else {}
    params = first.get("params")
    return str(params[0]) if isinstance(params, list) and params else ""


def _failed(body: Mapping[str, Any]) -> bool:
    info = body.get("ResponseInfo") or body.get("responseInfo")
    return isinstance(info, Mapping) and str(info.get("status")).casefold() == "failed"


def _by_gateway(reply: Reply, complaints: Mapping[str, str]) -> AgencyError | None:
    said = " ".join([*complaints, *complaints.values()])
    if reply.status in {400, 401} and TOKEN in said:
        return TokenRefused("the gateway does not accept our token", TOKEN)
    if THROTTLED in complaints:
        return Unavailable("the gateway limits how fast we call", retry_after_s(reply), throttled=True)
    if reply.status == 500 and AUTH_DOWN in said:
        return Unavailable("the gateway could not ask who we are; nothing was acted on", retry_after_s(reply))
    if reply.status in {401, 403}:
        return Misconfigured(f"status {reply.status}: look at the roles of the service account", str(reply.status))
    mistake = next((code for code in complaints if code in OUR_MISTAKES), "")
    return Misconfigured(f"the platform rejects our request: {mistake}", mistake) if mistake else None


def _by_code(complaints: Mapping[str, str], named: str, *, good: bool, young: bool, effect: bool) -> AgencyError:
    codes = list(complaints)
    if any(code in TROUBLES for code in codes):
        return trouble("the platform could not finish", effect=effect)
    if young and codes == [NOT_YET]:
        return Unavailable("the record still waits in their queue", _QUEUE_S)
    listed = [code for code in codes if code in REASONS]
    if listed:
        fields = {FIELDS[code]: clean(complaints[code]) for code in listed if code in FIELDS}
        return Refused(", ".join(codes), REASONS[listed[0]], named, fields)
    if good:
        return trouble("an error object in a good answer", effect=effect)
    return ContractBroken(f"the platform refuses with the unlisted code {shown(codes[0])}")
