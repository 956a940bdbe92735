"""A citizen who asks to be forgotten is forgotten: after the notice the law gives, unless something is still open.

The keys go first, the citizen's own and those of every name a portal has for the citizen, and with them everything
sealed under them in every copy of the database: profile, forms, what agencies were sent and said, documents, drafts.
Then the rows go. A case keeps its number, dates, amounts and status, without anybody in them. Records that were merged
into this one are the same person and go along. Whose keys are destroyed is remembered beside the keys, so a restored
backup is told at the next start.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from aggregator.citizens.envelopes import Envelopes
from aggregator.citizens.keyring import KeyRing
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.sdk.clock import Clock, epoch_ms, from_ms
from aggregator.store import Run, Store, StoreUnavailable

NOTICE = timedelta(hours=48)
"""DPDP Rules 2025, rule 8: the citizen is told this long before."""
EVERY_S = 60.0
_AT_ONCE = 200
"""Destroyed keys that the database is asked about at once: starting takes as long as there were erasures."""
_ENDED = "('COMPLETED', 'REJECTED', 'WITHDRAWN')"
_PAIRWISE = "(select pairwise_id from citizen_pairwise where citizen_id = $1)"
_NAMED = f"(citizen_id = $1 and citizen_id <> '' or citizen_id in {_PAIRWISE} and citizen_id <> '')"
_OWNED = (
    "document", "draft", "idempotency", "link", "link_code", "citizen_change", "citizen_login", "consent", "session",
    "assistance", "nomination", "nominee_claim", "citizen_notice", "citizen_pairwise",
)  # fmt: skip
"""Deleted whole; who has which pairwise id goes last, because the others are found by it."""
_WHO = "(p.citizen_id = $1 or p.citizen_id in (select id from citizen where merged_into = $1 and merged_into <> ''))"
_OPERATIONS = "(select id from operation where case_id = $1)"
_LEGS = "(select id from leg where case_id = $1)"
_CALLBACKS = (
    "update inbox set body_sealed = '', headers_sealed = '', path_sealed = ''"  # noqa: S608 - ours
    f" where operation_id in {_OPERATIONS} and operation_id <> ''"
)
_EMPTIED = (
    "update leg set agency_text_sealed = '', facts_sealed = '' where case_id = $1",
    "update operation set form_sealed = '', withdraw_sealed = '' where case_id = $1",
    f"update attempt set request_sealed = '', reply_sealed = '' where operation_id in {_OPERATIONS}",  # noqa: S608 - ours
    f"update reading set remark_sealed = '', facts_sealed = '' where leg_id in {_LEGS}",  # noqa: S608 - ours
    _CALLBACKS,
    f"update evidence set body_sealed = '' where item in {_OPERATIONS}",  # noqa: S608 - ours
    "update idempotency set body_sealed = null where case_id = $1",
)
"""What a case holds of a person besides its form; number, dates and status stay."""


_ASKED_BY = "(select consent_id from nominee_claim where nominee_id = $1)"
_UNNAMED = (
    "update nominee_claim set state = 'STOPPED', decided_ms = $2 where nominee_id = $1 and state = 'ASKED'",
    f"update consent set withdrawn_ms = coalesce(withdrawn_ms, $2) where id in {_ASKED_BY}",  # noqa: S608 - ours
    "update nominee_claim set nominee_id = '' where nominee_id = $1 and asked_ms <= $2",
    (
        "update nomination set nominee_id='', nominee_sealed='', state='DECLINED', ended_ms = $2"
        " where nominee_id = $1 and nominee_id <> ''"
    ),
)
"""Who is forgotten is nobody's nominee any more; what others told of them as such goes too."""

_ASK = (
    "insert into erasure (citizen_id, asked_ms, due_ms, state) values ($1, $2, $3, 'WAITING')"
    " on conflict (citizen_id) do nothing"
)

_TAKE_BACK = "delete from erasure where citizen_id = $1 and state = 'WAITING' returning citizen_id"


@dataclass(frozen=True, slots=True)
class Notice:
    """When it happens, and the numbers of cases that hold it up until they are closed."""

    due: datetime
    held_by: Sequence[str]


