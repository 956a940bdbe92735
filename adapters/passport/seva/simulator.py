"""The simulated passport authority: `python -m adapters.passport.seva.simulator --data DIR`.

Only the shape of `track` is somebody else's; the rest is our choice in the same envelope (README.md). Its quirks are
always on: keys in random order, `msgArg` now null and now empty, a BOM on every 50th reply, no `fieldErrors` on
every 10th, and at most five requests at once.
"""

import argparse
import codecs
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from adapters.passport.seva.simulator_checks import complaints
from adapters.passport.seva.simulator_life import BY_NAME, MAGIC_BORN, day_of, fixed, phase_of, speed_post, stamp
from adapters.passport.seva.simulator_state import Office, missed, refused, said
from adapters.passport.seva.simulator_twists import bent
from aggregator.sdk.clock import Chance
from aggregator.sdk.testing.pages import HTML, JSON
from aggregator.sdk.testing.serve import parser, run
from aggregator.sdk.testing.simulator import Answer, Arrived, Bounds, Call, Dialect, Done, World, magic

ONLINE = "/v1/online/"
TRACKS = {ONLINE + "trackStatusForFileNo": "fileNo", "/v1/mproddc/online/gpsp/trackApplicationStatus": "refNo"}
VERBS = {
    "saveApplication": "submit",
    "searchApplication": "find",
    "recordFee": "pay",
    "availability": "slots",
    "bookAppointment": "book",
    "rescheduleAppointment": "reschedule",
    "cancelAppointment": "cancel",
    "lodgeReminder": "remind",
    "receipt": "document",
}
READS = frozenset({"track", "find", "slots", "document"})
TOGETHER = 5
_BOUNDS = {"submit": Bounds(120, 10), "pay": Bounds(300, 10), "book": Bounds(120, 5), "reschedule": Bounds(120, 5)}


