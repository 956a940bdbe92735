"""Journal before the first byte, case before the 202: read off the system calls over five hundred sends (R4)."""

import shutil
from pathlib import Path

import pytest
from agencies import registry_for_fire, simulators
from engines import missing
from figures import Figure
from harness import City
from patience import seen, wait_for
from write_order import CALLS, Order, order_of

SENDS = 500
FEW = 20
AGENCY = "tpcodl_portal"
"""Nothing is polled, pushed or looked up there: every write to disk belongs to the application under way."""


@pytest.fixture(autouse=True)
def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        missing("the order of writes is read with strace, which is not installed (apt-get install strace)")
    return found


def traced(folder: Path, sends: int, *, without: str = "") -> Order:
    """The city under strace, one application after another."""
    with simulators(folder, [AGENCY]) as agencies:
        trace = folder / "trace"
        city = City(folder, registry_for_fire(folder), agencies, seed=4, speed=1.0)
        city.wrapper = ["strace", "-f", "-qq", "-yy", "-s", "24", "-e", f"trace={CALLS}", "-o", str(trace)]
        try:
            city.start(without=without)
            for _ in range(sends):
                promise = city.wish()
                promise.mobile = "9000000000"
                wait_for(lambda promise=promise: city.submit(promise, wait_s=5))
            wait_for(lambda: len(agencies[AGENCY].filed()) == sends)
            port = city.port
            city.kill()
            return order_of(trace, agencies[AGENCY].port, port)
        finally:
            city.kill()


@pytest.mark.slow
@pytest.mark.figure("R4")
@pytest.mark.parametrize(
    ("rule", "what"),
    [("synced_log", "synchronous=OFF"), ("journal_first", "T2 committed after the send")],
)
def test_a_build_that_writes_in_another_order_is_caught_by_the_same_trace(
    tmp_path: Path, figure: Figure, rule: str, what: str
) -> None:
    order = traced(tmp_path, FEW, without=rule)
    seen(order.sends == FEW, f"of {FEW}: {order.sends} sends")
    assert len(order.sent_early) == FEW, "each and every one"
    figure.control(f"{what}: {len(order.sent_early)} of {FEW} flagged")


@pytest.mark.slow
@pytest.mark.figure("R4")
def test_every_send_and_every_promise_is_on_disk_before_its_first_byte(tmp_path: Path, figure: Figure) -> None:
    order = traced(tmp_path, SENDS)
    assert order.sends <= SENDS, "the agency was sent more than was asked for"
    # strace does not name the other end of a socket that is just being closed: such a call cannot be judged.
    seen((order.sends, order.answers) == (SENDS, SENDS), f"of {SENDS}: {order.sends} sends, {order.answers} answers")
    assert order.sent_early == []
    assert order.answered_early == []
    figure.measured(
        f"{SENDS} of {SENDS} sends after log and watermark were synced, {order.answers} of {SENDS} answers after T1",
        seeds="4",
    )
