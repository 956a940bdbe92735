"""How long a proof waits, and what it means when that was not enough.

A proof that ran out of time, or never came to see what it is about, measured its machine and not us: it is run once
more (pyproject.toml, `--only-rerun`), and the summary says so. Nothing lost, doubled or told wrongly is run again.
"""

import os
import time
from collections.abc import Callable
from typing import Any

import pytest

_BEGUN_S = time.monotonic()


class Inconclusive(AssertionError):
    """Nothing was wrong as far as was seen; too little was seen, or too late."""


def wait_for(condition: Callable[[], Any], patience_s: float = 90.0) -> Any:
    """What the condition gives once it is true. Raises Inconclusive."""
    until = time.monotonic() + patience_s
    while not (found := condition()):
        seen(time.monotonic() < until, f"it never came in {patience_s:.0f} s")
        time.sleep(0.05)
    return found


def within(measured: float, limit: float, what: str) -> None:
    """Holds a measured time, or a ratio of times, against its limit. Raises Inconclusive."""
    seen(measured <= limit, f"{what}: {measured:.2f}, and {limit:.2f} is the most")


def seen(happened: bool, what: str) -> None:
    """Raises Inconclusive when what the proof is about did not happen in this run."""
    if not happened:
        raise Inconclusive(what)


def in_a_gate() -> bool:
    """Whether this run decides on a change, with so much time for the long proofs."""
    return "PROOFS_WITHIN_S" in os.environ


def left_open(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> bool:
    """In a gate a long proof that was inconclusive twice is a row that says so; `make figures` fails with it."""
    late = call.excinfo is not None and call.excinfo.errisinstance(Inconclusive)
    twice = getattr(item, "execution_count", 1) > 1
    return in_a_gate() and twice and late and report.failed and item.get_closest_marker("slow") is not None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """PROOFS_WITHIN_S: no long proof begins later than that in this run; its row says that it was left out, and why."""
    late = in_a_gate() and time.monotonic() - _BEGUN_S > float(os.environ["PROOFS_WITHIN_S"])
    if late and item.get_closest_marker("slow") is not None:
        pytest.skip("this run's time for long proofs was over; `make figures` runs them all")
