"""The transport office behind the simulator: what it holds, what it refuses, what a repeated request means to it.

Every operation takes the parsed request and answers with the children of `<Result>`; `acted` says whether something
changed. It knows nothing of SOAP, encryption, sockets or faults. Source: the rto protocol, sections 2 and 5.
"""

import re
from datetime import date, datetime, timedelta
from typing import Any

from adapters.rto.vahan import simulator_rules as rules
from adapters.rto.vahan.simulator_life import ENDED, PARTIES, SERVICES, Record, stamp, state
from aggregator.sdk.clock import IST
from aggregator.sdk.testing.simulator import Done, World

Fields = list[tuple[str, Any]]

CONTROL_REFERENCE = "CONTROL-0001"
CONTROL_NUMBER = "OD25A0000000001"
"""Findable from the start: a search that does not show it is broken. It has no ledger row."""
MAGIC_NUMBER = re.compile(r"^OD99A000000(\d{4})$")
MAGIC_PLATE = re.compile(r"^OD99ZZ(\d{4})$")
_DATE = re.compile(r"^(0[1-9]|[12]\d|3[01])/(0[1-9]|1[0-2])/(20\d{2})$")
_SLOT = re.compile(r"^.+-(\d{4})(\d{2})(\d{2})-(\d{2})(\d{2})$")
_MOBILE = "9000000000"
_HOURS = ("10:00", "11:30", "15:00")
_PLACES_PER_SLOT = 200


def no(code: str, fields: Fields | None = None) -> Done:
    return Done((code, fields or []))


def yes(fields: Fields, number: str = "", *, acted: bool = False) -> Done:
    return Done(("0", fields), acted=acted, agency_ref=number)


