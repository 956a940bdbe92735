"""The traps of PostgreSQL, each with the code that falls into it: lost sessions, locks and commits (R15, PG-7)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from postgres_pieces import city, insert, kill_sessions, nap, rename, somebody, stored

from aggregator.sdk.clock import SystemClock
from aggregator.store import Run, Store, StoreUnavailable, WorkerHeld
from aggregator.store.postgres import PostgresStore

__all__ = ["city", "somebody"]  # fixtures


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


async def waits_for_lock(store: Store) -> bool:
    return bool(
        await store.read(
            "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'update submission%'"
            " and datname = current_database()"
        )
    )
