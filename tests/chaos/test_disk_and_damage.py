"""A full disk refuses before it promises (R19); a damaged database is never believed in silence (R20)."""

import contextlib
import random
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from agencies import call, registry_for_fire, simulators
from cells import Rows, believed, plainly_sound
from disk import fill
from figures import Figure, sized
from harness import FORMS, City
from patience import seen, wait_for, within
from test_kill import deliver_promises
from verdicts import judge

from aggregator.cases import quarantine
from aggregator.sdk.clock import SystemClock
from aggregator.store import open_store
from aggregator.store.backup import BackupFailed, look_through
from aggregator.store.watermark import Mark, Watermark

FILLINGS = sized(6, 50)
COPIES = 200


def apply(city: City) -> int:
    """One citizen; the HTTP status. 503 must say that nothing was done, and that asking again is safe."""
    promise = city.wish()
    promise.mobile = "9000000000"
    headers = {"Idempotency-Key": promise.key, "Prefer": "wait=0"}
    body = {"service_id": "passport.fresh", "form": {**FORMS["passport"][1], "mobile": promise.mobile}}
    status, told = call(city.port, "POST", "/v1/cases", body, headers)
    if status in {201, 202}:
        promise.case_id, promise.number = told["id"], told["number"]
    else:
        assert (status, told["safe_to_retry"]) == (503, True), told
        assert told["effect"] in {"none", "unknown"}, told
    return status


def full_disk(city: City, folder: Path) -> tuple[int, int, float]:
    """Accepted and refused while full, and the longest time to be ready again after space came back."""
    chance, accepted, refused, slowest = random.Random(19), 0, 0, 0.0
    for _ in range(FILLINGS):
        ballast = fill(folder, chance.randrange(0, 300_000))
        for _ in range(12):
            status = apply(city)
            accepted += status != 503
            refused += status == 503
        assert call(city.port, "GET", "/v1/services")[0] == 200, "reads go on"
        ballast.unlink()
        begun = time.monotonic()
        wait_for(lambda: apply(city) != 503, 10)
        slowest = max(slowest, time.monotonic() - begun)
    return accepted, refused, slowest


@pytest.mark.slow
@pytest.mark.figure("R19")
def test_a_full_disk_refuses_before_it_promises_and_recovers(tmp_path: Path, small_disk: Path, figure: Figure) -> None:
    figure.control(naive_on(small_disk))
    with simulators(tmp_path, ["passport"]) as agencies:
        city = City(tmp_path, registry_for_fire(tmp_path), agencies, seed=19)
        try:
            city.start()
            accepted, refused, slowest = full_disk(city, small_disk)
            seen(refused > 0, "the disk must have been full")
            assert city.stop() == 0
            city.start()
            deliver_promises(city)
            verdict = judge(city, city.drain(150.0))
            with sqlite3.connect(small_disk / "aggregator.db") as connection:
                assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        finally:
            city.kill()
    assert (verdict.lost, verdict.duplicated, verdict.unexplained) == (0, 0, 0), verdict
    within(slowest, 5, "ready again, s")
    figure.measured(
        f"filled {FILLINGS} times: {refused} refused, {accepted} accepted, 0 lost, 0 doubled; reads went on; "
        f"ready again <= {slowest:.1f} s; integrity holds",
        seeds="19",
    )


def naive_on(folder: Path) -> str:
    """The control answers first and writes afterwards: what a full disk makes of its promises."""
    told, kept = 0, 0
    with sqlite3.connect(folder / "naive.db", isolation_level=None) as connection:
        connection.execute("create table promise (n integer, text text)")
        ballast = fill(folder, 20_000)
        for n in range(50):
            told += 1  # 202
            with contextlib.suppress(sqlite3.Error):
                connection.execute("insert into promise values (?, ?)", (n, "x" * 2000))
        kept = connection.execute("select count(*) from promise").fetchone()[0]
        ballast.unlink()
    connection.close()
    for left in folder.glob("naive.db*"):
        left.unlink()
    assert kept < told
    return f"answers before it writes: {told - kept} of {told} promises lost"


