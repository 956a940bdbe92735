"""Each row of a SQLite database carries a checksum of itself; statements know nothing of it."""

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from aggregator.sdk.clock import SystemClock
from aggregator.store import Damaged, Run, Store, open_store, soundness
from aggregator.store.seals import seal

PUT = "insert into setting (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value"


@pytest.fixture
async def sealed(tmp_path: Path):
    store = open_store(f"sqlite:///{tmp_path}/city.db", clock=SystemClock())
    await store.open()
    yield store
    await store.close()


def asked(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    """By somebody who knows nothing of seals."""
    with sqlite3.connect(folder / "city.db") as connection:
        found: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
    connection.close()
    return found


async def put(store: Store, name: str, value: str) -> None:
    await store.write(lambda run: run(PUT, name, value))


async def test_every_table_of_the_city_is_sealed_but_the_counters_the_watermark_watches(sealed, tmp_path):
    tables = asked(tmp_path, "select name from sqlite_master where type = 'table' and name not like 'sqlite%'")
    bare = {
        name
        for (name,) in tables
        if ("seal",) not in asked(tmp_path, f"select name from pragma_table_info('{name}')")  # noqa: S608
    }
    assert bare == {"event_counter"}


@pytest.mark.parametrize("values", [["blue"], ["blue", "green"], ["blue", "blue"], ["blue", "green", "green", "red"]])
async def test_a_row_bears_the_seal_of_what_was_written_last(sealed, tmp_path, values):
    for value in values:
        await put(sealed, "colour", value)
    assert asked(tmp_path, "select seal from setting where name = 'colour'") == [(seal("colour", values[-1]),)]
    assert (await sealed.read("select value from setting where name = $1", "colour"))[0]["value"] == values[-1]


async def test_a_column_added_later_breaks_no_seal_and_is_sealed_when_its_row_is_written(sealed, tmp_path):
    await put(sealed, "colour", "blue")
    asked(tmp_path, "alter table setting add column shade text not null default 'dark'")
    newer = open_store(f"sqlite:///{tmp_path}/city.db", clock=SystemClock())
    await newer.open()
    try:
        assert (await newer.read("select shade from setting where name = 'colour'"))[0]["shade"] == "dark"
        await put(newer, "colour", "green")
        assert asked(tmp_path, "select seal from setting where name = 'colour'") == [(seal("colour", "green", "dark"),)]
        await put(sealed, "colour", "red")  # the older program beside it seals what it knows
        assert (await newer.read("select value from setting where name = 'colour'"))[0]["value"] == "red"
    finally:
        await newer.close()


async def test_a_constant_in_a_statement_is_no_reason_to_doubt_the_rows_beside_it(sealed):
    """The planner may put `$1` in the place of `value` and ask for the seal before it has chosen the rows."""
    await put(sealed, "colour", "blue")
    assert await sealed.read("select name from setting where value = $1 and name >= 'a'", "green") == []
    assert await sealed.read("select name from setting where value = 'green'", inline=True) == []


async def test_what_is_read_by_join_and_by_count_is_looked_at_too(sealed, tmp_path):
    await put(sealed, "colour", "blue")
    await put(sealed, "shape", "round")
    asked(tmp_path, "update setting set seal = 1 where name = 'colour'")
    joined = "select a.value from setting a left join setting b on b.name = 'colour' where a.name = 'shape'"
    assert (await sealed.read("select value from setting where name = 'shape'"))[0]["value"] == "round"
    for sql in (joined.replace("a.value", "b.value"), "select count(*) from setting"):
        with pytest.raises(Damaged):
            await sealed.read(sql)


async def test_a_store_that_met_damage_writes_nothing_more_nor_does_the_process_beside_it(sealed, tmp_path):
    beside = open_store(f"sqlite:///{tmp_path}/city.db", clock=SystemClock())
    await beside.open()
    try:
        await put(sealed, "colour", "blue")
        asked(tmp_path, "update setting set seal = seal - 1 where name = 'colour'")
        with pytest.raises(Damaged):
            await sealed.read("select value from setting where name = 'colour'", inline=True)
        for store in (sealed, beside):
            with pytest.raises(Damaged):
                await put(store, "other", "x")
            assert not store.health().ready
    finally:
        await beside.close()
    with pytest.raises(Damaged, match="doctor"):
        await open_store(f"sqlite:///{tmp_path}/city.db", clock=SystemClock()).open()


async def test_a_write_that_meets_damage_takes_its_whole_group_back(sealed, tmp_path):
    await put(sealed, "colour", "blue")
    asked(tmp_path, "update setting set seal = seal - 1 where name = 'colour'")

    async def both(run: Run) -> None:
        await run(PUT, "other", "x")
        await run("update setting set value = 'red' where name = 'colour'")

    with pytest.raises(Damaged):
        await sealed.write(both)
    assert asked(tmp_path, "select name, value from setting where name in ('colour', 'other')") == [("colour", "blue")]


def test_every_insert_names_its_columns_so_that_a_seal_may_stand_beside_them():
    positional = re.compile(r"insert into \w+ (?:values|select)\b")
    files = [path for path in Path("aggregator").rglob("*.py") if path.parent.name != "store"]  # has its own
    assert [path.name for path in files if positional.search(path.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    ("was", "is_now", "told"),
    [
        (b"value text", b"value \xffext", "a definition is no text"),
        (b"seal bigint", b"real bigint", "setting: its definition has lost the seal"),
    ],
)
async def test_a_definition_that_is_not_what_was_written_is_found(tmp_path, was, is_now, told):
    """No row of ours bears them, so no seal does."""
    store = open_store(f"sqlite:///{tmp_path}/city.db", clock=SystemClock())
    await store.open()
    await put(store, "colour", "blue")
    await store.close()
    file = tmp_path / "city.db"
    assert look_through(file).wrong == []
    content = file.read_bytes()
    begin = content.index(b"CREATE TABLE setting")
    place = content.index(was, begin)
    file.write_bytes(content[:place] + is_now + content[place + len(was) :])
    assert told in look_through(file).wrong


def look_through(file: Path) -> soundness.Found:
    with soundness.opened(file) as connection:
        return soundness.look_through(connection)
