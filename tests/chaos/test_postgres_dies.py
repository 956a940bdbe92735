"""The database server dies under load (R15), and a replica that lost the last sends takes its place (R17)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from agencies import call, registry_for_fire, simulators
from cluster import Cluster
from figures import Figure, sized
from harness import City
from patience import wait_for, within
from test_kill import deliver_promises
from verdicts import judge

DEATHS = sized(4, 20)
PROMOTIONS = sized(2, 20)


@pytest.mark.slow
@pytest.mark.figure("R15", "the whole city")
def test_postgresql_killed_under_load_loses_and_doubles_nothing(
    tmp_path: Path, cluster: Cluster, figure: Figure
) -> None:
    slowest = 0.0
    with simulators(tmp_path) as agencies:
        city = City(tmp_path, registry_for_fire(tmp_path), agencies, seed=15, database=cluster.url)
        try:
            city.start()
            for _ in range(DEATHS):
                for _ in range(6):
                    city.submit(city.wish())
                cluster.kill()
                begun = time.monotonic()
                promise = city.wish()
                wait_for(lambda promise=promise: city.submit(promise))
                slowest = max(slowest, time.monotonic() - begun)
            wait_for(lambda: all(city.submit(one) for one in city.promises if not one.number), 30)
            deliver_promises(city)
            verdict = judge(city, city.drain(150.0))
            assert city.stop() == 0
        finally:
            city.kill()
    assert (verdict.lost, verdict.duplicated, verdict.unexplained) == (0, 0, 0), verdict
    within(slowest, 3.0, "serving again, s")
    figure.measured(
        f"{DEATHS} kills of the postmaster, {verdict.promised} submissions: 0 lost, 0 doubled; "
        f"serving again <= {slowest:.1f} s after it was back",
        seeds="15",
    )


@contextmanager
def failed_over(folder: Path, cluster: Cluster, *, without: str = "") -> Iterator[City]:
    """A city that goes on at a promoted replica, which has never heard of the last four of seven sends."""
    with simulators(folder, ["passport"]) as agencies:
        city = City(
            folder, registry_for_fire(folder), agencies, seed=17, database=cluster.database(f"city{folder.name}")
        )
        try:
            city.start(without=without)
            submit_well(city, 3)
            wait_for(lambda: len(agencies["passport"].filed()) == 3)
            agencies["passport"].pause()
            submit_well(city, 4)
            time.sleep(1.0)
            replica = cluster.copy()
            agencies["passport"].resume()
            wait_for(lambda: len(agencies["passport"].filed()) == 7, 60)
            time.sleep(0.5)
            cluster.die()
            cluster.promote(replica)
            yield city
        finally:
            city.kill()


def acted(city: City) -> int:
    return len(city.agencies["passport"].acted())


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def submit_well(city: City, count: int) -> None:
    for _ in range(count):
        promise = city.wish()
        promise.mobile = "9000000000"
        wait_for(lambda promise=promise: city.submit(promise))


@pytest.mark.slow
@pytest.mark.figure("R17")
def test_a_promoted_replica_that_lost_the_last_sends_sends_nothing_twice(
    tmp_path: Path, cluster: Cluster, figure: Figure
) -> None:
    for n in range(PROMOTIONS):
        with failed_over(made(tmp_path / f"r{n}"), cluster) as city:
            wait_for(lambda city=city: "quarantine" in (call(city.port, "GET", "/readyz")[1] or {}))
            said = call(city.port, "GET", "/readyz")[1]["quarantine"]["reason"]
            verdict = judge(city, city.drain(150.0))
            assert said in {"behind", "another_server"}
            assert (verdict.duplicated, verdict.unexplained, acted(city)) == (0, 0, 7), verdict
    figure.measured(
        f"{PROMOTIONS} promotions with 4 sends lost in each: quarantine every time while running, 0 doubled", seeds="17"
    )


@pytest.mark.slow
@pytest.mark.figure("R17")
def test_without_quarantine_a_promoted_replica_files_applications_twice(
    tmp_path: Path, cluster: Cluster, figure: Figure
) -> None:
    """Ends at the first one that is doubled: how many more would follow proves nothing more."""
    with failed_over(tmp_path, cluster, without="quarantine") as city:
        begun = time.monotonic()
        wait_for(lambda: acted(city) > 7, 30)
        took_s = time.monotonic() - begun
        figure.control(f"no quarantine: an application filed twice {took_s:.0f} s after the promotion")
