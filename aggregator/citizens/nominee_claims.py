"""A nominee asks to act: two officers grant it on evidence, the citizen is told and can stop it, then it takes effect.

Until then nothing of the citizen is shown to anybody for it. What it gives is a consent with an end, and the consent is
the one place that says whether it holds: whoever stops it, the nominee is out within the five seconds a checked token
is remembered. An officer who grants must be another person than the first, by name and by the key that was used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aggregator.citizens import consents, four_eyes
from aggregator.citizens.consents import Consent, Purpose
from aggregator.citizens.four_eyes import Motion, Proposal, SameName
from aggregator.citizens.nominations import NotThere, theirs
from aggregator.citizens.nominee_end import end_claims
from aggregator.citizens.nominee_record import (
    LASTS,
    WAITS,
    Certificate,
    Claim,
    ClaimState,
    Nomination,
    Why,
    claim_of,
    nomination_of,
)
from aggregator.citizens.notices import Notices
from aggregator.citizens.seals import Seals
from aggregator.citizens.vault import Vault
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.sdk.clock import Chance, Clock, epoch_ms, new_id
from aggregator.store import Conflict, Row, Run, Store

_SELECT = "select m.*, k.withdrawn_ms from nominee_claim m left join consent k on k.id = m.consent_id"
GRANT, REFUSE = "GRANT", "REFUSE"
NAMES = {GRANT: 2, REFUSE: 1}


class AlreadyAsked(Exception):
    """A claim under this nomination waits or holds."""


class Settled(Exception):
    """It does not wait for a decision any more."""


@dataclass(frozen=True, slots=True)
class Officer:
    """Who decides: the name that was given, and the client and key it was given with."""

    name: str
    client: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a nominee says."""

    why: Why
    certificate: Certificate
    number: str
    portal_id: str


