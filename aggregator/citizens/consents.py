"""What a citizen allows a portal to do without them: for one purpose, at one agency, until a day.

A citizen who asks for themselves needs no consent for it; a portal that asks while they are not there does. It is
looked up in the database at every call and kept nowhere else: a withdrawal holds at once, in every process.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from aggregator.citizens.pairwise import agency_sector
from aggregator.sdk.auth import Signer
from aggregator.sdk.clock import Chance, Clock, epoch_ms, from_ms, new_id
from aggregator.sdk.model import ConsentPaper
from aggregator.store import Run, Store

LONGEST = timedelta(days=366)
_GIVE = (
    "insert into consent (id, citizen_id, purpose, agency, portal_id, session_id, given_ms, until_ms)"
    " values ($1, $2, $3, $4, $5, $6, $7, $8)"
)
_WITHDRAW = (
    "update consent set withdrawn_ms = coalesce(withdrawn_ms, $1) where id = $2 and citizen_id = $3 returning id"
)
_HOLDS = "k.portal_id = $2 and k.withdrawn_ms is null and k.until_ms > $3"
_HELD = f"select k.* from consent k where k.citizen_id = $1 and {_HOLDS}"  # noqa: S608 - a constant
_HELD_BY_NAME = (
    "select k.* from citizen_pairwise p join citizen c on c.id = p.citizen_id"  # noqa: S608 - a constant
    " join consent k on k.citizen_id = c.id or (c.merged_into <> '' and k.citizen_id = c.merged_into)"
    f" where p.pairwise_id = $1 and {_HOLDS}"
)
STILL_HOLDS = "select 1 from consent where id = $1 and withdrawn_ms is null and until_ms > $2"
ANY = ""
"""An agency column without an agency: every one."""


class Purpose(StrEnum):
    ASK_AGENCIES = "ASK_AGENCIES"
    """Ask an agency live what it holds or is owed."""
    PASS_ON = "PASS_ON"  # noqa: S105 - a word of the contract
    """Hand over to an agency what the citizen asks of it, where the agency wants that in writing."""
    FILL_FORMS = "FILL_FORMS"
    """Fill what is known into a form."""
    FETCH_DOCUMENTS = "FETCH_DOCUMENTS"
    """Fetch a document that an authority issued."""
    ASSISTANCE = "ASSISTANCE"
    """Act at a counter in the citizen's name."""
    NOMINEE = "NOMINEE"
    """Exercise the citizen's rights after death or in incapacity, as whom the citizen named for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One consent. `agency` is empty for all of them; times are UTC."""

    id: str
    citizen_id: str
    purpose: Purpose
    agency: str
    portal_id: str
    given_at: datetime
    until: datetime
    withdrawn_at: datetime | None

    def holds(self, now: datetime) -> bool:
        return self.withdrawn_at is None and now < self.until


GIVEN_ALONE = (Purpose.ASK_AGENCIES, Purpose.PASS_ON, Purpose.FILL_FORMS, Purpose.FETCH_DOCUMENTS)
"""What a citizen allows by saying so; assistance begins with a code, a nominee's rights with a grant."""


