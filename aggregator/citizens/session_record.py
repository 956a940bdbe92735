"""What a session is: for what it was begun, how far it got, and whom it stands for.

The citizen's internal id is in here and in no answer; a code and a refresh credential are in here not at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from aggregator.citizens.messages import Channel, Delivery
from aggregator.citizens.person import Profile
from aggregator.sdk.clock import from_ms
from aggregator.store import Row, Run

SESSION_S = 30 * 86_400
FRESH_S = 600
"""How long a confirmation by code stands for something."""


class Purpose(StrEnum):
    """What a session is opened for."""

    LOGIN = "LOGIN"
    PASSWORD = "PASSWORD"  # noqa: S105 - a word of the protocol
    REGISTRATION = "REGISTRATION"
    CONFIRM = "CONFIRM"
    NEW_MOBILE = "NEW_MOBILE"
    NEW_EMAIL = "NEW_EMAIL"
    RECOVERY = "RECOVERY"
    FEDERATED = "FEDERATED"
    ASSISTANCE = "ASSISTANCE"
    """Opened for somebody who acts for the citizen; lives as long as the consent to it."""


class SessionState(StrEnum):
    """WAITING for its code, OPEN, VERIFIED (a code was given for one thing), CLOSED."""

    WAITING = "WAITING"
    OPEN = "OPEN"
    VERIFIED = "VERIFIED"
    CLOSED = "CLOSED"


OPENING = {Purpose.LOGIN, Purpose.REGISTRATION, Purpose.RECOVERY, Purpose.ASSISTANCE}
"""Purposes whose code opens a session; the others only confirm one thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as it stands. `citizen_id` is internal and empty until somebody is known."""

    id: str
    portal_id: str
    purpose: Purpose
    state: SessionState
    citizen_id: str
    channel: Channel
    language: str
    tries: int
    sends: int
    code_until: datetime
    next_send_at: datetime
    delivery: Delivery
    created_at: datetime
    verified_at: datetime | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Begin:
    """What a session is begun with. `target` is E.164 or an e-mail address, empty where no code may be sent."""

    purpose: Purpose
    portal_id: str
    device: str
    channel: Channel
    target: str
    address: str = ""
    citizen_id: str = ""
    draft: Profile | None = None
    language: str = "en"


@dataclass(frozen=True, slots=True)
class CodeWrong:
    """Not this code, or no longer; `left` tries remain, 0 when the session is over."""

    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Living:
    """Whose open session it is, by internal id, and who acts in it where it is not the citizen.

    `tasks` are the words of `aggregator.citizens.assistance`; the last four are empty for the citizen's own session.
    """

    citizen_id: str
    by_whom: str = ""
    assistance_id: str = ""
    assistant: str = ""
    consent_id: str = ""
    tasks: tuple[str, ...] = ()


class TooEarly(Exception):
    """The code may be sent again after `wait_s`; None when not at all."""

    def __init__(self, wait_s: float | None) -> None:
        super().__init__(f"{wait_s}")
        self.wait_s = wait_s


def session_of(row: Row | Mapping[str, Any]) -> Session:
    """The session in a row of its table."""
    return Session(
        id=row["id"],
        portal_id=row["portal_id"],
        purpose=Purpose(row["purpose"]),
        state=SessionState(row["state"]),
        citizen_id=row["citizen_id"],
        channel="EMAIL" if row["channel"] == "EMAIL" else "SMS",
        language=row["language"],
        tries=row["tries"],
        sends=row["sends"],
        code_until=from_ms(row["code_until_ms"]),
        next_send_at=from_ms(row["next_send_ms"]),
        delivery=Delivery(row["delivery"]),
        created_at=from_ms(row["created_ms"]),
        verified_at=from_ms(row["verified_ms"]) if row["verified_ms"] else None,
        expires_at=from_ms(row["expires_ms"]),
    )


async def insert(run: Run, row: dict[str, str | int]) -> None:
    """Stores a new session; inside a write."""
    marks = ", ".join(f"${at}" for at in range(1, len(row) + 1))
    await run(f"insert into session ({', '.join(row)}) values ({marks})", *row.values())  # noqa: S608 - our own names