class NomineeClaims:
    """All claims. `citizen_id` is the internal one throughout."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a claim is decided with
        self, store: Store, seals: Seals, vault: Vault, notices: Notices, clock: Clock, chance: Chance
    ) -> None:
        self._store = store
        self._seals = seals
        self._vault = vault
        self._notices = notices
        self._clock = clock
        self._chance = chance

    async def ask(self, under: Nomination, asked: Asked) -> Claim:
        """A claim that waits for the officers; the citizen is told. Raises AlreadyAsked."""
        now, claim_id = self._clock.now(), new_id("ncl", self._clock, self._chance)
        evidence = self._seals.seal(
            under.citizen_id, asked.number, table="nominee_claim", row=claim_id, column="evidence"
        )

        async def work(run: Run) -> None:
            await run(
                "update nominee_claim set state = 'OVER' where nomination_id = $1 and state = 'GRANTED'"
                " and (until_ms <= $2 or exists (select 1 from consent k where k.id = nominee_claim.consent_id"
                " and k.withdrawn_ms is not null))",
                under.id, epoch_ms(now),
            )  # fmt: skip
            await run(
                "insert into nominee_claim (id, nomination_id, citizen_id, nominee_id, portal_id, why, certificate,"
                " evidence_sealed, state, asked_ms, from_ms, until_ms, consent_id, first_client, note_sealed)"
                " values ($1, $2, $3, $4, $5, $6, $7, $8, 'ASKED', $9, 0, 0, '', '', '')",
                claim_id, under.id, under.citizen_id, under.nominee_id, asked.portal_id, asked.why.value,
                asked.certificate.value, evidence, epoch_ms(now),
            )  # fmt: skip
            await self._notices.note(run, under.citizen_id, "nominee_asked", claim_id)
            await self._event(run, "nominee.asked", claim_id, {"reason": asked.why.value.lower()})

        try:
            await self._store.write(work)
        except Conflict as exc:
            raise AlreadyAsked from exc
        found = await self.one(claim_id)
        assert found is not None  # noqa: S101 - it was stored a moment ago
        return found

    async def one(self, claim_id: str) -> Claim | None:
        return next(iter(await self._found("m.id = $1", claim_id)), None)

    async def under(self, nomination_id: str) -> Claim | None:
        """The newest under a nomination."""
        return next(iter(await self._found("m.nomination_id = $1 order by m.id desc limit 1", nomination_id)), None)

    async def of_citizen(self, citizen_id: str) -> list[Claim]:
        """Newest first."""
        return await self._found(f"{theirs('m.citizen_id')} order by m.id desc limit 200", citizen_id)

    async def waiting(self, limit: int = 200) -> list[Claim]:
        """What waits for officers, the oldest first."""
        return await self._found("m.state = $1 order by m.id limit $2", ClaimState.ASKED.value, limit)

    async def dossier(self, claim_id: str) -> tuple[Claim, Nomination, Proposal | None] | None:
        """All an officer decides by: the claim, the nomination, and what a first officer proposed."""
        found = await self.one(claim_id)
        if found is None:
            return None
        rows = await self._store.read("select * from nomination where id = $1", found.nomination_id)
        held = await self._store.read("select * from decision where item = $1 and state = 'PROPOSED'", claim_id)
        proposal = four_eyes.proposal_of(held[0], self._vault) if held else None
        return found, nomination_of(rows[0], self._seals), proposal

    async def decide(self, claim_id: str, action: str, officer: Officer, note: str) -> str:
        """GRANTED, REFUSED or PROPOSED. Raises NotThere, Settled, SameName, NoName."""
        now = self._clock.now()
        motion = Motion(new_id("dcs", self._clock, self._chance), claim_id, action, {}, officer.name)

        async def work(run: Run) -> str:
            # The update is the lock: of two officers at once the second sees what the first one proposed.
            rows = await run("update nominee_claim set state = state where id = $1 returning *", claim_id)
            if not rows:
                raise NotThere
            if rows[0]["state"] != ClaimState.ASKED.value:
                raise Settled
            if action == GRANT and rows[0]["first_client"] == officer.client:
                raise SameName
            agreed = await four_eyes.agree(run, self._vault, motion, now, names=NAMES[action])
            kind = "nominee.decided" if agreed.carried_out else "nominee.proposed"
            told = {"item": claim_id, "action": action, "by": agreed.by_code}
            if agreed.second_code:
                told["second"] = agreed.second_code
            await events.append(run, [NewEvent(type=kind, at=now, data=told)])
            await self._kept_note(run, rows[0], officer, note)
            if not agreed.carried_out:
                await run("update nominee_claim set first_client = $1 where id = $2", officer.client, claim_id)
                return "PROPOSED"
            return await (self._granted(run, rows[0], now) if action == GRANT else self._refused(run, rows[0], now))

        return await self._store.write(work)

    async def stop(self, citizen_id: str, nomination_id: str) -> bool:
        """The citizen says no: whether there was anything to stop. It holds no longer when this returns."""

        async def work(run: Run) -> bool:
            rows = await run(
                f"select id from nomination where {theirs('citizen_id')} and id = $2",  # noqa: S608 - ours
                citizen_id, nomination_id,
            )  # fmt: skip
            return bool(rows) and await end_claims(run, nomination_id, self._clock.now())

        return await self._store.write(work)

    async def words(self, claim_id: str) -> Mapping[str, str]:
        """What a notice about a claim says: its day of effect."""
        found = await self.one(claim_id)
        return {} if found is None or not found.consent_id else {"time": found.starts.isoformat()}

    async def _granted(self, run: Run, row: Row, now: datetime) -> str:
        starts = now + WAITS[Why(row["why"])]
        until = starts + LASTS
        consent = Consent(
            id=new_id("cns", self._clock, self._chance), citizen_id=row["citizen_id"], purpose=Purpose.NOMINEE,
            agency=consents.ANY, portal_id="", given_at=now, until=until, withdrawn_at=None,
        )  # fmt: skip
        await consents.insert(run, consent, "")
        await run(
            "update nominee_claim set state = 'GRANTED', decided_ms = $1, from_ms = $2, until_ms = $3, consent_id = $4"
            " where id = $5",
            epoch_ms(now), epoch_ms(starts), epoch_ms(until), consent.id, row["id"],
        )  # fmt: skip
        await self._notices.note(run, row["citizen_id"], "nominee_granted", row["id"])
        await self._notices.note(run, row["nominee_id"], "nominee_may", row["id"])
        return ClaimState.GRANTED.value

    async def _refused(self, run: Run, row: Row, now: datetime) -> str:
        await run("update nominee_claim set state = 'REFUSED', decided_ms = $1 where id = $2", epoch_ms(now), row["id"])
        await self._notices.note(run, row["nominee_id"], "nominee_refused", row["id"])
        return ClaimState.REFUSED.value

    async def _kept_note(self, run: Run, row: Row, officer: Officer, note: str) -> None:
        """Every officer's words, with the name, under the citizen's key."""
        place = {"table": "nominee_claim", "row": row["id"], "column": "note"}
        kept = self._seals.open(row["citizen_id"], row["note_sealed"], **place) or []
        sealed = self._seals.seal(row["citizen_id"], [*kept, {"by": officer.name, "note": note}], **place)
        await run("update nominee_claim set note_sealed = $1 where id = $2", sealed, row["id"])

    async def _event(self, run: Run, kind: str, claim_id: str, more: Mapping[str, str] | None = None) -> None:
        told = {"item": claim_id, **(more or {})}
        await events.append(run, [NewEvent(type=kind, at=self._clock.now(), data=told)])

    async def _found(self, where: str, *values: str | int) -> list[Claim]:
        return [claim_of(row, self._seals) for row in await self._store.read(f"{_SELECT} where {where}", *values)]