class Erasure:
    """Requests to be forgotten, and their carrying out. `citizen_id` is the internal one throughout."""

    def __init__(self, store: Store, keys: KeyRing, vault: Envelopes, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._vault = vault
        self._clock = clock

    async def ask(self, citizen_id: str) -> Notice:
        """The request, made once; asking again changes nothing."""
        now = self._clock.now()
        times = epoch_ms(now), epoch_ms(now + NOTICE)
        await self._store.write(lambda run: run(_ASK, citizen_id, *times))
        notice = await self.notice(citizen_id)
        return notice or Notice(now + NOTICE, ())

    async def notice(self, citizen_id: str) -> Notice | None:
        """None where nothing was asked."""
        rows = await self._store.read("select due_ms from erasure where citizen_id = $1", citizen_id)
        return Notice(from_ms(rows[0]["due_ms"]), await self._open_cases(citizen_id)) if rows else None

    async def cancel(self, citizen_id: str) -> bool:
        """Whether there was a request to take back."""
        rows = await self._store.write(lambda run: run(_TAKE_BACK, citizen_id))
        return bool(rows)

    async def run(self) -> None:
        """Until cancelled: carries out what is due."""
        while True:
            with suppress(StoreUnavailable):
                await self.carry_out()
            await self._clock.sleep(EVERY_S)

    async def carry_out(self) -> int:
        """How many citizens were erased now. Who has an open case waits for its end."""
        due = await self._store.read(
            "select citizen_id from erasure where state = 'WAITING' and due_ms <= $1 limit 200",
            epoch_ms(self._clock.now()),
        )
        done = 0
        for row in due:
            if not await self._open_cases(row["citizen_id"]):
                await self._erase(row["citizen_id"])
                done += 1
        return done

    async def reapply(self) -> int:
        """After a restore: whoever's key is gone and who is in the database again. How many were erased again."""
        destroyed, again = self._keys.destroyed(), 0
        while asked := list(islice(destroyed, _AT_ONCE)):
            marks = ", ".join(f"${at}" for at in range(1, len(asked) + 1))
            rows = await self._store.read(
                f"select id from citizen where id in ({marks}) and state <> 'ERASED'",  # noqa: S608 - placeholders only
                *asked,
            )
            for row in rows:
                await self._erase(row["id"])
            again += len(rows)
        return again

    async def _erase(self, citizen_id: str) -> None:
        merged = await self._store.read(
            "select id from citizen where merged_into = $1 and merged_into <> ''", citizen_id
        )
        people = [citizen_id, *(row["id"] for row in merged)]
        cases = await self._cases(citizen_id, "")
        names = await self._store.read(
            f"select p.pairwise_id from citizen_pairwise p where {_WHO}", citizen_id  # noqa: S608 - a constant
        )  # fmt: skip
        # Before the rows: a crash in between is finished by `reapply`.
        self._keys.destroy(*people, *(row["pairwise_id"] for row in names))
        for case_id in cases:
            key = await self._vault.key_for("")  # for what an agency still says of it
            freed = await self._store.write(partial(self._emptied, case_id=case_id, key=key))
            self._vault.forget(freed)
        for person in people:
            await self._store.write(partial(self._removed, citizen_id=person))

    async def _emptied(self, run: Run, *, case_id: str, key: str) -> list[str]:
        """The names of the keys nothing of it needs any more."""
        pushed = await run(
            f"select path_sealed from inbox where operation_id in {_OPERATIONS} and operation_id <> ''",  # noqa: S608 - ours
            case_id,
        )
        for statement in _EMPTIED:
            await run(statement, case_id)
        form = self._vault.seal(b"{}", owner=key, table="cases", row=case_id, column="form_sealed")
        await run(
            "update cases set citizen_id = '', form_sealed = $2, sealed_for = $3 where id = $1", case_id, form, key
        )
        # Open again in a restored backup, it may be at the agency already: an intent this old is shown to a person.
        await run("update operation set sealed_for = $2, intent_ms = 1 where case_id = $1", case_id, key)
        return [self._vault.named(row["path_sealed"]) for row in pushed]

    async def _removed(self, run: Run, *, citizen_id: str) -> None:
        await run(f"update payment set citizen_id = '' where {_NAMED}", citizen_id)  # noqa: S608 - the money's record stays
        for statement in _UNNAMED:
            await run(statement, citizen_id, epoch_ms(self._clock.now()))
        await run(
            f"delete from document_part where content in (select content from document where {_NAMED})", citizen_id  # noqa: S608 - a constant
        )  # fmt: skip
        for table in _OWNED:
            await run(f"delete from {table} where {_NAMED}", citizen_id)  # noqa: S608 - a fixed list
        await run(
            "update citizen set number_index = $2, number_sealed = '', profile_sealed = '', mobile_index = '',"
            " email_index = '', username_index = '', born_index = '', password = '', state = 'ERASED',"
            " version = version + 1 where id = $1",
            citizen_id, f"erased {citizen_id}",
        )  # fmt: skip
        await run("update erasure set state = 'DONE' where citizen_id = $1", citizen_id)
        await events.append(run, [NewEvent(type="citizen.erased", at=self._clock.now())])

    async def _open_cases(self, citizen_id: str) -> list[str]:
        return await self._cases(citizen_id, f" and c.status not in {_ENDED}", "number")

    async def _cases(self, citizen_id: str, more: str, column: str = "id") -> list[str]:
        rows = await self._store.read(
            f"select c.{column} as found from cases c join citizen_pairwise p on p.pairwise_id = c.citizen_id"  # noqa: S608 - ours
            f" where {_WHO}{more} order by c.id",
            citizen_id,
        )
        return [str(row["found"]) for row in rows]
