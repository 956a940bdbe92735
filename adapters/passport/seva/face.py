"""The envelope of the public status page: always HTTP 200, and "success" says nothing alone.

An answer counts when the wanted field is in it and the echo is ours; a miss, a refusal and a broken contract are
told apart here, so that the operations only build, call and read. Source: docs of the driver (README), sections 1, 2.
"""

import re
from collections.abc import Mapping
from typing import Any

from adapters.passport.seva.vocabulary import EXISTING, FIELDS, MISS, NO_RECORD, REASONS
from aggregator.sdk.adapter import Settings
from aggregator.sdk.dialect import code_error, trouble
from aggregator.sdk.errors import ContractBroken, Refused
from aggregator.sdk.reading import clean, need, value_of
from aggregator.sdk.rest import RestClient
from aggregator.sdk.wire import Reply, Wire

_JSON = {"Content-Type": "application/json; charset=utf-8"}
_ONLINE = "/v1/online/"
_ECHOED = ("clientRef", "arn", "applDob", "fileNo", "refNo", "appointmentId")
_RENEWED = {"rescheduleAppointment": "appointmentId"}
"""A field of the request that comes back with a new value."""
_NAMING = frozenset({"PSP-105", "PSP-107"})
"""Refusals that name the record in the way."""


class Face:
    """The portal's JSON face, home or abroad."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self._api = RestClient(wire, settings.url, headers=_headers(settings), judge=_judge)

    async def ask(self, verb: str, request: Mapping[str, Any], wanted: str) -> Mapping[str, Any] | None:
        """The result map of a read; None where they have no such record or the birth date is not its own."""
        result = await self._post(verb, request, effect=False)
        if not value_of(result, wanted) and _missed(result):
            return None
        if wanted not in result:
            raise ContractBroken(f"the reply has no {wanted!r}")
        return result

    async def tell(self, verb: str, request: Mapping[str, Any], wanted: str) -> Mapping[str, Any]:
        """The result map of a write, with `wanted` in it."""
        result = await self._post(verb, request, effect=True)
        if not value_of(result, wanted) and _missed(result):
            raise Refused(NO_RECORD, "not_found")
        need(result, wanted)
        return result

    async def _post(self, verb: str, request: Mapping[str, Any], *, effect: bool) -> Mapping[str, Any]:
        """`verb` as a name under the home portal's path, or a path of its own. What is echoed must be ours."""
        path = verb if verb.startswith("/") else _ONLINE + verb
        reply = await self._api.post(path, {"requestResponseMap": request}, effect=effect, headers=_JSON)
        result: Mapping[str, Any] = reply["requestResponseMap"]
        for name in _ECHOED:
            asked = request.get(name)
            if asked is not None and name != _RENEWED.get(verb) and result.get(name, asked) != asked:
                raise ContractBroken(f"the reply echoes another {name}")
        return result


def _headers(settings: Settings) -> dict[str, str]:
    origin = settings.option("origin", settings.url)
    headers = {"Origin": origin, "Referer": origin + "/"}
    if settings.option("auth", "none") == "gateway":
        headers["X-APISETU-APIKEY"] = settings.secret("api_key")
        headers["X-APISETU-CLIENTID"] = settings.secret("client_id")
    return headers


def _judge(reply: Reply, body: Any) -> bool:
    """True for the envelope with a result, whatever it says; raises what the envelope refuses."""
    envelope = body if isinstance(body, Mapping) else {}
    word = envelope.get("strReturnString")
    if word is None:
        return _judge_stranger(reply, envelope)
    result = envelope.get("requestResponseMap")
    if word == "success" and isinstance(result, Mapping):
        return True
    if word != "error":
        raise ContractBroken("the envelope is neither a success with a result nor an error")
    if complaints := envelope.get("fieldErrors"):
        raise Refused("fieldErrors", "fields_invalid", fields=_complaints(complaints))
    actions = envelope.get("actionErrors") or [""]
    code = str(actions[0]).partition(":")[0].strip()
    named = (value_of(result, name) for name in EXISTING) if isinstance(result, Mapping) and code in _NAMING else ()
    raise code_error(code, REASONS, reference=str(next(filter(None, named), "")))


def _judge_stranger(reply: Reply, body: Mapping[str, Any]) -> bool:
    """A body without the envelope: the framework's error object in a 200, the gateway's with its own status."""
    if not 200 <= reply.status < 300:
        return False
    if "error" in body or "message" in body:
        raise trouble("the framework's error object instead of the envelope")
    raise ContractBroken("the reply is not the envelope")


def _complaints(fields: Any) -> dict[str, str]:
    if not isinstance(fields, Mapping):
        raise ContractBroken("fieldErrors is no object")
    return {
        FIELDS.get(str(name), str(name)): clean(texts[0] if isinstance(texts, list) and texts else texts)
        for name, texts in fields.items()
    }


def _missed(result: Mapping[str, Any]) -> bool:
    args = result.get("msgArg")
    said = [result.get("statusMessage"), *(args if isinstance(args, list) else [])]
    return any(re.search(MISS, str(text), re.IGNORECASE) for text in said if text)
