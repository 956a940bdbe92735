"""Reads that do not hold up the loop, and a file that is private and sound (SQ-10)."""

import asyncio
import os
from pathlib import Path

import pytest
from sqlite_pieces import file_of, insert

from aggregator.store import StoreUnavailable
from aggregator.store.sqlite_thread import INLINE_STEPS, InlineReader, connect

LONG = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 150000) select max(i) as top from n"


async def test_sq10_short_reads_stay_inline_for_ever_and_long_ones_leave_by_themselves(tmp_path):
    reader = InlineReader(connect(tmp_path / "x.db", busy_s=0, query_only=True))
    for _ in range(INLINE_STEPS // 2):  # far more steps in all than one read may take
        assert reader.read("select cast($1 as bigint) as n", {"1": 5}) is not None
    assert reader.read(LONG, {}) is None
    assert reader.read("select 1 as n", {})[0]["n"] == 1
    reader.close()


async def test_sq10_a_long_inline_read_answers_from_a_thread_without_holding_up_the_loop(sqlite_ledger):
    reading = asyncio.create_task(sqlite_ledger.read(LONG, inline=True))
    turns = 0
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1
    assert reading.result()[0]["top"] == 150_000
    assert turns > 20


async def test_the_database_file_is_private(sqlite_ledger, sqlite_url):
    for suffix in ("", "-wal"):
        assert os.stat(file_of(sqlite_url) + suffix).st_mode & 0o077 == 0  # noqa: PTH116 - one call, no path


async def test_a_file_that_is_no_database_is_said_so(tmp_path, opened):
    (tmp_path / "x.db").write_bytes(b"not a database" * 1_000)
    with pytest.raises(StoreUnavailable, match="cannot open the database: SQLITE_NOTADB"):
        await opened(f"sqlite:///{tmp_path}/x.db")


def damage(path: Path) -> None:
    pages = bytearray(path.read_bytes())
    for page in range(len(pages) // 4096 // 2, len(pages) // 4096):
        pages[page * 4096 : page * 4096 + 64] = os.urandom(64)
    path.write_bytes(pages)


async def test_a_damaged_page_is_found_by_the_integrity_check(sqlite_ledger, sqlite_url, opened):
    await asyncio.gather(*[sqlite_ledger.write(insert(number, "x" * 900)) for number in range(300)])
    await sqlite_ledger.close()
    damage(Path(file_of(sqlite_url)))
    try:
        store = await opened(sqlite_url)  # where the damage is in what opening looks at, opening says so
        found = await store.integrity_check()
    except StoreUnavailable as exc:
        found = [exc.why]
    assert found
