"""SQLite believes any page that is well formed: each row carries a seal, and a broken one stops the sending (R20)."""

import random
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agencies import call, registry_for_fire, simulators
from cells import Rows, believed, cells, flipped, plainly_sound
from figures import Figure, sized
from harness import City
from patience import wait_for
from test_restore import command, told

from aggregator.sdk.clock import SystemClock
from aggregator.store import Damaged, open_store
from aggregator.store.backup import BackupFailed, look_through

COPIES = sized(100, 400)
DECIDING = {"cases", "leg", "operation", "attempt", "idempotency", "event", "reading"}


@pytest.fixture
def worked(tmp_path: Path) -> Iterator[Path]:
    """The database of a city that has worked and stopped."""
    with simulators(tmp_path, ["passport"]) as agencies:
        city = City(tmp_path, registry_for_fire(tmp_path), agencies, seed=22)
        city.start()
        for _ in range(15):
            assert apply(city) in {201, 202}
        wait_for(lambda: len(agencies["passport"].filed()) == 15)
        assert city.stop() == 0
        file = tmp_path / "data" / "aggregator.db"
        with sqlite3.connect(file) as connection:
            connection.execute("pragma wal_checkpoint(truncate)")
        connection.close()
        yield file


def apply(city: City) -> int:
    promise = city.wish()
    promise.mobile = "9000000000"
    return 202 if city.submit(promise) else 503


async def answered(file: Path) -> Rows:
    """What a city would read of the same file. Raises StoreError."""
    store = open_store(f"sqlite:///{file}", clock=SystemClock())
    await store.open()
    try:
        tables = [row["name"] for row in await store.read("select name from sqlite_master where type = 'table'")]
        return {
            table: [tuple(row) for row in await store.read(f"select * from {table}")]  # noqa: S608
            for table in tables
            if table != "event_counter" and not table.startswith("sqlite")
        }
    finally:
        await store.close()


@pytest.mark.slow
@pytest.mark.figure("R20", "a bit flipped inside a value")
async def test_a_bit_flipped_in_a_plain_column_is_never_answered(tmp_path: Path, worked: Path, figure: Figure) -> None:
    good, truth, chance = worked.read_bytes(), believed(worked), random.Random(22)  # noqa: ASYNC240 - nobody waits
    targets = cells(worked, DECIDING)
    assert {cell.table for cell in targets} >= {"cases", "leg", "operation", "attempt", "idempotency", "event"}
    naive = unread = unseen = 0
    for n in range(COPIES):
        cell = chance.choice([one for one in targets if one.table == sorted(DECIDING)[n % 6]])
        copy = tmp_path / f"copy{n}" / "city.db"
        copy.parent.mkdir()
        copy.write_bytes(flipped(good, cell, chance))
        naive += plainly_sound(copy) and believed(copy) != truth
        with pytest.raises(BackupFailed, match="is damaged"):
            look_through(copy)
        try:
            unseen += await answered(copy) != truth
        except Damaged:
            unread += 1
            assert copy.with_name("city.db.damaged").read_text(), "the next process is told"
        shutil.rmtree(copy.parent)
    assert unseen == 0
    assert unread == COPIES
    assert naive > COPIES // 2
    figure.control(f"seals switched off: {naive} of {COPIES} pass `integrity_check` and answer wrongly")
    figure.measured(
        f"{COPIES} bits flipped in values of {len(DECIDING)} tables: {COPIES} found by the look through, {unread} not "
        "answered on reading, 0 unseen",
        seeds="22",
    )


def readiness(city: City) -> tuple[int, Any]:
    return call(city.port, "GET", "/readyz")


def held_city(folder: Path, agencies: Any) -> City:
    """Three cases told to their citizens while the agency was away, a backup, and the server stopped."""
    city = City(folder, registry_for_fire(folder), agencies, seed=23)
    city.start()
    agencies["passport"].pause()
    for _ in range(3):
        assert apply(city) == 202
    told(command(city, "backup", str(folder / "copy")))
    assert city.stop() == 0
    return city


def damage_one(file: Path) -> None:
    """One letter of one waiting request's reference at the agency becomes another."""
    with sqlite3.connect(file) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
        connection.execute("drop index operation_by_reference")  # what an index hides is another test's
    connection.close()
    target = next(cell for cell in cells(file, {"operation"}) if cell.column == "reference")
    file.write_bytes(flipped(file.read_bytes(), target, random.Random(23)))


