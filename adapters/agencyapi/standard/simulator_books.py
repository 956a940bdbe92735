"""What the reference agency holds: requests by number, and the answer it gave to each key.

The rule that makes the whole API safe is `submit`: the key is looked up and stored in the same commit as the request,
so that a repeat is answered and never acted on.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.agencyapi.standard.simulator_life import ENDED, SERVICES, shown, stamp
from adapters.agencyapi.standard.simulator_post import Post
from aggregator.sdk.testing.simulator import Done, World

MAGIC_NUMBER = re.compile(r"SIM-\d{4}")
PAGE = 200
_NEEDED = {"parking_pass": ("name", "mobile", "vehicle_number", "zone", "months"), "feedback": ("mobile", "text")}
_STATUS_OF_FAULT = {"109": "AWAITING_CITIZEN", "800": "", "801": "PARKED", "804": "स्वीकृत"}
_BACKWARDS = ("APPROVED", "APPROVED", "IN_PROGRESS")


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: HTTP status and JSON body."""

    status: int
    body: Mapping[str, Any]


def no(status: int, code: str, message: str, **more: Any) -> Said:
    """The one error document."""
    return Said(status, {"error": {"code": code, "message": message, **more}})


class Books:
    """The agency's books."""

    def __init__(self, world: World, post: Post) -> None:
        self._world = world
        self._post = post
        self._requests = world.table("requests")
        self._keys = world.table("keys")
        self._polls = world.table("polls")

    def submit(self, key: str, body: Mapping[str, Any], digest: str, form_digest: str, fault: str) -> Done:
        known = self._keys.get(key)
        if known is not None and fault != "810":
            if known["digest"] != digest:
                return Done(no(409, "key_reused", "This key came with another request"))
            return Done(Said(200, self._shown(known["id"])), agency_ref=known["id"])
        wrong = _complaint(key, body)
        if wrong is not None:
            return Done(wrong)
        number = f"AG-{self._world.number('request'):07d}"
        self._requests[number] = {
            "reference": key,
            "service": body["service"],
            "form_digest": form_digest,
            "at": self._world.now().isoformat(),
            "forced": "",
            "forced_at": "",
            "changes": 0,
            "message": "",
            "documents": [_received(one) for one in body.get("documents", [])],
        }
        self._keys[key] = {"digest": digest, "id": number}
        self._post.about_life(number, self._requests[number], fault)
        return Done(Said(201, self._shown(number)), acted=True, agency_ref=number)

    def cancel(self, number: str) -> Done:
        row = self._record(number)
        if row is None:
            return Done(no(404, "not_found", "No such request"))
        if row["status"] == "WITHDRAWN":
            return Done(Said(200, row), agency_ref=number)
        if row["status"] in ENDED:
            return Done(no(409, "wrong_state", "It is decided already"))
        self._change(number, "WITHDRAWN", "Withdrawn by the citizen")
        return Done(Said(200, self._shown(number)), acted=True, agency_ref=number)

    def find(self, reference: str) -> Said:
        if not self._world.findable(reference):
            return Said(200, {"requests": []})
        numbers = [number for number, held in self._requests.items() if held["reference"] == reference]
        return Said(200, {"requests": [self._shown(number) for number in numbers]})

    def listed(self, asked: Mapping[str, str]) -> Said:
        """What was taken between two moments, in that order, a page at a time."""
        try:
            since, until = (datetime.fromisoformat(asked[name]) for name in ("from", "to"))
        except ValueError:
            return no(422, "fields_invalid", "from and to are moments", fields={"from": "is not a moment"})
        numbers = [
            number
            for number, held in self._requests.items()
            if since <= datetime.fromisoformat(held["at"]) <= until and self._world.findable(held["reference"])
        ]
        first = numbers.index(asked["after"]) + 1 if asked.get("after") in numbers else 0
        return Said(200, {"requests": [self._shown(number) for number in numbers[first : first + PAGE]]})

    def track(self, number: str, fault: str) -> Said:
        self._polls[number] = int(self._polls.get(number, 0)) + 1
        row = self._record(number)
        if row is None or (fault == "814" and self._polls[number] > 2):
            return no(404, "not_found", "No such request")
        if fault in _STATUS_OF_FAULT:
            row["status"] = _STATUS_OF_FAULT[fault]
        elif fault == "802":
            row["status"] = _BACKWARDS[min(self._polls[number], len(_BACKWARDS)) - 1]
        return Said(200, row)

    def force(self, number: str, to: str) -> bool:
        """POST /advance, for a number or our reference; pushes the change."""
        number = str(self._keys[number]["id"]) if number in self._keys else number
        if number not in self._requests:
            return False
        self._change(number, to, "Changed by hand")
        return True

    def _change(self, number: str, to: str, message: str) -> None:
        held = self._requests[number]
        change = {"forced": to, "forced_at": stamp(self._world.now()), "changes": int(held["changes"]) + 1}
        self._requests[number] = {**held, **change, "message": message}
        if not MAGIC_NUMBER.fullmatch(number):
            self._post.about_change(self._shown(number))

    def _record(self, number: str) -> dict[str, Any] | None:
        """The record; a magic number has always existed."""
        if number not in self._requests and MAGIC_NUMBER.fullmatch(number):
            self._requests[number] = {
                "reference": "SIM-DEMO",
                "service": "feedback",
                "at": self._world.now().isoformat(),
                "forced": "",
                "forced_at": "",
                "changes": 0,
                "message": "",
            }
        return self._shown(number) if number in self._requests else None

    def _shown(self, number: str) -> dict[str, Any]:
        return shown(number, self._requests[number], self._world.now())


def _received(document: Mapping[str, str]) -> dict[str, str]:
    """What the books keep of a document: not its bytes."""
    return {name: document[name] for name in ("field", "name", "media_type", "sha256")}


def _damaged(document: Any) -> bool:
    if not isinstance(document, Mapping):
        return True
    try:
        content = base64.b64decode(str(document.get("content")), validate=True)
    except binascii.Error:
        return True
    return hashlib.sha256(content).hexdigest() != document.get("sha256")


def _complaint(key: str, body: Mapping[str, Any]) -> Said | None:
    service, form = str(body.get("service", "")), body.get("form")
    if service not in SERVICES:
        return no(422, "unknown_service", "This service is not offered")
    if not isinstance(form, Mapping) or body.get("reference") != key:
        return no(422, "fields_invalid", "reference must be the key, form an object")
    if any(_damaged(one) for one in body.get("documents", [])):
        return no(422, "fields_invalid", "A document is not what its digest says")
    missing = {name: "is required" for name in _NEEDED[service] if form.get(name) in {None, ""}}
    return no(422, "fields_invalid", "Some fields are missing", fields=missing) if missing else None
