"""What the simulated authority holds: applications, their fees and appointments, reminders.

Each method is one business act and answers with an envelope. Refusals by business rule change nothing. An ARN or
file number that nobody was given behaves as if it had always existed, born 01/01/1990; ours begin with 26 and BBSR.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.passport.seva.simulator_life import BY_NAME, MAGIC_BORN, day_of, phase_of, stamp
from aggregator.sdk.clock import IST
from aggregator.sdk.testing.simulator import Done, World

FEES = {"Normal": "1500.00", "Tatkaal": "3500.00"}
PLACES = {"BBSR": "PSK Bhubaneswar", "CTC": "POPSK Cuttack"}
TIMES = ("09:15", "10:45", "14:30")
MOVES = 3
_LONGEST_SEARCH_DAYS = 14
_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def said(result: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope of a success, as far as it says so."""
    return {"strReturnString": "success", "fieldErrors": {}, "actionErrors": [], "requestResponseMap": dict(result)}


def refused(text: str, **more: Any) -> dict[str, Any]:
    return {"strReturnString": "error", "fieldErrors": {}, "actionErrors": [text], "requestResponseMap": more}


def missed(echo: Mapping[str, Any], number: str, **empty: Any) -> dict[str, Any]:
    """The one answer for an unknown number and for a wrong birth date; the text is in `msgArg` (real)."""
    text = f"File Reference Number {number} is either wrong or information not available"
    return said({**echo, "msgKey": None, "msgArg": [text], "statusMessage": None, **empty})


