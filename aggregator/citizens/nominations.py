"""Whom a citizen named for after death or incapacity: by name and mobile, never by looking anybody up.

People know the mobile of who is near to them and not their citizen number, and a number that is looked up tells who is
registered here. So the number is told, whether or not somebody has it, and the nomination binds whoever proves it and
accepts; from then on it is that citizen's, and what becomes of the number means nothing. DPDP Act 2023, section 14.
"""

from dataclasses import dataclass, replace

from aggregator.citizens.nominee_end import end_claims
from aggregator.citizens.nominee_record import (
    ANSWER_WITHIN,
    NAMED_MOST,
    Nomination,
    NominationState,
    nomination_of,
)
from aggregator.citizens.seals import Seals
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.sdk.clock import Chance, Clock, epoch_ms, new_id
from aggregator.store import Run, Store

SHOWN_MOST = 200


def theirs(column: str) -> str:
    """A condition: the column names this citizen ($1), or a record that was merged into theirs."""
    merged = "(select id from citizen where merged_into = $1 and merged_into <> '')"
    return f"({column} = $1 and {column} <> '' or {column} in {merged} and {column} <> '')"


_LIVING = "(n.state = 'ACCEPTED' or (n.state = 'NAMED' and n.until_ms > $2))"
_OF_NOMINEE = (
    "select n.* from nomination n join citizen c on c.id = n.citizen_id where c.state <> 'ERASED' and n.id in ("
    "select id from nomination where nominee_id <> '' and state = 'ACCEPTED' and nominee_id in"
    " (select cast($1 as text) union select id from citizen where merged_into = $1 and merged_into <> '')"
    " union select id from nomination"
    " where mobile_index = $2 and mobile_index <> '' and state = 'NAMED' and until_ms > $3)"
)


class TooMany(Exception):
    """The citizen has as many living nominations as one can have."""


class NotThere(Exception):
    """There is no such nomination of theirs that this can be done with."""


@dataclass(frozen=True, slots=True)
class Myself:
    """A citizen who may be somebody's nominee: internal id, and the proved mobile in E.164, empty for none."""

    citizen_id: str
    mobile: str


class Nominations:
    """All of them. `citizen_id` is the internal one throughout."""

    def __init__(self, store: Store, seals: Seals, clock: Clock, chance: Chance) -> None:
        self._store = store
        self._seals = seals
        self._clock = clock
        self._chance = chance

    async def name(self, citizen_id: str, portal_id: str, name: str, mobile: str, replaces: str = "") -> Nomination:
        """A new nomination; the one it replaces ends with the same commit. Raises TooMany, NotThere."""
        now = self._clock.now()
        made = Nomination(
            id=new_id("nom", self._clock, self._chance), citizen_id=citizen_id, nominee_id="", name=name,
            mobile=mobile, state=NominationState.NAMED, named_at=now, until=now + ANSWER_WITHIN,
        )  # fmt: skip
        sealed = self._seals.seal(
            citizen_id, {"name": name, "mobile": mobile}, table="nomination", row=made.id, column="nominee"
        )

        async def work(run: Run) -> None:
            # The row of the citizen is the lock: two namings at once would both find room for one more.
            await run("update citizen set version = version where id = $1", citizen_id)
            if replaces and not await self._ended(run, replaces, citizen_id, NominationState.WITHDRAWN):
                raise NotThere
            living = await run(
                f"select n.id from nomination n where {theirs('n.citizen_id')} and {_LIVING}",  # noqa: S608 - ours
                citizen_id, epoch_ms(now),
            )  # fmt: skip
            if len(living) >= NAMED_MOST:
                raise TooMany
            await run(
                "insert into nomination (id, citizen_id, nominee_id, nominee_sealed, mobile_index, state, portal_id,"
                " named_ms, until_ms) values ($1, $2, '', $3, $4, $5, $6, $7, $8)",
                made.id, citizen_id, sealed, self._index(mobile), made.state.value, portal_id, epoch_ms(now),
                epoch_ms(made.until),
            )  # fmt: skip
            await self._note(run, "nominee.named", made.id)

        await self._store.write(work)
        return made

    async def of_citizen(self, citizen_id: str) -> list[Nomination]:
        """Newest first, ended ones too."""
        rows = await self._store.read(
            f"select n.* from nomination n where {theirs('n.citizen_id')} order by n.id desc limit $2",  # noqa: S608 - ours
            citizen_id, SHOWN_MOST,
        )  # fmt: skip
        return [nomination_of(row, self._seals) for row in rows]

    async def one_of_citizen(self, nomination_id: str, citizen_id: str) -> Nomination | None:
        return next((one for one in await self.of_citizen(citizen_id) if one.id == nomination_id), None)

    async def of_nominee(self, me: Myself) -> list[Nomination]:
        """Whose nominee one is or can become, newest first."""
        rows = await self._store.read(
            f"{_OF_NOMINEE} order by n.id desc limit {SHOWN_MOST}",
            me.citizen_id, self._index(me.mobile), epoch_ms(self._clock.now()),
        )  # fmt: skip
        return [nomination_of(row, self._seals) for row in rows]

    async def one_of_nominee(self, nomination_id: str, me: Myself) -> Nomination | None:
        return next((one for one in await self.of_nominee(me) if one.id == nomination_id), None)

    async def accept(self, found: Nomination, me: Myself) -> Nomination:
        """It is theirs now. Raises NotThere where it has just ended or is another's."""
        now = epoch_ms(self._clock.now())

        async def work(run: Run) -> None:
            done = await run(
                "update nomination set state = 'ACCEPTED', nominee_id = $1, mobile_index = '', answered_ms = $2"
                " where id = $3 and state = 'NAMED' and until_ms > $2 and mobile_index = $4 returning id",
                me.citizen_id, now, found.id, self._index(me.mobile),
            )  # fmt: skip
            if not done:
                raise NotThere
            await self._note(run, "nominee.accepted", found.id)

        await self._store.write(work)
        return replace(found, state=NominationState.ACCEPTED, nominee_id=me.citizen_id)

    async def end(self, found: Nomination, state: NominationState) -> bool:
        """Whether it was alive; what was asked or granted under it ends with it."""
        return await self._store.write(lambda run: self._ended(run, found.id, found.citizen_id, state))

    async def _ended(self, run: Run, nomination_id: str, citizen_id: str, state: NominationState) -> bool:
        now = self._clock.now()
        done = await run(
            "update nomination set state = $2, mobile_index = '', ended_ms = $3 where id = $4"  # noqa: S608 - ours
            f" and {theirs('citizen_id')} and state in ('NAMED', 'ACCEPTED') returning id",
            citizen_id, state.value, epoch_ms(now), nomination_id,
        )  # fmt: skip
        if done:
            await end_claims(run, nomination_id, now)
            await self._note(run, f"nominee.{state.value.lower()}", nomination_id)
        return bool(done)

    def _index(self, mobile: str) -> str:
        return self._seals.index(mobile, "nominee")

    async def _note(self, run: Run, kind: str, nomination_id: str) -> None:
        event = NewEvent(type=kind, at=self._clock.now(), data={"nomination": nomination_id})
        await events.append(run, [event])
