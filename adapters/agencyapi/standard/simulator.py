"""The reference implementation of the Agency API: `python -m adapters.agencyapi.standard.simulator --data DIR`.

What an agency would write in a day is in `Books` and in the five tables of this file; the rest is the fault menu.
Token `sim-agency-token`; callbacks go to `--callback-url`, or to what POST /callback-url on the control port says.
"""

import argparse
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, unquote

from adapters.agencyapi.standard.simulator_books import Books, Said, no
from adapters.agencyapi.standard.simulator_post import OWN_FAULTS, Post
from aggregator.sdk.testing.faults import Fault
from aggregator.sdk.testing.pages import clothed, words_for
from aggregator.sdk.testing.serve import parser, run
from aggregator.sdk.testing.simulator import Answer, Arrived, Bounds, Call, Dialect, Done, World, magic

TOKEN = "sim-agency-token"
CALLBACK_SECRET = "whsec_c2ltdWxhdG9yLWNhbGxiYWNrLXNlY3JldC0wMQ=="
LIMIT = 600
LISTS = frozenset({"find", "changes"})
_PATH = re.compile(r"/v1/requests(?:/(?P<id>[^/]+)(?P<cancel>/cancel)?)?")
_BOUNDS = {"submit": Bounds(300, 60), "cancel": Bounds(60, 5)}
_REFUSALS = {
    "101": no(404, "not_found", "No such request"),
    "102": no(422, "not_eligible", "The conditions are not met"),
    "103": no(422, "sim_unlisted", "A code nobody listed"),
    "104": no(404, "not_found", "No such request"),
    "105": no(409, "duplicate", "There is an open request for this vehicle", id="AG-0000105"),
    "106": no(409, "wrong_state", "The account is closed"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as understood. `id` from the path, `key` from Idempotency-Key, `query` of a list by time."""

    id: str
    key: str
    body: Mapping[str, Any]
    digest: str
    query: Mapping[str, str]


class Agency(Dialect):
    """Four calls. A document is `Said`: status and body."""

    driver = "standard"
    own_faults: Mapping[str, Fault] = OWN_FAULTS
    not_applicable: Mapping[str, frozenset[str]] = {
        "*": frozenset({"104", "107", "108", "401", "701", "803", "805", "813"}),
        "find": frozenset({"105", "800", "801", "802", "804", "814"}),
        "changes": frozenset({"105", "800", "801", "802", "804", "814"}),
        "track": frozenset({"105"}),
        "cancel": frozenset({"105", "810", "811"}),
    }

    def __init__(self, world: World, token: str = TOKEN, secret: str = CALLBACK_SECRET, url: str = "") -> None:
        super().__init__(world)
        self.post = Post(world, secret)
        self.books = Books(world, self.post)
        self._token = token
        self._arrived = 0
        world.outbox.url = url.rstrip("/")

    def bounds(self, operation: str) -> Bounds:
        return _BOUNDS.get(operation, Bounds(300, 60))

    def callback_faults(self, rules: list[Mapping[str, Any]]) -> None:
        self.post.always = str(rules[-1]["fault"]) if rules else ""

    def advance(self, ref: str, to: str) -> bool:
        return self.books.force(ref, to)

    def read(self, arrived: Arrived) -> Call | Answer:
        found = _PATH.fullmatch(arrived.path)
        if found is None:
            return _answer(no(404, "not_found", "No such path"))
        if arrived.headers.get("authorization") != f"Bearer {self._token}":
            return _answer(no(401, "unauthorized", "The token is not valid"))
        number = unquote(found["id"] or "")
        if arrived.method == "GET" and not found["cancel"]:
            return _look(number, arrived)
        if arrived.method == "POST" and bool(number) == bool(found["cancel"]):
            return _order(number, arrived)
        return _answer(no(405, "method_not_allowed", "No such call"))

    def act(self, call: Call, fault: str) -> Done:
        asked: Asked = call.args
        match call.operation:
            case "submit":
                return self.books.submit(asked.key, asked.body, asked.digest, asked.query.get("form_digest", ""), fault)
            case "cancel":
                return self.books.cancel(asked.id)
            case "find":
                return Done(self.books.find(asked.key))
            case "changes":
                return Done(self.books.listed(asked.query))
            case _:
                return Done(self.books.track(asked.id, fault))

    def refuse(self, call: Call, fault: str) -> Any:
        if call.operation in LISTS and fault == "101":
            return Said(200, {"requests": []})
        return None if fault == "105" and call.operation != "submit" else _REFUSALS.get(fault)

    def bend(self, call: Call, document: Any, fault: str) -> Any:
        said: Said = document
        if "error" in said.body:
            return said
        if call.operation in LISTS:
            rows = [] if fault == "100" else [_bent(row, fault) for row in said.body["requests"]]
            return replace(said, body={"requests": rows})
        return replace(said, body=_bent(said.body, fault))

    def dress(self, call: Call, document: Any, fault: str) -> Answer:  # noqa: ARG002 - the hook's shape
        self._arrived += 1
        return _answer(document, fault, left=LIMIT - self._arrived % LIMIT)


def _look(number: str, arrived: Arrived) -> Call | Answer:
    if number:
        chosen = _magic(number)
        return Call("track", write=False, magic=chosen, counted_by=number, args=Asked(number, "", {}, "", {}))
    query = {name: values[0] for name, values in parse_qs(arrived.query).items()}
    reference = query.get("reference", "")
    if not reference and {"from", "to"} <= query.keys():
        return Call("changes", write=False, counted_by=query.get("after", ""), args=Asked("", "", {}, "", query))
    if not reference:
        return _answer(no(422, "fields_invalid", "reference is required", fields={"reference": "is required"}))
    return Call("find", write=False, counted_by=reference, args=Asked("", reference, {}, "", query))


def _order(number: str, arrived: Arrived) -> Call | Answer:
    key = arrived.headers.get("idempotency-key", "")
    if not key:
        return _answer(no(400, "key_missing", "Idempotency-Key is required"))
    try:
        body = json.loads(arrived.body)
        mobile = str(dict(body.get("form", {})).get("mobile", ""))
    except (ValueError, AttributeError, TypeError):
        return _answer(no(400, "fields_invalid", "The body is not a JSON object"))
    told = {"form_digest": arrived.headers.get("form-digest", "")}
    asked = Asked(number, key, body, hashlib.sha256(arrived.body).hexdigest(), told)
    if number:
        return Call("cancel", True, key, number, _magic(number), key, asked)  # noqa: FBT003
    return Call("submit", True, key, key, magic(r"900000(\d{4})", mobile), key, asked)  # noqa: FBT003


def _magic(number: str) -> str:
    return magic(r"SIM-(\d{4})", number)


def _bent(row: Mapping[str, Any], fault: str) -> dict[str, Any]:
    """A record with its content spoilt."""
    told = dict(row)
    match fault:
        case "206":
            told |= {"id": "SIM-9999", "reference": "SIM-STRANGER"}
        case "207":
            told |= {"new_field": 1}
        case "208":
            told.pop("id")
        case "209":
            told |= {"sequence": "false", "due_on": 20260115}
        case "811":
            # One number for two citizens: a new request gets a taken number, an old number shows another's request.
            told |= {"id": "AG-9999811"} if told["id"].startswith("AG-") else {"reference": "SIM-OTHER"}
        case "812":
            told |= {"updated_at": "0001-01-01", "due_on": ""}
        case "703" | "704" | "705" | "706":
            told |= {"message": words_for(fault)}
    return told


def _answer(said: Said, fault: str = "", left: int = LIMIT) -> Answer:
    kind = "application/json; charset=utf-8"
    made = clothed(json.dumps(said.body, ensure_ascii=False), kind, fault, xml=False)
    limits = {"RateLimit-Policy": f'"default";q={LIMIT};w=60', "RateLimit": f'"default";r={left};t=60'}
    return replace(made, status=said.status, headers=limits)


def _agency(world: World, options: argparse.Namespace) -> Agency:
    return Agency(world, options.token, options.callback_secret, options.callback_url)


if __name__ == "__main__":
    _options = parser("agencyapi/standard")
    _options.add_argument("--token", default=TOKEN, help="what Authorization: Bearer must carry")
    _options.add_argument("--callback-secret", default=CALLBACK_SECRET, help="whsec_..., signs the notices")
    _options.add_argument("--callback-url", default="", help="where notices go; empty: nowhere")
    run(_agency, _options)
