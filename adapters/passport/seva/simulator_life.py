"""A file's life is a table of days by the simulator's clock; nothing in it sleeps.

Counted from the visit, which is one day after submission (half a day for Tatkaal) unless an appointment says
otherwise. Everything here is our choice, no claim about the authority.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.sdk.clock import IST
from aggregator.sdk.form import s10_check_digit

MAGIC_BORN = "01/01/1990"


@dataclass(frozen=True, slots=True)
class Phase:
    """From `after_days` after the visit on. `key` is null where the authority gives none."""

    after_days: float
    name: str
    key: str | None
    message: str
    code: str


RECEIVED = Phase(0, "RECEIVED", None, "Your application has been received at the Passport Seva Kendra", "102")
POLICE = Phase(1, "POLICE", "trackstatus.police.verification", "Police Verification has been initiated", "104")
REVIEW = Phase(10, "REVIEW", "trackstatus.review", "Application is under review at Regional Passport Office", "103")
GRANTED = Phase(12, "GRANTED", "trackstatus.granted", "Passport application has been granted", "107")
PRINTED = Phase(13, "PRINTED", None, "Passport has been printed", "108")
DISPATCHED = Phase(
    14,
    "DISPATCHED",
    "trackstatus.dispatched",
    "Passport has been dispatched on {day} via Speed Post. The tracking number is {item}",
    "109",
)
DELIVERED = Phase(17, "DELIVERED", "trackstatus.delivered", "The passport has been delivered", "110")
NORMAL = (RECEIVED, POLICE, REVIEW, GRANTED, PRINTED, DISPATCHED, DELIVERED)
PRE_PRINTED = Phase(
    0,
    "PRE_PRINTED",
    "trackstatus.pre.verification.printed",
    "Passport has been printed before the police verification of the applicant",
    "105",
)
TATKAAL = (
    PRE_PRINTED,
    Phase(0.5, "GRANTED", GRANTED.key, GRANTED.message, GRANTED.code),
    Phase(1.5, "DISPATCHED", DISPATCHED.key, DISPATCHED.message, DISPATCHED.code),
    Phase(2.5, "DELIVERED", DELIVERED.key, DELIVERED.message, DELIVERED.code),
)
SUBMITTED = Phase(0, "SUBMITTED", "trackstatus.submitted", "Your application has been submitted", "101")
FURNISH = Phase(
    0,
    "FURNISH",
    None,
    "Please furnish the proof of stay for the last one year at the given address",
    "106",
)
BLANK = Phase(0, "BLANK", None, "", "")
UNLISTED = Phase(0, "UNLISTED", None, "Application is under consideration of the competent authority", "199")
HINDI = Phase(0, "HINDI", None, "पासपोर्ट स्पीड पोस्ट द्वारा भेज दिया गया है", "109")
BY_NAME = {phase.name: phase for phase in (*NORMAL, PRE_PRINTED, SUBMITTED, FURNISH)}

_FIXED = {"100": REVIEW, "109": FURNISH, "800": BLANK, "801": UNLISTED, "804": HINDI}
_BACKWARDS = (GRANTED, GRANTED, REVIEW, GRANTED)


def fixed(fault: str, polls: int) -> Phase:
    """The phase of a magic file number, at its `polls`-th question (from 1)."""
    if fault == "802":
        return _BACKWARDS[min(polls, len(_BACKWARDS)) - 1]
    return _FIXED.get(fault, POLICE)


def visit_at(record: Mapping[str, Any]) -> datetime | None:
    """When the file is opened; None while the only appointment is cancelled."""
    if record["visit"] is not None:
        return datetime.fromisoformat(record["visit"])
    if record["cancelled"]:
        return None
    return datetime.fromisoformat(record["at"]) + timedelta(days=0.5 if record["scheme"] == "Tatkaal" else 1)


def phase_of(record: Mapping[str, Any], now: datetime) -> tuple[Phase, datetime] | None:
    """The file's phase and since when; None before the visit."""
    visit = visit_at(record)
    if visit is None or now < visit:
        return None
    days = (now - visit) / timedelta(days=1)
    table = TATKAAL if record["scheme"] == "Tatkaal" else NORMAL
    phase = [row for row in table if row.after_days <= days][-1]
    return phase, visit + timedelta(days=phase.after_days)


def speed_post(serial: int) -> str:
    """A postal item with a valid check digit."""
    digits = f"{serial % 10**8:08d}"
    return f"EE{digits}{s10_check_digit(digits)}IN"


def stamp(at: datetime) -> str:
    """`dd/MM/yyyy HH:mm:ss` in India."""
    return at.astimezone(IST).strftime("%d/%m/%Y %H:%M:%S")


def day_of(at: datetime, mark: str = "/") -> str:
    return at.astimezone(IST).strftime(f"%d{mark}%m{mark}%Y")
