"""A worker frozen in the middle of a send and woken long after its lease: nothing twice, nothing overwritten (R5).

Two servers share one database. One is stopped by SIGSTOP, in part of the rounds exactly between its last look and its
write; the other goes on, sees that the lock is still held, and leaves the row alone.
"""

import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest
from agencies import registry_for_fire, simulators
from figures import Figure, sized
from harness import City
from patience import seen, wait_for
from test_kill import deliver_promises
from verdicts import judge

ROUNDS = sized(4, 100)
FROZEN_S = 1.5
"""Real seconds; on the fast clock two and a half minutes, past every lease of these operations."""
FREED_S = 15.0
"""The naive one may take its time; its round ends as soon as it has done its wrong."""


def states(city: City) -> dict[str, str]:
    """Our rows, read from outside while both sleep or work: only to see what was not touched."""
    with sqlite3.connect(f"file:{city.folder}/data/aggregator.db?mode=ro", uri=True) as connection:
        return dict(connection.execute("select id, state from operation").fetchall())


def frozen_rounds(folder: Path, rounds: int, *, without: str = "") -> tuple[int, int, int]:
    """Applications doubled, rows in SENDING that the other worker touched, and rounds frozen before the write."""
    touched = exactly = 0
    with simulators(folder, ["passport"]) as agencies:
        first = City(folder, registry_for_fire(folder), agencies, seed=6)
        second = City(folder, first.registry, agencies, seed=7, born=first.born)
        try:
            first.start()
            settle_one(first)
            assert first.stop() == 0
            for n in range(rounds):
                at = "before_the_write" if n % 5 == 0 else ""
                touched += frozen(first, second, at, without)
                exactly += bool(at)
            second.start()
            second.promises = first.promises
            deliver_promises(second)
            verdict = judge(second, second.drain(150.0))
            assert without or (verdict.lost, verdict.unexplained) == (0, 0), verdict
            return verdict.duplicated, touched, exactly
        finally:
            first.kill()
            second.kill()


def settle_one(city: City) -> None:
    promise = city.wish()
    promise.mobile = "9000000000"
    wait_for(lambda: city.submit(promise, wait_s=5))


def frozen(first: City, second: City, at: str, without: str) -> int:
    """One round: how many SENDING rows of the frozen worker changed while it was only late."""
    first.start(stop_at=at, without=without)
    promise = first.wish()
    promise.mobile = "9000000000" if at else "9000000408"  # acts and hangs: frozen inside the send
    first.submit(promise)
    if at:
        wait_for(lambda: stopped(first.pid))
    else:
        wait_for(lambda: "SENDING" in states(first).values())
        os.kill(first.pid, signal.SIGSTOP)
    before = {row for row, state in states(first).items() if state == "SENDING"}
    second.start(without=without)
    until = time.monotonic() + (FREED_S if without else FROZEN_S)
    while (after := states(first)) and not taken_over(before, after) and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(first.pid, signal.SIGCONT)
    time.sleep(0.3)
    first.kill()
    second.kill()
    return taken_over(before, after)


def taken_over(before: set[str], after: dict[str, str]) -> int:
    return sum(after[row] != "SENDING" for row in before)


def stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.mark.slow
@pytest.mark.figure("R5")
def test_a_worker_believed_dead_by_its_lease_files_twice_and_is_caught(tmp_path: Path, figure: Figure) -> None:
    doubled, touched, exactly = frozen_rounds(tmp_path, 5, without="sender_lock")
    seen(touched > 0, "no row of a living worker was taken over")
    figure.control(f"lock and last look off: {touched} rows of a living worker taken over, {doubled} filed twice in 5")
    assert exactly == 1


@pytest.mark.slow
@pytest.mark.figure("R5")
def test_a_frozen_worker_that_wakes_doubles_nothing_and_overwrites_nothing(tmp_path: Path, figure: Figure) -> None:
    doubled, touched, exactly = frozen_rounds(tmp_path, ROUNDS)
    assert (doubled, touched) == (0, 0)
    figure.measured(
        f"{ROUNDS} rounds, {exactly} stopped between the last look and the write: 0 doubled, 0 rows touched while the "
        "lock was held",
        seeds="6, 7",
    )
