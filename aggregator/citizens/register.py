"""The register of citizens: one row per person, one citizen number, and a pairwise id for everybody who asks.

The internal id stays in here and in the memory of a request: it is in no answer, event, log or error. A record merged
into another goes on being found under all its names, and answers as the one it was merged into.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from aggregator.citizens import number
from aggregator.citizens.pairwise import Pairwise
from aggregator.citizens.person import Person, Profile, State, lacking
from aggregator.citizens.seals import Seals
from aggregator.sdk.clock import Chance, Clock, epoch_ms, from_ms, new_id
from aggregator.store import Conflict, Row, Run, Store

INDEXED = ("mobile", "email", "username")
HISTORY_MOST = 200


class Taken(Exception):
    """Another citizen has this mobile, e-mail address or user name. `field` says which."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class Stale(Exception):
    """The record has changed since the caller read it."""


@dataclass(frozen=True, slots=True)
class Doer:
    """Who changes a record: a portal, in a citizen's session or without one."""

    portal_id: str
    session_id: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a record's history. `fields` names what changed, never to what."""

    at: datetime
    what: str
    fields: tuple[str, ...]
    portal_id: str


class Register:
    """Citizens in the store."""

    def __init__(self, store: Store, seals: Seals, pairwise: Pairwise, clock: Clock, chance: Chance) -> None:
        self._store = store
        self.seals = seals
        self._pairwise = pairwise
        self._clock = clock
        self._chance = chance

    async def person(self, citizen_id: str) -> Person | None:
        """The citizen, opened; None for an id that is none. `citizen_id` is the internal one."""
        rows = await self._store.read("select * from citizen where id = $1", citizen_id, inline=True)
        return self._opened(rows[0]) if rows else None

    async def found(self, pairwise_id: str, sector: str) -> str | None:
        """The internal id behind a pairwise id of this sector; None when this sector was never given it."""
        rows = await self._store.read(
            "select c.id, c.merged_into from citizen_pairwise p join citizen c on c.id = p.citizen_id"
            " where p.pairwise_id = $1 and p.sector = $2",
            pairwise_id, sector, inline=True,
        )  # fmt: skip
        return str(rows[0]["merged_into"] or rows[0]["id"]) if rows else None

    async def by_number(self, typed: str) -> str | None:
        """The internal id behind a citizen number as typed; None for a slip or an unknown one."""
        digits = number.read(typed)
        if digits is None:
            return None
        rows = await self._store.read(
            "select id, merged_into from citizen where number_index = $1", self.seals.index(digits, "number")
        )
        return str(rows[0]["merged_into"] or rows[0]["id"]) if rows else None

    async def record_of(self, digits: str) -> str | None:
        """The record of exactly this citizen number, merged or not."""
        rows = await self._store.read(
            "select id from citizen where number_index = $1", self.seals.index(digits, "number")
        )
        return str(rows[0]["id"]) if rows else None

    async def name_for(self, citizen_id: str, sector: str) -> str:
        """The citizen's pairwise id in this sector, given out now if it never was."""
        made = self._pairwise.of(citizen_id, sector)
        known = await self._store.read("select 1 from citizen_pairwise where pairwise_id = $1", made, inline=True)
        if not known:
            await self._store.write(lambda run: self.give_out(run, citizen_id, sector))
        return made

    async def names_in(self, citizen_id: str, sector: str) -> list[str]:
        """Every id this sector has for the citizen: older keys' and merged records' too, the present one first."""
        rows = await self._store.read(
            "select p.pairwise_id from citizen_pairwise p join citizen c on c.id = p.citizen_id"
            " where p.sector = $2 and (c.id = $1 or c.merged_into = $1 and c.merged_into <> '') order by p.created_ms",
            citizen_id, sector,
        )  # fmt: skip
        first = self._pairwise.of(citizen_id, sector)
        return [first, *(row["pairwise_id"] for row in rows if row["pairwise_id"] != first)]

    async def give_out(self, run: Run, citizen_id: str, sector: str) -> str:
        """The pairwise id, remembered; inside a write."""
        made = self._pairwise.of(citizen_id, sector)
        await run(
            "insert into citizen_pairwise (pairwise_id, sector, citizen_id, created_ms) values ($1, $2, $3, $4)"
            " on conflict (pairwise_id) do nothing",
            made, sector, citizen_id, epoch_ms(self._clock.now()),
        )  # fmt: skip
        return made

    async def by_index(self, run: Run, field: str, value: str) -> str | None:
        """The internal id of whoever has this mobile, email or username; inside a write."""
        rows = await run(
            f"select id from citizen where {_column(field)} = $1 and {_column(field)} <> ''",  # noqa: S608 - a fixed list
            self.seals.index(value, field),
        )
        return str(rows[0]["id"]) if rows else None

    def new(self, profile: Profile, doer: Doer) -> tuple[str, list[str | int | None]]:
        """The internal id and the row of a citizen to be, for `insert`."""
        citizen_id = new_id("psn", self._clock, self._chance)
        digits, now = number.mint(self._chance), epoch_ms(self._clock.now())
        state = State.PENDING if lacking(profile) else State.ACTIVE
        row: list[str | int | None] = [
            citizen_id,
            self.seals.index(digits, "number"),
            self.seals.seal(citizen_id, digits, table="citizen", row=citizen_id, column="number"),
            self.sealed(citizen_id, profile),
            *self._indexes(profile),
            "", state.value, "", doer.portal_id, 1, 0, now, now,
        ]  # fmt: skip
        return citizen_id, row

    async def insert(self, run: Run, row: list[str | int | None], doer: Doer) -> None:
        """Stores a new citizen; inside a write. Raises Conflict when another has the mobile by now."""
        marks = ", ".join(f"${at}" for at in range(1, len(row) + 1))
        await run(
            "insert into citizen (id, number_index, number_sealed, profile_sealed, mobile_index, email_index,"  # noqa: S608 - placeholders only
            " username_index, born_index, password, state, merged_into, portal_id, version, hold_until_ms, created_ms,"
            f" updated_ms) values ({marks})",
            *row,
        )
        await self._note(run, str(row[0]), "REGISTERED", (), doer, "")

    async def change(  # noqa: PLR0913 - who changes what to what, seen when, and what follows from it
        self,
        before: Person,
        after: Profile,
        doer: Doer,
        *,
        password: str | None = None,
        hold_s: int = 0,
        what: str = "CHANGED",
    ) -> None:
        """Replaces the profile as it was read in `before`. Raises Stale, Taken."""
        fields = [name for name in Profile.__struct_fields__ if getattr(before.profile, name) != getattr(after, name)]
        fields += ["password"] if password is not None else []
        now = self._clock.now()
        hold = epoch_ms(now + timedelta(seconds=hold_s)) if hold_s else _hold_ms(before)
        state = State.PENDING if lacking(after) else State.ACTIVE
        old = self.seals.seal(
            before.id, msgspec.to_builtins(before.profile), table="citizen_change", row=str(before.version),
            column="before",
        )  # fmt: skip

        async def work(run: Run) -> bool:
            rows = await run(
                "update citizen set profile_sealed = $1, mobile_index = $2, email_index = $3, username_index = $4,"
                " born_index = $5, password = case when $6 = '' then password else $6 end, state = $7,"
                " version = version + 1, hold_until_ms = $8, updated_ms = $9 where id = $10 and version = $11"
                " returning id",
                self.sealed(before.id, after), *self._indexes(after), password or "", state.value, hold,
                epoch_ms(now), before.id, before.version,
            )  # fmt: skip
            if rows:
                await self._note(run, before.id, what, fields, doer, old)
            return bool(rows)

        try:
            done = await self._store.write(work)
        except Conflict as exc:
            raise Taken(next((name for name in INDEXED if name in exc.rule), "mobile")) from exc
        if not done:
            raise Stale

    async def history(self, citizen_id: str) -> list[Change]:
        """What happened to the record, newest first."""
        rows = await self._store.read(
            "select at_ms, what, fields, portal_id from citizen_change where citizen_id = $1"
            " order by id desc limit $2",
            citizen_id, HISTORY_MOST,
        )  # fmt: skip
        return [Change(from_ms(r["at_ms"]), r["what"], tuple(r["fields"].split()), r["portal_id"]) for r in rows]

    async def of_portal(self, portal_id: str, after: str, limit: int) -> list[tuple[str, State, datetime]]:
        """The citizens this portal registered, oldest first: internal id, state, when."""
        rows = await self._store.read(
            "select id, state, created_ms from citizen where portal_id = $1 and id > $2 and merged_into = ''"
            " order by id limit $3",
            portal_id, after, limit,
        )  # fmt: skip
        return [(row["id"], State(row["state"]), from_ms(row["created_ms"])) for row in rows]

    async def password_of(self, username: str) -> tuple[str, str]:
        """Internal id and kept password of a user name; two empty texts for an unknown one."""
        rows = await self._store.read(
            "select id, password from citizen where username_index = $1 and username_index <> ''",
            self.seals.index(username, "username"),
        )
        return (rows[0]["id"], rows[0]["password"]) if rows else ("", "")

    async def _note(  # noqa: PLR0913, PLR0917 - a line of history has these columns
        self, run: Run, citizen_id: str, what: str, fields: Iterable[str], doer: Doer, before_sealed: str
    ) -> None:
        await run(
            "insert into citizen_change (id, citizen_id, at_ms, what, fields, portal_id, session_id, before_sealed)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8)",
            new_id("chg", self._clock, self._chance), citizen_id, epoch_ms(self._clock.now()), what,
            " ".join(fields), doer.portal_id, doer.session_id, before_sealed,
        )  # fmt: skip

    def sealed(self, citizen_id: str, profile: Profile) -> str:
        """The profile as its column keeps it."""
        return self.seals.seal(
            citizen_id, msgspec.to_builtins(profile), table="citizen", row=citizen_id, column="profile"
        )

    def _indexes(self, profile: Profile) -> tuple[str, str, str, str]:
        seen = self.seals.index
        return (
            seen(profile.mobile, "mobile"), seen(profile.email, "email"), seen(profile.username, "username"),
            seen(profile.date_of_birth, "born"),
        )  # fmt: skip

    def _opened(self, row: Row) -> Person:
        citizen_id = row["id"]
        kept: Mapping[str, Any] = self.seals.open(
            citizen_id, row["profile_sealed"], table="citizen", row=citizen_id, column="profile"
        )
        digits = self.seals.open(citizen_id, row["number_sealed"], table="citizen", row=citizen_id, column="number")
        return Person(
            id=citizen_id,
            number=str(digits),
            profile=msgspec.convert(kept, Profile),
            state=State(row["state"]),
            version=row["version"],
            portal_id=row["portal_id"],
            has_password=bool(row["password"]),
            hold_until=from_ms(row["hold_until_ms"]) if row["hold_until_ms"] else None,
            created_at=from_ms(row["created_ms"]),
            updated_at=from_ms(row["updated_ms"]),
        )


def _column(field: str) -> str:
    return {"mobile": "mobile_index", "email": "email_index", "username": "username_index"}[field]


def _hold_ms(person: Person) -> int:
    return 0 if person.hold_until is None else epoch_ms(person.hold_until)
