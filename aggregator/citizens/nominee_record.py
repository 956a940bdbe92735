"""What a nomination and a nominee's request to act are, and how far each has got.

A nomination is the citizen's word about somebody; a claim is that somebody's word that the day has come. Only a claim
that two officers granted, and whose waiting time is over, gives anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from aggregator.citizens.seals import Seals
from aggregator.sdk.clock import from_ms
from aggregator.store import Row

NAMED_MOST = 3
ANSWER_WITHIN = timedelta(days=30)
"""A mobile number may be somebody else's later: who has not answered by then has to be named again."""


class NominationState(StrEnum):
    """Where a nomination stands. LAPSED is NAMED after its time and is never stored."""

    NAMED = "NAMED"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"
    LAPSED = "LAPSED"


LIVING = (NominationState.NAMED, NominationState.ACCEPTED)


class Why(StrEnum):
    """Why the nominee asks. DPDP Act 2023, section 14(1)."""

    DEATH = "DEATH"
    INCAPACITY = "INCAPACITY"


class Certificate(StrEnum):
    """What is offered as evidence, by kind; its number is told, no scan is kept."""

    DEATH_CERTIFICATE = "DEATH_CERTIFICATE"
    MEDICAL_CERTIFICATE = "MEDICAL_CERTIFICATE"
    COURT_ORDER = "COURT_ORDER"


PROVES: Mapping[Why, tuple[Certificate, ...]] = {
    Why.DEATH: (Certificate.DEATH_CERTIFICATE, Certificate.COURT_ORDER),
    Why.INCAPACITY: (Certificate.MEDICAL_CERTIFICATE, Certificate.COURT_ORDER),
}
WAITS: Mapping[Why, timedelta] = {Why.DEATH: timedelta(days=3), Why.INCAPACITY: timedelta(days=7)}
"""Between the grant and its effect: the citizen was told by then, and can stop it."""
LASTS = timedelta(days=90)


class ClaimState(StrEnum):
    """What is stored of a claim."""

    ASKED = "ASKED"
    GRANTED = "GRANTED"
    REFUSED = "REFUSED"
    STOPPED = "STOPPED"
    """By the citizen, alive after all, or because the nomination ended."""
    OVER = "OVER"
    """Its time was over when the nominee asked again."""


class Phase(StrEnum):
    """What a claim is at a moment: GRANTED is one of three things by the clock."""

    ASKED = "ASKED"
    WAITING = "WAITING"
    IN_FORCE = "IN_FORCE"
    OVER = "OVER"
    REFUSED = "REFUSED"
    STOPPED = "STOPPED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nomination:
    """One. `name` and `mobile` are as the citizen gave them; `nominee_id` (internal) is empty until acceptance."""

    id: str
    citizen_id: str
    nominee_id: str
    name: str
    mobile: str
    state: NominationState
    named_at: datetime
    until: datetime

    def at(self, now: datetime) -> NominationState:
        late = self.state is NominationState.NAMED and now >= self.until
        return NominationState.LAPSED if late else self.state


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One request to act. Times are UTC; `starts` and `until` count once it is granted."""

    id: str
    nomination_id: str
    citizen_id: str
    nominee_id: str
    why: Why
    certificate: Certificate
    certificate_number: str
    state: ClaimState
    asked_at: datetime
    starts: datetime
    until: datetime
    consent_id: str
    withdrawn: bool = False

    def phase(self, now: datetime) -> Phase:
        if self.state is not ClaimState.GRANTED:
            return Phase(self.state.value)
        if self.withdrawn:
            return Phase.STOPPED
        if now < self.starts:
            return Phase.WAITING
        return Phase.IN_FORCE if now < self.until else Phase.OVER


def nomination_of(row: Row, seals: Seals) -> Nomination:
    kept = seals.open(row["citizen_id"], row["nominee_sealed"], table="nomination", row=row["id"], column="nominee")
    said: Mapping[str, Any] = kept or {}
    return Nomination(
        id=row["id"], citizen_id=row["citizen_id"], nominee_id=row["nominee_id"], name=str(said.get("name", "")),
        mobile=str(said.get("mobile", "")), state=NominationState(row["state"]), named_at=from_ms(row["named_ms"]),
        until=from_ms(row["until_ms"]),
    )  # fmt: skip


def claim_of(row: Row, seals: Seals) -> Claim:
    """The claim in a row joined with its consent's `withdrawn_ms`."""
    kept = seals.open(
        row["citizen_id"], row["evidence_sealed"], table="nominee_claim", row=row["id"], column="evidence"
    )
    return Claim(
        id=row["id"], nomination_id=row["nomination_id"], citizen_id=row["citizen_id"], nominee_id=row["nominee_id"],
        why=Why(row["why"]), certificate=Certificate(row["certificate"]), certificate_number=str(kept or ""),
        state=ClaimState(row["state"]), asked_at=from_ms(row["asked_ms"]), starts=from_ms(row["from_ms"]),
        until=from_ms(row["until_ms"]), consent_id=row["consent_id"], withdrawn=row["withdrawn_ms"] is not None,
    )  # fmt: skip