@pytest.mark.slow
@pytest.mark.figure("R20", "a suspect database")
@pytest.mark.parametrize("sealed", [False, True], ids=["control", "sealed"])
def test_nothing_is_sent_from_a_suspect_database(tmp_path: Path, figure: Figure, sealed: bool) -> None:
    with simulators(tmp_path, ["passport"]) as agencies:
        city = held_city(tmp_path, agencies)
        try:
            file = tmp_path / "data" / "aggregator.db"
            known = references(file)
            damage_one(file)
            if not sealed:
                with sqlite3.connect(file) as connection:
                    connection.execute("update operation set seal = null")
                connection.close()
            agencies["passport"].resume()
            city.start()
            if sealed:
                figure.measured(suspected(city, known), seeds="23")
            else:
                wait_for(lambda: len(agencies["passport"].filed()) == 3, 30)
                strangers = {row["our_ref"] for row in agencies["passport"].filed()} - known
                assert len(strangers) == 1
                figure.control("the seal taken off: an application is sent under a reference nobody knows")
        finally:
            city.kill()


def references(file: Path) -> set[str]:
    with sqlite3.connect(file) as connection:
        found = {row[0] for row in connection.execute("select reference from operation")}
    connection.close()
    return found


def suspected(city: City, known: set[str]) -> str:
    """Refuses, says so everywhere, stays refused after a restart, and works again with the backup put back."""
    passport = city.agencies["passport"]
    wait_for(lambda: "damage" in readiness(city)[1], 30)
    status, ready = readiness(city)
    assert (status, ready["store"]["ready"]) == (503, False)
    assert apply(city) == 503, "refused before it is accepted"
    assert call(city.port, "GET", "/v1/services")[0] == 200, "what is whole is read"
    time.sleep(1.0)
    assert passport.filed() == []
    assert city.stop() == 0
    city.start()
    assert not city.alive(), "it does not start on it again"
    doctor = command(city, "doctor")
    assert (doctor.returncode, "aggregator restore" in doctor.stdout) == (1, True), doctor.stdout
    told(command(city, "restore", str(city.folder / "copy")))
    passport.pause()  # so that nothing is found out before it was looked at
    city.start()
    wait_for(lambda: readiness(city)[1]["looked_through"]["at"], 30)
    assert readiness(city)[1]["looked_through"]["wrong"] == []
    assert readiness(city)[1]["quarantine"]["waiting"] == {"passport": 3}
    passport.resume()
    assert apply(city) == 202
    assert {row["our_ref"] for row in passport.filed()} <= known
    return (
        "one letter of one waiting request: 0 of 3 sent, new cases refused with 503, reads go on, no start on it "
        "again; the backup put back works"
    )


async def test_what_a_tool_changes_by_sql_is_believed_and_a_seal_that_does_not_fit_stops_all_writing(
    tmp_path: Path,
) -> None:
    store = open_store(f"sqlite:///{tmp_path}/city.db", clock=SystemClock())
    await store.open()
    try:
        await store.write(lambda run: run("insert into setting (name, value) values ('colour', 'blue')"))
        by_hand(tmp_path, "update setting set value = 'green' where name = 'colour'")
        assert seal_of(tmp_path) is None
        assert (await store.read("select value from setting where name = 'colour'"))[0]["value"] == "green"
        assert await store.integrity_check() == []
        assert seal_of(tmp_path) is not None, "sealed by the look through"
        by_hand(tmp_path, "update setting set seal = seal + 1 where name = 'colour'")
        with pytest.raises(Damaged):
            await store.write(lambda run: run("update setting set value = 'red' where name = 'colour'"))
        with pytest.raises(Damaged):
            await store.write(lambda run: run("insert into setting (name, value) values ('other', 'x')"))
        assert store.health().damage
    finally:
        await store.close()


def by_hand(folder: Path, sql: str) -> None:
    with sqlite3.connect(folder / "city.db") as connection:
        connection.execute(sql)
    connection.close()


def seal_of(folder: Path) -> int | None:
    with sqlite3.connect(folder / "city.db") as connection:
        (found,) = connection.execute("select seal from setting where name = 'colour'").fetchone()
    connection.close()
    return found  # type: ignore[no-any-return]