@pytest.fixture
def killed(tmp_path: Path) -> Iterator[tuple[Path, Mark]]:
    """The data folder of a city killed in its work, its log not folded in, and the watermark beside it."""
    with simulators(tmp_path, ["passport"]) as agencies:
        city = City(tmp_path, registry_for_fire(tmp_path), agencies, seed=20)
        city.start()
        for _ in range(15):
            apply(city)
        wait_for(lambda: len(agencies["passport"].filed()) == 15)
        city.kill()
        mark = Watermark([tmp_path / "data.mark"]).remembered()
        assert mark is not None
        yield tmp_path / "data", mark


@pytest.mark.slow
@pytest.mark.figure("R20", "log cut or flipped")
async def test_a_log_cut_anywhere_is_whole_or_in_quarantine(
    tmp_path: Path, killed: tuple[Path, Mark], figure: Figure
) -> None:
    data, mark = killed
    chance = random.Random(20)
    size = (data / "aggregator.db-wal").stat().st_size
    whole = held = unnoticed = 0
    for n in range(COPIES):
        copy = tmp_path / f"copy{n}"
        copy.mkdir()
        shutil.copy(data / "aggregator.db", copy / "city.db")
        log = bytearray((data / "aggregator.db-wal").read_bytes())
        if n == 0:
            pass  # untouched: it must be whole
        elif n % 2:
            log = log[: chance.randrange(32, size)]
        else:
            for _ in range(chance.randrange(1, 65)):
                log[chance.randrange(32, size)] ^= 1 + chance.randrange(255)
        (copy / "city.db-wal").write_bytes(bytes(log))
        reason, found = await opened_as_at_boot(copy / "city.db", mark)
        whole += not found.behind(mark) and not reason
        held += reason == "behind"
        unnoticed += found.behind(mark) and not reason
        shutil.rmtree(copy)
    assert unnoticed == 0
    assert whole > 0, "the untouched one"
    assert held > 0
    assert whole + held == COPIES
    figure.control(f"no watermark: {held} of {COPIES} databases open without complaint and have forgotten sends")
    figure.measured(
        f"{COPIES} logs: {held} behind their mark and in quarantine, {whole} whole, 0 unnoticed", seeds="20"
    )


async def opened_as_at_boot(file: Path, mark: Mark) -> tuple[str, Mark]:
    """Why the next boot would quarantine this database, and how far it is."""
    store = open_store(f"sqlite:///{file}", clock=SystemClock())
    await store.open()
    try:
        found = await store.write(lambda run: quarantine._found(run, mark.cluster))
        await quarantine.examine(store, mark, SystemClock(), mark.cluster)
        return (await quarantine.standing_by(store.read)).reason, found
    finally:
        await store.close()


@pytest.mark.slow
@pytest.mark.figure("R20", "bytes flipped in the file")
def test_a_flipped_byte_never_changes_what_is_stored_unseen(
    tmp_path: Path, killed: tuple[Path, Mark], figure: Figure
) -> None:
    data, _ = killed
    with sqlite3.connect(data / "aggregator.db") as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()
    good = (data / "aggregator.db").read_bytes()
    truth = believed(data / "aggregator.db")
    chance = random.Random(21)
    found = harmless = unseen = naive = 0
    for _ in range(COPIES):
        copy = tmp_path / "copy.db"
        copy.write_bytes(sprinkled(good, chance))
        naive += wrong_unsealed(copy, truth)
        try:
            look_through(copy)
        except (BackupFailed, sqlite3.Error):
            found += 1
            continue
        harmless += believed(copy) == truth
        unseen += believed(copy) != truth
    assert unseen == 0
    assert found > COPIES // 2
    assert naive > 0
    figure.control(f"seals switched off: {naive} of {COPIES} pass `integrity_check` and answer wrongly")
    figure.measured(
        f"{COPIES} copies: {found} found by the look through, {harmless} unharmed, 0 changed anything unseen",
        seeds="21",
    )


def sprinkled(good: bytes, chance: random.Random) -> bytes:
    content = bytearray(good)
    for _ in range(chance.randrange(1, 65)):
        content[chance.randrange(len(content))] ^= 1 + chance.randrange(255)
    return bytes(content)


def wrong_unsealed(copy: Path, truth: Rows) -> bool:
    """Whether plain SQLite finds nothing wrong with it and answers otherwise than was written."""
    try:
        return plainly_sound(copy) and believed(copy) != truth
    except (sqlite3.Error, UnicodeError):
        return False
