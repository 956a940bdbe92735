"""The police answer what a test tells them to, over the production port without sockets."""

from typing import Any

import httpx
import respx
from lxml import etree

from adapters.police.cctns import Driver
from adapters.police.cctns.simulator_answers import LABELS, Fault, Result, Row, Rows, envelope, fault_answer, written
from aggregator.sdk.adapter import Settings
from aggregator.sdk.clock import ManualClock, SeededChance
from aggregator.sdk.testing.wires import RespxWire

PASSWORD = "sim-police-password"
NUMBER = "OP99EMV0000000"
FORM = {
    "name": "Test Citizen 0000",
    "father_name": "Test Parent",
    "gender": "F",
    "date_of_birth": "1990-01-01",
    "mobile": "+91 9000000000",
    "address_line1": "Plot 0, Demo Colony",
    "police_station": "9901",
    "district": "99",
    "pin": "751 001",
    "id_type": "VOTER",
    "id_last4": "4566",
    "person_name": "Test Worker 0000",
    "person_date_of_birth": "1995-01-01",
    "person_mobile": "9000000000",
}


class Police:
    """`shows` rows, `tells` a result, `faults` with a code, `answers` with any reply; several in turn."""

    def __init__(self, soap: str = "1.2", kind: str = "text") -> None:
        self.version = soap
        self.router = respx.Router(assert_all_called=False, assert_all_mocked=True)
        self.wire = RespxWire(self.router)
        self.clock = ManualClock()
        self._replies: list[httpx.Response] = []
        self.router.route().mock(side_effect=lambda _request: self._replies.pop(0))
        options = {"user": "sim-police", "soap": soap, "password_type": kind}
        settings = Settings("http://police.example/", options, {"password": PASSWORD})
        self.driver = Driver(self.wire, settings, clock=self.clock, chance=SeededChance(1))

    def shows(self, operation: str, *rows: Row) -> None:
        self.writes(operation, Rows(rows))

    def tells(self, operation: str, **fields: str) -> None:
        self.writes(operation, Result(fields))

    def writes(self, operation: str, answer: Rows | Result) -> None:
        self.answers(envelope(self.version, written(operation, answer)).encode())

    def faults(self, code: str, *, version: str = "", status: int = 500, declared: bool = True) -> None:
        made = fault_answer(version or self.version, Fault(code), declared=declared)
        self.answers(made.body, status, version or self.version)

    def answers(self, body: bytes, status: int = 200, version: str = "") -> None:
        label = LABELS[version or self.version]
        self._replies.append(httpx.Response(status, content=body, headers={"Content-Type": label}))

    @property
    def sent(self) -> int:
        return len(self.wire.requests)

    def envelope(self, which: int = -1) -> etree._Element:
        return etree.fromstring(self.wire.requests[which].content)

    def asked(self, which: int = -1) -> dict[str, Any]:
        """The arguments of a request, by name."""
        body = next(child for child in self.envelope(which) if str(child.tag).endswith("}Body"))
        return {etree.QName(child).localname: child.text for child in body[0]}


def state(**columns: str | None) -> Row:
    """The published row, changed."""
    published = {
        "SRN": NUMBER,
        "SERVICE_CD": "EMV",
        "STATUS_CD": "05",
        "STATUS_DESC": "Enquiry in Progress",
        "PS_NAME": "DEMO PS",
        "DISTRICT": "DEMO DISTRICT",
        "LAST_ACTION_DT": "15/01/2026 11:20:00",
        "REMARKS": "NA",
    }
    return {**published, **columns}
