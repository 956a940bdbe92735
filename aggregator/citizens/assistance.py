"""A counter acts for a citizen: with the citizen's own code, for named tasks, for minutes, under a pseudonym.

The code that begins it is the consent, and the consent is the one place that says whether it still holds: a withdrawal
ends it in every process within the five seconds a checked token is remembered. What a task needs is all that it gives;
an assistant never changes who the citizen is, allows nothing in their name, and takes nothing along.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from aggregator.citizens import consents
from aggregator.citizens.consents import Consent
from aggregator.citizens.seals import Seals
from aggregator.citizens.session_record import Session, insert
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.sdk.clock import Chance, Clock, epoch_ms, from_ms, new_id
from aggregator.store import Run, Store

MINUTES_MOST = 60
SHOWN_MOST = 200
_LETTERS = 26


class ByWhom(StrEnum):
    """Who acts."""

    ASSISTANT = "ASSISTANT"
    """Somebody at a counter."""
    NOMINEE = "NOMINEE"
    """Whom the citizen named for after death or incapacity."""


class Task(StrEnum):
    """What is wanted at the counter."""

    APPLY = "APPLY"
    COMPLAIN = "COMPLAIN"
    FOLLOW = "FOLLOW"
    BILLS = "BILLS"
    LINK = "LINK"
    RIGHTS = "RIGHTS"
    """The citizen's rights over their own data. A nominee's alone: no counter can ask for it."""


AT_A_COUNTER = (Task.APPLY, Task.COMPLAIN, Task.FOLLOW, Task.BILLS, Task.LINK)

RIGHTS = {
    Task.APPLY: frozenset({
        "services.read", "cases.read", "cases.write", "citizens.read", "links.read", "documents.read",
        "documents.write",
    }),
    Task.COMPLAIN: frozenset({"services.read", "cases.read", "cases.write"}),
    Task.FOLLOW: frozenset({"services.read", "cases.read", "track.read"}),
    Task.BILLS: frozenset({"services.read", "payments.read", "links.read"}),
    Task.LINK: frozenset({"services.read", "links.read", "links.write"}),
    Task.RIGHTS: frozenset({"citizens.read", "citizens.write", "consents.read", "consents.write"}),
}  # fmt: skip
"""What each task needs. At a counter never `sessions.write`, `citizens.write` or a right over consents; what a nominee
may do with these is bounded by the routes that say so (`Route.of_nominee`)."""


def rights_of(tasks: Iterable[Task]) -> frozenset[str]:
    return frozenset().union(*(RIGHTS[task] for task in tasks))


@dataclass(frozen=True, slots=True, kw_only=True)
class Assistance:
    """One. `assistant` is a pseudonym; `citizen_id` (internal) and `consent_id` are empty until the code was given."""

    id: str
    session_id: str
    portal_id: str
    citizen_id: str
    consent_id: str
    by_whom: ByWhom
    assistant: str
    tasks: tuple[Task, ...]
    minutes: int
    asked_at: datetime
    until: datetime
    withdrawn: bool = False

    def holds(self, now: datetime) -> bool:
        return bool(self.consent_id) and not self.withdrawn and now < self.until


class Assistances:
    """Who acts for whom. `citizen_id` is the internal one throughout."""

    def __init__(self, store: Store, seals: Seals, clock: Clock, chance: Chance) -> None:
        self._store = store
        self._seals = seals
        self._clock = clock
        self._chance = chance

    def pseudonym(self, sector: str, reference: str) -> str:
        """The same for the same reference of one portal, and nothing to anybody who does not have the reference."""
        drawn = hashlib.sha256(self._seals.index(f"{sector}/{reference}", "assistant").encode()).digest()
        return "ast_" + base64.b32encode(drawn).decode("ascii").lower()[:_LETTERS]

    async def begin(self, session: Session, assistant: str, tasks: Sequence[Task], minutes: int) -> Assistance:
        """One that waits for the code of its session. `assistant` is a pseudonym."""
        now = self._clock.now()
        made = Assistance(
            id=new_id("asn", self._clock, self._chance), session_id=session.id, portal_id=session.portal_id,
            citizen_id="", consent_id="", by_whom=ByWhom.ASSISTANT, assistant=assistant, tasks=tuple(tasks),
            minutes=min(minutes, MINUTES_MOST), asked_at=now, until=session.expires_at,
        )  # fmt: skip
        await self._store.write(lambda run: _insert(run, made))
        return made

    async def stand_in(self, session: dict[str, str | int], consent_id: str, nominee: str, minutes: int) -> Assistance:
        """A nominee acts from now on, in a session of their own that was not begun yet. `nominee` is a pseudonym."""
        now = self._clock.now()
        until = now + timedelta(minutes=min(minutes, MINUTES_MOST))
        made = Assistance(
            id=new_id("asn", self._clock, self._chance), session_id=str(session["id"]),
            portal_id=str(session["portal_id"]), citizen_id=str(session["citizen_id"]), consent_id=consent_id,
            by_whom=ByWhom.NOMINEE, assistant=nominee, tasks=(Task.RIGHTS,), minutes=minutes, asked_at=now, until=until,
        )  # fmt: skip

        async def work(run: Run) -> None:
            await insert(run, {**session, "expires_ms": epoch_ms(until)})
            await _insert(run, made)
            told = {"assistance": made.id, "assistant": nominee, "minutes": minutes}
            await events.append(run, [NewEvent(type="assistance.began", at=now, data=told)])

        await self._store.write(work)
        return made

    async def agreed(self, waiting: Assistance, session: Session) -> Assistance:
        """The citizen gave the code: the consent, its end and the event are one commit."""
        now = self._clock.now()
        until = now + timedelta(minutes=waiting.minutes)
        consent = Consent(
            id=new_id("cns", self._clock, self._chance), citizen_id=session.citizen_id,
            purpose=consents.Purpose.ASSISTANCE, agency=consents.ANY, portal_id=session.portal_id, given_at=now,
            until=until, withdrawn_at=None,
        )  # fmt: skip

        async def work(run: Run) -> None:
            await consents.insert(run, consent, session.id)
            await run(
                "update assistance set citizen_id = $1, consent_id = $2, until_ms = $3 where id = $4",
                session.citizen_id, consent.id, epoch_ms(until), waiting.id,
            )  # fmt: skip
            await run("update session set expires_ms = $1 where id = $2", epoch_ms(until), session.id)
            told = {"assistance": waiting.id, "assistant": waiting.assistant, "minutes": waiting.minutes}
            await events.append(run, [NewEvent(type="assistance.began", at=now, data=told)])

        await self._store.write(work)
        return replace(waiting, citizen_id=session.citizen_id, consent_id=consent.id, until=until)

    async def end(self, found: Assistance) -> None:
        """It holds no longer when this returns. May be repeated."""
        now = self._clock.now()

        async def work(run: Run) -> None:
            ended = await run(
                "update consent set withdrawn_ms = $1 where id = $2 and withdrawn_ms is null returning id",
                epoch_ms(now), found.consent_id,
            )  # fmt: skip
            await run("update session set state = 'CLOSED' where id = $1 and state <> 'CLOSED'", found.session_id)
            if ended:
                told = {"assistance": found.id, "assistant": found.assistant}
                await events.append(run, [NewEvent(type="assistance.ended", at=now, data=told)])

        await self._store.write(work)

    async def of_portal(self, assistance_id: str, portal_id: str) -> Assistance | None:
        return await self._one("a.id = $1 and a.portal_id = $2", assistance_id, portal_id)

    async def of_citizen(self, assistance_id: str, citizen_id: str) -> Assistance | None:
        return await self._one("a.id = $1 and a.citizen_id = $2", assistance_id, citizen_id)

    async def all_of(self, citizen_id: str) -> list[Assistance]:
        """Newest first, ended ones too."""
        rows = await self._store.read(
            f"{_SELECT} where a.citizen_id = $1 and a.citizen_id <> '' order by a.id desc limit $2",
            citizen_id,
            SHOWN_MOST,
        )
        return [_assistance(row) for row in rows]

    async def acted(
        self, assistance_id: str, assistant: str, act: str, case_id: str, by_whom: str = ByWhom.ASSISTANT
    ) -> None:
        """Tells the log of one act; who it was for is in the citizen's access records."""
        told = {"assistance": assistance_id, "assistant": assistant, "act": act}
        kind = "nominee.acted" if by_whom == ByWhom.NOMINEE else "assistance.acted"
        event = NewEvent(type=kind, at=self._clock.now(), case_id=case_id, data=told)
        await self._store.write(lambda run: events.append(run, [event]))

    async def _one(self, where: str, *values: str) -> Assistance | None:
        rows = await self._store.read(f"{_SELECT} where {where}", *values)
        return _assistance(rows[0]) if rows else None


async def _insert(run: Run, made: Assistance) -> None:
    await run(
        "insert into assistance (id, session_id, portal_id, citizen_id, consent_id, by_whom, assistant, tasks,"
        " minutes, asked_ms, until_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        made.id, made.session_id, made.portal_id, made.citizen_id, made.consent_id, made.by_whom.value, made.assistant,
        " ".join(made.tasks), made.minutes, epoch_ms(made.asked_at), epoch_ms(made.until),
    )  # fmt: skip


_SELECT = "select a.*, k.withdrawn_ms from assistance a left join consent k on k.id = a.consent_id"


def _assistance(row: Any) -> Assistance:
    return Assistance(
        id=row["id"], session_id=row["session_id"], portal_id=row["portal_id"], citizen_id=row["citizen_id"],
        consent_id=row["consent_id"], by_whom=ByWhom(row["by_whom"]), assistant=row["assistant"],
        tasks=tuple(Task(word) for word in row["tasks"].split()), minutes=int(row["minutes"]),
        asked_at=from_ms(row["asked_ms"]), until=from_ms(row["until_ms"]), withdrawn=row["withdrawn_ms"] is not None,
    )  # fmt: skip
