"""SIGTERM under load: what is in hand is finished or becomes a doubt, and nobody is given half an answer (R22)."""

import http.client
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from agencies import KEY, call, registry_for_fire, simulators
from figures import Figure, sized
from harness import City, Promise
from patience import seen, within
from test_kill import deliver_promises
from verdicts import Verdict, judge

RESTARTS = sized(5, 50)
PORTALS = 4
HAND_S = 0.1


class Portals(threading.Thread):
    """Citizens come one after another; what was not answered is asked again with the same key.

    `dropped` counts requests that the server had in hand and left without an answer. One that breaks within `HAND_S`
    lay in the kernel's queue when the door closed: nobody had begun it.
    """

    def __init__(self, city: City) -> None:
        super().__init__(daemon=True)
        self.city = city
        self.over = threading.Event()
        self.dropped = 0
        self.answered = 0
        self.lock = threading.Lock()

    def run(self) -> None:
        workers = [threading.Thread(target=self._portal, daemon=True) for _ in range(PORTALS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def _portal(self) -> None:
        while not self.over.is_set():
            with self.lock:
                promise = self.city.wish()
            while not self.over.is_set() and not self._answered(promise):
                time.sleep(0.02)

    def _answered(self, promise: Promise) -> bool:
        begun = time.monotonic()
        try:
            if not self.city.submit(promise, wait_s=1, strictly=True):
                return False
        except (OSError, http.client.HTTPException) as error:
            in_hand = time.monotonic() - begun > HAND_S and not isinstance(error, ConnectionRefusedError)
            self.dropped += in_hand
            return False
        self.answered += 1
        return True


def restarts(folder: Path, *, without: str = "") -> tuple[Portals, City, list[float], Verdict]:
    with simulators(folder) as agencies:
        city = City(folder, registry_for_fire(folder), agencies, seed=22)
        city.start(without=without)
        port = city.port
        portals = Portals(city)
        portals.start()
        exits = []
        try:
            for _ in range(RESTARTS):
                time.sleep(0.7)
                begun = time.monotonic()
                os.kill(city.pid, signal.SIGTERM)
                assert city.process is not None
                city.process.communicate(timeout=60)
                exits.append(time.monotonic() - begun)
                city.process = None
                city.start(without=without, port=port)
            portals.over.set()
            portals.join(30)
            deliver_promises(city)
            verdict = judge(city, city.drain(150.0))
            assert call(port, "GET", "/v1/services", None, {"Authorization": KEY})[0] == 200
            return portals, city, exits, verdict
        finally:
            portals.over.set()
            city.kill()


@pytest.mark.slow
@pytest.mark.figure("R22")
def test_a_server_that_does_not_drain_drops_requests_in_hand(tmp_path: Path, figure: Figure) -> None:
    portals, _, _, _ = restarts(tmp_path, without="draining")
    seen(portals.dropped > 0, "no request was in hand at a restart")
    figure.control(f"no draining: {portals.dropped} requests dropped in {RESTARTS} restarts")


@pytest.mark.slow
@pytest.mark.figure("R22")
def test_restarted_under_load_no_request_is_dropped_and_nothing_is_lost_or_doubled(
    tmp_path: Path, figure: Figure
) -> None:
    portals, _, exits, verdict = restarts(tmp_path)
    assert portals.dropped == 0
    within(max(exits), 10.0, "exit, s")
    assert (verdict.lost, verdict.duplicated, verdict.unexplained) == (0, 0, 0), verdict
    figure.measured(
        f"{RESTARTS} restarts, {portals.answered} submissions: 0 dropped, 0 lost, 0 doubled; "
        f"exit <= {max(exits):.1f} s",
        seeds="22",
    )
