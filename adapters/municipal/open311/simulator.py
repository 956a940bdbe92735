"""A simulated Open311 city: `python -m adapters.municipal.open311.simulator --data DIR [--jurisdictions a,b]`.

Services 001 realtime (refuses twins), 002 batch, 003 blackbox, 004 with every type of question, 005 with a photo.
Key `sim-key`. Both formats, chosen by the path; JSON gives the code of 001 as the number 1, and 1 is taken as 001.
"""

import argparse
import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, unquote

from adapters.municipal.open311.simulator_state import City, mark_of, place_of
from adapters.municipal.open311.simulator_words import (
    BOUNDS,
    DUPLICATE,
    KEY,
    NOT_APPLICABLE,
    QUESTIONS,
    SERVICES,
)
from adapters.municipal.open311.simulator_write import JSON, XML, Paper, as_json, as_xml, error
from aggregator.sdk.testing.pages import clothed, trouble
from aggregator.sdk.testing.serve import parser, run
from aggregator.sdk.testing.simulator import Answer, Arrived, Bounds, Call, Dialect, Done, World, magic

_PATH = re.compile(r"/(?P<what>discovery|services|requests|tokens|servicerequestupdates)(?:/(?P<which>.+))?")
_REFUSALS = {
    "102": error(400, "lat and long are outside of the city"),
    "103": error(422, "unspecified", "799"),
    "105": error(400, DUPLICATE),
}
_TWISTS = {
    "206": {"service_request_id": "SIM-STRANGER"},
    "207": {"new_field": "1"},
    "209": {"lat": ".41", "account_id": "false"},
}
_NEEDED = ("api_key", "service_code", "description")


class Open311(Dialect):
    """One city. `args` of a call are (what, which, fields, format)."""

    driver = "open311"
    content_type = XML
    not_applicable = NOT_APPLICABLE

    def __init__(self, world: World, jurisdictions: str = "") -> None:
        super().__init__(world)
        self.city = City(world)
        self._jurisdictions = frozenset(filter(None, jurisdictions.split(",")))

    def bounds(self, operation: str) -> Bounds:
        return BOUNDS.get(operation, Bounds())

    def advance(self, ref: str, to: str) -> bool:
        return self.city.force(ref, to)

    def read(self, arrived: Arrived) -> Call | Answer:
        path, _, suffix = arrived.path.rpartition(".")
        found = _PATH.fullmatch(path)
        if found is None or suffix not in {"xml", "json"} or arrived.method not in {"GET", "POST"}:
            return Answer(b"no such resource", "text/plain", 404)
        raw = arrived.body.decode("utf-8", "replace") if arrived.method == "POST" else arrived.query
        pairs = parse_qsl(raw, keep_blank_values=True)
        fields = dict(pairs)
        if fields.get("service_code") == "1":
            fields["service_code"] = "001"
        wrong = self._at_the_door(arrived.method, fields)
        if wrong is not None:
            return _answer(wrong, suffix)
        call = self._post if arrived.method == "POST" else self._get
        return call(found["what"], unquote(found["which"] or ""), fields, suffix)

    def act(self, call: Call, fault: str) -> Done:
        fields = call.args[2]
        if not call.write:
            return Done(self._shown(call, fault))
        if call.operation == "reply":
            return self.city.comment(fields, fault)
        wrong = _complaint(fields)
        return Done(wrong) if wrong else self.city.submit(fields, fault)

    def refuse(self, call: Call, fault: str) -> Any:
        if fault == "101":
            lists = not call.write and call.operation not in {"form", "track"}
            return Paper(*_root_of(call.args[0])) if lists else error(404, "service_code was not found")
        if fault == "105" and call.operation != "submit":
            return None
        return _REFUSALS.get(fault)

    def bend(self, call: Call, document: Any, fault: str) -> Any:
        paper: Paper = document
        if paper.root == "errors" or (fault == "100" and call.write):
            return paper
        if fault == "208":
            return _without_numbers(call, paper)
        if fault == "100":
            return replace(paper, rows=[])
        return replace(paper, rows=[row | _TWISTS.get(fault, {}) for row in paper.rows])

    def dress(self, call: Call, document: Any, fault: str) -> Answer:
        return _answer(document, call.args[3], fault)

    def page(self, call: Call, fault: str) -> Answer | None:
        if call.args[3] == "json":
            own = {"204": Answer(b"", JSON), "210": trouble(200, xml=False)}
            return own.get(fault) or (trouble(500, xml=False) if fault in {"500", "501"} else None)
        return None

    def _shown(self, call: Call, fault: str) -> Paper:
        what, which, fields, _ = call.args
        match what:
            case "tokens":
                return self.city.token(which)
            case "servicerequestupdates":
                return self.city.updates(fields, fault)
            case "requests" if call.operation == "track":
                return self.city.track(which or fields["service_request_id"], fault)
            case "requests":
                return self.city.search(fields)
            case _:
                return _static(what, which)

    def _at_the_door(self, method: str, fields: dict[str, str]) -> Paper | None:
        asked = fields.get("jurisdiction_id", "")
        if self._jurisdictions and not asked:
            return error(400, "jurisdiction_id was not provided")
        if self._jurisdictions and asked not in self._jurisdictions:
            return error(404, "jurisdiction_id provided was not found")
        if method == "POST" and fields.get("api_key") != KEY:
            return error(403, "api_key is missing or not valid")
        return None

    def _get(self, what: str, which: str, fields: dict[str, str], suffix: str) -> Call:
        args = (what, which, fields, suffix)
        number = which or fields.get("service_request_id", "")
        match what:
            case "requests" | "tokens" if number:
                return Call("track", write=False, magic=_magic(number), counted_by=number, args=args)
            case "requests":
                operation = "find" if fields.get("service_code") else "changes"
                return Call(operation, write=False, counted_by=fields.get("service_code", ""), args=args)
            case "servicerequestupdates":
                # A look for a comment asks between dates; it meets no fault that the comment itself was sent under.
                chosen = "" if "start_date" in fields else _magic(number)
                return Call("history", write=False, magic=chosen, counted_by=number, args=args)
            case "services":
                return Call("form" if which else "list_services", write=False, counted_by=which, args=args)
            case _:
                return Call("probe", write=False, args=args)

    def _post(self, what: str, which: str, fields: dict[str, str], suffix: str) -> Call | Answer:
        args, text = (what, which, fields, suffix), fields.get("description", "")
        ref = mark_of(text)
        if what == "servicerequestupdates":
            number = fields.get("service_request_id", "")
            if not number or not text:
                return _answer(error(400, "service_request_id and description are required"), suffix)
            return Call("reply", True, ref, f"{number} {text}", _magic(number), ref, args)  # noqa: FBT003
        code = fields.get("service_code", "")
        operation = "submit_blackbox" if SERVICES.get(code, {}).get("type") == "blackbox" else "submit"
        key = "|".join((code, fields.get("phone", ""), text, place_of(fields)))
        chosen = magic(r"900000(\d{4})", fields.get("phone", ""))
        return Call(operation, True, ref, key, chosen, ref, args)  # noqa: FBT003


