"""The Ack: "received", and nothing more. Ours to read after a request, ours to write after a callback.

It is not signed, so it can only say that something did not work; what worked is said by a signed callback.
Source: the electricity protocol, section 1.1.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from adapters.electricity.bbps.identity import Ids, stamp
from adapters.electricity.bbps.messages import NAMESPACE, root
from aggregator.sdk.callback import Ack
from aggregator.sdk.dialect import (
    decode,
    http_charset,
    is_html,
    judge_redirect,
    judge_status,
    media_type,
    refuse_html,
    trouble,
)
from aggregator.sdk.errors import AgencyError, ContractBroken, Misconfigured
from aggregator.sdk.rest import parse_json
from aggregator.sdk.wire import Reply
from aggregator.sdk.xml import Element, element, local, parse, refuse_label, text, to_bytes

MEDIA_TYPE = "application/xml; charset=utf-8"
# One public operating unit labels its XML as JSON, another writes JSON.
_LABELS = frozenset({"", "application/xml", "text/xml", "application/json"})
_ROOT = f"{{{NAMESPACE}}}Ack"
_BAD_SIGNATURE, _BAD_XML, _INTERNAL = "G27", "G28", "G29"
_OURS = re.compile(r"[A-Z0-9]{1,35}")


def read_ack(reply: Reply, ids: Ids, *, effect: bool) -> None:
    """Returns when the central unit has received it. Raises what the Ack, or whatever came instead, means."""
    judge_redirect(reply)
    if 200 <= reply.status < 300:
        refuse_html(reply)
        refuse_label(reply, _LABELS)
        facts, errors = _facts(reply, effect=effect)
    else:
        # Its own Ack is heard whatever the status; anything else with an error status is somebody else's.
        facts, errors = _attempt(reply)
    if errors:
        raise _error(errors[0], effect=effect)
    judge_status(reply, effect=effect)
    _judge(facts, ids, effect=effect)


def _facts(reply: Reply, *, effect: bool) -> tuple[Mapping[str, Any], list[str]]:
    if _is_json(reply):
        told = parse_json(reply.body, charset=http_charset(reply))
        if not isinstance(told, Mapping) or "refId" not in told:
            raise ContractBroken("the reply is no Ack")
        return told, _json_errors(told)
    found = parse(reply.body, charset=http_charset(reply))
    if any(local(one) == "Fault" for one in found.iter()):
        raise trouble("the framework's error document instead of an Ack", effect=effect)
    if found.tag != _ROOT:
        raise ContractBroken("the reply is no Ack")
    return _ack(found)


def _ack(found: Element) -> tuple[Mapping[str, Any], list[str]]:
    errors = [text(one, "errorCd") for one in found.iterfind("errorMessages")]
    return {str(name): str(value) for name, value in found.attrib.items()}, errors


def _is_json(reply: Reply) -> bool:
    return "json" in media_type(reply) and decode(reply.body, charset=http_charset(reply)).startswith("{")


def _json_errors(told: Mapping[str, Any]) -> list[str]:
    rows = told.get("errorMessages") or []
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise ContractBroken("the Ack's errors are no list")
    return [str(row.get("errorCd", "")) for row in rows]


def _attempt(reply: Reply) -> tuple[Mapping[str, Any], list[str]]:
    try:
        found = parse(reply.body, charset=http_charset(reply)) if reply.body and not is_html(reply) else None
    except ContractBroken:
        return {}, []
    return _ack(found) if found is not None and found.tag == _ROOT else ({}, [])


def _error(code: str, *, effect: bool) -> AgencyError:
    if code == _BAD_SIGNATURE:
        return Misconfigured("the central unit cannot verify our signature: look at signing_key", code)
    if code == _BAD_XML:
        return Misconfigured("the central unit cannot read our request", code) if effect else ContractBroken(code)
    if code.startswith("G"):
        return trouble("the central unit's gateway is in trouble", effect=effect)
    return ContractBroken("the Ack has an error code nobody listed")


def _judge(facts: Mapping[str, Any], ids: Ids, *, effect: bool) -> None:
    # `api` is never looked at: servers put other names there, one of them the whole document.
    if facts.get("refId") != ids.ref_id or facts.get("msgId") not in {None, "", ids.msg_id}:
        raise ContractBroken("the Ack is of another message")
    word = str(facts.get("RspCd", "")).casefold()
    if word == "failure":
        raise trouble("the central unit did not take it and does not say why", effect=effect)
    if word != "successful":
        raise ContractBroken("the Ack says neither yes nor no")


def acknowledged(api: str, ref_id: str, msg_id: str, at: datetime) -> Ack:
    """Our yes to a callback."""
    told = {"api": api, "refId": ref_id, "msgId": msg_id, "RspCd": "Successful", "ts": stamp(at)}
    return _written({name: value for name, value in told.items() if value})


def turned_away(path: str, at: datetime, code: str = _BAD_SIGNATURE, words: str = "SIGNATURE-MISMATCH") -> Ack:
    """Our no to what cannot be verified. Nothing of it is repeated but the reference in its own path."""
    ref_id = path.rpartition(":")[2]
    told = {
        "api": "CALLBACK",
        "refId": ref_id if _OURS.fullmatch(ref_id) else "NA",
        "RspCd": "Failure",
        "ts": stamp(at),
    }
    error = element("errorMessages", element("errorCd", text=code), element("errorDtl", text=words))
    return _written(told, error)


def _written(told: Mapping[str, str], *children: Element) -> Ack:
    return Ack(to_bytes(root("Ack", *children, **told), declaration=False), MEDIA_TYPE)
