"""A session lives from its code to its log-out; in between a refresh credential works once.

A refresh credential that comes a second time was stolen from somebody: the session ends for both. Whether a session is
alive is one read by key, so that a log-out is felt everywhere within the five seconds a checked token is remembered.
Source: RFC 9700 section 4.14.
"""

import base64
import hashlib
from datetime import timedelta

from aggregator.citizens import codes
from aggregator.citizens.messages import Delivery
from aggregator.citizens.register import Register
from aggregator.citizens.session_record import (
    FRESH_S,
    SESSION_S,
    Living,
    Purpose,
    Session,
    SessionState,
    insert,
    session_of,
)
from aggregator.sdk.clock import Chance, Clock, epoch_ms, new_id
from aggregator.store import Row, Run, Store

_ALIVE = (
    "select c.id, c.merged_into, s.purpose, a.id as assistance_id, a.by_whom, a.assistant, a.tasks, a.consent_id,"
    " k.withdrawn_ms from session s join citizen c on c.id = s.citizen_id"
    " left join assistance a on a.session_id = s.id and a.citizen_id = s.citizen_id"
    " left join consent k on k.id = a.consent_id"
    " where s.id = $1 and s.portal_id = $2 and s.state = 'OPEN' and s.expires_ms > $3"
)


class Sessions:
    """Sessions in the store."""

    def __init__(self, store: Store, register: Register, clock: Clock, chance: Chance) -> None:
        self._store = store
        self._register = register
        self._seals = register.seals
        self._clock = clock
        self._chance = chance

    async def open_for(self, purpose: Purpose, portal_id: str, citizen_id: str, language: str) -> Session:
        """An open session of somebody proved in another way: a password, a portal's own log-in."""
        row = self.fresh(purpose, portal_id, citizen_id, language)
        await self._store.write(lambda run: insert(run, row))
        return session_of(row)

    def fresh(self, purpose: Purpose, portal_id: str, citizen_id: str, language: str) -> dict[str, str | int]:
        """The row of an open session, for `insert`."""
        now = self._clock.now()
        session_id = new_id("ses", self._clock, self._chance)
        return {
            "id": session_id, "portal_id": portal_id, "purpose": purpose.value, "state": SessionState.OPEN.value,
            "citizen_id": citizen_id, "device_index": "", "channel": "SMS", "target_index": "",
            "target_sealed": "", "draft_sealed": "", "language": language, "code_hash": "", "code_until_ms": 0,
            "tries": 0, "sends": 0, "next_send_ms": 0, "delivery": Delivery.QUEUED.value,
            "created_ms": epoch_ms(now), "verified_ms": epoch_ms(now),
            "expires_ms": epoch_ms(now + timedelta(seconds=SESSION_S)),
        }  # fmt: skip

    async def of_portal(self, session_id: str, portal_id: str) -> Session | None:
        """The session, if this portal began it and its time is not over."""
        rows = await self._store.read(
            "select * from session where id = $1 and portal_id = $2 and expires_ms > $3",
            session_id, portal_id, epoch_ms(self._clock.now()), inline=True,
        )  # fmt: skip
        return session_of(rows[0]) if rows else None

    async def alive(self, session_id: str, portal_id: str) -> Living | None:
        """Whose open session it is, as merged by now, and who acts in it; None for one that has ended.

        Where somebody acts for the citizen, it has ended as soon as the consent to it was withdrawn.
        """
        rows = await self._store.read(_ALIVE, session_id, portal_id, epoch_ms(self._clock.now()), inline=True)
        if not rows:
            return None
        row = rows[0]
        citizen_id = str(row["merged_into"] or row["id"])
        if row["purpose"] != Purpose.ASSISTANCE:
            return Living(citizen_id=citizen_id)
        if not row["assistance_id"] or row["withdrawn_ms"] is not None:
            return None
        return Living(
            citizen_id=citizen_id, by_whom=row["by_whom"], assistance_id=row["assistance_id"],
            assistant=row["assistant"], consent_id=row["consent_id"], tasks=tuple(row["tasks"].split()),
        )  # fmt: skip

    async def refresh_credential(self, session_id: str) -> str:
        """A new credential of an open session, shown once."""
        made, row = self._credential(session_id)
        await self._store.write(lambda run: _keep_credential(run, row))
        return made

    async def refreshed(self, given: str, portal_id: str) -> tuple[Session, str] | None:
        """The session and the next credential for one that was never used; a used one ends its session."""
        given_hash = _sha256(given)
        rows = await self._store.read("select session_id from session_refresh where hash = $1", given_hash)
        session = await self.of_portal(rows[0]["session_id"], portal_id) if rows else None
        if session is None or session.state is not SessionState.OPEN:
            return None
        made, row = self._credential(session.id)

        async def work(run: Run) -> bool:
            first = await run(
                "update session_refresh set used_ms = $1 where hash = $2 and used_ms is null returning hash",
                epoch_ms(self._clock.now()), given_hash,
            )  # fmt: skip
            if first:
                await _keep_credential(run, row)
            else:
                await run("update session set state = 'CLOSED' where id = $1", session.id)
            return bool(first)

        return (session, made) if await self._store.write(work) else None

    async def close(self, session: Session, *, everywhere: bool = False) -> None:
        """Logs out: this session, or every one of the citizen's, at every portal."""
        which, value = ("citizen_id", session.citizen_id) if everywhere and session.citizen_id else ("id", session.id)
        await self._store.write(
            lambda run: run(
                f"update session set state = 'CLOSED' where {which} = $1 and {which} <> '' and state <> 'CLOSED'",  # noqa: S608 - one of two names
                value,
            )
        )

    async def close_all_of(self, citizen_id: str, but: str = "") -> None:
        """Ends every session of a citizen except one: what could be stolen with the old number is worth nothing."""
        await self._store.write(
            lambda run: run(
                "update session set state = 'CLOSED' where citizen_id = $1 and citizen_id <> ''"
                " and id <> $2 and state <> 'CLOSED'",
                citizen_id,
                but,
            )
        )

    async def confirmed(self, session_id: str, portal_id: str, purpose: Purpose, citizen_id: str) -> str | None:
        """Where a code was given for this purpose within the last ten minutes; spends the confirmation."""
        rows = await self._store.write(
            lambda run: run(
                "update session set state = 'CLOSED' where id = $1 and portal_id = $2 and purpose = $3 and"
                " citizen_id = $4 and state = 'VERIFIED' and verified_ms > $5 returning id, target_sealed",
                session_id,
                portal_id,
                purpose.value,
                citizen_id,
                epoch_ms(self._clock.now()) - FRESH_S * 1000,
            )
        )
        return self._target(rows[0]) if rows else None

    async def delivered(self, session_id: str, delivery: Delivery) -> None:
        """Notes how far the code's message got."""
        await self._store.write(
            lambda run: run("update session set delivery = $1 where id = $2", delivery.value, session_id)
        )

    async def tidy(self) -> None:
        """Forgets sessions a day after their end, and what no budget counts any more."""
        now = epoch_ms(self._clock.now())

        async def work(run: Run) -> None:
            await run(
                "delete from session_refresh where session_id in (select id from session where expires_ms < $1)",
                now - codes.DAY_MS,
            )
            await run("delete from session where expires_ms < $1", now - codes.DAY_MS)
            await codes.forget(run, now)

        await self._store.write(work)

    def _credential(self, session_id: str) -> tuple[str, tuple[str, str, int]]:
        made = "rt_" + base64.urlsafe_b64encode(self._chance.bytes(32)).rstrip(b"=").decode()
        return made, (_sha256(made), session_id, epoch_ms(self._clock.now()))

    def _target(self, row: Row) -> str:
        kept = self._seals.open("", row["target_sealed"], table="session", row=row["id"], column="target")
        return str(kept or "")


async def _keep_credential(run: Run, row: tuple[str, str, int]) -> None:
    await run("insert into session_refresh (hash, session_id, created_ms, used_ms) values ($1, $2, $3, null)", *row)


def _sha256(credential: str) -> str:
    return hashlib.sha256(credential.encode()).hexdigest()
