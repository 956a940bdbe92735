"""What the simulated office refuses, by code; an empty string where it has nothing against a request."""

import re
from datetime import datetime
from typing import Any

from adapters.rto.vahan.simulator_life import ENDED, NEED_SLOT, PARTIES, SERVICES, Record, state
from adapters.rto.vahan.simulator_vehicles import PLATE, chassis_of

Asked = dict[str, Any]
_LICENCE = re.compile(r"^[A-Z]{2}\d{2,3}(?:19|20)\d{9}$")


def submission(asked: Asked) -> str:
    applicant = asked.get("applicant")
    if not isinstance(applicant, dict) or not all(applicant.get(name) for name in ("name", "mobile", "address")):
        return "498"
    if not asked.get("clientRef") or asked.get("serviceCode") not in SERVICES or not asked.get("rtoCode"):
        return "498"
    plate = asked.get("regnNo", "")
    if not plate:
        return "" if _LICENCE.match(asked.get("dlNo", "")) else "101"
    if not PLATE.match(plate) or plate.endswith("ZZ0101"):
        return "101"
    if plate.endswith("ZZ0106"):
        return "103"
    return "" if asked.get("chassisLast5") == chassis_of(plate)[-5:] else "102"


def payment(record: Record, asked: Asked, now: datetime) -> str:
    if not all(asked.get(name) for name in ("clientRef", "amountRs", "bankRef", "paidOn")):
        return "498"
    if record.get("fixed"):
        return ""
    if record["service"] == "TO" and len(record["consents"]) < len(PARTIES):
        return "105"
    if asked["amountRs"] != record["fee"]:
        return "106"
    return "299" if state(record, now) in ENDED else ""


def booking(record: Record, now: datetime) -> str:
    if record.get("fixed"):
        return ""
    if record["service"] not in NEED_SLOT or state(record, now) in ENDED:
        return "299"
    return "" if record["paid"] else "106"
