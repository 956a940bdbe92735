"""Several programs and servers on one PostgreSQL: order, locks, tables that change, hosts that take no writes."""

import asyncio
import re

import asyncpg
import pytest
from postgres_pieces import city, created, insert, kill_sessions, nap, rename, somebody, stored

from aggregator.store import Run, StoreError, StoreUnavailable

__all__ = ["city", "somebody"]  # fixtures


async def test_a_row_locked_by_another_program_costs_one_item_and_not_the_group(city, somebody):
    await city.write(insert(1))
    theirs = somebody.transaction()
    await theirs.start()
    await somebody.execute("update submission set text = 'theirs' where id = 1")

    async def impatient(run: Run) -> None:
        await run("set local lock_timeout = '50ms'")
        await rename(1, "ours")(run)

    answers = await asyncio.gather(
        city.write(nap), city.write(impatient), city.write(insert(2)), return_exceptions=True
    )
    await theirs.rollback()
    assert (type(answers[1]), answers[1].effect, answers[2]) == (StoreUnavailable, "none", 2)
    assert await stored(city) == [1, 2]


async def test_pg2_control_a_late_commit_hides_behind_a_later_number(city, postgres_url, somebody):
    """Why events are numbered by the one writer in commit order: a consumer of `id > last` loses the late row."""
    await somebody.execute("create table naive_event (id bigserial primary key, text text)")
    late = await asyncpg.connect(postgres_url)
    open_transaction = late.transaction()
    await open_transaction.start()
    await late.execute("insert into naive_event (text) values ('late')")
    await somebody.execute("insert into naive_event (text) values ('early')")
    last = await somebody.fetchval("select max(id) from naive_event")
    await open_transaction.commit()
    await late.close()
    assert await somebody.fetch("select 1 from naive_event where id > $1", last) == []
    assert await somebody.fetchval("select count(*) from naive_event where id < $1", last) == 1


async def test_pg2_the_writers_numbers_come_in_commit_order(city):
    async def numbered(run: Run) -> int:
        rows = await run("select coalesce(max(id), 0) + 1 as next from submission")
        await run("insert into submission (id, text) values ($1, 'event')", rows[0]["next"])
        return rows[0]["next"]

    assert await asyncio.gather(*[city.write(numbered) for _ in range(50)]) == list(range(1, 51))


async def test_r21_tables_changed_by_another_worker_do_not_break_prepared_statements(city, somebody):
    async def all_of_it(run: Run) -> int:
        return len((await run("select * from submission where id = 1"))[0])

    await city.write(insert(1))
    widths = []
    for column in ("ward", "zone", "pole"):
        widths.append(await city.write(all_of_it))
        widths.append(len((await city.read("select * from submission"))[0]))
        await somebody.execute(f"alter table submission add column {column} text")
    assert widths == [2, 2, 3, 3, 4, 4]


async def test_commits_wait_for_the_disk_and_reading_sessions_cannot_write(city):
    async def asked(run: Run) -> str:
        return (await run("select current_setting('synchronous_commit') as value"))[0]["value"]

    assert await city.write(asked) == "on"
    rows = await city.read("select current_setting('default_transaction_read_only') as value")
    assert rows[0]["value"] == "on"


async def test_no_text_of_the_server_travels_with_an_error(city):
    await city.write(insert(4_242))
    for work in (insert(4_242), rename(4_242, "\x00")):
        with pytest.raises(StoreError) as caught:
            await city.write(work)
        chain: list[str] = []
        exc: BaseException | None = caught.value
        while exc is not None:
            chain.append(str(exc))
            exc = exc.__cause__ or (None if exc.__suppress_context__ else exc.__context__)
        assert not any("4242" in text for text in chain)


async def test_while_the_server_takes_no_writes_nobody_is_refused_for_good_and_afterwards_all_goes_on(
    city, somebody, postgres_url
):
    """As on a replica before its promotion, or where a provider has set it because a disk fills."""
    database = await somebody.fetchval("select quote_ident(current_database())")
    await city.write(insert(1))
    await somebody.execute(f"alter database {database} set default_transaction_read_only = on")
    try:
        await kill_sessions(somebody)
        for number in (2, 3):
            with pytest.raises(StoreUnavailable) as refused:
                await city.write(insert(number))
            assert refused.value.effect == "none"
        assert city.health().last_error == "TargetServerAttributeNotMatched"
        assert await stored(city) == [1], "reads go on"
    finally:
        await somebody.execute(f"alter database {database} reset default_transaction_read_only")
    assert await city.write(insert(4)) == 4
    assert city.health().last_error == ""
    assert await stored(city) == [1, 4]


async def test_a_session_that_came_to_take_no_writes_is_left(city):
    async def switched(run: Run) -> None:
        await run("select set_config('default_transaction_read_only', 'on', false)")

    await city.write(switched)
    with pytest.raises(StoreUnavailable, match="25006"):
        await city.write(insert(1))
    assert await city.write(insert(2)) == 2
    assert await stored(city) == [2]


async def test_of_several_hosts_the_one_that_takes_writes_is_found(postgres_url, opened):
    nobody = "127.0.0.1:1"
    city = await opened(re.sub(r"@([^/]+)/", rf"@{nobody},\1/", postgres_url))
    await city.write(created)
    assert await city.write(insert(1)) == 1
    assert await stored(city) == [1]


async def test_two_servers_that_change_the_same_rows_crosswise_never_stand_in_each_others_way(
    city, postgres_url, opened
):
    """A deadlock costs its victim a second before the server even looks for it."""
    other = await opened(postgres_url)
    await city.write(insert(1))
    await city.write(insert(2))
    begun = 0

    def crosswise(first: int, second: int):
        async def write(run: Run) -> None:
            nonlocal begun
            begun += 1
            await run("update submission set text = 'taken' where id = $1", first)
            await asyncio.sleep(0.005)
            await run("update submission set text = 'taken' where id = $1", second)

        return write

    for _ in range(10):
        await asyncio.gather(city.write(crosswise(1, 2)), other.write(crosswise(2, 1)))
    assert begun == 20, "none was begun again"
