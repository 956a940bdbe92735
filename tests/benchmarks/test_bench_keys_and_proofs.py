"""What trust costs: a submission under its citizen's keys, and a proof that every process must know of."""

import itertools
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from bench_pairs import in_process_turns, on_the_servers_loop, ratio
from bench_report import Goal, Report, Row
from sealing import MASTER, OneKey, sealing

from aggregator.citizens.envelopes import Envelopes
from aggregator.citizens.keyring import KeyRing
from aggregator.citizens.vault import Vault
from aggregator.sdk.clock import SystemChance, SystemClock
from aggregator.store import Run, Store, open_store
from aggregator.store.keyfile import KeyFile

sys.path.insert(0, str(Path(__file__).parents[1] / "integration" / "payments"))

from money_town import money_town

pytestmark = pytest.mark.bench
PROOFS, CASES = 300, 40
LIFE_MS = 120_000
Cost = Callable[[int], Awaitable[float]]


def us(seconds: list[float]) -> str:
    return f"{sorted(seconds)[len(seconds) // 2] * 1e6:,.0f} us"


def test_p1_a_proof_that_all_processes_know_of_beside_a_commit(tmp_path: Path, report: Report):
    waits, works = on_the_servers_loop(_proofs(tmp_path))
    report.add(
        Row(
            "P1", "a bound token's proof remembered for all processes, time waited", "a durable row each",
            ratio(waits["remembered"], waits["committed"]), us(waits["remembered"]), us(waits["committed"]),
            Goal("<= 0.2x a commit", at_most=0.2), "the memory waits for something.",
        )
    )  # fmt: skip
    report.add(
        Row(
            "P1", "the same, processor time", "a durable row each",
            ratio(works["remembered"], works["committed"]), us(works["remembered"]), us(works["committed"]),
            Goal("<= 0.5x a commit", at_most=0.5), "the statement costs more than it did.",
        )
    )  # fmt: skip


async def _proofs(folder: Path) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    store = open_store(f"sqlite:///{folder / 'proofs.db'}", clock=SystemClock())
    await store.open()
    names = (f"{number:064x}" for number in itertools.count())

    async def remembered() -> None:
        now = int(time.time() * 1000)
        assert await store.first_use(next(names), from_ms=now - LIFE_MS, until_ms=now + LIFE_MS, now_ms=now)

    async def committed() -> None:
        now, name = int(time.time() * 1000), next(names)

        async def work(run: Run) -> bool:
            return bool(
                await run("insert into used_once (digest, until_ms) values ($1, $2) returning digest", name, now)
            )

        assert await store.write(work)

    both = {"remembered": remembered, "committed": committed}
    waits = await in_process_turns({name: _each(work, time.perf_counter) for name, work in both.items()}, times=PROOFS)
    works = await in_process_turns({name: _each(work, time.process_time) for name, work in both.items()}, times=PROOFS)
    await store.close()
    return waits, works


def _each(work: Callable[[], Awaitable[object]], clock: Callable[[], float]) -> Cost:
    async def measured(times: int) -> float:
        began = clock()
        for _ in range(times):
            await work()
        return (clock() - began) / times

    return measured


def test_p9_a_submission_under_its_citizens_key_beside_one_key_for_all(tmp_path: Path, report: Report):
    took = on_the_servers_loop(_submissions(tmp_path))
    for name, who in (("citizen", "a citizen who was here before"), ("nobody", "nobody's, a key of its own")):
        report.add(
            Row(
                "P9", f"processor time of a submission with its delivery, sealed for {who}", "one key for all",
                ratio(took[name], took["one key"]), us(took[name]), us(took["one key"]),
                Goal("<= 1.1x one key for all", at_most=1.1), "looking up, unwrapping and making keys.",
            )
        )  # fmt: skip


async def _submissions(folder: Path) -> dict[str, list[float]]:
    keys = KeyFile(folder / "city.keys")
    ring = KeyRing(Vault(MASTER), keys, SystemClock(), SystemChance())
    sealings: dict[str, tuple[Envelopes, str]] = {
        "one key": (OneKey(Vault(MASTER)), "ctz_a"),
        "citizen": (sealing(keys=ring), "ctz_a"),
        "nobody": (sealing(keys=ring), ""),
    }
    stores: list[Store] = []
    works: dict[str, Cost] = {}
    for name, (envelopes, citizen) in sealings.items():
        store = open_store(f"sqlite:///{folder / name / 'city.db'}", clock=SystemClock())
        await store.open()
        stores.append(store)
        town = await money_town(store, envelopes=envelopes)
        works[name] = _each(lambda town=town, citizen=citizen: town.apply(citizen), time.process_time)
    took = await in_process_turns(works, times=CASES)
    for store in stores:
        await store.close()
    keys.close()
    return took
