"""P17: the millionth case costs what the first did, on both engines, and so do the rounds that run beside it.

Two cities take turns, one with `BENCH_CASES` cases stored (a million), one with none; each is asked for whole cases
and for seconds of rest, and says what processor time it took, its own and that of the database's sessions.
"""

import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
from bench_million import fill_postgres, fill_sqlite
from bench_pairs import Spread, ratio
from bench_process import Peer, python_peer
from bench_report import Goal, Report, Row
from engines import ADMIN_URL

pytestmark = pytest.mark.bench
CASES = int(os.environ.get("BENCH_CASES", "1000000"))
AT_A_TIME, REST_S, ROUNDS = 160, 11, 7
"""A rest is as long as the slowest gauge's round."""
DEEPER = "the indexes are deeper by a level or two, and their pages no longer all fit the cache."
AUDITED = (
    "the empty city has nothing to look at: the full one counts its 200 open operations for the gauges and asks about "
    "a sample of fifty settled ones a day. Neither grows with what is stored."
)
GOAL = Goal("<= 1.1x the cost", at_most=1.1)


def asked(peer: Peer, what: str, count: int) -> float:
    """Microseconds of processor time per case, or per second of rest."""
    assert peer.process.stdin is not None
    assert peer.process.stdout is not None
    peer.process.stdin.write(f"{what} {count}\n")
    peer.process.stdin.flush()
    told: dict[str, float] = json.loads(peer.process.stdout.readline())
    return told["cpu_us"]


@contextmanager
def cities(stub: Peer, folder: Path, urls: tuple[str, str]) -> Iterator[tuple[Peer, Peer]]:
    """A full city and an empty one. `urls`: their databases, "" for SQLite."""
    full, empty = (folder / name for name in ("full", "empty"))
    with python_peer("first", "whole_case.py", str(full), str(stub.port), urls[0]) as first:
        asked(first, "cases", 1)
    now_ms = time.time_ns() // 1_000_000
    if urls[0]:
        fill_postgres(urls[0], CASES, now_ms)
    else:
        fill_sqlite(full / "aggregator.db", CASES, now_ms)
    with (
        python_peer("full", "whole_case.py", str(full), str(stub.port), urls[0]) as one,
        python_peer("empty", "whole_case.py", str(empty), str(stub.port), urls[1]) as other,
    ):
        yield one, other


def in_turn(both: tuple[Peer, Peer], what: str, count: int, rounds: int) -> tuple[Spread, Spread, Spread]:
    """The ratio, and what each side took; the first round warms up."""
    took = [[asked(peer, what, count) for peer in both] for _ in range(rounds + 1)][1:]
    full, empty = [one for one, _ in took], [other for _, other in took]
    return ratio(full, empty), Spread.of(full), Spread.of(empty)


def measured(report: Report, both: tuple[Peer, Peer], engine: str) -> None:
    for what, words, count, rounds, gap in (
        ("cases", "one case: submitted, delivered, settled, read by its citizen", AT_A_TIME, ROUNDS, DEEPER),
        ("rest", "a second of rest: all rounds that run beside", REST_S, 5, AUDITED),
    ):
        found, full, empty = in_turn(both, what, count, rounds)
        report.add(
            Row(
                "P17", f"{words}; {engine}, {CASES:,} cases stored", "the same with none stored", found,
                f"{full.middle:,.0f} us", f"{empty.middle:,.0f} us", GOAL, gap,
            )
        )  # fmt: skip


def test_p17_a_case_costs_the_same_in_a_full_store(stub: Peer, tmp_path: Path, report: Report):
    with cities(stub, tmp_path, ("", "")) as both:
        measured(report, both, "SQLite")


@pytest.fixture
async def two_databases() -> Iterator[tuple[str, str]]:  # type: ignore[misc]
    names = [f"aggregator_bench_{secrets.token_hex(4)}" for _ in range(2)]
    admin = await asyncpg.connect(ADMIN_URL)
    for name in names:
        await admin.execute(f"create database {name}")
    yield tuple(f"{ADMIN_URL.rsplit('/', 1)[0]}/{name}" for name in names)
    for name in names:
        await admin.execute(f"drop database {name} with (force)")
    await admin.close()


def test_p17_a_case_costs_the_same_in_a_full_postgresql(
    stub: Peer, tmp_path: Path, report: Report, two_databases: tuple[str, str]
):
    with cities(stub, tmp_path, two_databases) as both:
        measured(report, both, "PostgreSQL")
