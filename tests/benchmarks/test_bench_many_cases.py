"""P17: the millionth case costs what the first did. One real case is copied in the tables until there are so many."""

import json
import os
import sqlite3
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench_pairs import Side, in_turns
from bench_process import Peer, python_peer
from bench_questions import FORM, accepted, key_of, submissions
from bench_report import Goal, Report, Row

pytestmark = pytest.mark.bench
CASES = int(os.environ.get("BENCH_CASES", "1000000"))
COPIED: dict[str, dict[str, str]] = {
    "cases": {"id": "'case_' || printf('%026d', i)", "number": "printf('%016d', i)"},
    "leg": {"id": "'leg_' || i", "case_id": "'case_' || printf('%026d', i)", "poll_due_ms": "null"},
    "operation": {
        "id": "'op_' || i", "leg_id": "'leg_' || i", "case_id": "'case_' || printf('%026d', i)",
        "reference": "'R' || i", "agency_reference": "'N' || i",
    },
    "attempt": {"operation_id": "'op_' || i"},
    "idempotency": {"key": "'k' || i", "case_id": "'case_' || printf('%026d', i)"},
    "event": {
        "seq": "1000 + i * 20 + t.seq % 20", "id": "'e' || i || '-' || t.seq",
        "case_id": "'case_' || printf('%026d', i)",
    },
}  # fmt: skip
"""Per table, the columns that differ from copy to copy."""


def fill(file: Path, count: int) -> None:
    """`count` copies of the one settled case, in every table it has rows in, with all their indexes."""
    with sqlite3.connect(file, isolation_level=None) as connection:
        connection.execute("pragma synchronous = off")
        connection.execute("begin")
        (case,) = connection.execute("select id from cases limit 1").fetchone()
        for table, changed in COPIED.items():
            names = [row[1] for row in connection.execute(f"pragma table_info({table})")]
            values = ", ".join(changed.get(name, f"t.{name}") for name in names)
            mine = "t.case_id = ?" if "case_id" in names else "t.id = ?" if "id" in names else "? <> ''"
            connection.execute(
                "with recursive n (i) as (select 1 union all select i + 1 from n where i < ?)"  # noqa: S608 - names of ours
                f" insert into {table} ({', '.join(names)}) select {values} from n,"
                f" (select * from {table} t where {mine}) t",
                (count, case),
            )
        connection.execute("update event_counter set last = ? where name = 'event'", (count * 20 + 2000,))
        connection.execute("commit")
        connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()


@pytest.fixture
def full_city(stub: Peer, tmp_path: Path) -> Iterator[Peer]:
    """The same server on a store that holds a million cases."""
    data = tmp_path / "data"
    with python_peer("first", "city.py", str(data), str(stub.port)) as first:
        body = json.dumps({"service_id": "passport.fresh", "form": FORM}).encode()
        headers = {"Idempotency-Key": "first", "Prefer": "wait=5", "Content-Type": "application/json", **key_of(first)}
        asked = urllib.request.Request(f"http://127.0.0.1:{first.port}/v1/cases", data=body, headers=headers)
        with urllib.request.urlopen(asked, timeout=20) as reply:  # noqa: S310 - loopback
            assert reply.status == 201
        time.sleep(1.0)
    fill(data / "aggregator.db", CASES)
    with python_peer("full", "city.py", str(data), str(stub.port)) as running:
        yield running


def test_p17_a_case_costs_the_same_in_a_full_store(city: Peer, full_city: Peer, report: Report):
    sides = [Side(one, submissions(one, f"p17-{one.name}"), accepted) for one in (full_city, city)]
    turns = in_turns(sides, rounds=7, quiet=True)
    report.add(
        Row(
            "P17", f"submission, journaled, delivered and settled, with {CASES:,} cases stored", "the same with none",
            turns.cpu_ratio("full", "city"), f"{turns.cpu('full')}, {turns.rate('full')}",
            f"{turns.cpu('city')}, {turns.rate('city')}", Goal("<= 1.1x the cost", at_most=1.1),
            "the indexes of a full store are deeper by a level or two, and their pages no longer all fit the cache.",
        )
    )  # fmt: skip
