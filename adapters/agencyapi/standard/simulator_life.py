"""A request's life by the simulator's clock, and what is pushed of it. A table of hours; nothing sleeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Phase:
    """From `after_h` hours after submission on. `message` is for the citizen."""

    after_h: float
    status: str
    message: str


_SUBMITTED = Phase(0, "SUBMITTED", "We have it")
_SEEN = Phase(1, "ACKNOWLEDGED", "Given to the desk")
_LIVES: Mapping[str, tuple[Phase, ...]] = {
    "parking_pass": (
        _SUBMITTED,
        _SEEN,
        Phase(4, "IN_PROGRESS", "The place is being checked"),
        Phase(24, "APPROVED", "The pass is granted"),
        Phase(30, "COMPLETED", "The pass is active"),
    ),
    "feedback": (_SUBMITTED, _SEEN, Phase(24, "COMPLETED", "Read by the department, thank you")),
}
SERVICES = frozenset(_LIVES)
ENDED = frozenset({"COMPLETED", "REJECTED", "WITHDRAWN"})
PENDING_S = 60
DUE_DAYS = 15


def phases(service: str) -> tuple[Phase, ...]:
    return _LIVES[service]


def stamp(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def shown(number: str, held: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The record of a request as it stands. `sequence` grows with every change of one request."""
    at = datetime.fromisoformat(held["at"])
    steps = [phase for phase in _LIVES[held["service"]] if at + timedelta(hours=phase.after_h) <= now]
    found = steps[-1]
    sequence, moved = len(steps), at + timedelta(hours=found.after_h)
    status, message = found.status, found.message
    if held["forced"]:
        status, moved = held["forced"], datetime.fromisoformat(held["forced_at"])
        sequence, message = 100 + int(held["changes"]), held["message"]
    return {
        "id": number,
        "reference": held["reference"],
        "service": held["service"],
        "status": status,
        "message": message,
        "updated_at": stamp(moved),
        "sequence": sequence,
        "due_on": (at + timedelta(days=DUE_DAYS)).date().isoformat(),
        **({"form_digest": held["form_digest"]} if held.get("form_digest") else {}),
        **({"documents": held["documents"]} if held.get("documents") else {}),
    }
