"""The police behind the simulator: what they hold, what they refuse, and what a repeated request means to them.

A repeated ClientRefNo makes a second request, a repeated challan number does not. It knows nothing of SOAP, tokens
or sockets. Source: the police protocol, sections 2 and 6.
"""

import base64
import re
from datetime import datetime

from adapters.police.cctns import simulator_life as life
from adapters.police.cctns.simulator_answers import Fault, Result, Rows
from adapters.police.cctns.simulator_life import Record
from adapters.police.cctns.simulator_rules import application
from adapters.police.cctns.simulator_words import MAGIC_MOBILE, MAGIC_NUMBER, MESSAGES
from aggregator.sdk.clock import IST
from aggregator.sdk.testing.simulator import Done, World, magic

Asked = dict[str, str]

CONTROL_REFERENCE, CONTROL_NUMBER = "CONTROL-0001", "OP25TNV0000001"
"""Findable from the start: a search that does not show it is broken. It has no ledger row."""
MOBILE = "9000000000"
_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
_DOCUMENT_MAX = 2 * 1_048_576


def told(code: str, number: str | None = None, *, acted: bool = False, missing: str = "", **more: str) -> Done:
    """An ActionResult, or one of its extensions. `missing` names a field."""
    message = MESSAGES.get(code, "") + (f": {missing}" if missing else "")
    fields = {"ResultCode": code, "ResultMessage": message, "ServiceRequestNo": number, **more}
    return Done(Result(fields), acted=acted, agency_ref=number or "")


def failed(code: str) -> Rows:
    """How a DataSet operation says no."""
    return Rows([{"ERROR_CD": code, "ERROR_DESC": MESSAGES.get(code, "")}])


