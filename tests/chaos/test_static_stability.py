"""All agencies down, and the city restarted in that condition: it serves, accepts, holds and says so (R26)."""

import statistics
import time
from pathlib import Path
from typing import Any

import pytest
from agencies import call, registry_for_fire, simulators
from figures import Figure
from harness import FORMS, City, Promise
from patience import seen, wait_for, within

READS = 60
SEEN = 5


def reads(city: City) -> list[float]:
    """Catalogue, tracking and receipt, in turns; their latencies in seconds."""
    took = []
    promise = city.promises[0]
    paths = ("/v1/services", f"/v1/cases/{promise.case_id}", f"/v1/cases/{promise.case_id}/receipt", "/v1/health")
    for n in range(READS):
        begun = time.monotonic()
        status, body = call(city.port, "GET", paths[n % len(paths)])
        took.append(time.monotonic() - begun)
        assert status == 200, (paths[n % len(paths)], body)
    return took


def applied(city: City, agency: str) -> dict[str, Any]:
    promise = city.wish()
    promise.agency, promise.mobile = agency, "9000000000"
    wait_for(lambda: city.submit(promise))
    return city.case(promise)


def one_held(city: City, promise: Promise) -> dict[str, Any]:
    """The case as it waits, between two tries."""
    case: dict[str, Any] = {}

    def held() -> bool:
        case.update(city.case(promise))
        return case["status"] == "HELD" and case["legs"][0]["effect"] == "none"

    wait_for(held)
    return case


@pytest.mark.slow
@pytest.mark.figure("R26")
def test_with_every_agency_down_a_restarted_city_serves_what_it_knows_and_holds_what_it_is_given(
    tmp_path: Path, figure: Figure
) -> None:
    with simulators(tmp_path) as agencies:
        city = City(tmp_path, registry_for_fire(tmp_path), agencies, seed=26)
        try:
            city.start()
            applied(city, "passport")
            wait_for(lambda: city.case(city.promises[0])["settled"])
            well = reads(city)
            assert city.stop() == 0
            usual = city.restarts_s[-1]
            for simulator in agencies.values():
                simulator.pause()
            begun = time.monotonic()
            city.start(without="patience_at_boot")
            asked_first = time.monotonic() - begun
            city.kill()
            city.start()
            down = reads(city)
            boots = city.restarts_s[-1]
            known = city.case(city.promises[0])
            held = [applied(city, agency) for agency in agencies for _ in range(SEEN)]
            told = [one_held(city, promise) for promise in city.promises[1:]]
            for simulator in agencies.values():
                simulator.resume()
            wait_for(lambda: all(city.case(one)["legs"][0]["effect"] == "done" for one in city.promises), 60)
            assert city.stop() == 0
        finally:
            city.kill()
    assert known["as_of"], "its age is shown"
    assert all(case["legs"][0]["effect"] == "none" and case["explanation"] for case in told)
    assert {FORMS[one.agency][0] for one in city.promises[1:]} == {case["service_id"] for case in held}
    within(boots, usual + 2.0, "no agency is asked at boot, s")
    ratio = statistics.median(down) / statistics.median(well)
    # Both are milliseconds, minutes apart on a shared machine: only a wait for an agency would be far above this.
    within(statistics.median(down), 2.0 * statistics.median(well) + 0.05, f"reads got {ratio:.1f}x slower")
    seen(asked_first > boots, f"who asks first was up after {asked_first:.1f} s")
    figure.control(f"a server that asks its agencies at boot: {asked_first:.1f} s")
    figure.measured(
        f"boot {boots:.1f} s ({usual:.1f} s with them up, interpreter start included), reads {ratio:.2f}x, "
        f"{len(told)} submissions held with a reason and delivered when they came back",
        seeds="26",
    )