class Office:
    """The authority's books."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._files = world.table("files")
        self._refs = world.table("refs")

    def record(self, arn: str) -> dict[str, Any] | None:
        """The application; one that nobody submitted springs into being unless the number could be ours."""
        if arn not in self._files and not arn.startswith("26-"):
            self._put(arn, self._new("", MAGIC_BORN, "Normal", ""))
        found: dict[str, Any] | None = self._files.get(arn)
        return found

    def submit(self, asked: Mapping[str, Any], echo: Mapping[str, Any], *, shared_number: bool) -> Done:
        arn = "26-9999999811" if shared_number else f"26-{self._world.number('arn'):010d}"
        record = self._new(asked["clientRef"], asked["applDob"], asked["scheme"], asked["applicant"]["mobile"])
        self._put(arn, record)
        self._remember(asked["clientRef"], arn)
        fee = FEES[asked["scheme"]]
        return Done(
            said({**echo, "arn": arn, "feeAmount": fee, "message": "Application saved"}), acted=True, agency_ref=arn
        )

    def pay(self, asked: Mapping[str, Any], echo: Mapping[str, Any], *, twice: bool) -> Done:
        arn, record = asked["arn"], self._files[asked["arn"]]
        if record["receipt"] and not twice:
            return Done(refused("PSP-107: fee already paid", receiptNo=record["receipt"]), agency_ref=record["receipt"])
        fee = FEES[record["scheme"]]
        if asked["amount"] not in {fee, fee.removesuffix(".00")}:
            return Done(refused("PSP-106: fee mismatch", feeAmount=fee))
        receipt = f"RC{self._world.number('receipt'):010d}"
        self._put(arn, {**record, "receipt": receipt})
        self._remember(asked["clientRef"], arn)
        return Done(said({**echo, "receiptNo": receipt, "message": "Fee recorded"}), acted=True, agency_ref=receipt)

    def book(self, asked: Mapping[str, Any], echo: Mapping[str, Any], *, twice: bool) -> Done:
        record = self._files[asked["arn"]]
        if record["appointment"] and not twice:
            return Done(refused("PSP-105: appointment exists", appointmentId=record["appointment"]))
        return self._seat(asked, echo, record, {})

    def move(self, asked: Mapping[str, Any], echo: Mapping[str, Any], *, twice: bool) -> Done:
        record = self._files[asked["arn"]]
        # A magic number has had this appointment all along, so that each fault can be met without a booking.
        live = record["appointment"] or (asked["appointmentId"] if not record["ref"] and not record["moves"] else "")
        if asked["appointmentId"] != live and not twice:
            return Done(refused("PSP-101: appointment no longer live"))
        if record["moves"] >= MOVES:
            return Done(refused("PSP-104: reschedule limit"))
        moves = int(record["moves"]) + 1
        return self._seat(asked, echo, {**record, "moves": moves}, {"left": MOVES - moves})

    def cancel(self, asked: Mapping[str, Any], echo: Mapping[str, Any]) -> Done:
        cancelled, appointment = self._world.table("cancelled"), asked["appointmentId"]
        if appointment in cancelled:
            return Done(said({**echo, "cancelledOn": cancelled[appointment]}), agency_ref=appointment)
        record = self._files[asked["arn"]]
        if record["ref"] and appointment != record["appointment"]:
            return Done(missed(echo, appointment))
        cancelled[appointment] = stamp(self._world.now())
        self._put(asked["arn"], {**record, "appointment": "", "visit": None, "cancelled": True})
        return Done(said({**echo, "cancelledOn": cancelled[appointment]}), acted=True, agency_ref=appointment)

    def remind(self, echo: Mapping[str, Any], key: str, *, twice: bool) -> Done:
        reminders = self._world.table("reminders")
        if key in reminders and not twice:
            return Done(said({**echo, "reminderNo": reminders[key]}), agency_ref=reminders[key])
        reminders[key] = f"RM{self._world.number('reminder'):08d}"
        return Done(said({**echo, "reminderNo": reminders[key]}), acted=True, agency_ref=reminders[key])

    def slots(self, asked: Mapping[str, Any], echo: Mapping[str, Any]) -> Done:
        first, last = _day(asked["from"]), _day(asked["to"])
        days = [first + timedelta(days=n) for n in range(min((last - first).days, _LONGEST_SEARCH_DAYS) + 1)]
        places = [asked["psk"]] if asked.get("psk") else list(PLACES)
        rows = [self._slot(psk, day_of(day), time) for day in days for psk in places for time in TIMES]
        return Done(said({**echo, "slots": rows}))

    def receipt(self, echo: Mapping[str, Any]) -> Done:
        return Done(said({**echo, "pdf": base64.b64encode(_PDF).decode()}))

    def search(self, asked: Mapping[str, Any], echo: Mapping[str, Any], fault: str) -> Done:
        """Every match: a reference that was accepted twice shows two rows."""
        if arn := asked.get("arn"):
            record = self.record(arn)
            found = record is not None and self._world.findable(record["ref"])
            rows = [self._row(arn, record["ref"] if record else "", "", fault)] if found else []
        else:
            marks = self._refs.get(asked["clientRef"], []) if self._world.findable(asked["clientRef"]) else []
            rows = [self._row(arn, asked["clientRef"], appointment, fault) for arn, appointment in marks]
        return Done(said({**echo, "applications": rows}))

    def by_file(self, number: str) -> dict[str, Any] | None:
        arn = self._world.table("numbers").get(number)
        found: dict[str, Any] | None = self._files.get(arn) if arn else None
        return found

    def force(self, ref: str, to: str) -> bool:
        """POST /advance, for an ARN or a file number."""
        arn = self._world.table("numbers").get(ref, ref)
        if arn not in self._files:
            return False
        self._put(arn, {**self._files[arn], "forced": to})
        return True

    def number_of(self, arn: str) -> str:
        """The file number, given at the visit."""
        record = self._files[arn]
        if not record["file"]:
            record = {**record, "file": f"BBSR{self._world.number('file'):011d}"}
            self._put(arn, record)
            self._world.table("numbers")[record["file"]] = arn
        return str(record["file"])

    def _seat(
        self, asked: Mapping[str, Any], echo: Mapping[str, Any], record: dict[str, Any], more: Mapping[str, Any]
    ) -> Done:
        taken = self._world.table("taken")
        slot = f"{asked['psk']}|{asked['date']}|{asked['time']}"
        if self._slot(asked["psk"], asked["date"], asked["time"])["free"] < 1:
            others = [self._slot(asked["psk"], asked["date"], time) for time in TIMES if time != asked["time"]]
            return Done(refused("PSP-103: slot gone", slots=[row for row in others if row["free"] > 0][:3]))
        taken[slot] = int(taken.get(slot, 0)) + 1
        number = f"AP{self._world.number('appointment'):08d}"
        at = _moment(asked["date"], asked["time"])
        self._put(asked["arn"], {**record, "appointment": number, "visit": at.isoformat(), "cancelled": False})
        self._remember(asked["clientRef"], asked["arn"], number)
        result = {"appointmentId": number, "fileNo": None, "reportingTime": f"{asked['date']} {asked['time']}", **more}
        return Done(said({**echo, **result}), acted=True, agency_ref=number)

    def _slot(self, psk: str, day: str, time: str) -> dict[str, Any]:
        slot = f"{psk}|{day}|{time}"
        # Enough for a whole fault menu in one slot; FULL is a place that never has any.
        room = 0 if psk == "FULL" else 100 + int(self._world.chance(slot).random() * 100)
        free = max(room - int(self._world.table("taken").get(slot, 0)), 0)
        return {"psk": psk, "pskName": PLACES.get(psk, f"PSK {psk}"), "date": day, "time": time, "free": free}

    def _row(self, arn: str, ref: str, appointment: str, fault: str) -> dict[str, Any]:
        record, state = self._files[arn], self._state(arn, fault)
        row = {"arn": arn, "clientRef": ref, "createdOn": stamp(datetime.fromisoformat(record["at"])), "state": state}
        if appointment:
            row["appointmentId"] = appointment
        if state == "FILE_OPEN":
            row["fileNo"] = self.number_of(arn)
        return row

    def _state(self, arn: str, fault: str) -> str:
        record = self._files[arn]
        if fault in {"109", "800"}:
            return {"109": "APPOINTMENT_MISSED", "800": ""}[fault]
        if record["forced"] and record["forced"] not in BY_NAME:
            return str(record["forced"])
        if record["forced"] or phase_of(record, self._world.now()) is not None:
            return "FILE_OPEN"
        if record["appointment"]:
            return "APPOINTMENT_BOOKED"
        return "FEE_PAID" if record["receipt"] else "FEE_PENDING"

    def _new(self, ref: str, born: str, scheme: str, mobile: str) -> dict[str, Any]:
        return {
            "ref": ref,
            "born": born,
            "scheme": scheme,
            "mobile": mobile,
            "at": self._world.now().isoformat(),
            "receipt": "",
            "appointment": "",
            "visit": None,
            "cancelled": False,
            "moves": 0,
            "file": "",
            "forced": "",
        }

    def _put(self, arn: str, record: dict[str, Any]) -> None:
        self._files[arn] = record

    def _remember(self, ref: str, arn: str, appointment: str = "") -> None:
        self._refs[ref] = [*self._refs.get(ref, []), [arn, appointment]]


def _day(text: str) -> datetime:
    return datetime.strptime(text, "%d/%m/%Y").replace(tzinfo=IST)


def _moment(day: str, time: str) -> datetime:
    return datetime.strptime(f"{day} {time}", "%d/%m/%Y %H:%M").replace(tzinfo=IST).astimezone(UTC)
