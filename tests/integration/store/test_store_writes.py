"""What both engines promise about writes: durable, grouped, each item for itself, never half."""

import asyncio
from itertools import chain

import pytest

from aggregator.sdk.clock import SystemClock
from aggregator.store import Conflict, Run, StatementRefused, Store, StoreUnavailable, open_store

LATER_THAN_2038_MS = 4_102_444_800_000


def submission(number: int, text: str = "streetlight"):
    """A case and its outbox row, as T1 writes them."""

    async def write(run: Run) -> int:
        await run("insert into submission (id, text) values ($1, $2)", number, text)
        rows = await run("insert into outbox (id, submission_id) values ($1, $1) returning id", number)
        return rows[0]["id"]

    return write


async def count(store: Store, table: str) -> int:
    rows = await store.read(f"select count(*) as n from {table}")  # noqa: S608 - a table of this file
    return rows[0]["n"]


async def test_a_write_returns_its_value_and_every_reader_sees_it(ledger):
    assert await ledger.write(submission(LATER_THAN_2038_MS, "ରାସ୍ତା")) == LATER_THAN_2038_MS
    for inline in (False, True):
        rows = await ledger.read("select id, text from submission where id = $1", LATER_THAN_2038_MS, inline=inline)
        assert [(row["id"], row["text"], len(row), list(row.keys())) for row in rows] == [
            (LATER_THAN_2038_MS, "ରାସ୍ତା", 2, ["id", "text"])
        ]


async def test_one_sql_text_serves_both_engines_with_repeated_and_two_digit_numbers(ledger):
    arguments = [f"${place}" for place in range(1, 13)]
    sql = "select " + ", ".join(f"cast({name} as bigint) as c{name[1:]}" for name in arguments) + ", cast($3 as bigint)"
    rows = await ledger.read(sql, *range(101, 113))
    assert [rows[0][place] for place in range(13)] == [*range(101, 113), 103]


async def test_upserts_that_return_work_on_both(ledger):
    sql = (
        "insert into submission (id, text) values ($1, $2)"
        " on conflict (id) do update set text = excluded.text returning text"
    )

    async def twice(run: Run) -> list[str]:
        return [(await run(sql, 1, text))[0]["text"] for text in ("first", "second")]

    assert await ledger.write(twice) == ["first", "second"]


async def test_one_failing_item_does_not_hurt_its_group(ledger):
    class CitizenChangedTheirMind(Exception):
        pass

    async def changed_mind(run: Run) -> None:
        await submission(9_000)(run)
        raise CitizenChangedTheirMind

    await ledger.write(submission(1))
    works = [submission(number) for number in range(2, 52)]
    works[10:10] = [changed_mind, submission(1), broken_statement]
    answers = await asyncio.gather(*map(ledger.write, works), return_exceptions=True)
    assert [type(answer) for answer in answers[10:13]] == [CitizenChangedTheirMind, Conflict, StatementRefused]
    assert await count(ledger, "submission") == await count(ledger, "outbox") == 51


async def broken_statement(run: Run) -> None:
    await run("selct 1")


async def test_a_swallowed_error_still_undoes_the_item_on_both_engines(ledger):
    async def swallow(run: Run) -> str:
        await run("insert into submission (id, text) values (7, 'half')")
        try:
            await run("insert into submission (id, text) values (7, 'again')")
        except Conflict:
            with pytest.raises(Conflict):
                await run("insert into submission (id, text) values (8, 'more')")
        return "all is well"

    with pytest.raises(Conflict):
        await ledger.write(swallow)
    assert await count(ledger, "submission") == 0


async def test_half_of_five_hundred_callers_leave_and_no_submission_is_torn(ledger):
    callers = [asyncio.create_task(ledger.write(submission(number))) for number in range(500)]
    await asyncio.sleep(0)  # every call is on the queue
    for caller in callers[::2]:
        caller.cancel()
    answers = await asyncio.gather(*callers, return_exceptions=True)
    assert sum(isinstance(answer, asyncio.CancelledError) for answer in answers) == 250
    assert await ledger.write(submission(1_000)) == 1_000  # the connection is clean
    assert await count(ledger, "submission") == await count(ledger, "outbox") == 501


async def test_a_conflict_names_the_rule_and_never_the_value(ledger):
    await ledger.write(submission(77_123))
    with pytest.raises(Conflict) as caught:
        await ledger.write(submission(77_123))
    assert "submission" in caught.value.rule
    assert "77123" not in str(caught.value)
    with pytest.raises(Conflict):
        await ledger.write(orphan)
    assert caught.value.__cause__ is None or "77123" not in str(caught.value.__cause__)


