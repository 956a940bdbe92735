"""PG-1 to PG-8 where PostgreSQL differs: sessions die, COMMITs get lost, others hold locks."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from aggregator.sdk.clock import SystemClock
from aggregator.store import Run, Store, StoreError, StoreUnavailable, WorkerHeld
from aggregator.store.postgres import PostgresStore


@pytest.fixture
async def city(postgres_url, opened) -> Store:
    store = await opened(postgres_url)
    await store.write(created)
    return store


async def created(run: Run) -> None:
    await run("create table submission (id bigint primary key, text text not null)")


@pytest.fixture
async def somebody(city, postgres_url) -> AsyncIterator[asyncpg.Connection]:
    """Another program on the same tables."""
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


def insert(number: int):
    async def write(run: Run) -> int:
        await run("insert into submission (id, text) values ($1, 'streetlight')", number)
        return number

    return write


def rename(number: int, text: str):
    async def write(run: Run) -> str:
        await run("update submission set text = $2 where id = $1", number, text)
        return text

    return write


async def stored(store: Store) -> list[int]:
    return [row["id"] for row in await store.read("select id from submission order by id")]


async def kill_sessions(connection: asyncpg.Connection, like: str = "%") -> int:
    """What a crashing server does to every one of our sessions."""
    return await connection.fetchval(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid() and query like $1",
        like,
    )


async def test_r15_after_the_server_dropped_every_session_reads_and_writes_go_on(city, somebody):
    await city.write(insert(1))
    await city.read("select 1")
    assert await kill_sessions(somebody) >= 2
    answers = [await asyncio.gather(city.write(insert(number)), return_exceptions=True) for number in (2, 3, 4)]
    assert answers[1:] == [[3], [4]], "at most the first write meets the dead session"
    known = [1, 3, 4] if isinstance(answers[0][0], StoreUnavailable) else [1, 2, 3, 4]
    assert await stored(city) == known
    assert city.health().ready


async def test_a_lock_lost_with_its_session_is_claimed_again_before_the_next_write(
    city, somebody, postgres_url, opened
):
    await city.claim_worker("w1")
    other = await opened(postgres_url)
    await kill_sessions(somebody, "%pg_try_advisory_lock%")
    await asyncio.sleep(0.05)
    await city.write(insert(1))
    with pytest.raises(WorkerHeld):
        await other.claim_worker("w1")


async def test_a_process_whose_lock_went_to_another_cannot_write(city, somebody, postgres_url, opened):
    await city.claim_worker("w1")
    other = await opened(postgres_url)
    await kill_sessions(somebody, "%pg_try_advisory_lock%")
    await other.claim_worker("w1")
    while not city._locks._connection.is_closed():  # noqa: ASYNC110 - asyncpg has no event for it; T2 alone keeps it till then
        await asyncio.sleep(0.01)
    with pytest.raises(StoreUnavailable, match="another process holds") as caught:
        await city.write(insert(1))
    assert caught.value.effect == "none"
    assert await stored(other) == []
    await other.close()
    assert await city.write(insert(3)) == 3


class LossyLine:
    """A TCP line to the server that is cut at a COMMIT: before it arrives, or after it was carried out."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self.cut = ""
        self._mute = False
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())
        upstream_reader, upstream = await asyncio.open_connection(*self._upstream)
        self._writers += [writer, upstream]
        self._mute = False
        back = asyncio.create_task(self._pump(upstream_reader, writer, upstream))
        await self._pump(reader, upstream, writer, asks=True)
        await back

    async def _pump(self, source, target, other, *, asks: bool = False) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65_536):
                committing = asks and b"; commit" in data
                if committing and self.cut == "before":
                    break
                self._mute = self._mute or (committing and self.cut == "after")
                if asks or not self._mute:
                    target.write(data)
                    await target.drain()
                if committing and self._mute:
                    await asyncio.sleep(0.2)  # the server has long committed
                    break
        target.transport.abort()
        other.transport.abort()


@pytest.fixture
async def line(postgres_url) -> AsyncIterator[LossyLine]:
    line = LossyLine("127.0.0.1", 5432)
    yield line
    await line.stop()


@pytest.mark.parametrize(("cut", "kept"), [("before", [1]), ("after", [1, 2])])
async def test_pg7_a_lost_commit_is_unknown_and_the_next_write_finds_a_new_session(city, postgres_url, line, cut, kept):
    port = await line.start()
    store = PostgresStore(postgres_url.replace(":5432", f":{port}"), clock=SystemClock())
    await store.open()
    await store.write(insert(1))
    line.cut = cut
    with pytest.raises(StoreUnavailable) as caught:
        await store.write(insert(2))
    assert caught.value.effect == "unknown"
    assert not store.health().ready
    line.cut = ""
    assert await stored(city) == kept, "only a look can tell"
    assert await store.write(insert(3)) == 3
    assert store.health().ready
    await store.close()


@pytest.mark.parametrize(("repeated", "cases"), [("blindly", 2), ("after a look by key", 1)])
async def test_pg7_control_after_a_lost_commit_a_blind_insert_doubles_the_case_and_a_look_does_not(
    somebody, postgres_url, line, repeated, cases
):
    await somebody.execute("create table keyed (key text)")

    async def submit(run: Run) -> None:
        if repeated == "blindly" or not await run("select 1 from keyed where key = $1", "k1"):
            await run("insert into keyed (key) values ($1)", "k1")

    port = await line.start()
    store = PostgresStore(postgres_url.replace(":5432", f":{port}"), clock=SystemClock())
    await store.open()
    line.cut = "after"
    with pytest.raises(StoreUnavailable):
        await store.write(submit)
    line.cut = ""
    await store.write(submit)
    assert await somebody.fetchval("select count(*) from keyed") == cases
    await store.close()


async def test_a_session_that_dies_before_commit_keeps_nothing_and_says_so(city, somebody):
    async def suicide(run: Run) -> None:
        await run("insert into submission (id, text) values (1, 'x')")
        await run("select pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(StoreUnavailable) as caught:
        await city.write(suicide)
    assert caught.value.effect == "none"
    assert await city.write(insert(2)) == 2
    assert await stored(city) == [2]


async def test_the_victim_of_a_deadlock_is_run_again_alone(city, somebody):
    await city.write(insert(1))
    await city.write(insert(2))
    theirs = somebody.transaction()
    await theirs.start()
    await somebody.execute("update submission set text = 'theirs' where id = 2")
    ours = asyncio.gather(city.write(nap), city.write(rename(1, "ours")), city.write(rename(2, "ours")))
    await until(lambda: waits_for_lock(city))
    await somebody.execute("update submission set text = 'theirs' where id = 1")
    await theirs.commit()
    assert (await ours)[1:] == ["ours", "ours"]
    assert {row["text"] for row in await city.read("select text from submission where id = 2")} == {"ours"}


async def until(happened: Callable[[], Awaitable[bool]]) -> None:
    """What another process does can only be looked for."""
    async with asyncio.timeout(10):
        while not await happened():  # noqa: ASYNC110 - it cannot set our event
            await asyncio.sleep(0.02)


async def nap(run: Run) -> None:
    await run("select pg_sleep(0.05)")


async def waits_for_lock(store: Store) -> bool:
    return bool(
        await store.read(
            "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'update submission%'"
            " and datname = current_database()"
        )
    )


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