class Consents:
    """The consents of all citizens. `citizen_id` is the internal one throughout."""

    def __init__(
        self, store: Store, signer: Signer, clock: Clock, chance: Chance, name_for: Callable[[str, str], str]
    ) -> None:
        """`name_for`: internal id and sector -> the pairwise id (`Pairwise.of`)."""
        self._name_for = name_for
        self._store = store
        self._signer = signer
        self._clock = clock
        self._chance = chance

    async def give(  # noqa: PLR0913 - who allows whom what, where and how long
        self, citizen_id: str, purpose: Purpose, *, agency: str, portal_id: str, session_id: str, until: datetime
    ) -> Consent:
        """A new consent, at most `LONGEST` from now."""
        now = self._clock.now()
        made = Consent(
            id=new_id("cns", self._clock, self._chance), citizen_id=citizen_id, purpose=purpose, agency=agency,
            portal_id=portal_id, given_at=now, until=min(until, now + LONGEST), withdrawn_at=None,
        )  # fmt: skip
        await self._store.write(lambda run: insert(run, made, session_id))
        return made

    async def withdraw(self, citizen_id: str, consent_id: str) -> bool:
        """Whether there is such a consent of theirs; it holds no longer when this returns. May be repeated."""
        now = epoch_ms(self._clock.now())
        rows = await self._store.write(lambda run: run(_WITHDRAW, now, consent_id, citizen_id))
        return bool(rows)

    async def of(self, citizen_id: str, limit: int = 500) -> list[Consent]:
        """All of them, withdrawn and ended ones too, newest first."""
        rows = await self._store.read(
            "select * from consent where citizen_id = $1 order by id desc limit $2", citizen_id, limit
        )
        return [_consent(row) for row in rows]

    async def one(self, citizen_id: str, consent_id: str) -> Consent | None:
        rows = await self._store.read("select * from consent where id = $1 and citizen_id = $2", consent_id, citizen_id)
        return _consent(rows[0]) if rows else None

    async def allowing(
        self, citizen_id: str, purpose: Purpose, portal_id: str, agencies: Sequence[str]
    ) -> dict[str, str]:
        """Agency -> the consent that lets this portal act there now, for as many of the agencies as there is one."""
        rows = await self._store.read(
            "select * from consent where citizen_id = $1 and purpose = $2 and portal_id = $3"
            " and withdrawn_ms is null and until_ms > $4",
            citizen_id, purpose.value, portal_id, epoch_ms(self._clock.now()),
        )  # fmt: skip
        held = {row["agency"]: str(row["id"]) for row in rows}
        found = {agency: held.get(agency) or held.get(ANY, "") for agency in agencies}
        return {agency: consent_id for agency, consent_id in found.items() if consent_id}

    async def leave_of(self, citizen_id: str, portal_id: str) -> "Leave":
        """What this citizen allows this portal now, to be shown to agencies."""
        return self._leave(await self._store.read(_HELD, citizen_id, portal_id, self._now_ms(), inline=True))

    async def leave_by_name(self, pairwise_id: str, portal_id: str) -> "Leave":
        """The same for the citizen whom a case names."""
        return self._leave(await self._store.read(_HELD_BY_NAME, pairwise_id, portal_id, self._now_ms(), inline=True))

    def _leave(self, rows: Sequence[Any]) -> "Leave":
        return Leave([_consent(row) for row in rows], self)

    def _now_ms(self) -> int:
        return epoch_ms(self._clock.now())

    def paper(self, consent: Consent, agency: str) -> ConsentPaper:
        """What goes with a call to this agency; in it the citizen has the name that this agency alone knows."""
        subject = self._name_for(consent.citizen_id, agency_sector(agency))
        artefact = self.artefact(consent, subject=subject, audience=agency)
        return ConsentPaper(consent.id, consent.purpose.value, consent.given_at, consent.until, artefact)

    def artefact(self, consent: Consent, *, subject: str, audience: str) -> str:
        """The consent as a signed paper that goes with what rests on it. `subject` is the pairwise id to be shown."""
        return self._signer.sign(
            {
                "iss": "citizen-service-aggregator", "jti": consent.id, "sub": subject, "aud": audience,
                "purpose": consent.purpose.value, "agency": consent.agency or "*",
                "iat": int(consent.given_at.timestamp()), "exp": int(consent.until.timestamp()),
            }
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Leave:
    """What one citizen allowed one portal, as it was a moment ago. Implements `aggregator.cases.enquire.Leave`."""

    held: Sequence[Consent]
    consents: Consents

    def __call__(self, agency: str, purpose: str) -> ConsentPaper | None:
        """The paper for a call to this agency, None where there is no leave. One for the agency goes first."""
        fitting = [one for one in self.held if one.purpose == purpose and one.agency in {agency, ANY}]
        found = max(fitting, key=lambda one: (one.agency != ANY, one.id), default=None)
        return None if found is None else self.consents.paper(found, agency)


async def insert(run: Run, made: Consent, session_id: str) -> None:
    """Stores a new consent; inside a write."""
    times = epoch_ms(made.given_at), epoch_ms(made.until)
    await run(_GIVE, made.id, made.citizen_id, made.purpose.value, made.agency, made.portal_id, session_id, *times)


def _consent(row: Any) -> Consent:
    return Consent(
        id=row["id"], citizen_id=row["citizen_id"], purpose=Purpose(row["purpose"]), agency=row["agency"],
        portal_id=row["portal_id"], given_at=from_ms(row["given_ms"]), until=from_ms(row["until_ms"]),
        withdrawn_at=None if row["withdrawn_ms"] is None else from_ms(row["withdrawn_ms"]),
    )  # fmt: skip
