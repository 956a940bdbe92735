"""P1 and P10: what it costs to tell a citizen where the case is."""

import itertools
import json
import sqlite3
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bench_load import request
from bench_pairs import Side, in_process_turns, in_turns, on_the_servers_loop, ratio
from bench_process import Peer, python_peer
from bench_questions import found, key_of, submissions
from bench_report import Goal, Report, Row

from aggregator.cases.record import load
from aggregator.citizens.envelopes import Envelopes, KeyedEnvelopes
from aggregator.citizens.keyring import KeyRing
from aggregator.citizens.vault import Vault, load_or_create_keys
from aggregator.sdk.clock import SystemChance, SystemClock
from aggregator.store import Store, open_store
from aggregator.store.keyfile import KeyFile

pytestmark = pytest.mark.bench
CASES = 500
READS = 2000


@pytest.fixture(scope="module")
def case_ids(city: Peer, data: Path) -> list[str]:
    """Cases of this portal, confirmed by the agency."""
    opened: list[str] = []

    def keep(status: int, body: bytes) -> bool:
        opened.append(json.loads(body)["id"])
        return status in {201, 202}

    in_turns([Side(city, submissions(city, "seed"), keep)], rounds=0, quiet=True)
    with sqlite3.connect(data / "aggregator.db") as database:
        (waiting,) = database.execute("select count(*) from cases where settled = 0").fetchone()
    assert waiting == 0, "every case has been through the agency before it is read"
    return opened[:CASES]


def test_p1_a_status_read_beside_a_bare_hello(city: Peer, case_ids: list[str], report: Report):
    reads = [request("GET", f"/v1/cases/{case_id}", **key_of(city)) for case_id in case_ids]
    with python_peer("hello", "hello.py") as hello:
        hellos = itertools.repeat(request("GET", "/hello"))
        turns = in_turns([Side(city, itertools.cycle(reads), found), Side(hello, hellos, found)])
    report.add(
        Row(
            "P1", f"status read, GET /v1/cases/{{id}} over {len(reads)} cases", "bare aiohttp hello, same loop",
            turns.cpu_ratio("hello", "city"), turns.cpu("city"), turns.cpu("hello"),
            Goal("hello's cost >= 0.85x ours", at_least=0.85),
            "before the kept bytes of the answer are found, two rows are read whole and the typed record is built with "
            "its sealed words. Looking up by version and times alone, and a leaner way through the HTTP library, are "
            "what is left.",
        )
    )  # fmt: skip


def test_p10_a_row_and_a_whole_case_beside_raw_sqlite(data: Path, case_ids: list[str], report: Report):
    took = on_the_servers_loop(_read(data, case_ids))
    wanted = Goal("<= 3x raw sqlite3", at_most=3.0)
    report.add(
        Row(
            "P10", "one row by its key, store.read", "the same statement on raw sqlite3",
            ratio(took["our row"], took["raw row"]), us(took["our row"]), us(took["raw row"]), wanted,
            "checking and naming the arguments and counting steps cost more than twice the read.",
        )
    )  # fmt: skip
    report.add(
        Row(
            "P10", "the whole case: two reads, sealed words opened, typed record", "the same two statements, raw",
            ratio(took["our case"], took["raw case"]), us(took["our case"]), us(took["raw case"]), wanted,
            "the record is built anew at every read: times, statuses and two JSON columns are decoded each time.",
        )
    )  # fmt: skip


async def _read(data: Path, case_ids: list[str]) -> dict[str, list[float]]:
    store = open_store(f"sqlite:///{data / 'aggregator.db'}", clock=SystemClock())
    await store.open()
    raw = sqlite3.connect(data / "aggregator.db")
    raw.row_factory = sqlite3.Row
    own = Vault.of(load_or_create_keys(data / "vault.key", chance=SystemChance()))
    keys = KeyRing(own, KeyFile(data.with_name(data.name + ".keys")), SystemClock(), SystemChance())
    vault = KeyedEnvelopes(own, keys, SystemChance())
    took = await in_process_turns(reads_of(store, raw, vault, case_ids), times=READS)
    raw.close()
    await store.close()
    return took


def reads_of(
    store: Store, raw: sqlite3.Connection, vault: Envelopes, case_ids: list[str]
) -> dict[str, Callable[[int], Awaitable[float]]]:
    """Each work reads that many times and says what one read cost."""
    ids = itertools.cycle(case_ids)
    now = datetime.now(UTC)

    def cost(read: Callable[[str], Awaitable[object]]) -> Callable[[int], Awaitable[float]]:
        async def measured(times: int) -> float:
            began = time.thread_time()
            for _ in range(times):
                assert await read(next(ids))
            return (time.thread_time() - began) / times

        return measured

    async def our_row(case_id: str) -> object:
        return await store.read("select * from cases where id = $1", case_id, inline=True)

    async def raw_row(case_id: str) -> object:
        return raw.execute("select * from cases where id = ?", (case_id,)).fetchall()

    async def our_case(case_id: str) -> object:
        return await load(store, vault, now, "id = $1", case_id)

    async def raw_case(case_id: str) -> object:
        raw.execute("select * from cases where id = ?", (case_id,)).fetchall()
        return raw.execute("select * from leg where case_id in (?) order by case_id, position", (case_id,)).fetchall()

    works = {"our row": our_row, "raw row": raw_row, "our case": our_case, "raw case": raw_case}
    return {name: cost(work) for name, work in works.items()}


def us(seconds: list[float]) -> str:
    return f"{sorted(seconds)[len(seconds) // 2] * 1e6:.1f} us"
