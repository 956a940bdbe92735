"""Two records of one person are found by a program and joined by a person; joining can be undone.

Looked at are records with the same date of birth, by a blind index; names are compared as heard, in any script. What is
found waits for an operator. A merged record keeps its number, its names at every portal and its history, and answers as
the one it was merged into; taking the merge back brings it out again as it was.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from aggregator.citizens.names import ALIKE, likeness
from aggregator.citizens.person import Person, State
from aggregator.citizens.register import Register
from aggregator.sdk.clock import Chance, Clock, epoch_ms, from_ms, new_id
from aggregator.store import Run, Store

COMPARED_MOST = 500
LINK = "EXCLUSIVE_LINK"
NAME = "NAME_AND_BIRTH"


class MergeRefused(ValueError):
    """These two cannot be joined or parted; the message says why, for the operator."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two records that look like one person. Internal ids; `score` 0 to 100."""

    id: str
    older_id: str
    newer_id: str
    why: str
    score: int
    found_at: datetime


class Duplicates:
    """Finds, merges, un-merges."""

    def __init__(self, store: Store, register: Register, clock: Clock, chance: Chance) -> None:
        self._store = store
        self._register = register
        self._clock = clock
        self._chance = chance

    async def look_for(self, person: Person) -> int:
        """Notes every record that may be the same person; how many. Changes nothing else."""
        profile = person.profile
        if not (profile.name and profile.date_of_birth):
            return 0
        rows = await self._store.read(
            "select id from citizen where born_index = $1 and born_index <> ''"
            " and id <> $2 and merged_into = '' order by id limit $3",
            self._register.seals.index(profile.date_of_birth, "born"), person.id, COMPARED_MOST,
        )  # fmt: skip
        found = 0
        for row in rows:
            other = await self._register.person(row["id"])
            score = likeness(profile.name, other.profile.name) if other is not None else 0
            if score >= ALIKE:
                await self.note(person.id, row["id"], NAME, score)
                found += 1
        return found

    async def note(self, one: str, other: str, why: str, score: int) -> None:
        """Two records a person should look at; noted once, and not again after a decision."""
        older, newer = sorted((one, other))
        await self._store.write(
            lambda run: run(
                "insert into citizen_duplicate (id, older_id, newer_id, why, score, state, found_ms, decided_by, note)"
                " values ($1, $2, $3, $4, $5, 'OPEN', $6, '', '') on conflict (older_id, newer_id) do nothing",
                new_id("dup", self._clock, self._chance), older, newer, why, score, epoch_ms(self._clock.now()),
            )
        )  # fmt: skip

    async def waiting(self) -> list[Duplicate]:
        """What waits for a decision, oldest first."""
        rows = await self._store.read(
            "select d.* from citizen_duplicate d join citizen a on a.id = d.older_id join citizen b on"
            " b.id = d.newer_id where d.state = 'OPEN' and a.merged_into = '' and b.merged_into = '' order by d.id"
        )
        return [
            Duplicate(r["id"], r["older_id"], r["newer_id"], r["why"], r["score"], from_ms(r["found_ms"])) for r in rows
        ]

    async def dismiss(self, duplicate_id: str, by: str, note: str) -> bool:
        """Two people after all. False when there is nothing to decide."""
        return bool(await self._decided(duplicate_id, "DISMISSED", by, note))

    async def merge(self, into_id: str, from_id: str, by: str) -> None:
        """Joins `from_id` to `into_id`. The contact data of the joined record rest. Raises MergeRefused."""
        into, gone = await self._register.person(into_id), await self._register.person(from_id)
        if into is None or gone is None or into_id == from_id:
            raise MergeRefused("a merge needs two citizens that exist")
        if State.MERGED in {into.state, gone.state}:
            raise MergeRefused("one of them is merged already")
        sealed = self._register.seals.seal(from_id, _kept(gone), table="citizen_merge", row=from_id, column="from")
        now = epoch_ms(self._clock.now())

        async def work(run: Run) -> bool:
            rows = await run(
                "update citizen set state = 'MERGED', merged_into = $1, mobile_index = '', email_index = '',"
                " username_index = '', version = version + 1, updated_ms = $2"
                " where id = $3 and version = $4 and merged_into = '' returning id",
                into_id, now, from_id, gone.version,
            )  # fmt: skip
            if not rows:
                return False
            # Whatever was merged into it before now answers as the other one: no chain to follow.
            await run(
                "update citizen set merged_into = $1 where merged_into = $2 and merged_into <> ''", into_id, from_id
            )
            await run(
                "insert into citizen_merge (id, into_id, from_id, at_ms, by_whom, undone_ms, from_sealed)"
                " values ($1, $2, $3, $4, $5, null, $6)",
                new_id("mrg", self._clock, self._chance), into_id, from_id, now, by, sealed,
            )  # fmt: skip
            for citizen_id in (into_id, from_id):
                await self._noted(run, citizen_id, "MERGED", now)
            await run("update session set state = 'CLOSED' where citizen_id = $1 and citizen_id <> ''", from_id)
            await run(
                "update citizen_duplicate set state = 'MERGED', decided_ms = $1, decided_by = $2"
                " where older_id = $3 and newer_id = $4",
                now, by, *sorted((into_id, from_id)),
            )  # fmt: skip
            return True

        if not await self._store.write(work):
            raise MergeRefused("the record has just changed; look again")

    async def unmerge(self, from_id: str, by: str) -> None:
        """Takes the merge back: the record answers for itself again. Raises MergeRefused."""
        rows = await self._store.read(
            "select id, into_id, from_sealed from citizen_merge where from_id = $1 and undone_ms is null"
            " order by id desc limit 1",
            from_id,
        )
        person = await self._register.person(from_id)
        if not rows or person is None or person.state is not State.MERGED:
            raise MergeRefused("this citizen is not merged")
        kept: dict[str, Any] = self._register.seals.open(
            from_id, rows[0]["from_sealed"], table="citizen_merge", row=from_id, column="from"
        )
        now, register, index = epoch_ms(self._clock.now()), self._register, self._register.seals.index

        async def work(run: Run) -> None:
            await run(
                "update citizen set state = $1, merged_into = '', version = version + 1, updated_ms = $2 where id = $3",
                kept["state"], now, from_id,
            )  # fmt: skip
            profile = person.profile
            for field in ("mobile", "email", "username"):
                value, column = index(kept[field], field), f"{field}_index"
                if not value:
                    continue
                taken = await run(f"select id from citizen where {column} = $1 and {column} <> ''", value)  # noqa: S608 - a fixed list
                if taken:
                    # A number that somebody else proved meanwhile stays with that one.
                    profile = msgspec.structs.replace(profile, **{field: ""})
                else:
                    await run(f"update citizen set {column} = $1 where id = $2", value, from_id)  # noqa: S608 - a fixed list
            await run(
                "update citizen set profile_sealed = $1 where id = $2", register.sealed(from_id, profile), from_id
            )
            await run("update citizen_merge set undone_ms = $1 where id = $2", now, rows[0]["id"])
            await self._noted(run, from_id, "UNMERGED", now)
            await self._noted(run, rows[0]["into_id"], "UNMERGED", now)
            await run(
                "update citizen_duplicate set state = 'DISMISSED', decided_ms = $1, decided_by = $2"
                " where older_id = $3 and newer_id = $4",
                now, by, *sorted((from_id, rows[0]["into_id"])),
            )  # fmt: skip

        await self._store.write(work)

    async def _decided(self, duplicate_id: str, state: str, by: str, note: str) -> list[Any]:
        decide: Callable[[Run], Any] = lambda run: run(  # noqa: E731 - the store wants a function
            "update citizen_duplicate set state = $1, decided_ms = $2, decided_by = $3, note = $4"
            " where id = $5 and state = 'OPEN' returning id",
            state, epoch_ms(self._clock.now()), by, note, duplicate_id,
        )  # fmt: skip
        return list(await self._store.write(decide))

    async def _noted(self, run: Run, citizen_id: str, what: str, now_ms: int) -> None:
        await run(
            "insert into citizen_change (id, citizen_id, at_ms, what, fields, portal_id, session_id, before_sealed)"
            " values ($1, $2, $3, $4, '', '', '', '')",
            new_id("chg", self._clock, self._chance), citizen_id, now_ms, what,
        )  # fmt: skip


def _kept(person: Person) -> dict[str, str]:
    kept = msgspec.to_builtins(person.profile)
    return {"state": person.state.value} | {name: kept.get(name, "") for name in ("mobile", "email", "username")}
