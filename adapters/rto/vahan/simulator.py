"""The transport department, simulated: vehicle records and applications, spoken back on a real socket.

`python -m adapters.rto.vahan.simulator --port 0 --control-port 0 --data DIR --seed 1 [--secret S]`
Client id SIMCLIENT. Which identifier meets which fault: the rto protocol, section 5, and README.md.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from adapters.rto.vahan import simulator_codes as own_codes
from adapters.rto.vahan import simulator_life as life
from adapters.rto.vahan import simulator_vehicles as vehicles
from adapters.rto.vahan.simulator_layers import (
    CONTENT_TYPE,
    Strings,
    Unreadable,
    envelope,
    fault_page,
    fields,
    request,
    sealed_text,
    written,
)
from adapters.rto.vahan.simulator_state import MAGIC_NUMBER, Office
from adapters.rto.vahan.simulator_words import (
    APPLICATION,
    BOUNDS,
    INFO,
    INNER,
    MAGIC_MOBILE,
    MESSAGES,
    NAMELESS,
    NEEDED,
    NOT_APPLICABLE,
    READ_CODES,
    SEARCH_FAULTS,
    STORED_SKIPS,
    TEXTS,
    WRITE_CODES,
)
from aggregator.sdk.clock import IST
from aggregator.sdk.testing.pages import clothed, words_for
from aggregator.sdk.testing.serve import parser, run
from aggregator.sdk.testing.simulator import Answer, Arrived, Bounds, Call, Dialect, Done, World, magic

CLIENT = "SIMCLIENT"
SECRET = "sim-vahan-secret-01"
_HERE = Path(__file__).parent


class Department(Dialect):
    """Two services on one address. A document is a bare text, a record (dict) or (code, fields) of a Result."""

    driver = "vahan"
    content_type = CONTENT_TYPE
    not_applicable = NOT_APPLICABLE

    def __init__(self, world: World, secret: str = SECRET) -> None:
        super().__init__(world)
        self._strings = Strings(secret)
        self.office = Office(world)
        self._codes = own_codes.Codes(world)
        self._polls: dict[str, int] = {}

    def started(self) -> None:
        self._polls.clear()
        self.office.furnish()

    def bounds(self, operation: str) -> Bounds:
        return BOUNDS.get(operation, Bounds(query_lag_s=15))

    def applies(self, operation: str, fault: str) -> bool:
        return operation in NAMELESS or super().applies(operation, fault)

    def advance(self, ref: str, to: str) -> bool:
        return to in life.TEXTS and self.office.force(ref, to)

    def read(self, arrived: Arrived) -> Call | Answer:
        name = arrived.path.rstrip("/").rpartition("/")[2]
        if arrived.path.rstrip("/") not in {"/vahanws/VahanInfo", "/vahanws/VahanApplication"}:
            return Answer(b"no such service", "text/plain", 404)
        if arrived.method == "GET":
            return Answer((_HERE / f"{name}.wsdl").read_bytes(), "text/xml; charset=utf-8")
        try:
            operation, client, arg1 = request(arrived.body)
        except Unreadable:
            return fault_page("Couldn't create SOAP message")
        if operation not in (INFO if name == "VahanInfo" else APPLICATION):
            return fault_page("Cannot find dispatch method")
        if name == "VahanInfo":
            return self._info_call(operation, client, arg1)
        return self._application_call(operation, client, arg1)

    def _info_call(self, theirs: str, client: str, identifier: str) -> Call | Answer:
        asked = Call(INFO[theirs], write=False, counted_by=identifier, args=(theirs, identifier, ""))
        if INFO[theirs] == "probe":
            return asked
        call = replace(asked, magic=_vehicle_magic(identifier))
        return call if client == CLIENT else self._answer(call, "Client Id not valid")

    def _application_call(self, theirs: str, client: str, sealed: str) -> Call | Answer:
        bare = Call(APPLICATION[theirs], write=False, args=(theirs, {}, ""))
        try:
            asked, content = fields(self._strings.open(sealed))
        except Unreadable:
            return self._answer(bare, ("401", []))
        return self._call(theirs, asked, content) if client == CLIENT else self._answer(bare, ("401", []))

    def _call(self, theirs: str, asked: dict[str, Any], content: str) -> Call:
        operation = APPLICATION[theirs]
        if operation in own_codes.OPERATIONS:
            return own_codes.call(operation, (theirs, asked, content))
        number, reference = str(asked.get("applicationNo", "")), str(asked.get("clientRef", ""))
        args = (theirs, asked, content)
        match operation:
            case "submit":
                applicant = asked.get("applicant")
                mobile = str(applicant.get("mobile", "")) if isinstance(applicant, dict) else ""
                return Call(operation, True, reference, reference, magic(MAGIC_MOBILE, mobile), reference, args)  # noqa: FBT003
            case "pay":
                return Call(operation, True, reference, number, self._magic_of(number), reference, args)  # noqa: FBT003
            case "consent" | "book" | "cancel":
                which = {"consent": "party", "book": "slotId"}.get(operation, "")
                ours = f"{number}/{asked.get(which, '')}" if which else number
                key = ours if operation == "consent" else number
                return Call(operation, True, ours, key, self._magic_of(number), ours, args)  # noqa: FBT003
            case "find":
                by = reference or str(asked.get("regnNo", ""))
                return Call(operation, False, magic=self._search_magic(asked), counted_by=by, args=args)  # noqa: FBT003
            case _:
                return Call(operation, False, magic=self._magic_of(number), counted_by=number, args=args)  # noqa: FBT003

    def _magic_of(self, number: str) -> str:
        """Of the number itself, else of the mobile stored with it."""
        found = MAGIC_NUMBER.match(number)
        if found:
            return found[1]
        stored = self.office.application(number)
        digits = magic(MAGIC_MOBILE, stored["mobile"]) if stored else ""
        return "" if digits[1:] in STORED_SKIPS else digits

    def _search_magic(self, asked: dict[str, Any]) -> str:
        reference = asked.get("clientRef", "")
        if not reference:
            return _vehicle_magic(str(asked.get("regnNo", "")))
        digits = next((magic(MAGIC_MOBILE, one["mobile"]) for one in self.office.by_reference(reference)), "")
        return digits if digits[1:] in SEARCH_FAULTS else ""

    def act(self, call: Call, fault: str) -> Done:
        if call.operation in {"lookup", "probe"}:
            return Done(self._record(call, fault))
        return self._write(call, fault) if call.write else Done(self._told(call, fault))

    def _write(self, call: Call, fault: str) -> Done:
        if call.operation in own_codes.OPERATIONS:
            return self._codes.done(call)
        _, asked, content = call.args
        if fault == "810":
            self.office.forget_key(call.operation, call.our_ref)
        match call.operation:
            case "submit":
                return self.office.submit(asked, content)
            case "pay":
                return self.office.pay(asked, content)
            case "consent":
                return self.office.consent(asked)
            case "book":
                return self.office.book(asked, twice=fault == "810")
            case _:
                return self.office.cancel(asked)

    def _told(self, call: Call, fault: str) -> Any:
        asked = call.args[1]
        match call.operation:
            case "slots":
                return ("0", []) if fault == "100" else self.office.slots(asked).document
            case "find":
                return self._found(asked, fault)
            case "track":
                return self._status(asked, fault)
            case _:
                names = ("code", "name", "fee", "slaDays", "forms")
                rows = [list(zip(names, (code, *facts), strict=True)) for code, facts in life.SERVICES.items()]
                return ("0", [("Service", row) for row in rows])

    def _record(self, call: Call, fault: str) -> Any:
        theirs, identifier, _ = call.args
        if theirs == "parseCurrentDateToString":
            return f"{self.world.now().astimezone(IST):%d-%b-%Y}"
        if theirs == "getDetails":
            plate = identifier if vehicles.PLATE.match(identifier) else ""
        elif theirs == "getChasisDetails":
            plate = vehicles.plate_by_chassis(identifier)
        else:
            plate = vehicles.plate_by_engine(identifier)
        if not plate:
            return TEXTS["102" if theirs == "getDetails" else "101"]
        return vehicles.spoiled(vehicles.record(plate, self.world.seed), fault)

    def _found(self, asked: dict[str, Any], fault: str) -> Any:
        records = [one for one in self.office.find(asked) if self.world.findable(one["client_ref"])]
        rows = [dict(life.summary(one, self.world.now())) for one in records]
        if fault == "100":
            rows = []
        if fault in {"206", "811"}:
            rows = [{**row, "clientRef": "OF-SOMEBODY-ELSE"} for row in rows]
        return ("0", [("application", list(row.items())) for row in rows * (2 if fault == "803" else 1)])

    def _status(self, asked: dict[str, Any], fault: str) -> Any:
        record = self.office.own(asked)
        if record is None:
            return ("301", [])
        polls = self._polls[record["number"]] = self._polls.get(record["number"], 0) + 1
        if fault == "814" and polls > 2:
            return ("301", [])
        history = life.seen(record, self.world.now())
        code, on = history[-1]
        code = {"109": "REV", "800": "", "801": "ZZZ"}.get(fault, "SUB" if fault == "802" and polls > 2 else code)
        text = {"800": "", "801": "Gone fishing", "804": "जाँच जारी है"}.get(fault, life.TEXTS.get(code, ""))
        stamped = life.stamp(on)
        rows = [("step", [("code", word), ("text", life.TEXTS[word]), ("on", life.stamp(at))]) for word, at in history]
        other = fault in {"206", "811"}
        return (
            "0",
            [
                ("applicationNo", "OD99A0000009999" if other else record["number"]),
                ("statusCode", code),
                ("statusText", text),
                ("office", record["office"]),
                ("desk", life.DESKS.get(code, "ENTRY")),
                ("lastActionOn", {"812": "00/00/0000", "813": stamped[:-2] + "62604"}.get(fault, stamped)),
                ("remarks", words_for(fault) or life.REMARKS.get(code, "NA")),
                ("history", rows),
            ],
        )

    def refuse(self, call: Call, fault: str) -> Any:
        if call.operation == "lookup":
            return TEXTS.get(fault)
        if call.operation in own_codes.OPERATIONS:
            return own_codes.refused(call.operation, fault)
        if call.operation == "find" and fault == "101":
            return ("0", [])
        if call.operation == "book" and fault == "105":
            return ("211", [("bookingNo", "BK9900000105"), ("slotId", "OD-02-20990101-1000")])
        codes = {**WRITE_CODES, "101": "101"} if call.operation == "submit" else WRITE_CODES
        code = (codes if call.write else READ_CODES).get(fault)
        if code is None:
            return None
        return (code, [("applicationNo", "OD99A0000000105")] if code == "104" else [])

    def page(self, call: Call, fault: str) -> Answer | None:
        return self._answer(call, self.refuse(call, "403")) if fault == "403" else None

    def bend(self, call: Call, document: Any, fault: str) -> Any:
        if not isinstance(document, tuple):
            return document
        code, told = document
        if fault == "208":
            told = [one for one in told if one[0] not in NEEDED.get(call.operation, ())]
        if fault == "811" and call.write:
            told = [(name, "OD99A8110000000" if name in {"applicationNo", "receiptNo"} else one) for name, one in told]
        return (code, own_codes.bent(told, fault) if call.operation in own_codes.OPERATIONS else told)

    def dress(self, call: Call, document: Any, fault: str) -> Answer:
        return self._answer(call, document, fault)

    def _answer(self, call: Call, document: Any, fault: str = "") -> Answer:
        plain = _plain(document, fault)
        if call.operation != "probe":
            plain = sealed_text(self._strings, plain, fault)
        inner = f"<return>{plain}</return>" + ("<extra>1</extra>" if fault == "207" else "")
        outer = "" if fault in INNER else fault
        return clothed(envelope(call.args[0], inner), CONTENT_TYPE, outer, xml=True)


def _vehicle_magic(identifier: str) -> str:
    patterns = (r"OD99ZZ(\d{4})", r"SIMCHASSIS000(\d{4})", r"SIMENG(\d{4})")
    return next((found for pattern in patterns if (found := magic(pattern, identifier))), "")


def _plain(document: Any, fault: str) -> str:
    if isinstance(document, str):
        return document
    if isinstance(document, dict):
        head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        return head + written("VehicleDetails", list(document.items()))
    code, told = document
    said = words_for(fault) or MESSAGES.get(code, "")
    head = '<?xml version="1.0" encoding="UTF-8"?>' if fault == "703" else ""
    return head + written("Result", [("code", code), ("message", said), *told])


if __name__ == "__main__":
    _options = parser("vahan")
    _options.add_argument("--secret", default=SECRET, help="the shared secret of the encrypted strings")
    run(lambda world, options: Department(world, options.secret), _options)