async def orphan(run: Run) -> None:
    await run("insert into outbox (id, submission_id) values (1, 99)")


@pytest.mark.parametrize("value", [True, 1.5, b"bytes", "a\x00b", 2**63, -(2**63) - 1, "\ud800", ["list"]])
async def test_sq7_pg1_pg4_what_one_engine_would_refuse_both_refuse(ledger, value):
    async def insert(run: Run) -> None:
        await run("insert into submission (id, text) values (1, $1)", value)

    with pytest.raises(StatementRefused) as caught:
        await ledger.write(insert)
    assert "a\x00b" not in str(caught.value)
    with pytest.raises(StatementRefused):
        await ledger.read("select id from submission where text = $1", value)


async def test_pg4_a_number_as_text_is_refused_where_the_engine_has_types(ledger):
    async def insert(run: Run) -> None:
        await run("insert into submission (id, text) values ($1, $2)", "5", "five")

    if ledger.engine == "sqlite":  # SQ-7: SQLite coerces, which is why every store test runs on both
        await ledger.write(insert)
        assert (await ledger.read("select id from submission"))[0]["id"] == 5
    else:
        with pytest.raises(StatementRefused) as caught:
            await ledger.write(insert)
        assert "'5'" not in str(caught.value)


async def test_pg3_a_bare_argument_is_cast_and_then_good_on_both(ledger):
    assert (await ledger.read("select cast($1 as bigint) as n", 5))[0]["n"] == 5


@pytest.mark.parametrize("inline", [False, True])
async def test_a_read_cannot_change_anything(ledger, inline):
    with pytest.raises(StatementRefused):
        await ledger.read("insert into submission (id, text) values (1, 'x')", inline=inline)
    assert await count(ledger, "submission") == 0


async def test_pg6_a_cancelled_read_leaves_the_readers_clean(ledger):
    slow = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 30000) select max(i) from n"
    for _ in range(12):
        reading = asyncio.create_task(ledger.read(slow))
        await asyncio.sleep(0.01)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    assert await count(ledger, "submission") == 0


async def test_pg5_eight_claimers_take_each_due_row_once(ledger, opened, store_url):
    stores = [ledger, await opened(store_url)]
    await asyncio.gather(*[ledger.write(submission(number)) for number in range(300)])
    due = "select id from submission where text = 'streetlight' order by id limit 7"
    sql = f"update submission set text = 'taken' where id in ({due} {ledger.skip_locked}) returning id"  # noqa: S608

    async def claim(run: Run) -> list[int]:
        return [row["id"] for row in await run(sql)]

    async def claimer(store: Store) -> list[int]:
        taken: list[int] = []
        while got := await store.write(claim):
            taken += got
        return taken

    taken = await asyncio.gather(*[claimer(stores[place % 2]) for place in range(8)])
    assert sorted(chain.from_iterable(taken)) == list(range(300))


async def test_closing_first_commits_what_is_queued(ledger):
    queued = [asyncio.create_task(ledger.write(submission(number))) for number in range(300)]
    await asyncio.sleep(0)
    await ledger.close()
    assert await asyncio.gather(*queued) == list(range(300))


async def test_a_closed_store_refuses_with_effect_none_and_may_be_closed_again(ledger):
    await ledger.close()
    for call in (ledger.write(submission(1)), ledger.read("select 1"), ledger.read("select 1", inline=True)):
        with pytest.raises(StoreUnavailable) as caught:
            await call
        assert caught.value.effect == "none"
    await ledger.close()


async def test_a_store_that_was_never_opened_closes_and_refuses(store_url):
    store = open_store(store_url, clock=SystemClock())
    with pytest.raises(StoreUnavailable):
        await store.write(submission(1))
    await store.close()


async def test_a_healthy_store_has_nothing_to_say(ledger):
    health = ledger.health()
    assert (health.queue, health.oldest_s, health.last_error, health.durable, health.ready) == (0, 0.0, "", True, True)
    unsealed = ledger.engine == "postgres" and (await ledger.read("show data_checksums"))[0][0] == "off"
    assert ["data_checksums is off" in said for said in await ledger.integrity_check()] == [True] * unsealed


@pytest.mark.parametrize("url", ["", "mysql://x/y", "sqlite://", "sqlite:///", "sqlite://relative.db", "postgresql://"])
def test_an_unknown_url_is_refused_by_its_form(url):
    with pytest.raises(ValueError, match="a store is sqlite:///<file> or postgresql://"):
        open_store(url, clock=SystemClock())
