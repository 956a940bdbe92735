"""A backup put back while the agencies hold newer effects: nothing is sent twice, every newer record is found (R18).

The naive restore (the same copy, no quarantine) is the control: the same rows look READY and are sent again.
"""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from agencies import ROOT, registry_for_fire, simulators
from figures import Figure, sized
from harness import City
from patience import wait_for
from test_kill import deliver_promises
from verdicts import Verdict, judge

NAMES = ("passport", "bscl", "bmc", "tpcodl_portal")
BEFORE, AFTER = sized(6, 40), sized(10, 60)


@dataclass(frozen=True)
class After:
    """What a restore came to. `filed`: effects in the agencies' own books."""

    cases: list[dict[str, Any]]
    verdict: Verdict
    filed: int


def command(city: City, *words: str) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        "AGGREGATOR_DATA": str(city.folder / "data"),
        "AGGREGATOR_REGISTRY": str(city.registry),
        "FAST_BORN": str(city.born),
    }
    if city.database:
        env["AGGREGATOR_DATABASE"] = city.database
    return subprocess.run(
        [sys.executable, "-m", "aggregator.cli", *words], env=env, cwd=ROOT, capture_output=True, text=True, check=False
    )


def told(ran: subprocess.CompletedProcess[str]) -> str:
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def well(city: City, count: int) -> None:
    """Citizens whose applications meet no fault; held where the agency is away."""
    for n in range(count):
        promise = city.wish()
        promise.agency, promise.mobile = sorted(city.agencies)[n % len(city.agencies)], "9000000000"
        wait_for(lambda promise=promise: city.submit(promise))


def away(city: City, *, gone: bool) -> None:
    """Every agency refuses connections, or is back with its ledger."""
    for simulator in city.agencies.values():
        if gone:
            simulator.pause()
        else:
            simulator.resume()


def filed(city: City) -> int:
    return sum(len(simulator.filed()) for simulator in city.agencies.values())


def until_filed(city: City, count: int) -> None:
    wait_for(lambda: filed(city) >= count, 60)


def restored(folder: Path, *, quarantine: str, database: str = "", seed: int = 5) -> After:
    """A city whose held applications were sent after its backup was made, with that backup put back.

    `quarantine`: "by the mark" (the copy is put back by hand), "declared" (by the command; the mark was rolled back
    too), or "none", the naive one.
    """
    with simulators(folder, NAMES) as agencies:
        city = City(folder, registry_for_fire(folder), agencies, seed, database)
        try:
            city.start()
            well(city, len(NAMES))
            until_filed(city, len(NAMES))
            mark = (folder / "data.mark").read_bytes()
            away(city, gone=True)
            well(city, BEFORE)
            told(command(city, "backup", str(folder / "copy")))
            away(city, gone=False)
            until_filed(city, len(NAMES) + BEFORE)
            time.sleep(0.5)
            lost = len(city.promises)
            well(city, AFTER)
            until_filed(city, len(NAMES) + BEFORE + AFTER)
            assert city.stop() == 0
            put_back(city, quarantine, mark)
            del city.promises[lost:]
            begun = time.monotonic()
            city.start(without="quarantine" if quarantine == "none" else "")
            city.restarts_s.append(time.monotonic() - begun)
            return settled(city)
        finally:
            city.kill()


def put_back(city: City, quarantine: str, mark: bytes) -> None:
    data = city.folder / "data"
    if quarantine == "declared":
        (city.folder / "data.mark").write_bytes(mark)
        told(command(city, "restore", str(city.folder / "copy")))
        return
    for ending in ("-wal", "-shm"):
        (data / f"aggregator.db{ending}").unlink(missing_ok=True)
    shutil.copy(city.folder / "copy", data / "aggregator.db")


def settled(city: City) -> After:
    deliver_promises(city)
    cases = city.drain(150.0)
    return After(cases, judge(city, cases), filed(city))


@pytest.mark.slow
@pytest.mark.figure("R18")
@pytest.mark.parametrize("quarantine", ["by the mark", "declared"])
def test_an_old_backup_put_back_sends_nothing_twice_and_finds_what_the_agencies_hold(
    tmp_path: Path, figure: Figure, quarantine: str
) -> None:
    after = restored(tmp_path, quarantine=quarantine)
    verdict = after.verdict
    newer = BEFORE
    assert verdict.duplicated == 0, verdict
    assert after.filed == len(NAMES) + BEFORE + AFTER, "nothing was sent after the restore"
    assert verdict.unexplained == 0
    found = sum(case["legs"][0]["effect"] == "done" for case in after.cases)
    assert found + verdict.with_people == len(after.cases), "every newer record is adopted, or lies with a person"
    figure.measured(
        f"{quarantine}: {newer} sent after the copy, {AFTER} more cases lost with it; 0 doubled, "
        f"{found} of {len(after.cases)} found at the agency, {verdict.with_people} with people",
        seeds="5",
    )


@pytest.mark.slow
@pytest.mark.figure("R18")
def test_the_naive_restore_files_applications_twice(tmp_path: Path, figure: Figure) -> None:
    after = restored(tmp_path, quarantine="none")
    assert after.filed > len(NAMES) + BEFORE + AFTER or after.verdict.duplicated > 0
    figure.control(f"restore without quarantine: {after.verdict.duplicated} of {BEFORE} filed twice")
