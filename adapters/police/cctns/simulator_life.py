"""Where a request is follows from its dates and the simulator's clock; nothing has to tick.

A request is a plain JSON object: its facts (received, paid, cancelled, replies, states set by hand), never its state.
Source: the police protocol, section 6 ("Life").
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.sdk.clock import IST

Record = dict[str, Any]

TEXTS = {
    "01": "Submitted",
    "02": "Fee Pending",
    "03": "Forwarded to SP Office",
    "04": "Assigned to Police Station",
    "05": "Enquiry in Progress",
    "06": "Enquiry Report Submitted",
    "07": "Additional Documents Required",
    "08": "Visit Scheduled",
    "09": "Approved",
    "10": "Certificate Issued",
    "11": "Rejected",
    "12": "Adverse Report",
    "13": "Closed",
    "14": "FIR Registered",
    "15": "Transferred to other District",
    "16": "Withdrawn by Applicant",
}
SERVICES = {  # name, fee in rupees, days, active
    "EMV": ("Employee Verification", "100.00", "30", "Y"),
    "TNV": ("Tenant Verification", "0.00", "30", "Y"),
    "DHV": ("Domestic Help Verification", "0.00", "30", "Y"),
    "CHC": ("Character Certificate", "50.00", "30", "Y"),
    "CMP": ("Complaint", "0.00", "30", "Y"),
    "FIR": ("Copy of FIR", "0.00", "1", "Y"),
    "MIS": ("Missing Person", "0.00", "1", "Y"),
    "LPR": ("Lost Property Report", "0.00", "1", "Y"),
    "PRC": ("Procession or Rally", "0.00", "7", "Y"),
    "PRT": ("Protest or Strike", "0.00", "7", "N"),
    "EVT": ("Event or Performance", "0.00", "7", "Y"),
}
ENDED = frozenset({"10", "11", "12", "13", "16"})
STATIONS = {f"{district}{number:02d}": f"DEMO PS {number}" for district in ("98", "99") for number in range(1, 6)}
DISTRICTS = {"98": "DEMO DISTRICT NORTH", "99": "DEMO DISTRICT"}
_VERIFIED = (("03", 1), ("04", 1), ("05", 2), ("06", 3), ("09", 1), ("10", 1))
_HEARD = (("04", 1), ("05", 1), ("13", 1))
_COPIED = (("04", 1), ("13", 1))
_PERMITTED = (("03", 1), ("04", 1), ("09", 1))
_PATHS = {
    **dict.fromkeys(("EMV", "TNV", "DHV", "CHC"), _VERIFIED),
    **dict.fromkeys(("CMP", "MIS"), _HEARD),
    **dict.fromkeys(("FIR", "LPR"), _COPIED),
    **dict.fromkeys(("PRC", "PRT", "EVT"), _PERMITTED),
}
"""Days after the step before."""


@dataclass(frozen=True, slots=True)
class Step:
    code: str
    at: datetime
    remark: str = "NA"


def seen(record: Record, now: datetime) -> list[Step]:
    """The history up to `now`, oldest first. A step made by hand, a reply or a withdrawal ends the computed life."""
    made = [Step(code, _at(on)) for code, on in record["forced"]]
    made += [Step("05", _at(on), f"Reply received with {name}") for on, name in record["replies"]]
    made += [Step("16", _at(record["cancelled"]))] if record["cancelled"] else []
    until = min((step.at for step in made), default=now)
    computed = [step for step in _computed(record) if step.at <= until]
    return [step for step in computed + sorted(made, key=lambda step: step.at) if step.at <= now]


def _computed(record: Record) -> list[Step]:
    if record["fixed"]:
        return [Step(code, _at(on)) for code, on in record["fixed"]]
    at = _at(record["received"])
    steps = [Step("01", at)]
    if float(record["fee"]):
        steps.append(Step("02", at))
        if not record["paid"]:
            return steps
        at = _at(record["paid"])
    for code, days in _PATHS[record["service"]]:
        at += timedelta(days=days)
        steps.append(Step(code, at))
    return steps


def state(record: Record, now: datetime) -> str:
    return seen(record, now)[-1].code


def stamp(on: datetime) -> str:
    """dd/MM/yyyy HH:mm:ss, in Indian time."""
    return on.astimezone(IST).strftime("%d/%m/%Y %H:%M:%S")


def status_row(record: Record, now: datetime) -> dict[str, str | None]:
    """The row of GetServiceRequestStatus."""
    last = seen(record, now)[-1]
    return {
        "SRN": record["number"],
        "SERVICE_CD": record["service"],
        "STATUS_CD": last.code,
        "STATUS_DESC": TEXTS[last.code],
        "PS_NAME": STATIONS.get(record["station"]),
        "DISTRICT": DISTRICTS.get(record["station"][:2]),
        "LAST_ACTION_DT": stamp(last.at),
        "REMARKS": last.remark,
    }


def history_rows(record: Record, steps: list[Step]) -> list[dict[str, str | None]]:
    return [
        {
            "SRN": record["number"],
            "SEQ": str(place),
            "STATUS_CD": step.code,
            "STATUS_DESC": TEXTS[step.code],
            "ACTION_DT": stamp(step.at),
            "OFFICE": STATIONS.get(record["station"]),
            "REMARKS": step.remark,
        }
        for place, step in enumerate(steps, 1)
    ]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
