"""What was sealed before cases had keys of their citizens is sealed again under them, while the city works.

A value is replaced only where it is still the one that was read, so neither a delivery nor a second process is in the
way, and what is interrupted goes on at the next start. Backups taken before it keep the old text: they open with the
vault's key alone until their time is over.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from aggregator.citizens.envelopes import Envelopes, Erased
from aggregator.citizens.vault import Tampered
from aggregator.sdk.clock import Clock
from aggregator.store import Row, Run, Store, StoreUnavailable

AT_ONCE = 20
PAUSE_S = 0.2
_DONE = "resealed"
_OPERATIONS = "(select id from operation where case_id = $1)"
_LEGS = "(select id from leg where case_id = $1)"


@dataclass(frozen=True, slots=True)
class Place:
    """Sealed columns: how a row is named in its seal, and which rows belong to a case or a document."""

    table: str
    row: str
    columns: tuple[str, ...]
    where: str


OF_CASE = (
    Place("cases", "id", ("form_sealed",), "id = $1"),
    Place("operation", "id", ("form_sealed", "withdraw_sealed"), "case_id = $1"),
    Place("leg", "id", ("agency_text_sealed", "facts_sealed"), "case_id = $1"),
    Place("attempt", "operation_id || '/' || n", ("request_sealed", "reply_sealed"), f"operation_id in {_OPERATIONS}"),
    Place("reading", "id", ("remark_sealed", "facts_sealed"), f"leg_id in {_LEGS}"),
    Place("evidence", "id", ("body_sealed",), f"item in {_OPERATIONS}"),
    Place(
        "inbox",
        "id",
        ("path_sealed", "headers_sealed", "body_sealed"),
        f"operation_id <> '' and operation_id in {_OPERATIONS}",
    ),
    Place("idempotency", "portal_id || '/' || key", ("body_sealed",), "case_id = $1"),
)
OF_DOCUMENT = (
    Place("document", "id", ("name_sealed", "sha256_sealed", "reference_sealed"), "id = $1"),
    Place("document_part", "content || '/' || at_byte", ("sealed",), "content = $1"),
)
_KINDS: Mapping[str, tuple[tuple[Place, ...], str]] = {
    "cases": (OF_CASE, "citizen_id"),
    "document": (OF_DOCUMENT, "citizen_id"),
}


class Resealing:
    """The work, from the oldest case to the newest, then the documents."""

    def __init__(self, store: Store, envelopes: Envelopes, clock: Clock) -> None:
        self._store = store
        self._envelopes = envelopes
        self._clock = clock

    async def run(self) -> None:
        """Until all of it is done; a store that is away is asked again."""
        while not await self._is_done():
            with suppress(StoreUnavailable):
                for table in _KINDS:
                    await self._all_of(table)
                await self._store.write(
                    lambda run: run("insert into setting (name, value) values ($1, '1') on conflict do nothing", _DONE)
                )
            await self._clock.sleep(PAUSE_S)

    async def _is_done(self) -> bool:
        try:
            return bool(await self._store.read("select value from setting where name = $1", _DONE))
        except StoreUnavailable:
            return False

    async def _all_of(self, table: str) -> None:
        last = ""
        while rows := await self.some(table, last):
            last = rows[-1]["id"]
            await self._clock.sleep(PAUSE_S)

    async def some(self, table: str, after: str = "") -> list[Row]:
        """The next ones after that id, sealed again; their rows as they were."""
        places, owner = _KINDS[table]
        rows = await self._store.read(
            f"select id, {owner} as owner, sealed_for from {table} where id > $1 order by id limit $2",  # noqa: S608 - ours
            after,
            AT_ONCE,
        )
        for row in rows:
            with suppress(Erased):
                key = await self._envelopes.key_for(row["sealed_for"] or row["owner"])
                fresh = partial(self._one, table=table, places=places, of=row["id"], key=key)
                unused = await self._store.write(fresh)
                self._envelopes.forget(unused)
        return rows

    async def _one(self, run: Run, *, table: str, places: tuple[Place, ...], of: str, key: str) -> list[str]:
        """Under this key, or the one it was given meanwhile; the name of the key that was not needed."""
        now = (await run(f"select sealed_for from {table} where id = $1", of))[0]["sealed_for"]  # noqa: S608 - ours
        key, unused = (now, [key] if now != key else []) if now else (key, [])
        if not now:
            await run(f"update {table} set sealed_for = $1 where id = $2", key, of)  # noqa: S608 - ours
            if table == "cases":
                await run("update operation set sealed_for = $1 where case_id = $2", key, of)
        for place in places:
            await self._place(run, place, of, key)
        return unused

    async def _place(self, run: Run, place: Place, of: str, key: str) -> None:
        columns = ", ".join(place.columns)
        rows = await run(f"select {place.row} as name, {columns} from {place.table} where {place.where}", of)  # noqa: S608 - ours
        for row in rows:
            for column in place.columns:
                sealed = row[column]
                if not sealed or self._envelopes.named(sealed):
                    continue
                again = self._again(sealed, key, place.table, row["name"], column)
                still = f"{place.where} and {place.row} = $3 and {column} = $4"
                await run(f"update {place.table} set {column} = $2 where {still}", of, again, row["name"], sealed)  # noqa: S608 - ours

    def _again(self, sealed: str, key: str, table: str, row: str, column: str) -> str:
        """A damaged value stays as it is: whoever reads it is told."""
        try:
            plain = self._envelopes.open(sealed, table=table, row=row, column=column)
        except Tampered:
            return sealed
        return self._envelopes.seal(plain, owner=key, table=table, row=row, column=column)