class Seva(Dialect):
    """The JSON face, home and abroad."""

    driver = "seva"
    not_applicable: Mapping[str, frozenset[str]] = {
        "*": frozenset({"107", "108", "401", "701", "803"}),
        "find": frozenset({"100", "105", "801", "802", "804", "805", "811", "812", "813", "814"}),
        "track": frozenset({"105"}),
        "slots": frozenset({"105"}),
        "document": frozenset({"105"}),
        "reschedule": frozenset({"105"}),
        "cancel": frozenset({"105", "810"}),
        "remind": frozenset({"105"}),
    }

    def __init__(self, world: World, options: argparse.Namespace) -> None:
        super().__init__(world)
        self.office = Office(world)
        self._gateway = options.gateway
        self._replies = 0
        self._shuffle: Chance = world.chance("order of keys")
        self._acts: dict[str, Callable[[Call, dict[str, Any], str], Done]] = {
            "submit": lambda call, echo, fault: self.office.submit(call.args, echo, shared_number=fault == "811"),
            "pay": lambda call, echo, fault: self.office.pay(call.args, echo, twice=fault == "810"),
            "book": lambda call, echo, fault: self.office.book(call.args, echo, twice=fault == "810"),
            "reschedule": lambda call, echo, fault: self.office.move(call.args, echo, twice=fault == "810"),
            "cancel": lambda call, echo, _: self.office.cancel(call.args, echo),
            "remind": lambda call, echo, fault: self.office.remind(echo, call.natural_key, twice=fault == "810"),
            "slots": lambda call, echo, _: self.office.slots(call.args, echo),
            "document": lambda _, echo, __: self.office.receipt(echo),
            "find": lambda call, echo, fault: self.office.search(call.args, echo, fault),
        }

    def bounds(self, operation: str) -> Bounds:
        return _BOUNDS.get(operation, Bounds(60, 5))

    def advance(self, ref: str, to: str) -> bool:
        return self.office.force(ref, to)

    def read(self, arrived: Arrived) -> Call | Answer:
        operation = "track" if arrived.path in TRACKS else VERBS.get(arrived.path.removeprefix(ONLINE))
        if operation is None or arrived.method != "POST":
            return Answer(b"<html><body>404</body></html>", HTML, 404)
        try:
            asked = json.loads(arrived.body)["requestResponseMap"]
            return self._call(operation, dict(asked), arrived)
        except (ValueError, KeyError, TypeError):
            return Answer(b"<html><body>400</body></html>", HTML, 400)

    def act(self, call: Call, fault: str) -> Done:
        wrong = complaints(call.operation, call.args)
        if wrong:
            return Done(
                {"strReturnString": "error", "fieldErrors": wrong, "actionErrors": [], "requestResponseMap": {}}
            )
        echo = _echo(call.args)
        if call.operation == "track":
            return Done(self._track(call, echo, fault))
        if call.operation == "remind":
            known = self._birth_of(call.args["fileNo"]) == call.args["applDob"]
        elif call.operation in {"submit", "find"}:
            known = True
        else:
            record = self.office.record(call.args["arn"])
            known = record is not None and record["born"] == call.args["applDob"]
        return self._acts[call.operation](call, echo, fault) if known else Done(self._miss(call))

    def refuse(self, call: Call, fault: str) -> Any:
        match fault:
            case "101" | "104":
                return self._miss(call)
            case "102" | "106":
                submit = call.operation == "submit" and fault == "102"
                return refused("PSP-102: not eligible" if submit else "PSP-101: file closed")
            case "103":
                return refused("PSP-999: unspecified")
            case "105":
                return _already(call.operation)
            case _:
                return None

    def bend(self, call: Call, document: Any, fault: str) -> Any:
        return bent(call.operation, document, fault)

    def text(self, document: Any) -> str:
        self._replies += 1
        document = dict(document)
        if self._replies % 10 == 0 and not document.get("fieldErrors"):
            document.pop("fieldErrors", None)
        result = document.get("requestResponseMap")
        if isinstance(result, dict) and result.get("msgArg", 0) in (None, []):
            result["msgArg"] = None if self._shuffle.random() < 0.5 else []
        return json.dumps(self._shuffled(document), ensure_ascii=False)

    def dress(self, call: Call, document: Any, fault: str) -> Answer | None:  # noqa: ARG002 - the hook's shape
        if fault != "000" or (self._replies + 1) % 50:
            return None
        return Answer(codecs.BOM_UTF8 + self.text(document).encode(), self.content_type)

    def _call(self, operation: str, asked: dict[str, Any], arrived: Arrived) -> Call:
        number = str(asked.get("fileNo") or asked.get("refNo") or asked.get("arn") or "")
        ref = str(asked.get("clientRef", ""))
        write = operation not in READS
        return Call(
            operation,
            write=write,
            our_ref=ref,
            natural_key=self._natural_key(operation, asked, ref),
            magic=_magic(operation, asked, number),
            counted_by=ref if write else number or ref,
            args=asked,
            turned_away=self._door(arrived),
        )

    def _natural_key(self, operation: str, asked: Mapping[str, Any], ref: str) -> str:
        match operation:
            case "pay":
                return str(asked.get("arn"))
            case "cancel":
                return str(asked.get("appointmentId"))
            case "remind":
                return f"{asked.get('fileNo')} {day_of(self.world.now())}"
            case _:
                return ref

    def _door(self, arrived: Arrived) -> Answer | None:
        if "origin" not in arrived.headers or "referer" not in arrived.headers:
            return Answer(b"<html><body>Forbidden</body></html>", HTML, 403)
        keys = ("x-apisetu-apikey", "x-apisetu-clientid")
        if self._gateway and not all(arrived.headers.get(key) for key in keys):
            body = b'{"error":"invalid_credentials","errorDescription":"Missing or invalid credentials"}'
            return Answer(body, JSON, 401)
        if arrived.together > TOGETHER:
            return Answer(b'{"message":"Too many requests"}', JSON, 429, {"Retry-After": "2"})
        return None

    def _miss(self, call: Call) -> dict[str, Any]:
        asked, echo = call.args, _echo(call.args)
        if call.operation == "find":
            return said({**echo, "applications": []})
        empty: dict[str, Any] = {"applicationStatus": []} if call.operation == "track" else {}
        return missed(echo, str(asked.get("fileNo") or asked.get("refNo") or asked.get("arn") or ""), **empty)

    def _birth_of(self, number: str) -> str:
        record = self.office.by_file(number)
        if record is not None:
            return str(record["born"])
        return "" if number.startswith("BBSR") else MAGIC_BORN

    def _track(self, call: Call, echo: dict[str, Any], fault: str) -> dict[str, Any]:
        number = str(call.args.get("fileNo") or call.args.get("refNo"))
        polls = self.world.table("polls")
        polls[number] = int(polls.get(number, 0)) + 1
        if self._birth_of(number) != call.args["applDob"] or (fault == "814" and polls[number] > 2):
            return self._miss(call)
        record = self.office.by_file(number)
        now = self.world.now()
        phase, since = fixed(fault, polls[number]), datetime.fromisoformat("2026-01-15T11:20:00+05:30")
        applied = datetime.fromisoformat("2026-01-05T10:00:00+05:30")
        if record is not None:
            applied = datetime.fromisoformat(record["at"])
            phase, since = phase_of(record, now) or (phase, now)
            phase = BY_NAME.get(record["forced"], phase)
        serial = int(self.world.chance(number).random() * 10**8)
        message = phase.message.format(day=day_of(since, "-"), item=speed_post(serial))
        row = {
            "FILE_NO": number,
            "APP_REF_NO_FK": f"{serial:012d}",
            "APPL_GIVEN_NAME": "TEST",
            "APPL_SURNAME": f"CITIZEN {number[-4:]}",
            "DATE_OF_BIRTH": call.args["applDob"],
            "APP_SUB_DATE": day_of(applied),
            "LAST_MODIFIED_DATEZ": stamp(since),
            "PARAM_VALUE": record["scheme"] if record else "Normal",
            "STATUS_MESSAGE": message,
            "TXT_MSG_KEY": phase.key,
            "SERVICE_MASTER_FK": "1",
            "PV_VERIFICATION_FK": "2",
            "IVR_CODE": phase.code,
            "SMS_CODE": phase.code,
        }
        top = {"msgKey": phase.key, "msgArg": [day_of(since)] if phase.key else [], "statusMessage": message or None}
        codes = {"IVR_CODE": phase.code, "SMS_CODE": phase.code}
        return said({**echo, **top, **codes, "applicationStatus": [row]})

    def _shuffled(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._shuffled(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {key: self._shuffled(value[key]) for key in sorted(value, key=lambda _: self._shuffle.random())}


def _magic(operation: str, asked: Mapping[str, Any], number: str) -> str:
    if operation == "submit":
        person = asked.get("applicant")
        return magic(r"900000(\d{4})", str(person.get("mobile", ""))) if isinstance(person, dict) else ""
    return magic(r"SI999000000(\d{4})", number) or magic(r"99-000000(\d{4})", number)


def _already(operation: str) -> dict[str, Any] | None:
    match operation:
        case "submit":
            return refused("PSP-105: duplicate application", arn="26-0000000105")
        case "book":
            return refused("PSP-105: appointment exists", appointmentId="AP00000105")
        case "pay":
            return refused("PSP-107: fee already paid", receiptNo="RC0000000105")
        case _:
            return None


def _echo(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in asked.items() if isinstance(value, str)}


if __name__ == "__main__":
    chosen = parser("passport/seva")
    chosen.add_argument("--gateway", action="store_true", help="ask for the gateway's two header keys")
    run(Seva, chosen)
