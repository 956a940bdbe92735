"""The simulated corporation's books: complaints, bills, payments, applications and registers.

Writes are queued: what was taken is shown `queue_s` later, by the simulator's clock, while the workflow knows it at
once. Where a fault is being played the record is stored at once, so that each fault is seen alone.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.municipal.digit.simulator_door import errors
from adapters.municipal.digit.simulator_life import ENDS, MAY, fixed, status_at, told_at
from aggregator.sdk.clock import IST, epoch_ms
from aggregator.sdk.testing.simulator import Done, World, magic

MAGIC_NUMBER = r"OD-PGR-2099-01-01-00(\d{4})"
MAGIC_MOBILE = r"900000(\d{4})"
MAGIC_CODE = r"[A-Z]+/SIM/00(\d{4})"
_LONG_AGO = datetime(2026, 1, 5, 4, 30, tzinfo=UTC)


class Corporation:
    """What it holds, and how it shows it."""

    def __init__(self, world: World, queue_s: float, *, enforce_bill: bool) -> None:
        self._world = world
        self._queue_s = queue_s
        self._enforce = enforce_bill
        self._complaints = world.table("complaints")
        self._mobiles = world.table("mobiles")
        self._payments = world.table("payments")

    def submit(self, service: Mapping[str, Any], ref: str, fault: str, code: str) -> Done:
        number = "OD-PGR-2026-01-01-999811" if fault == "811" else self._next_number()
        mobile, at = str(service["citizen"]["mobileNumber"]), self._world.now().isoformat()
        event = {"action": "APPLY", "at": at, "note": "", "ref": ref, "to": ""}
        record = {"service": dict(service), "ref": ref, "at": at, "events": [event], "rating": None}
        shown = self._shown(number, record, "PENDINGFORASSIGNMENT")
        if code == "815":  # their queue loses it; the workflow never heard of it either
            return Done(_wrapped([shown]), agency_ref=number)
        self._complaints[number] = record | {"unstored": code == "816", "queued": fault == "000"}
        self._mobiles[mobile] = [*self._mobiles.get(mobile, []), number]
        if fault == "000":
            self._world.hide(ref or number, self._queue_s)
        return Done(_wrapped([shown]), acted=True, agency_ref=number)

    def update(self, asked: Mapping[str, Any], action: str, ref: str) -> Done:
        number = str(asked["service"].get("serviceRequestId"))
        record = self._record(number)
        if record is None or self._waits(record):
            return Done(errors("INVALID_UPDATE", "Trying to update record that does not exists"))
        now, rating = self._world.now(), asked["service"].get("rating")
        state, last = status_at(record["events"], now), record["events"][-1]
        if action == "RATE" and last["action"] == "RATE" and record["rating"] == rating:
            return Done(_wrapped([self._shown(number, record, state)]), agency_ref=number)
        if state not in MAY.get(action, frozenset()):
            return Done(errors("INVALID_ACTION", f"Action {action} not possible: complaint is {state}"))
        note = str(asked["workflow"].get("comments") or "")
        event = {"action": action, "at": now.isoformat(), "note": note, "ref": ref, "to": ENDS.get(action, "")}
        changed = record | {"events": [*record["events"], event], "rating": rating if action == "RATE" else None}
        self._complaints[number] = changed
        done = self._shown(number, changed, status_at(changed["events"], now))
        return Done(_wrapped([done]), acted=True, agency_ref=number)

    def search(self, query: Mapping[str, str], fault: str) -> dict[str, Any]:
        if number := query.get("serviceRequestId"):
            record = self._record(number)
            found = record is not None and not record.get("unstored") and self._findable(number, record)
            if not found or record is None or fault == "100" or (fault == "814" and self._polls(number) > 2):
                return _wrapped([])
            status = fixed(fault, self._polled(number)) if magic(MAGIC_NUMBER, number) else self._seen(record)
            return _wrapped([self._shown(number, record, status)])
        rows = [(n, self._complaints[n]) for n in self._mobiles.get(query.get("mobileNumber", ""), [])]
        first, offset, limit = int(query.get("fromDate", 0)), int(query.get("offset", 0)), int(query.get("limit", 100))
        shown = [
            self._shown(number, record, self._seen(record))
            for number, record in rows
            if not record.get("unstored")
            and self._findable(number, record)
            and epoch_ms(datetime.fromisoformat(record["at"])) >= first
        ]
        return _wrapped(shown[offset : offset + min(limit, 200)])

    def history(self, number: str) -> dict[str, Any]:
        record = self._record(number)
        if record is None or not self._world.search_works:
            return {"ProcessInstances": []}
        told = [one for one in told_at(record["events"], self._world.now()) if self._world.findable(one["ref"] or "-")]
        return {"ProcessInstances": [self._instance(number, one) for one in told]}

    def _instance(self, number: str, event: Mapping[str, Any]) -> dict[str, Any]:
        at = datetime.fromisoformat(event["at"])
        word = event["to"] or "PENDINGFORASSIGNMENT"
        return {
            "tenantId": "od.bhubaneswar",
            "businessService": "PGR",
            "businessId": number,
            "action": event["action"],
            "comment": event["note"] or None,
            "state": {"state": word, "applicationStatus": word, "sla": None, "isStartState": False},
            "assignes": None if at.minute % 2 else [],
            "businesssServiceSla": 432_000_000,
            "stateSla": None,
            "nextActions": [],
            "auditDetails": {"createdTime": epoch_ms(at), "lastModifiedTime": epoch_ms(at)},
        }

    def force(self, number: str, to: str) -> bool:
        record = self._record(number)
        if record is None:
            return False
        at = self._world.now().isoformat()
        event = {"action": "ADVANCE", "at": at, "note": "", "ref": "", "to": to}
        self._complaints[number] = record | {"events": [*record["events"], event]}
        return True

    def bill(self, consumer: str, business: str, fault: str) -> dict[str, Any]:
        if fault == "100" or not re.fullmatch(r"[A-Z]+[/-][A-Z0-9]+[/-]\d{6}", consumer):
            return {"_status": 201, "Bill": []}
        bill_id = "SIMBILL-" + consumer.replace("/", "-")
        paid = bill_id in self._world.table("paid")
        amount = 10 + round(self._world.chance(consumer).random() * 2000, 1)
        now = self._world.now()
        one = {
            "id": bill_id,
            "billNumber": f"BILL-{consumer[-6:]}",
            "billDate": epoch_ms(now),
            "consumerCode": consumer,
            "businessService": business,
            "totalAmount": "@0E+2@" if paid else amount,
            "status": "PAID" if paid else "ACTIVE",
            "payerName": f"Test Citizen {consumer[-4:]}",
            "mobileNumber": "9000000000",
            "billDetails": [
                {
                    "id": bill_id + "-1",
                    "demandId": "d-1",
                    "amount": amount,
                    "amountPaid": 0,
                    "fromPeriod": epoch_ms(now - timedelta(days=60)),
                    "toPeriod": epoch_ms(now - timedelta(days=30)),
                    "expiryDate": 0 if fault == "812" else epoch_ms(now + timedelta(days=15)),
                    "billAccountDetails": [{"taxHeadCode": f"{business}_CHARGE", "amount": amount, "order": 1}],
                }
            ],
        }
        return {"_status": 201, "Bill": [one]}

    def pay(self, payment: Mapping[str, Any], fault: str) -> Done:
        part, ref = payment["paymentDetails"][0], str(payment["transactionNumber"])
        paid = self._world.table("paid")
        if fault == "107":
            return Done(errors("TXN_ABRUPTLY_DISCARDED", "A payment of this bill is pending"))
        if not str(part["billId"]).startswith("SIMBILL-"):
            return Done(errors("INVALID_BILL_ID", "No bill of this id"))
        if self._enforce and part["billId"] in paid:
            return Done(errors("TXN_CREATE_BILL_ALREADY_PAID", "Bill has already been paid"))
        paid[str(part["billId"])] = True
        serial = self._world.number("receipt")
        detail = dict(part) | {"receiptNumber": f"SIM/{part['businessService']}/2026-27/{serial:06d}"}
        one = dict(payment) | {
            "id": f"00000000-0000-4000-9000-{serial:012d}",
            "paymentStatus": "NEW",
            "instrumentStatus": "APPROVED",
            "paymentDetails": [detail],
        }
        self._payments[ref] = [*self._payments.get(ref, []), one]
        if fault == "000":
            self._world.hide(ref, self._queue_s)
        return Done(_paid([one], 201), acted=True, agency_ref=detail["receiptNumber"])

    def payments(self, number: str, fault: str) -> dict[str, Any]:
        if magic(r"SIM-PAY-00(\d{4})", number) and fault != "100":
            word = {"800": "", "801": "PENDINGATMARS", "804": "जमा"}.get(fault, "DEPOSITED")
            detail = {"billId": "SIMBILL-1", "receiptNumber": f"SIM/{number}", "businessService": "WS"}
            one = {"id": number, "transactionNumber": number, "paymentStatus": word, "totalAmountPaid": 664.5}
            return _paid([one | {"transactionDate": epoch_ms(_LONG_AGO), "paymentDetails": [detail]}])
        return _paid(self._payments.get(number, []) if self._world.findable(number) else [])

    def certificate(self, name: str, day: str, number: str, fault: str) -> dict[str, Any]:
        if fault == "100" or not re.fullmatch(r"[A-Z]+/SIM/\d{6}", number):
            return {name: []}
        born = epoch_ms(datetime(1990, 1, 1, 10, tzinfo=IST))
        row = {
            "id": number,
            "registrationno": number,
            day: born,
            "dateofreport": 0 if fault == "812" else born + 5 * 86_400_000,
            "hospitalname": "Demo Hospital",
            "firstname": "Test",
            "lastname": f"Citizen {number[-4:]}",
            "tenantid": "od.bhubaneswar",
        }
        return {name: [row], "count": 1}

    def _next_number(self) -> str:
        day = self._world.now().astimezone(IST).date().isoformat()
        return f"OD-PGR-{day}-{self._world.number('complaint'):06d}"

    def _record(self, number: str) -> dict[str, Any] | None:
        """The complaint; one of 2099 has been there all along, in February resolved, so that a step can be tried."""
        known: dict[str, Any] | None = self._complaints.get(number)
        if known is not None or not re.fullmatch(r"OD-PGR-2099-0[12]-01-\d{6}", number):
            return known
        to = "RESOLVED" if number.startswith("OD-PGR-2099-02") else "PENDINGATLME"
        event = {"action": "APPLY", "at": _LONG_AGO.isoformat(), "note": "", "ref": "", "to": to}
        service = {
            "tenantId": "od.bhubaneswar",
            "serviceCode": "Streetlightsnotfunctioning",
            "source": "web",
            "description": "Light out near Demo Colony gate",
            "citizen": {"name": f"Test Citizen {number[-4:]}", "mobileNumber": f"900000{number[-4:]}"},
            "address": {"locality": {"code": "SIM01"}, "geoLocation": {"latitude": 20.27, "longitude": 85.84}},
        }
        return {"service": service, "ref": "", "at": _LONG_AGO.isoformat(), "events": [event], "rating": None}

    def _findable(self, number: str, record: Mapping[str, Any]) -> bool:
        return self._world.findable(record["ref"] or number)

    def _waits(self, record: Mapping[str, Any]) -> bool:
        """Whether it is still in the queue: a step then finds nothing to step on. 816 waits for ever."""
        stored_at = datetime.fromisoformat(record["at"]) + timedelta(seconds=self._queue_s)
        return bool(record.get("unstored")) or (bool(record.get("queued")) and self._world.now() < stored_at)

    def _seen(self, record: Mapping[str, Any]) -> str:
        """The status a search shows: steps still in the queue have not happened yet."""
        now = self._world.now()
        stored = [one for one in record["events"] if self._is_stored(one, now)]
        return status_at(stored or record["events"][:1], now)

    def _is_stored(self, event: Mapping[str, Any], now: datetime) -> bool:
        return datetime.fromisoformat(event["at"]) + timedelta(seconds=self._queue_s) <= now

    def _shown(self, number: str, record: Mapping[str, Any], status: str) -> dict[str, Any]:
        stored = [one for one in record["events"] if self._is_stored(one, self._world.now())]
        changed = (stored or record["events"][:1])[-1]["at"]
        created = epoch_ms(datetime.fromisoformat(record["at"]))
        service: dict[str, Any] = record["service"]
        return service | {
            "serviceRequestId": number,
            "applicationStatus": status,
            "rating": record["rating"] if stored == record["events"] else None,
            "active": True,
            "auditDetails": {
                "createdBy": "sim",
                "createdTime": created,
                "lastModifiedTime": epoch_ms(datetime.fromisoformat(changed)),
            },
        }

    def _polls(self, number: str) -> int:
        polls = self._world.table("polls")
        return int(polls.get(number, 0))

    def _polled(self, number: str) -> int:
        polls = self._world.table("polls")
        polls[number] = self._polls(number) + 1
        return int(polls[number])


def _wrapped(services: list[dict[str, Any]]) -> dict[str, Any]:
    rows = [{"service": one, "workflow": {"action": "APPLY", "assignes": None}} for one in services]
    return {"ServiceWrappers": rows, "complaintsResolved": 0, "averageResolutionTime": 0, "complaintTypes": 303}


def _paid(payments: list[Any], status: int = 200) -> dict[str, Any]:
    return {"_status": status, "Payments": payments}
