"""R27: no history of bills, orders, looks, posts, refunds, webhooks, files and crashes loses or doubles a payment.

Both sides' own books decide. Two naive variants, the pay lock off and a refund on silence, must be caught first.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from figures import Figure, sized
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    run_state_machine_as_test,
)
from money_machine import Money

from aggregator.sdk.clock import SystemClock
from aggregator.store import open_store


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with all tables: made once, copied for every history."""

    async def make(path: Path) -> None:
        store = open_store(f"sqlite:///{path}", clock=SystemClock())
        await store.open()
        await store.close()

    path = tmp_path_factory.mktemp("money") / "city.db"
    asyncio.run(make(path))
    return path


def machine(template: Path, **variant: Any) -> Any:
    """The machine on this empty database, and what it counted."""
    counted = {"histories": 0, "payments": 0, "blocked": 0, "crashes": 0, "posted": 0, "refunded": 0, "lost": 0}
    return type("Histories", (Money,), {"template": template, "counted": counted, **variant})


def told(examples: int, steps: int, *phases: Phase) -> settings:
    return settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck), phases=phases or (Phase.generate, Phase.shrink),
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.figure("R27")
@pytest.mark.parametrize(
    ("variant", "found"),
    [({"locked": False}, "a bill was posted twice"), ({"hasty": True}, "a posted payment was refunded")],
    ids=["the pay lock off", "a refund on silence"],
)
def test_the_naive_variants_are_caught(template: Path, figure: Figure, variant: dict[str, Any], found: str) -> None:
    naive = machine(template, **variant)
    with pytest.raises(AssertionError, match=found):
        run_state_machine_as_test(naive, settings=told(400, 40, Phase.generate))
    figure.control(f"{found}: after {naive.counted['histories']} histories")


@pytest.mark.slow
@pytest.mark.figure("R27")
def test_no_history_loses_or_doubles_a_payment(template: Path, figure: Figure) -> None:
    histories = machine(template)
    run_state_machine_as_test(histories, settings=told(sized(400, 20_000), 30))
    counted = histories.counted
    figure.measured(
        f"{counted['histories']} histories, {counted['payments']} payments, {counted['posted']} posted,"
        f" {counted['refunded']} refunded, {counted['lost']} lost by the biller, {counted['crashes']} crashes:"
        f" 0 double posts, 0 refunds of posted payments,"
        f" ledger balanced after every step; {counted['blocked']} second payments blocked",
        seeds="derandomised",
    )
