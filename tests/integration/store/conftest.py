"""A small ledger beside the real tables: one case row and one outbox row per submission."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aggregator.store import Run, Store

ROOT = Path(__file__).parents[3]
TABLES = (
    "create table submission (id bigint primary key, text text not null)",
    "create table outbox (id bigint primary key, submission_id bigint not null references submission (id))",
)
Start = Callable[..., subprocess.Popen[str]]


async def make_ledger(store: Store) -> None:
    async def create(run: Run) -> None:
        for statement in TABLES:
            await run(statement)

    await store.write(create)


@pytest.fixture
async def ledger(store: Store) -> Store:
    await make_ledger(store)
    return store


@pytest.fixture
async def sqlite_ledger(sqlite_store: Store) -> Store:
    await make_ledger(sqlite_store)
    return sqlite_store


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts Python programs that see this project; whatever still lives at the end is killed."""
    running: list[subprocess.Popen[str]] = []

    def starter(script: str, *args: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", script, *args],
            stdout=subprocess.PIPE,
            stdin=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        running.append(process)
        return process

    yield starter
    for process in running:
        process.kill()
        process.communicate()