class Station:
    """Requests by number, challans by number; both survive `kill -9`."""

    def __init__(self, world: World) -> None:
        self.requests = world.table("requests")
        self.challans = world.table("challans")
        self._world = world
        self._index: dict[str, list[str]] | None = None

    def furnish(self) -> None:
        """The control record, there from the start and after every reset."""
        self._index = None
        self._keep(_blank(CONTROL_NUMBER, CONTROL_REFERENCE, MOBILE, datetime(2025, 12, 1, 10, tzinfo=IST)))

    def request(self, number: str) -> Record | None:
        """A stored request, or the one a magic number stands for: in enquiry, mobile 9000000000."""
        stored: Record | None = self.requests.get(number)
        if stored is not None or not magic(MAGIC_NUMBER, number):
            return stored
        begun = datetime(2026, 1, 10, 10, tzinfo=IST)
        steps = [["01", begun.isoformat()], ["05", datetime(2026, 1, 15, 11, 20, tzinfo=IST).isoformat()]]
        return {**_blank(number, f"SIM-{number[-4:]}", MOBILE, begun), "fixed": steps}

    def own(self, asked: Asked) -> Record | str:
        """The request asked for, if the mobile is its own; else the code of the refusal."""
        record = self.request(asked.get("ServiceRequestNo", ""))
        if record is None:
            return "21"
        return record if record["mobile"] == asked.get("MobileNo", "") else "13"

    def submit(self, asked: Asked) -> Done:
        service, reference = asked.get("ServiceCode", ""), asked.get("ClientRefNo", "")
        if not re.fullmatch(r"[A-Za-z0-9-]{1,30}", reference):
            return told("12", missing="ClientRefNo")
        got = application(service, asked.get("ApplicantXml", ""))
        if got.misshapen:
            return Done(Fault("CS-12"))
        if got.refusal:
            return told(got.refusal, missing=got.missing)
        now = self._world.now()
        number = f"OP{now.astimezone(IST):%y}{service}{self._world.number('request'):07d}"
        record = {**_blank(number, reference, got.mobile, now), "station": got.station}
        self._by_reference.setdefault(reference, []).append(number)
        self._keep(record)
        more = {"ClientRefNo": reference, "FeeAmount": record["fee"], "ReceivedOn": life.stamp(now)}
        return told("0", number, acted=True, **more)

    def pay(self, asked: Asked, *, twice: bool = False) -> Done:
        number, challan = asked.get("ServiceRequestNo", ""), asked.get("ChallanNo", "")
        record = self.request(number)
        if record is None:
            return told("21", number)
        if not 1 <= len(challan) <= 20:
            return told("12", number, missing="ChallanNo")
        if challan in self.challans and not twice:
            return told("23", self.challans[challan])
        now = self._world.now()
        if not record["fixed"] and (record["paid"] or life.state(record, now) != "02"):
            return told("22", number)
        if asked.get("AmountRs") != record["fee"]:
            return told("24", number)
        self.challans[challan] = number
        self._keep({**record, "paid": record["paid"] or now.isoformat()})
        return told("0", number, acted=True)

    def reply(self, asked: Asked) -> Done:
        record = self.own(asked)
        if isinstance(record, str):
            return told(record)
        number, now = record["number"], self._world.now()
        if not 1 <= len(asked.get("ReplyText", "")) <= 1000:
            return told("12", number, missing="ReplyText")
        if len(asked.get("DocumentBase64", "")) * 3 // 4 > _DOCUMENT_MAX:
            return told("15", number)
        if not record["fixed"] and life.state(record, now) != "07":
            return told("22", number)
        name = asked.get("DocumentName", "")
        self._keep({**record, "replies": [*record["replies"], [now.isoformat(), name]]})
        return told("0", number, acted=True)

    def remind(self, asked: Asked) -> Done:
        record = self.own(asked)
        if isinstance(record, str):
            return told(record)
        return told("0", record["number"], acted=True)

    def cancel(self, asked: Asked) -> Done:
        record = self.own(asked)
        if isinstance(record, str):
            return told(record)
        number, now = record["number"], self._world.now()
        if record["cancelled"]:
            return told("0", number)
        if not record["fixed"] and life.state(record, now) in life.ENDED:
            return told("22", number)
        self._keep({**record, "cancelled": now.isoformat()})
        return told("0", number, acted=True)

    def certificate(self, asked: Asked) -> Done:
        record = self.own(asked)
        if isinstance(record, str):
            return told(record)
        number = record["number"]
        if not record["fixed"] and life.state(record, self._world.now()) != "10":
            return told("31", number)
        content = base64.b64encode(_PDF).decode()
        return told("0", number, FileName=f"{number}.pdf", ContentBase64=content)

    def search(self, asked: Asked) -> list[Record]:
        """Every match of what is given; the dates are ignored, as in the grids this is made after."""
        reference, mobile = asked.get("ClientRefNo", ""), asked.get("MobileNo", "")
        held = self._of(reference) if reference else self.requests.values()
        found = [one for one in held if mobile in {"", one["mobile"]}]
        digits = "" if reference else magic(MAGIC_MOBILE, mobile)
        virtual = self.request(f"OP99EMV000{digits}") if digits else None
        if virtual and virtual["number"] not in self.requests:
            found.append(virtual)
        return [one for one in found if self._world.findable(one["ref"])]

    def _of(self, reference: str) -> list[Record]:
        return [self.requests[number] for number in self._by_reference.get(reference, ())]

    @property
    def _by_reference(self) -> dict[str, list[str]]:
        """Built when first asked for: after a start the requests come from the disk."""
        if self._index is None:
            self._index = {}
            for number, record in self.requests.items():
                self._index.setdefault(record["ref"], []).append(number)
        return self._index

    def force(self, ref: str, code: str) -> bool:
        """Puts a request in a state by hand, by its number or our reference; false for one nobody has."""
        found = self.request(ref) or next(iter(self._of(ref)), None)
        if found is None:
            return False
        self._keep({**found, "forced": [*found["forced"], [code, self._world.now().isoformat()]]})
        return True

    def _keep(self, record: Record) -> None:
        self.requests[record["number"]] = record


def _blank(number: str, reference: str, mobile: str, received: datetime) -> Record:
    service = number[4:7]
    return {
        "number": number,
        "ref": reference,
        "service": service,
        "mobile": mobile,
        "station": "9901",
        "fee": life.SERVICES[service][1] if service in life.SERVICES else "0.00",
        "received": received.isoformat(),
        "paid": "",
        "cancelled": "",
        "replies": [],
        "forced": [],
        "fixed": [],
    }
