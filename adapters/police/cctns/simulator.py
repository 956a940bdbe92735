"""The police's citizen service, simulated: SOAP 1.1 and 1.2 on one path, tokens checked, DataSets answered.

`python -m adapters.police.cctns.simulator --port 0 --control-port 0 --data DIR --seed 1`
User sim-police, password sim-police-password. Which identifier meets which fault: the police protocol, section 6,
and README.md.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapters.police.cctns import simulator_life as life
from adapters.police.cctns.simulator_answers import (
    CRASH,
    LABELS,
    LOGIN,
    Fault,
    Result,
    Rows,
    envelope,
    fault_answer,
    written,
)
from adapters.police.cctns.simulator_door import Asked, Guard, Unreadable, understood
from adapters.police.cctns.simulator_rules import mobile_in
from adapters.police.cctns.simulator_state import Station, failed, told
from adapters.police.cctns.simulator_twists import bent_result, bent_rows
from adapters.police.cctns.simulator_words import (
    BOUNDS,
    CODES,
    DATASETS,
    KEPT_BY_THE_MACHINE,
    MAGIC_MOBILE,
    MAGIC_NUMBER,
    NAMELESS,
    NOT_APPLICABLE,
    OWN_FAULTS,
    READS,
    SEARCH_FAULTS,
    STORED_SKIPS,
    WRITES,
)
from aggregator.sdk.testing.pages import HTML, clothed
from aggregator.sdk.testing.serve import parser, run
from aggregator.sdk.testing.simulator import Answer, Arrived, Bounds, Call, Dialect, Done, World, magic

PATH = "/CitizenService/CitizenService.asmx"
_CONTRACT = Path(__file__).parent / "CitizenService.wsdl"
_ROWS_PER_PAGE = 20
_MANY = 45
_PAGES = {"200": Answer(LOGIN, HTML), "501": Answer(CRASH, HTML, 500)}
_FAULTS = {"709": "CS-12", "711": "wsu:MessageExpired", "712": "wsse:InvalidSecurityToken"}


class Police(Dialect):
    """One service on one path. A document is Rows, a Result or a Fault."""

    driver = "cctns"
    content_type = LABELS["1.2"]
    not_applicable = NOT_APPLICABLE
    own_faults = OWN_FAULTS
    volatile_fields = ("wsse:Security",)

    def __init__(self, world: World, guard: Guard | None = None) -> None:
        super().__init__(world)
        self.station = Station(world)
        self._guard = guard or Guard()
        self._polls: dict[str, int] = {}
        self._failures = 0

    def started(self) -> None:
        self._polls.clear()
        self.station.furnish()

    def bounds(self, operation: str) -> Bounds:
        return BOUNDS.get(operation, Bounds(query_lag_s=20))

    def applies(self, operation: str, fault: str) -> bool:
        """What a search's identifiers cannot choose, `PUT /faults` still can."""
        return operation == "find" or super().applies(operation, fault)

    def advance(self, ref: str, to: str) -> bool:
        return to in life.TEXTS and self.station.force(ref, to)

    def read(self, arrived: Arrived) -> Call | Answer:
        if arrived.path.startswith("/trap/"):
            return Call("trap", write=False, turned_away=Answer(b"caught", "text/plain", 404))
        if arrived.path.rstrip("/") != PATH:
            return Answer(b"The resource cannot be found.", HTML, 404)
        if arrived.method == "GET":
            return Answer(_CONTRACT.read_bytes(), "text/xml; charset=utf-8")
        try:
            asked = understood(arrived)
        except Unreadable as exc:
            return fault_answer(exc.version, Fault("CS-00"))
        if asked.name not in {*READS, *WRITES}:
            return fault_answer(asked.version, Fault("CS-00"))
        call = self._write(asked) if asked.name in WRITES else self._question(asked)
        # What acts late was let in when it came: its token is old by now, and its nonce known.
        objection = "" if self.world.clock.pinned else self._guard.objection(asked.header)
        return replace(call, turned_away=fault_answer(asked.version, Fault(objection))) if objection else call

    def _write(self, asked: Asked) -> Call:
        operation, fields = WRITES[asked.name], asked.fields
        number = fields.get("ServiceRequestNo", "")
        if operation == "submit":
            reference = fields.get("ClientRefNo", "")
            digits = magic(MAGIC_MOBILE, mobile_in(fields.get("ApplicantXml", "")))
            return Call(operation, True, reference, reference, digits, reference, asked)  # noqa: FBT003
        ours = {"pay": "ChallanNo", "reply": "DocumentName"}.get(operation, "")
        reference = fields.get(ours, "") if ours else number
        key = reference if operation == "pay" else f"{number}/{_what(operation, fields)}"
        if operation == "cancel":
            key = number
        digits = self._magic_of(number)
        if operation == "reply" and digits:
            # A number that has spoilt a reply shows its history: else no lost reply could be found.
            self.world.table("_once")[f"history {number} {digits[1:]}"] = {}
        return Call(operation, True, reference, key, digits, key, asked)  # noqa: FBT003

    def _question(self, asked: Asked) -> Call:
        operation, number = READS[asked.name], asked.fields.get("ServiceRequestNo", "")
        if operation == "find":
            by = asked.fields.get("ClientRefNo") or asked.fields.get("MobileNo", "")
            return Call(operation, write=False, magic=self._search_magic(asked.fields), counted_by=by, args=asked)
        return Call(operation, write=False, magic=magic(MAGIC_NUMBER, number), counted_by=number, args=asked)

    def _magic_of(self, number: str) -> str:
        """Of the number itself, else of the mobile stored with it."""
        found = magic(MAGIC_NUMBER, number)
        if found:
            return found
        stored = self.station.request(number)
        digits = magic(MAGIC_MOBILE, stored["mobile"]) if stored else ""
        return "" if digits[1:] in STORED_SKIPS else digits

    def _search_magic(self, fields: dict[str, str]) -> str:
        digits = magic(MAGIC_MOBILE, fields.get("MobileNo", ""))
        allowed = SEARCH_FAULTS
        if not fields.get("MobileNo"):
            digits = next((magic(MAGIC_MOBILE, one["mobile"]) for one in self.station.search(fields)), "")
            allowed = SEARCH_FAULTS - KEPT_BY_THE_MACHINE
        return digits if digits[1:] in allowed else ""

    def act(self, call: Call, fault: str) -> Done:
        fields = call.args.fields
        if call.operation == "pay":
            return self.station.pay(fields, twice=fault == "810")
        if call.write:
            writes = {"submit": self.station.submit, "reply": self.station.reply, "remind": self.station.remind}
            return writes.get(call.operation, self.station.cancel)(fields)
        if call.operation == "document":
            return told("31", fields["ServiceRequestNo"]) if fault == "100" else self.station.certificate(fields)
        return Done(self._told(call.operation, fields, fault))

    def _told(self, operation: str, fields: dict[str, str], fault: str) -> Rows | Fault:
        if fault == "100" and operation not in NAMELESS:
            return Rows([])
        match operation:
            case "list_services":
                names = ("SERVICE_CD", "SERVICE_NAME", "FEE_RS", "SLA_DAYS", "ACTIVE_FLAG")
                return Rows([dict(zip(names, (code, *facts), strict=True)) for code, facts in life.SERVICES.items()])
            case "lookup":
                return Rows(_stations(fields.get("DistrictCode", "")))
            case "find":
                return self._found(fields, fault)
            case "track":
                return self._status(fields, fault)
            case _:
                return self._history(fields)

    def _found(self, fields: dict[str, str], fault: str) -> Rows | Fault:
        if not fields.get("ClientRefNo") and not fields.get("MobileNo"):
            return Fault()  # a whole district is what their memory dies of
        now, records = self.world.now(), self.station.search(fields)
        rows = [{**life.status_row(one, now), "CLIENT_REF": one["ref"]} for one in records]
        first = max(int(fields.get("PageNo") or "1") - 1, 0) * _ROWS_PER_PAGE
        if fault == "803" and rows and not fields.get("ClientRefNo"):
            rows = [{**rows[0], "SRN": f"OP99EMV{9_000_000 + place:07d}"} for place in range(_MANY)]
            first = 0
        return Rows(rows[first : first + _ROWS_PER_PAGE])

    def _status(self, fields: dict[str, str], fault: str) -> Rows:
        record = self.station.own(fields)
        if isinstance(record, str):
            return failed(record)
        polls = self._polls[record["number"]] = self._polls.get(record["number"], 0) + 1
        if fault == "814" and polls > 2:
            return Rows([])
        row = life.status_row(record, self.world.now())
        code = {"109": "07", "802": "01" if polls > 2 else "05"}.get(fault)
        return Rows([{**row, "STATUS_CD": code, "STATUS_DESC": life.TEXTS[code]} if code else row])

    def _history(self, fields: dict[str, str]) -> Rows:
        record = self.station.own(fields)
        if isinstance(record, str):
            return failed(record)
        shown = {**record, "replies": [one for one in record["replies"] if self.world.findable(one[1])]}
        return Rows(life.history_rows(record, life.seen(shown, self.world.now())))

    def refuse(self, call: Call, fault: str) -> Any:
        if call.operation == "find" and fault == "101":
            return Rows([])
        number = call.args.fields.get("ServiceRequestNo", "")
        if fault == "105":
            return told("23", number).document if call.operation == "pay" else None
        code = CODES.get(fault)
        if code is None:
            return None
        return failed(code) if call.operation in DATASETS else told(code, number or None).document

    def page(self, call: Call, fault: str) -> Answer | None:
        version = call.args.version
        if fault == "500":
            self._failures += 1
            return fault_answer("1.1" if self._failures % 2 == 0 else version, Fault())
        if fault == "210":
            return fault_answer(version, Fault(), status=200)
        if fault in _FAULTS:
            return fault_answer(version, Fault(_FAULTS[fault]), declared=fault != "709")
        return _PAGES.get(fault)

    def bend(self, call: Call, document: Any, fault: str) -> Any:
        if isinstance(document, Rows):
            return bent_rows(document, fault)
        if isinstance(document, Result):
            return bent_result(call.operation, document, fault)
        return document

    def dress(self, call: Call, document: Any, fault: str) -> Answer:
        asked: Asked = call.args
        if isinstance(document, Fault):
            return fault_answer(asked.version, document)
        text = envelope(asked.version, written(asked.name, document, host=asked.host, fault=fault))
        return clothed(text, LABELS[asked.version], fault, xml=True)


def _what(operation: str, fields: dict[str, str]) -> str:
    """What a reply or a reminder is known by besides its request."""
    text = fields.get("ReminderText" if operation == "remind" else "ReplyText", "")
    return fields.get("DocumentName") or hashlib.sha256(text.encode()).hexdigest()[:12]


def _stations(district: str) -> Sequence[dict[str, str | None]]:
    return [
        {"DISTRICT_CD": district, "DISTRICT": life.DISTRICTS[district], "PS_CD": code, "PS_NAME": name}
        for code, name in life.STATIONS.items()
        if code.startswith(district) and district in life.DISTRICTS
    ]


if __name__ == "__main__":
    run(lambda world, _options: Police(world), parser("cctns"))
