"""A city restored the way its operators do it, with citizens at the door the whole time (R18, seen from outside).

The copy is made while applications come in. After the restore the words of the command, /readyz, the doctor and each
answer say that the city is finding out what was sent; nothing is sent meanwhile. Who lost a case brings its receipt.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from agencies import call, registry_for_fire, simulators
from figures import Figure
from harness import City, Promise
from patience import wait_for
from test_restore import away, command, filed, told, until_filed

NAMES = ("passport", "bmc")
WHILE_COPIED, LOST = 4, 2


def apply(city: City, nth: int) -> Promise:
    """A citizen whose application meets no fault."""
    promise = city.wish()
    promise.agency, promise.mobile = NAMES[nth % len(NAMES)], "9000000000"
    wait_for(lambda: city.submit(promise))
    return promise


def copied_under_load(city: City, copy: Path) -> None:
    with ThreadPoolExecutor(1) as operators:
        copying = operators.submit(command, city, "backup", str(copy))
        nth = 0
        while nth < WHILE_COPIED or not copying.done():
            apply(city, nth)
            nth += 1
    told(copying.result())


def receipt_of(city: City, promise: Promise) -> str:
    status, given = call(city.port, "GET", f"/v1/cases/{promise.case_id}/receipt")
    assert status == 200, given
    return str(given["receipt"])


def ready(city: City) -> dict[str, Any]:
    status, said = call(city.port, "GET", "/readyz")
    assert status == 200, said
    found: dict[str, Any] = said
    return found


def brought(city: City, receipt: str) -> tuple[int, dict[str, Any]]:
    status, case = call(city.port, "POST", "/v1/receipts", {"receipt": receipt})
    return status, case


@pytest.mark.slow
@pytest.mark.figure("R18")
def test_operators_restore_a_copy_made_under_load_and_citizens_read_what_is_going_on(
    tmp_path: Path, figure: Figure
) -> None:
    with simulators(tmp_path, NAMES) as agencies:
        city = City(tmp_path, registry_for_fire(tmp_path), agencies, 5)
        try:
            city.start()
            assert "quarantine" not in ready(city)
            away(city, gone=True)  # what is held in the copy and sent after it is what has to be found out
            copied_under_load(city, tmp_path / "copy")
            away(city, gone=False)
            until_filed(city, len(city.promises))
            lost = [apply(city, nth) for nth in range(LOST)]
            until_filed(city, len(city.promises))
            for promise in lost:
                wait_for(lambda promise=promise: city.case(promise)["legs"][0]["effect"] == "done")
            receipts = [receipt_of(city, promise) for promise in lost]
            held_by_agencies = filed(city)
            assert city.stop() == 0

            said = told(command(city, "restore", str(tmp_path / "copy")))
            assert "GET /readyz and `aggregator restore --status`" in said, "the command says what comes next"
            away(city, gone=True)
            city.start()
            newcomer = finding_out(city, lost)
            away(city, gone=False)
            wait_for(lambda: "quarantine" not in ready(city), 120)
            for promise, receipt in zip(lost, receipts, strict=True):
                brought_back(city, promise, receipt)
            wait_for(lambda: city.case(newcomer)["legs"][0]["effect"] == "done", 60)
            assert filed(city) == held_by_agencies + 1, "the newcomer's application, and nobody's twice"
            figure.measured(
                f"as operators do it: {held_by_agencies} filed, copied under load, {LOST} cases lost with the copy and "
                "brought back by their receipts; 0 doubled",
                seeds="5",
            )
        finally:
            city.kill()


def finding_out(city: City, lost: list[Promise]) -> Promise:
    """What everybody reads while the city does not know yet what was sent; who applies now."""
    quarantine = ready(city)["quarantine"]
    assert quarantine["reason"] == "declared", quarantine
    looked = command(city, "doctor")
    assert "requests to be found out before anything is sent" in looked.stdout, looked.stdout
    for promise in lost:
        assert call(city.port, "GET", f"/v1/cases/{promise.case_id}")[0] == 404
    newcomer = apply(city, 0)
    wait_for(lambda: city.case(newcomer)["status"] != "ACCEPTED")
    for _ in range(100):  # over several rounds of the quarantine: none of them forgets for a moment what it knows
        case = city.case(newcomer)
        leg = case["legs"][0]
        assert (case["status"], leg["being_checked"]) == ("HELD", True), json.dumps(case, indent=1)
        assert leg["explanation"]
    return newcomer


def brought_back(city: City, promise: Promise, receipt: str) -> None:
    status, case = brought(city, receipt)
    assert status in {200, 201}, case  # 200: its agency's list told of it before its citizen came
    assert case["number"] == promise.number, "the number counts from the day it was given"
    wait_for(lambda: city.case(promise)["legs"][0]["effect"] == "done", 60)
