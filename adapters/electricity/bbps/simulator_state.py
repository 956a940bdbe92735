"""What the central unit knows: bills by account, payments by transaction reference, complaints by number.

It knows nothing of signatures, sockets or faults. Answers are the children of a response as (name, attributes,
children) texts made by `tag`. Source: the electricity protocol, sections 2 to 4.
"""

import re
from datetime import datetime, timedelta
from typing import Any
from xml.sax.saxutils import quoteattr

from aggregator.sdk.clock import IST
from aggregator.sdk.testing.simulator import World

BILLER = "SIMU00000ODI01"
MAGIC_ACCOUNT = r"90000000(\d{4})"
MAGIC_TXN = r"SIMU601500000000(\d{4})"
MAGIC_COMPLAINT = r"CC000000(\d{4})"
MAGIC_MOBILE = r"900000(\d{4})"
_PENDING_S = 60.0
_LIFE = ((97, "CLOSED"), (25, "RESOLVED"), (1, "ASSIGNED"))


def tag(name: str, inner: str = "", /, **attributes: str) -> str:
    """One element as text, always with an end tag; attributes may be called `name`."""
    told = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{told}>{inner}</{name}>"


def stamp(at: datetime) -> str:
    return at.astimezone(IST).isoformat(timespec="seconds")


class Books:
    """Durable; every method is one business act."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.payments = world.table("payments")
        self.complaints = world.table("complaints")
        self.paid = world.table("paid")
        self.refused = world.table("refused")

    def bill(self, account: str) -> dict[str, str]:
        """The open bill of this month: same account, same amount."""
        now = self._world.now().astimezone(IST)
        chance = self._world.chance(f"{account} {now:%Y%m}")
        number = f"SIM{now:%Y%m}{int(chance.random() * 10**9):09d}"
        issued = now.replace(day=5)
        due = now.replace(day=25)
        return {
            "customerName": f"Test Citizen {account[-4:]}",
            "amount": str(20_000 + 100 * int(chance.random() * 3000)),
            "dueDate": f"{due:%Y-%m-%d}",
            "billDate": f"{issued:%Y-%m-%d}",
            "billNumber": number,
            "billPeriod": "MONTHLY",
        }

    def late_fee(self) -> str:
        """The tag after the due date; empty before it."""
        late = self._world.now().astimezone(IST).day > 25
        return tag("Tag", name="Late Payment Fee", value="1500") if late else ""

    def bill_key(self, account: str) -> str:
        """What may be paid once."""
        return f"{BILLER}/{account}/{self.bill(account)['billNumber']}"

    def open_for(self, key: str) -> bool:
        return any(one["bill"] == key and self.word(one) == "PENDING" for one in self.payments.values())

    def pay(self, txn: str, ref_id: str, account: str, amount: str, fault: str) -> dict[str, Any]:
        """Records it. `fault` 107, 801 and 909 decide what a status says later."""
        key = self.bill_key(account)
        self.paid[key] = self.paid.get(key, 0) + 1
        record = {
            "txn": txn,
            "ref_id": ref_id,
            "account": account,
            "amount": amount,
            "bill": key,
            "at": self._world.now().isoformat(),
            "approval": f"SIMAPPR{self._world.number('approval'):013d}",
            "fault": fault,
            "forced": "",
        }
        self.payments[txn] = record
        return record

    def refuse(self, txn: str, account: str, amount: str) -> None:
        """A payment said no to is known and FAILURE; it changes no bill and is no effect."""
        at = self._world.now().isoformat()
        record = {"txn": txn, "account": account, "amount": amount, "at": at, "forced": "FAILURE", "fault": ""}
        self.refused[txn] = record | {"approval": "NA", "bill": "", "ref_id": ""}

    def word(self, record: dict[str, Any]) -> str:
        """The status word by the clock."""
        waited = (self._world.now() - datetime.fromisoformat(record["at"])).total_seconds()
        settled = {"801": "SETTLING", "909": "FAILURE"}.get(record["fault"], "SUCCESS")
        pending = record["fault"] == "107" and waited < _PENDING_S
        return str(record["forced"] or ("PENDING" if pending else settled))

    def payment(self, txn: str) -> dict[str, Any] | None:
        """What a search shows; a magic reference is a payment that has always been there."""
        if not self._world.findable(txn):
            return None
        stored: dict[str, Any] | None = self.payments.get(txn) or self.refused.get(txn)
        found = re.fullmatch(MAGIC_TXN, txn)
        if stored is None and found:
            at = (self._world.now() - timedelta(days=1)).isoformat()
            stored = {"txn": txn, "account": f"90000000{found[1]}", "amount": "66400", "at": at, "forced": ""}
            stored |= {"approval": "SIMAPPR0000000000001", "fault": found[1][1:], "bill": "", "ref_id": ""}
        return stored

    def complaint(self, number: str) -> dict[str, Any] | None:
        stored: dict[str, Any] | None = self.complaints.get(number)
        if stored is None and re.fullmatch(MAGIC_COMPLAINT, number):
            at = (self._world.now() - timedelta(hours=2)).isoformat()
            stored = {"number": number, "at": at, "forced": "", "reopened": False}
        return stored

    def first_complaint(self, key: str) -> dict[str, Any] | None:
        return next((one for one in self.complaints.values() if one["key"] == key), None)

    def complain(self, key: str) -> dict[str, Any]:
        number = f"CC{self._world.number('complaint') + 10**9:010d}"
        record = {"number": number, "key": key, "at": self._world.now().isoformat(), "forced": "", "reopened": False}
        self.complaints[number] = record
        return record

    def complaint_word(self, record: dict[str, Any]) -> str:
        if record["forced"] or record["reopened"]:
            return str(record["forced"] or "REOPENED")
        hours = (self._world.now() - datetime.fromisoformat(record["at"])).total_seconds() / 3600
        return next((word for after, word in _LIFE if hours >= after), "OPEN")

    def force(self, ref: str, word: str) -> bool:
        """Puts a payment or a complaint into a state by hand."""
        for table in (self.payments, self.complaints):
            if ref in table:
                table[ref] = {**table[ref], "forced": word}
                return True
        return False
