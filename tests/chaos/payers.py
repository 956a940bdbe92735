"""Citizens who pay through the city under fire: what they do, and what the gateway's own book says of it."""

import http.client
import urllib.parse
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from agencies import Simulator, call
from harness import City, Promise

ENDED = {"POSTED", "REFUNDED", "NOT_PAID"}
BILLER = "tpcodl"
BILLS = "electricity.bill_payment"


@dataclass
class Payer:
    """A citizen who pays: a bill, or the fee of the case that was promised."""

    key: str
    what: dict[str, Any]
    id: str = ""
    seen: dict[str, Any] = field(default_factory=dict)
    paid: bool = False
    """The citizen's bank was charged."""
    agency: str = BILLER
    refusals: int = 0
    """How often it was told that a payment of this bill is under way."""

    def ask(self, city: City, wait_s: int = 0) -> tuple[int, Any]:
        """Begins, or asks again with the same key."""
        headers = {"Idempotency-Key": f"pay-{self.key}", "Prefer": f"wait={wait_s}"}
        status, told = call(city.port, "POST", "/v1/payments", self.what, headers)
        if status in {201, 202}:
            assert self.id in {"", told["id"]}, "one key, one payment"
            self.id, self.seen = told["id"], told
        return status, told

    def look(self, city: City) -> dict[str, Any]:
        status, told = call(city.port, "GET", f"/v1/payments/{self.id}")
        assert status == 200, (status, told)
        self.seen = told
        return self.seen

    def at_the_bank(self) -> None:
        """Pays on the gateway's page, as a browser would, if there is one to pay on."""
        if not self.paid and self.seen.get("phase") == "WAITING":
            address = urllib.parse.urlsplit(self.seen["pay_url"])
            bank = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
            bank.request("POST", address.path, "say=pay", {"Content-Type": "application/x-www-form-urlencoded"})
            self.paid = b"Paid." in bank.getresponse().read()
            bank.close()

    def goes_on(self, city: City) -> None:
        """One step of a patient citizen: the same key until there is a payment, then looking and paying. The server
        may be gone at any moment.
        """
        with suppress(OSError, http.client.HTTPException):
            if not self.id:
                status, told = self.ask(city)
                assert status in {201, 202, 409, 503}, (status, told)
                self.refusals += status == 409 and told["code"] == "payment-in-doubt"
            elif not self.over:
                self.look(city)
                self.at_the_bank()

    @property
    def over(self) -> bool:
        return self.seen.get("phase") in ENDED

    @property
    def reference(self) -> str:
        """Ours, as the gateway and most billers know the payment."""
        return self.id.removeprefix("pay_")


def fee_of(promise: Promise, **more: Any) -> Payer:
    return Payer(promise.key, {"case_id": promise.case_id, **more}, agency=promise.agency)


def bill_of(n: int, key: str = "") -> Payer:
    """Who pays the bill of the nth account; with another `key`, somebody else who pays the same bill."""
    form = {"account": f"7123456{n:05d}", "mobile": "9000000000"}
    return Payer(key or f"bill-{n}", {"service_id": BILLS, "form": form})


def captured(gateway: Simulator) -> list[str]:
    """Our references under which the gateway took money, by its own book; twice where it took it twice."""
    return [row["agency_ref"] for row in gateway.acted() if row["operation"] == "checkout"]


def given_back(gateway: Simulator) -> list[str]:
    return [row["our_ref"] for row in gateway.acted() if row["operation"] == "refund"]


def posted(agency: Simulator) -> list[str]:
    """Our references under which an agency recorded money, by its own book."""
    return [row["our_ref"] for row in agency.acted() if row["operation"] == "pay"]
