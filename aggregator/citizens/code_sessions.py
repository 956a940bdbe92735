"""A session that waits for its code: begun without looking anybody up, verified in one transaction.

The try is counted and committed before anything is compared, in the transaction that opens the session, so a thousand
guesses at once are five. A new mobile becomes a citizen when its code is given, and only then. Source: figures S4.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from aggregator.citizens import codes
from aggregator.citizens.codes import Asking, CodeRules
from aggregator.citizens.messages import Channel, Delivery
from aggregator.citizens.pairwise import portal_sector
from aggregator.citizens.person import Profile
from aggregator.citizens.register import Doer, Register
from aggregator.citizens.session_record import (
    FRESH_S,
    OPENING,
    SESSION_S,
    Begin,
    CodeWrong,
    Purpose,
    Session,
    SessionState,
    TooEarly,
    insert,
    session_of,
)
from aggregator.sdk.clock import Chance, Clock, epoch_ms, new_id
from aggregator.store import Conflict, Row, Run, Store

WAITS_S = 3600


class CodeSessions:
    """Sessions that a one-time code opens or confirms."""

    def __init__(self, store: Store, register: Register, clock: Clock, chance: Chance, rules: CodeRules) -> None:
        self._store = store
        self._register = register
        self._seals = register.seals
        self._clock = clock
        self._chance = chance
        self.rules = rules

    async def begin(self, asked: Begin) -> tuple[Session, str]:
        """A waiting session and its code. Raises TooManyCodes. Looks nobody up: known and unknown cost the same."""
        now = self._clock.now()
        session_id, code = new_id("ses", self._clock, self._chance), codes.fresh_code(self._chance)
        device = self._device(session_id, asked.device)
        target_index = self._seals.index(asked.target, "target")
        draft = msgspec.to_builtins(asked.draft) if asked.draft is not None else None
        row = {
            "id": session_id, "portal_id": asked.portal_id, "purpose": asked.purpose.value,
            "state": SessionState.WAITING.value, "citizen_id": asked.citizen_id, "device_index": device,
            "channel": asked.channel, "target_index": target_index,
            "target_sealed": self._sealed(session_id, "target", asked.target),
            "draft_sealed": self._sealed(session_id, "draft", draft) if draft else "",
            "language": asked.language, "code_hash": codes.code_hash(self._seals, session_id, device, code),
            "code_until_ms": epoch_ms(now + timedelta(seconds=self.rules.life_s)), "tries": 0, "sends": 1,
            "next_send_ms": epoch_ms(now + timedelta(seconds=self.rules.resend_s[0])),
            "delivery": Delivery.QUEUED.value, "created_ms": epoch_ms(now), "verified_ms": 0,
            "expires_ms": epoch_ms(now + timedelta(seconds=WAITS_S)),
        }  # fmt: skip
        asking = Asking(target_index, self._seals.index(asked.address, "address"), asked.portal_id)

        async def work(run: Run) -> None:
            await codes.spend(run, self.rules, asking, self._clock, self._chance)
            await insert(run, row)

        await self._store.write(work)
        return session_of(row), code

    async def resend(self, session: Session) -> tuple[Session, str, str]:
        """A new code for a waiting session, and where it goes. Raises TooEarly, TooManyCodes."""
        now = self._clock.now()
        if session.state is not SessionState.WAITING or session.sends > len(self.rules.resend_s):
            raise TooEarly(None)
        if now < session.next_send_at:
            raise TooEarly((session.next_send_at - now).total_seconds())
        code, row = codes.fresh_code(self._chance), await self._row(session.id)
        pause_s = (*self.rules.resend_s, self.rules.life_s)[session.sends]
        moved = replace(
            session,
            sends=session.sends + 1,
            code_until=now + timedelta(seconds=self.rules.life_s),
            next_send_at=now + timedelta(seconds=pause_s),
            delivery=Delivery.QUEUED,
        )
        asking = Asking(row["target_index"], "", session.portal_id)

        async def work(run: Run) -> bool:
            rows = await run(
                "update session set code_hash = $1, code_until_ms = $2, sends = sends + 1, next_send_ms = $3,"
                " delivery = 'QUEUED' where id = $4 and sends = $5 and state = 'WAITING' returning id",
                codes.code_hash(self._seals, session.id, row["device_index"], code), epoch_ms(moved.code_until),
                epoch_ms(moved.next_send_at), session.id, session.sends,
            )  # fmt: skip
            if rows:
                await codes.spend(run, self.rules, asking, self._clock, self._chance)
            return bool(rows)

        if not await self._store.write(work):
            raise TooEarly(self.rules.resend_s[0])
        return moved, code, self._target(row)

    async def verify(self, session: Session, device: str, code: str, sector: str) -> Session | CodeWrong:
        """Opens or confirms the session if this is its code. One transaction; the try is counted first."""
        given = codes.code_hash(self._seals, session.id, self._device(session.id, device), code)
        row = await self._row(session.id)
        target, draft = self._target(row), self._draft(row)
        profile = with_contact(draft or Profile(language=session.language), session.channel, target)
        doer = Doer(session.portal_id, session.id)
        fresh_id, fresh = self._register.new(profile, doer)
        now = self._clock.now()

        async def work(run: Run) -> str | CodeWrong:
            counted = await run(
                "update session set tries = tries + 1 where id = $1 and state = 'WAITING' and tries < $2"
                " and code_until_ms > $3 returning tries, code_hash, citizen_id",
                session.id, self.rules.tries, epoch_ms(now),
            )  # fmt: skip
            if not counted:
                return CodeWrong(0)
            if not codes.agrees(counted[0]["code_hash"], given):
                return CodeWrong(self.rules.tries - int(counted[0]["tries"]))
            citizen_id = str(counted[0]["citizen_id"])
            if session.purpose in OPENING and not citizen_id:
                citizen_id = await self._known_or_new(run, session, target, (fresh_id, fresh), doer)
            if citizen_id and session.purpose in OPENING:
                await self._register.give_out(run, citizen_id, portal_sector(sector))
            await self._settled(run, session, citizen_id, now)
            return citizen_id

        got = await self._again_if_taken(work)
        if isinstance(got, CodeWrong):
            return got
        opened = session.purpose in OPENING
        return replace(
            session,
            state=SessionState.OPEN if opened else SessionState.VERIFIED,
            citizen_id=got,
            verified_at=now,
            expires_at=now + timedelta(seconds=SESSION_S if opened else FRESH_S),
        )

    async def try_of(self, username: str, address: str, portal_id: str) -> str:
        """Counts a try at a password before it is looked at, by the rules of codes. Raises TooManyCodes."""
        index = self._seals.index
        asking = Asking(index(username or "nobody", "password"), index(address, "address"), portal_id)
        return await self._store.write(lambda run: codes.spend(run, self.rules, asking, self._clock, self._chance))

    async def try_was_right(self, spent: str) -> None:
        """A right password costs no try."""
        await self._store.write(lambda run: codes.unspend(run, spent))

    async def _known_or_new(
        self, run: Run, session: Session, target: str, fresh: tuple[str, list[str | int | None]], doer: Doer
    ) -> str:
        """Whoever has the number, else a new citizen. A recovery finds and never makes."""
        field = "mobile" if session.channel == "SMS" else "email"
        known = await self._register.by_index(run, field, target)
        if known is None and session.purpose is not Purpose.RECOVERY:
            await self._register.insert(run, fresh[1], doer)
            return fresh[0]
        return known or ""

    async def _settled(self, run: Run, session: Session, citizen_id: str, now: datetime) -> None:
        opened = session.purpose in OPENING
        life_s = SESSION_S if opened else FRESH_S
        if session.purpose is Purpose.RECOVERY:
            await run(
                "update citizen set hold_until_ms = $1 where id = $2",
                epoch_ms(now + timedelta(seconds=self.rules.hold_s)), citizen_id,
            )  # fmt: skip
        await run(
            "update session set state = $1, citizen_id = $2, code_hash = '', draft_sealed = '', verified_ms = $3,"
            " expires_ms = $4 where id = $5",
            (SessionState.OPEN if opened else SessionState.VERIFIED).value, citizen_id, epoch_ms(now),
            epoch_ms(now + timedelta(seconds=life_s)), session.id,
        )  # fmt: skip

    async def _again_if_taken(self, work: Callable[[Run], Awaitable[Any]]) -> Any:
        """Two first log-ins of one number at once: the second one finds what the first one made."""
        try:
            return await self._store.write(work)
        except Conflict:
            return await self._store.write(work)

    def _device(self, session_id: str, device: str) -> str:
        return self._seals.index(f"{session_id}/{device}", "device")

    def _draft(self, row: Row) -> Profile | None:
        kept = self._seals.open("", row["draft_sealed"], table="session", row=row["id"], column="draft")
        return None if kept is None else msgspec.convert(kept, Profile)

    def _sealed(self, session_id: str, column: str, value: Any) -> str:
        return self._seals.seal("", value, table="session", row=session_id, column=column)

    async def _row(self, session_id: str) -> Row:
        rows = await self._store.read("select * from session where id = $1", session_id)
        return rows[0]

    def _target(self, row: Row) -> str:
        kept = self._seals.open("", row["target_sealed"], table="session", row=row["id"], column="target")
        return str(kept or "")


def with_contact(profile: Profile, channel: Channel, target: str) -> Profile:
    """The profile with the number or address whose code was given: only a proved one counts."""
    if channel == "SMS":
        return msgspec.structs.replace(profile, mobile=target, email="", username="")
    return msgspec.structs.replace(profile, email=target, mobile="", username="")
