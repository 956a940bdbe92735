"""Where an application is follows from its dates and the simulator's clock; nothing has to tick.

An application is a plain JSON object: its facts (received, consents, paid, booking, cancelled, forced states), never
its state. Source: the rto protocol, section 5 ("Life of an application").
"""

from datetime import datetime, timedelta
from typing import Any

from aggregator.sdk.clock import IST

Record = dict[str, Any]
Step = tuple[str, datetime]

TEXTS = {
    "SUB": "Submitted",
    "CON": "Pending for consent",
    "FEE": "Fee pending",
    "ACK": "Fee received",
    "APT": "Appointment booked",
    "PEN": "Pending at RTO",
    "SCR": "Under processing at RTO level - Scrutiny (verification of proof documents)",
    "VER": "Verified",
    "ISS": "Under processing at RTO level - Issue of driving licence",
    "HLD": "On hold",
    "REV": "Reverted to applicant",
    "APR": "Approved",
    "DSP": "Dispatched",
    "DLV": "Delivered",
    "DIS": "Disposed",
    "CAN": "Cancelled by applicant",
    "TRF": "Transferred to RTO Cuttack",
}
DESKS = {"SCR": "VERIFY", "VER": "VERIFY", "APR": "APPROVE", "ISS": "APPROVE", "HLD": "HOLD", "REV": "REVERT"}
REMARKS = {"DSP": "EE123456785IN", "DLV": "EE123456785IN"}
SERVICES = {  # name, fee in rupees, days, forms
    "TO": ("Transfer of Ownership", "550.00", "30", "29,30"),
    "DLR": ("Renewal of Driving Licence", "200.00", "7", "9"),
    "DRC": ("Issue of Duplicate RC", "300.00", "7", "26"),
    "ADR": ("Change of Address in RC", "200.00", "7", "33"),
    "NOC": ("No Objection Certificate", "100.00", "4", "28"),
    "HPT": ("Termination of Hypothecation", "500.00", "7", "35"),
}
NEED_SLOT = frozenset({"TO", "DLR"})
PARTIES = ("SELLER", "BUYER")
ENDED = frozenset({"DLV", "DIS", "CAN"})
_DESK_DAYS = (("PEN", 1), ("SCR", 2), ("VER", 5), ("APR", 7), ("DSP", 8), ("DLV", 12))
"""Days after the booking, or after the payment where no inspection is needed."""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def steps(record: Record, now: datetime) -> list[Step]:
    """The history up to `now`, oldest first. A cancellation or a forced state ends the computed life."""
    fixed = [(code, at(on)) for code, on in record.get("fixed", ())]
    computed = fixed or _computed(record)
    forced = [(code, at(on)) for code, on in record["forced"]]
    if record["cancelled"]:
        forced.append(("CAN", at(record["cancelled"])))
    until = min((on for _, on in forced), default=now)
    return [step for step in computed if step[1] <= until] + sorted(forced, key=lambda step: step[1])


def _computed(record: Record) -> list[Step]:
    received = at(record["received"])
    life = [("SUB", received), ("CON" if record["service"] == "TO" else "FEE", received)]
    if record["service"] == "TO" and all(party in record["consents"] for party in PARTIES):
        life.append(("FEE", max(at(on) for on in record["consents"].values())))
    if not record["paid"]:
        return life
    start = at(record["paid"])
    life.append(("ACK", start))
    if record["booking"]:
        start = at(record["booking"]["at"])
        life.append(("APT", start))
    elif record["service"] in NEED_SLOT:
        return life
    return life + [(code, start + timedelta(days=days)) for code, days in _DESK_DAYS]


def seen(record: Record, now: datetime) -> list[Step]:
    return [step for step in steps(record, now) if step[1] <= now]


def state(record: Record, now: datetime) -> str:
    return seen(record, now)[-1][0]


def stamp(on: datetime) -> str:
    """dd/MM/yyyy HH:mm:ss, in Indian time."""
    return on.astimezone(IST).strftime("%d/%m/%Y %H:%M:%S")


def summary(record: Record, now: datetime) -> list[tuple[str, str]]:
    """One `application` of a findApplication answer."""
    return [
        ("applicationNo", record["number"]),
        ("clientRef", record["client_ref"]),
        ("serviceCode", record["service"]),
        ("statusCode", seen(record, now)[-1][0]),
        ("receivedOn", stamp(at(record["received"]))),
    ]