def _magic(number: str) -> str:
    digits = number.removeprefix("SIM-")
    return magic(r"SIM-(\d{4})", f"SIM-{digits:0>4}") if number.startswith("SIM-") else ""


def _static(what: str, which: str) -> Paper:
    if what == "services" and which:
        code = "001" if which == "1" else which
        if code not in QUESTIONS:
            return error(404, "service_code was not found")
        return Paper("service_definition", "", [{"service_code": code, "attributes": QUESTIONS[code]}])
    if what == "services":
        return Paper("services", "service", list(SERVICES.values()))
    endpoint = {"specification": "http://wiki.open311.org/GeoReport_v2", "url": "http://127.0.0.1/", "type": "test"}
    told = {"changeset": "2026-01-15T05:00:00+00:00", "contact": "sim@city.example", "endpoints": [endpoint]}
    return Paper("discovery", "", [told])


def _root_of(what: str) -> tuple[str, str]:
    if what == "servicerequestupdates":
        return "service_requests_updates", "request_update"
    return ("services", "service") if what == "services" else ("service_requests", "request")


def _complaint(fields: dict[str, str]) -> Paper | None:
    missing = [name for name in _NEEDED if not fields.get(name)]
    if missing:
        return error(400, f"{missing[0]} is required")
    if fields["service_code"] not in SERVICES:
        return error(404, "service_code was not found")
    if not ((fields.get("lat") and fields.get("long")) or fields.get("address_string") or fields.get("address_id")):
        return error(400, "lat and long, address_string or address_id is required")
    if fields["service_code"] == "005" and not fields.get("media_url"):
        return error(400, "media_url is required")
    for question in QUESTIONS.get(fields["service_code"], ()):
        if question["required"] == "true" and not fields.get(f"attribute[{question['code']}]"):
            return error(400, f"attribute[{question['code']}] is required")
    return None


def _without_numbers(call: Call, paper: Paper) -> Paper:
    """A blackbox answers without any number as it is: there the whole row is what is required."""
    if call.operation == "submit_blackbox":
        return replace(paper, rows=[])
    gone = {"service_request_id", "token", "update_id", "service_code", "endpoints"}
    return replace(paper, rows=[{k: v for k, v in row.items() if k not in gone} for row in paper.rows])


def _answer(paper: Paper, suffix: str, fault: str = "") -> Answer:
    xml = suffix == "xml"
    made = clothed(as_xml(paper) if xml else as_json(paper), XML if xml else JSON, fault, xml=xml)
    return replace(made, status=paper.status)


def _city(world: World, options: argparse.Namespace) -> Open311:
    return Open311(world, options.jurisdictions)


if __name__ == "__main__":
    _options = parser("municipal/open311")
    _options.add_argument("--jurisdictions", default="", help="a,b: jurisdiction_id becomes compulsory")
    run(_city, _options)
