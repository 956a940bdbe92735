"""Links of registered citizens: proved by the agency, sealed, found by a blind index, gone when revoked.

A record that only one citizen may have and that another one proves too is not linked, and nobody is told why: the two
records are noted for a person, because a proof by the agency is the best sign of a duplicate there is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aggregator.citizens import codes
from aggregator.citizens.codes import Asking, CodeRules
from aggregator.citizens.duplicates import LINK, Duplicates
from aggregator.citizens.link_kinds import kept, kind_of, masked
from aggregator.citizens.links import Link
from aggregator.citizens.seals import Seals
from aggregator.sdk.clock import Chance, Clock, epoch_ms, from_ms, new_id
from aggregator.store import Conflict, Row, Run, Store

PENDING, VERIFIED, REVOKED = "PENDING", "VERIFIED", "REVOKED"
OPEN_MOST = 50
"""Links one citizen may have: more is a business, or a collector of other people's numbers."""


class TooManyLinks(Exception):
    """The citizen has as many links as one may have."""


class ElsewhereLinked(Exception):
    """Another citizen has this record, and only one may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLink:
    """A link as it stands. `form` is what the agency was asked with; `shown` its identifier, masked. Personal data."""

    id: str
    citizen_id: str
    agency: str
    service_id: str
    kind: str
    exclusive: bool
    state: str
    form: Mapping[str, Any]
    shown: str
    created_at: datetime
    verified_at: datetime | None
    identifier_index: str = ""
    """Blind: the same for everybody who names this record."""

    def as_link(self) -> Link:
        """What enquiries and forms are filled from."""
        return Link(self.agency, {name: str(value) for name, value in self.form.items()})


class VerifiedLinks:
    """Links in the store."""

    def __init__(  # noqa: PLR0913, PLR0917 - what links stand on
        self, store: Store, seals: Seals, duplicates: Duplicates, rules: CodeRules, clock: Clock, chance: Chance
    ) -> None:
        self._store = store
        self._seals = seals
        self._duplicates = duplicates
        self._rules = rules
        self._clock = clock
        self._chance = chance

    def drafted(self, citizen_id: str, agency: str, service_id: str, form: Mapping[str, Any]) -> KeptLink:
        """A link to be. Raises ValueError for a form that names no record."""
        named = kind_of(form)
        if named is None:
            raise ValueError("the form names no record")
        field, kind = named
        return KeptLink(
            id=new_id("lnk", self._clock, self._chance), citizen_id=citizen_id, agency=agency, service_id=service_id,
            kind=kind.name, exclusive=kind.exclusive, state=PENDING, form=dict(form),
            shown=masked(field, str(form[field])), created_at=self._clock.now(), verified_at=None,
            identifier_index=self._seals.index(f"{agency}/{kind.name}/{kind.normal(str(form[field]))}", "link"),
        )  # fmt: skip

    async def keep(self, link: KeptLink, portal_id: str, *, verified: bool) -> KeptLink:
        """Stores it, or brings the citizen's own earlier link to the same record up to date.

        Raises TooManyLinks, ElsewhereLinked.
        """
        index, now = link.identifier_index, self._clock.now()
        other = await self._other(link, index) if verified and link.exclusive else None
        if other is not None:
            await self._duplicates.note(link.citizen_id, other, LINK, 100)
            raise ElsewhereLinked
        earlier = await self._earlier(link)
        if earlier:
            link = replace(link, id=earlier[0]["id"], created_at=from_ms(earlier[0]["created_ms"]))
            verified = verified or earlier[0]["state"] == VERIFIED
        elif len(await self.of(link.citizen_id)) >= OPEN_MOST:
            raise TooManyLinks
        state, form = VERIFIED if verified else PENDING, kept(link.form)
        row: list[str | int | None] = [
            link.id, link.citizen_id, link.agency, link.service_id, link.kind, int(link.exclusive), index,
            self._sealed(link, "form", form), self._sealed(link, "shown", link.shown), state, portal_id,
            epoch_ms(link.created_at), epoch_ms(now) if verified else None,
        ]  # fmt: skip

        async def work(run: Run) -> None:
            await run(
                "insert into link (id, citizen_id, agency, service_id, kind, exclusive, identifier_index, form_sealed,"
                " shown_sealed, state, portal_id, created_ms, verified_ms, revoked_ms) values"
                " ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, null) on conflict (id) do update set"
                " form_sealed = excluded.form_sealed, state = excluded.state, verified_ms = excluded.verified_ms",
                *row,
            )

        try:
            await self._store.write(work)
        except Conflict as exc:  # proved by both at the same moment: the other one was first
            other = await self._other(link, index)
            if other is not None:
                await self._duplicates.note(link.citizen_id, other, LINK, 100)
            raise ElsewhereLinked from exc
        return replace(link, state=state, form=form, verified_at=now if verified else None)

    async def same(self, link: KeptLink) -> KeptLink | None:
        """The citizen's own earlier link to this record."""
        rows = await self._earlier(link)
        return self._opened(rows[0]) if rows else None

    async def of(self, citizen_id: str) -> list[KeptLink]:
        """The citizen's links, in the order they were made; those of records merged into his too."""
        rows = await self._store.read(
            "select l.* from link l join citizen c on c.id = l.citizen_id "
            " where (c.id = $1 or c.merged_into = $1 and c.merged_into <> '')"
            " and l.state <> 'REVOKED' order by l.id",
            citizen_id,
        )
        return [self._opened(row) for row in rows]

    async def one(self, citizen_id: str, link_id: str) -> KeptLink | None:
        """The link, if it is this citizen's; somebody else's is as absent as none (one query, one answer)."""
        rows = await self._store.read(
            "select l.* from link l join citizen c on c.id = l.citizen_id where l.id = $1"
            " and (c.id = $2 or c.merged_into = $2) and l.state <> 'REVOKED'",
            link_id, citizen_id,
        )  # fmt: skip
        return self._opened(rows[0]) if rows else None

    async def revoke(self, link: KeptLink) -> None:
        """Unlinks: what was sealed is destroyed with it, only that there was a link remains."""
        await self._store.write(
            lambda run: run(
                "update link set state = 'REVOKED', revoked_ms = $1, form_sealed = '', shown_sealed = '',"
                " identifier_index = '' where id = $2",
                epoch_ms(self._clock.now()), link.id,
            )
        )  # fmt: skip

    async def guess(self, link: KeptLink, portal_id: str) -> str:
        """Counts a proof before the agency is asked, per record and per citizen. Raises TooManyCodes."""
        who = self._seals.index(link.citizen_id, "prover")
        asking = Asking(self._seals.index(link.identifier_index, "guess"), who, portal_id)
        return await self._store.write(lambda run: codes.spend(run, self._rules, asking, self._clock, self._chance))

    async def guessed_right(self, spent: str) -> None:
        """A right proof costs nothing."""
        await self._store.write(lambda run: codes.unspend(run, spent))

    async def _earlier(self, link: KeptLink) -> list[Row]:
        return await self._store.read(
            "select * from link where citizen_id = $1 and identifier_index = $2 and state <> 'REVOKED'",
            link.citizen_id, link.identifier_index,
        )  # fmt: skip

    async def _other(self, link: KeptLink, index: str) -> str | None:
        rows = await self._store.read(
            "select l.citizen_id, c.merged_into from link l join citizen c on c.id = l.citizen_id"
            " where l.identifier_index = $1 and l.exclusive = 1 and l.state = 'VERIFIED'",
            index,
        )
        owner = str(rows[0]["merged_into"] or rows[0]["citizen_id"]) if rows else link.citizen_id
        return None if owner == link.citizen_id else owner

    def _sealed(self, link: KeptLink, column: str, value: Any) -> str:
        return self._seals.seal(link.citizen_id, value, table="link", row=link.id, column=column)

    def _opened(self, row: Row) -> KeptLink:
        def opened(column: str) -> Any:
            return self._seals.open(
                row["citizen_id"], row[f"{column}_sealed"], table="link", row=row["id"], column=column
            )

        return KeptLink(
            id=row["id"], citizen_id=row["citizen_id"], agency=row["agency"], service_id=row["service_id"],
            kind=row["kind"], exclusive=bool(row["exclusive"]), state=row["state"], form=opened("form"),
            shown=opened("shown"), created_at=from_ms(row["created_ms"]),
            verified_at=from_ms(row["verified_ms"]) if row["verified_ms"] else None,
            identifier_index=row["identifier_index"],
        )  # fmt: skip
