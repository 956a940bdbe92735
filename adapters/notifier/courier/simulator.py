"""A message provider, simulated: `python -m adapters.notifier.courier.simulator --data DIR`.

Token `sim-courier-token`. A message goes from ACCEPTED over SENT to DELIVERED by the simulator's clock. What was sent
can be read at `GET /inbox?to=` with the same token: the sandbox's telephone. It is in memory only, and at most 200.
"""

import argparse
import hashlib
import json
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote

from aggregator.sdk.testing.pages import clothed, words_for
from aggregator.sdk.testing.serve import parser, run
from aggregator.sdk.testing.simulator import Answer, Arrived, Bounds, Call, Dialect, Done, World, magic

TOKEN = "sim-courier-token"
KEPT = 200
_KIND = "application/json; charset=utf-8"
_PATH = re.compile(r"/v1/messages(?:/(?P<id>[^/]+))?")
_MAGIC_NUMBER = re.compile(r"SIM-\d{4}")
_STATES = ((timedelta(seconds=1), "ACCEPTED"), (timedelta(seconds=3), "SENT"))
_FORCED = {"109": "QUEUED", "800": "", "801": "PARKED", "804": "पहुँचा"}
_BACKWARDS = ("SENT", "SENT", "QUEUED")


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: HTTP status and JSON body."""

    status: int
    body: Mapping[str, Any]


def no(status: int, code: str, message: str) -> Said:
    """The one error document."""
    return Said(status, {"error": {"code": code, "message": message}})


_REFUSALS = {
    "101": no(404, "not_found", "No such message"),
    "102": no(422, "recipient_blocked", "The recipient does not want messages"),
    "103": no(422, "sim_unlisted", "A code nobody listed"),
    "106": no(422, "recipient_blocked", "The number is closed"),
}


class Courier(Dialect):
    """Three calls and the telephone. A document is `Said`."""

    driver = "courier"
    not_applicable: Mapping[str, frozenset[str]] = {
        "*": frozenset({"104", "105", "107", "108", "401", "701", "803", "805", "813"})
        | {str(code) for code in range(900, 910)},
        "find": frozenset({"800", "801", "802", "804", "814"}),
        "send": frozenset({"109"}),
    }

    def __init__(self, world: World, token: str = TOKEN) -> None:
        super().__init__(world)
        self._token = token
        self._messages, self._keys = world.table("messages"), world.table("keys")
        self._polls = world.table("polls")
        self._inbox: deque[Mapping[str, str]] = deque(maxlen=KEPT)

    def bounds(self, operation: str) -> Bounds:  # noqa: ARG002 - the hook's shape
        return Bounds(60, 5)

    def advance(self, ref: str, to: str) -> bool:
        """POST /advance, for a number or our reference."""
        number = str(self._keys[ref]["id"]) if ref in self._keys else ref
        if number not in self._messages:
            return False
        self._messages[number] = {**self._messages[number], "forced": to}
        return True

    def read(self, arrived: Arrived) -> Call | Answer:
        if arrived.headers.get("authorization") != f"Bearer {self._token}":
            return _answer(no(401, "unauthorized", "The token is not valid"))
        query = {name: values[0] for name, values in parse_qs(arrived.query).items()}
        if arrived.path == "/inbox" and arrived.method == "GET":
            return _answer(Said(200, {"messages": self._received(query.get("to", ""))}))
        found = _PATH.fullmatch(arrived.path)
        if found is None or (arrived.method == "POST" and found["id"]):
            return _answer(no(404, "not_found", "No such path"))
        if arrived.method == "POST":
            return _handed_over(arrived)
        if found["id"]:
            number = unquote(found["id"])
            return Call("track", write=False, magic=magic(r"SIM-(\d{4})", number), counted_by=number, args=(number,))
        reference = query.get("reference", "")
        return Call("find", write=False, counted_by=reference, args=(reference,))

    def act(self, call: Call, fault: str) -> Done:
        if call.operation == "send":
            key, digest, body = call.args
            return self._send(key, digest, body, fault)
        if call.operation == "find":
            return Done(self._find(call.args[0]))
        return Done(self._track(call.args[0], fault))

    def _send(self, key: str, digest: str, body: Mapping[str, str], fault: str) -> Done:
        known = self._keys.get(key)
        if known is not None and fault != "810":
            if known["digest"] != digest:
                return Done(no(409, "key_reused", "This key came with another message"))
            return Done(Said(200, self._shown(known["id"])), agency_ref=known["id"])
        if not re.fullmatch(r"\+[1-9]\d{6,14}|[^@\s]+@[^@\s]+", body.get("to", "")) or not body.get("text"):
            return Done(no(422, "recipient_invalid", "to must be a number in E.164 or an e-mail address"))
        number = f"MSG-{self.world.number('message'):07d}"
        self._messages[number] = {"reference": key, "at": self.world.now().isoformat(), "forced": ""}
        self._keys[key] = {"digest": digest, "id": number}
        shown = {name: body.get(name, "") for name in ("to", "channel", "subject", "text")}
        self._inbox.append({"id": number, "at": self.world.now().isoformat(), **shown})
        return Done(Said(202, self._shown(number)), acted=True, agency_ref=number)

    def _find(self, reference: str) -> Said:
        if not self.world.findable(reference):
            return Said(200, {"messages": []})
        numbers = [number for number, held in self._messages.items() if held["reference"] == reference]
        return Said(200, {"messages": [self._shown(number) for number in numbers]})

    def _track(self, number: str, fault: str) -> Said:
        polls = self._polls[number] = int(self._polls.get(number, 0)) + 1
        if number not in self._messages and _MAGIC_NUMBER.fullmatch(number):
            self._messages[number] = {"reference": "SIM-DEMO", "at": self.world.now().isoformat(), "forced": ""}
        if number not in self._messages or (fault == "814" and polls > 2):
            return no(404, "not_found", "No such message")
        row = self._shown(number)
        if fault in _FORCED:
            row["state"] = _FORCED[fault]
        elif fault == "802":
            row["state"] = _BACKWARDS[min(polls, len(_BACKWARDS)) - 1]
        return Said(200, row)

    def _shown(self, number: str) -> dict[str, Any]:
        held = self._messages[number]
        age = self.world.now() - datetime.fromisoformat(held["at"])
        state = held["forced"] or next((word for until, word in _STATES if age < until), "DELIVERED")
        return {"id": number, "reference": held["reference"], "state": state, "updated_at": held["at"]}

    def _received(self, to: str) -> list[Mapping[str, str]]:
        return [message for message in reversed(self._inbox) if to in {"", message["to"]}]

    def refuse(self, call: Call, fault: str) -> Any:
        if call.operation == "find" and fault == "101":
            return Said(200, {"messages": []})
        return _REFUSALS.get(fault)

    def bend(self, call: Call, document: Any, fault: str) -> Any:
        said: Said = document
        if "error" in said.body:
            return said
        if call.operation == "find":
            rows = [] if fault == "100" else [_bent(row, fault) for row in said.body["messages"]]
            return replace(said, body={"messages": rows})
        return replace(said, body=_bent(said.body, fault))

    def dress(self, call: Call, document: Any, fault: str) -> Answer:  # noqa: ARG002 - the hook's shape
        return _answer(document, fault)


def _handed_over(arrived: Arrived) -> Call | Answer:
    key = arrived.headers.get("idempotency-key", "")
    if not key:
        return _answer(no(400, "key_missing", "Idempotency-Key is required"))
    try:
        body = {str(name): str(value) for name, value in json.loads(arrived.body).items()}
    except (ValueError, AttributeError):
        return _answer(no(400, "recipient_invalid", "The body is not a JSON object"))
    digest = hashlib.sha256(arrived.body).hexdigest()
    chosen = magic(r"\+91900000(\d{4})", body.get("to", ""))
    return Call("send", True, key, key, chosen, key, (key, digest, body))  # noqa: FBT003


def _bent(row: Mapping[str, Any], fault: str) -> dict[str, Any]:
    """A message with its content spoilt."""
    told = dict(row)
    match fault:
        case "206":
            told |= {"id": "SIM-9999", "reference": "SIM-STRANGER"}
        case "207":
            told |= {"new_field": 1}
        case "208":
            told.pop("id")
        case "209":
            told |= {"parts": "false", "price": 0.41}
        case "811":
            told |= {"id": "MSG-9999811"} if told["id"].startswith("MSG-") else {"reference": "SIM-OTHER"}
        case "812":
            told |= {"updated_at": "0001-01-01"}
        case "703" | "704" | "705" | "706":
            told |= {"reason": words_for(fault)}
    return told


def _answer(said: Said, fault: str = "") -> Answer:
    made = clothed(json.dumps(said.body, ensure_ascii=False), _KIND, fault, xml=False)
    return replace(made, status=said.status)


def _courier(world: World, options: argparse.Namespace) -> Courier:
    return Courier(world, options.token)


if __name__ == "__main__":
    _options = parser("notifier/courier")
    _options.add_argument("--token", default=TOKEN, help="what Authorization: Bearer must carry")
    run(_courier, _options)
