"""The gateway's door and envelope: a word of success says nothing, and a token is asked for once for everybody.

Whoever finds no token, or finds it refused, logs in; who comes meanwhile waits for that one login and shares its end,
a failure too: a wrong password must not be tried once per waiting citizen.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.sdk.adapter import Settings
from aggregator.sdk.dialect import shown, trouble
from aggregator.sdk.errors import AgencyError, ContractBroken, Misconfigured, Unavailable
from aggregator.sdk.reading import need, need_rows, value_of
from aggregator.sdk.rest import RestClient, read_json
from aggregator.sdk.wire import Reply, Wire

_JSON = {"Accept": "application/json", "Content-Type": "application/json"}
_REFUSED_TOKEN = frozenset({401, 403})
_SOURCE = re.compile(r"\b(?:VAHAN|SARATHI)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Item:
    """The one part of an envelope that counts. `record` is None where the registers gave none."""

    record: Any
    code: str
    text: str

    def error(self) -> AgencyError:
        """What it means that there is no record, once the register's own "not found" is excluded."""
        if _SOURCE.search(self.text):
            return Unavailable("the register behind the gateway does not answer")
        return ContractBroken(f"no record, and the unlisted code {shown(self.code)}")


class Gateway:
    """Datasets by name, `VAHAN/04`."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self._api = RestClient(wire, settings.url.rstrip("/") + "/ulip/v1.0.0")
        self._credentials = {"username": settings.secret("username"), "password": settings.secret("password")}
        self._door = asyncio.Lock()
        self._token = ""
        self._logins = 0
        self._trouble: AgencyError | None = None

    async def ask(self, dataset: str, question: Mapping[str, str]) -> Item:
        """The answer to one question. Raises Misconfigured when a token just given is refused too."""
        token = await self._current("")
        reply = await self._post(dataset, question, token)
        if reply.status in _REFUSED_TOKEN:
            reply = await self._post(dataset, question, await self._current(token))
        return _item(read_json(reply, effect=False, judge=_judge))

    async def _current(self, refused: str) -> str:
        """A token that is not the `refused` one."""
        if self._token in {"", refused}:
            seen = self._logins
            async with self._door:
                if self._logins == seen:
                    await self._log_in()
                elif self._trouble is not None:
                    raise self._trouble
        return self._token

    async def _log_in(self) -> None:
        """A login that is cut off counts for nobody: the next in line makes it."""
        self._token, self._trouble = "", None
        try:
            reply = await self._post("user/login", self._credentials, "")
            told = need(read_json(reply, effect=False, judge=_judge), "response")
            self._token = str(need(told, "id")) if isinstance(told, Mapping) else ""
            if not self._token:
                raise ContractBroken("the login gives no token")
        except AgencyError as exc:
            self._trouble = exc
            raise
        finally:
            self._logins += bool(self._token or self._trouble)

    async def _post(self, path: str, body: Mapping[str, str], token: str) -> Reply:
        headers = {**_JSON, "Authorization": f"Bearer {token}"} if token else _JSON
        return await self._api.fetch("POST", f"/{path}", body=json.dumps(body).encode(), headers=headers)


def _judge(reply: Reply, body: Any) -> bool:
    """True for the envelope. Raises for what is no envelope, and for the gateway's "address not listed"."""
    envelope = body if isinstance(body, Mapping) else {}
    if str(envelope.get("code", "")).startswith("412"):
        raise Misconfigured("the gateway turns us away: look at the address list and username", "412")
    if not 200 <= reply.status < 300:
        return False
    if "response" in envelope:
        return True
    if "error" in envelope or "message" in envelope:
        raise trouble("the framework's error object instead of the envelope", effect=False)
    raise ContractBroken("the reply is not the envelope")


def _item(envelope: Any) -> Item:
    rows = need_rows(envelope, "response")
    if len(rows) != 1 or not isinstance(rows[0], Mapping):
        raise ContractBroken("the envelope does not hold one response")
    message = value_of(rows[0], "message", {})
    said = message if isinstance(message, Mapping) else {"text": message}
    return Item(value_of(rows[0], "response") or None, str(value_of(said, "code", "")), str(value_of(said, "text", "")))