class Office:
    """Applications by number, keys by operation and clientRef; both survive `kill -9`."""

    def __init__(self, world: World) -> None:
        self.applications = world.table("applications")
        self.keys = world.table("keys")
        self._world = world
        self._index: dict[str, list[str]] | None = None

    def furnish(self) -> None:
        """The control record, there from the start and after every reset."""
        record = _blank(CONTROL_NUMBER, CONTROL_REFERENCE, "DRC", datetime(2025, 12, 1, 10, tzinfo=IST))
        self._keep({**record, "regn": "OD99ZZ0000", "mobile": _MOBILE})
        self._index = None

    def by_reference(self, reference: str) -> list[Record]:
        return [self.applications[number] for number in self._by_reference.get(reference, ())]

    @property
    def _by_reference(self) -> dict[str, list[str]]:
        """Built when first asked for: after a start the applications come from the disk."""
        if self._index is None:
            self._index = {}
            for number, record in self.applications.items():
                self._index.setdefault(record["client_ref"], []).append(number)
        return self._index

    def application(self, number: str) -> Record | None:
        """A stored application, or the one a magic number stands for: a TO in SCR, any mobile."""
        stored: Record | None = self.applications.get(number)
        magic = MAGIC_NUMBER.match(number)
        if stored is None and magic:
            begun = datetime(2026, 1, 10, 10, tzinfo=IST)
            record = _blank(number, f"SIM-{magic[1]}", "TO", begun)
            stored = {
                **record,
                "regn": f"OD99ZZ{magic[1]}",
                "mobile": "",
                "fixed": [["SUB", begun.isoformat()], ["SCR", datetime(2026, 1, 15, 11, 20, tzinfo=IST).isoformat()]],
            }
        return stored

    def own(self, asked: rules.Asked) -> Record | None:
        """The application asked for, if the mobile is its own; a magic one takes any."""
        record = self.application(asked.get("applicationNo", ""))
        if record is None or (record["mobile"] and record["mobile"] != asked.get("mobile", "")):
            return None
        return record

    def submit(self, asked: rules.Asked, content: str) -> Done:
        known = self.keys.get("submit " + asked.get("clientRef", ""))
        if known is not None:
            return self._repeated(known, content)
        refusal = rules.submission(asked)
        if refusal:
            return no(refusal)
        now = self._world.now()
        number = f"OD{now.astimezone(IST):%y}A{self._world.number('application'):010d}"
        record = _blank(number, asked["clientRef"], asked["serviceCode"], now)
        known_as = self._by_reference.setdefault(asked["clientRef"], [])
        known_as.append(number)
        self._keep(
            {
                **record,
                "regn": asked.get("regnNo", "") or asked.get("dlNo", ""),
                "mobile": asked["applicant"]["mobile"],
                "office": asked["rtoCode"],
            }
        )
        fields = [("applicationNo", number), ("feeAmount", record["fee"]), ("receivedOn", stamp(now))]
        self.keys["submit " + asked["clientRef"]] = {"content": content, "fields": fields, "number": number}
        return yes(fields, number, acted=True)

    def find(self, asked: rules.Asked) -> list[Record]:
        """Every match: by our reference, or by vehicle and mobile. May be empty."""
        reference, regn = asked.get("clientRef", ""), asked.get("regnNo", "")
        if reference:
            return self.by_reference(reference)
        mobile, magic = asked.get("mobile", ""), MAGIC_PLATE.match(regn)
        if magic:
            return [record for record in [self.application(f"OD99A000000{magic[1]}")] if record]
        return [one for one in self.applications.values() if one["regn"] == regn and one["mobile"] == mobile]

    def consent(self, asked: rules.Asked) -> Done:
        record = self.application(asked.get("applicationNo", ""))
        party = asked.get("party", "")
        if record is None:
            return no("301")
        if party not in PARTIES or not asked.get("otpTxn"):
            return no("498")
        given = record["consents"].get(party)
        if given is None:
            given = self._world.now().isoformat()
            self._keep({**record, "consents": {**record["consents"], party: given}})
            return yes([("recordedOn", _stamp(given))], record["number"], acted=True)
        return yes([("recordedOn", _stamp(given))], record["number"])

    def pay(self, asked: rules.Asked, content: str) -> Done:
        known = self.keys.get("pay " + asked.get("clientRef", ""))
        if known is not None:
            return self._repeated(known, content)
        record = self.application(asked.get("applicationNo", ""))
        if record is None:
            return no("301")
        refusal = rules.payment(record, asked, self._world.now())
        if refusal:
            return no(refusal)
        now = self._world.now()
        receipt = f"RCPT{self._world.number('receipt'):010d}"
        self._keep({**record, "paid": record["paid"] or now.isoformat(), "receipts": [*record["receipts"], receipt]})
        fields = [("receiptNo", receipt)]
        self.keys["pay " + asked["clientRef"]] = {"content": content, "fields": fields, "number": receipt}
        return yes(fields, receipt, acted=True)

    def slots(self, asked: rules.Asked) -> Done:
        if self.application(asked.get("applicationNo", "")) is None:
            return no("301")
        return yes([("slot", one) for one in self._free(asked.get("rtoCode", ""), asked)])

    def book(self, asked: rules.Asked, *, twice: bool = False) -> Done:
        record = self.application(asked.get("applicationNo", ""))
        if record is None:
            return no("301")
        live = record["booking"]
        if live and not twice and not record["cancelled"]:
            return no("211", [("bookingNo", live["no"]), ("slotId", live["slot"])])
        refusal = rules.booking(record, self._world.now())
        if refusal:
            return no(refusal)
        slot = asked.get("slotId", "")
        if not self._open(slot):
            return no("201", [("slot", one) for one in self._free(record["office"], {})[:3]])
        number = f"BK{self._world.number('booking'):010d}"
        taken = self._world.table("slots")
        taken[slot] = taken.get(slot, 0) + 1
        self._keep({**record, "booking": {"no": number, "slot": slot, "at": self._world.now().isoformat()}})
        return yes([("bookingNo", number)], number, acted=True)

    def cancel(self, asked: rules.Asked) -> Done:
        record = self.own(asked)
        if record is None:
            return no("301")
        if record["cancelled"]:
            return yes([("cancelledOn", _stamp(record["cancelled"]))], record["number"])
        if state(record, self._world.now()) in ENDED:
            return no("299")
        now = self._world.now().isoformat()
        self._keep({**record, "cancelled": now})
        return yes([("cancelledOn", _stamp(now))], record["number"], acted=True)

    def force(self, number: str, word: str) -> bool:
        """Puts an application in a state by hand; false for a number nobody has."""
        record = self.application(number)
        if record is None:
            found = self.by_reference(number)
            record = found[0] if found else None
        if record is None:
            return False
        self._keep({**record, "forced": [*record["forced"], [word, self._world.now().isoformat()]]})
        return True

    def forget_key(self, operation: str, reference: str) -> None:
        """Fault 810: as if this reference had never been seen."""
        self.keys.pop(f"{operation} {reference}", None)

    def _keep(self, record: Record) -> None:
        self.applications[record["number"]] = record

    def _repeated(self, known: Record, content: str) -> Done:
        if known["content"] != content:
            return no("409")
        fields = [(name, value) for name, value in known["fields"]]
        return yes([*fields, ("repeated", "true")], known["number"])

    def _open(self, slot: str) -> bool:
        """Whether a slot of this name lies ahead and has a place left."""
        found = _SLOT.match(slot)
        if found is None or f"{found[4]}:{found[5]}" not in _HOURS:
            return False
        on = _date(f"{found[3]}/{found[2]}/{found[1]}")
        ahead = on is not None and on > self._world.now().astimezone(IST).date()
        return ahead and self._world.table("slots").get(slot, 0) < _PLACES_PER_SLOT

    def _free(self, rto: str, asked: rules.Asked) -> list[Fields]:
        """The slots of five days: from tomorrow on, or between the asked dates (at most 14)."""
        tomorrow = self._world.now().astimezone(IST).date() + timedelta(days=1)
        first = max(_date(asked.get("from", "")) or tomorrow, tomorrow)
        last = min(_date(asked.get("to", "")) or first + timedelta(days=4), first + timedelta(days=13))
        taken, free = self._world.table("slots"), []
        for ahead in range((last - first).days + 1):
            for hour in _HOURS:
                on = first + timedelta(days=ahead)
                name = f"{rto or 'OD-02'}-{on:%Y%m%d}-{hour[:2]}{hour[3:]}"
                left = _PLACES_PER_SLOT - taken.get(name, 0)
                if left > 0:
                    free.append([("slotId", name), ("date", f"{on:%d/%m/%Y}"), ("time", hour), ("free", str(left))])
        return free


def _blank(number: str, reference: str, service: str, received: datetime) -> Record:
    return {
        "number": number,
        "client_ref": reference,
        "service": service,
        "fee": SERVICES[service][1],
        "received": received.isoformat(),
        "office": "OD-02",
        "consents": {},
        "paid": "",
        "receipts": [],
        "booking": None,
        "cancelled": "",
        "forced": [],
    }


def _date(text: str) -> date | None:
    """A dd/MM/yyyy in the calendar, else None."""
    found = _DATE.match(text)
    try:
        return date(int(found[3]), int(found[2]), int(found[1])) if found else None
    except ValueError:
        return None


def _stamp(iso: str) -> str:
    return stamp(datetime.fromisoformat(iso))
