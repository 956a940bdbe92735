"""kill -9 at every named point and at random: no application lost, none filed twice (figures: R1)."""

import asyncio
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from agencies import HERE, ROOT, SIMULATORS, TWO, call, registry_for_fire, simulators
from figures import Figure, sized
from harness import FORMS, MIX, City
from patience import seen, wait_for
from verdicts import Verdict, judge

POINTS = [
    "before_t1", "after_t1", "before_the_202", "before_t2", "after_t2", "before_the_write", "mid_body",
    "after_the_last_byte", "first_answer_byte",
    "before_t3", "after_t3", "before_a_look", "after_a_look", "after_absent_once", "after_absent", "before_the_resend",
    "boot_after_lock", "boot_after_epoch", "boot_inside_sweep",
]  # fmt: skip
INBOX = ["before_the_inbox_commit", "after_the_inbox_commit", "before_the_merge", "after_the_merge"]
LOST = {"after_absent_once", "after_absent", "before_the_resend"}
"""Points that are passed only when an application got lost on the way and its absence is proved."""


def storm(  # noqa: PLR0917 - the measures of one storm
    folder: Path,
    points: list[str],
    submissions: int,
    seed: int,
    random_kills: int = 0,
    database: str = "",
    names: Iterable[str] = TWO,
) -> tuple[City, Verdict]:
    """Submissions spread over the points; the server dies at each, comes back, and everything is drained at the end."""
    with simulators(folder, names) as agencies:
        city = City(folder, registry_for_fire(folder), agencies, seed, database)
        try:
            return city, under_fire(city, points, submissions, random_kills)
        finally:
            city.kill()


def under_fire(city: City, points: list[str], submissions: int, random_kills: int) -> Verdict:
    city.start()
    share = max(1, submissions // (len(points) + random_kills))
    for agency in city.agencies:
        first = city.wish()
        first.agency, first.mobile = agency, "9000000000"
        wait_for(lambda first=first: city.submit(first))  # the control record of later look-ups
    time.sleep(0.3)
    city.kill()
    for point in points:
        die_at(city, point, share)
    for _ in range(random_kills):
        die_somewhere(city, share)
    while len(city.promises) < submissions:
        city.wish()
    city.start()
    deliver_promises(city)
    cases = city.drain(150.0)
    verdict = judge(city, cases)
    assert city.stop() == 0
    return verdict


def die_at(city: City, point: str, share: int) -> None:
    """Runs until the server has killed itself at the point; a point that is not reached ends in an ordinary kill."""
    if point == "boot_inside_sweep":
        city.start("after_t2")
        knock(city, share)
    if point in LOST:
        lost = city.wish()
        lost.agency, lost.mobile = "passport", "9000000600"
    city.start(point)
    if city.process is None or knock(city, share):
        city.reached.add(point)


def knock(city: City, share: int) -> bool:
    """Citizens come until the server is dead; whether it died by itself."""
    mine = [promise for promise in city.promises if not promise.number] + [city.wish() for _ in range(share)]
    until = time.monotonic() + 20.0
    while city.alive() and time.monotonic() < until:
        for promise in mine:
            if city.alive() and not promise.number:
                city.submit(promise)
        time.sleep(0.05)
    died = not city.alive()
    if died:
        city.buried()
    else:
        city.kill()
    return died


def die_somewhere(city: City, share: int) -> None:
    city.start()
    for promise in [city.wish() for _ in range(share)]:
        city.submit(promise)
    if "bscl" in city.agencies:
        city.enquire()
        taken_back(city)
    time.sleep(city.random.random() * 0.6)
    city.kill()


def taken_back(city: City) -> None:
    """A citizen in three takes a parking pass back: an idempotent operation, under the same faults."""
    mine = [one for one in city.promises if one.agency == "bscl" and one.case_id and int(one.key[4:]) % 3 == 1]
    for promise in [one for one in mine if one.withdrawal != "answered"][:2]:
        city.withdraw(promise)


def deliver_promises(city: City) -> None:
    until = time.monotonic() + 60.0
    waiting = [promise for promise in city.promises if not promise.number]
    while waiting and time.monotonic() < until:
        waiting = [promise for promise in waiting if not city.submit(promise)]
        time.sleep(0.2)
    for promise in city.promises:
        while promise.withdrawal == "asked" and time.monotonic() < until:
            city.withdraw(promise)
            time.sleep(0.1)
    assert not waiting, "a portal that repeats its key is answered after the restart"


def naive(folder: Path, submissions: int, kills: int, seed: int) -> int:
    """How many applications the naive client filed more than once."""
    chance = random.Random(seed)
    form = FORMS["passport"][1]
    orders = [
        {"reference": f"NAIVE-{n}", "form": {**form, "mobile": "9000000" + chance.choice(MIX)}}
        for n in range(submissions)
    ]
    folder.mkdir(exist_ok=True)
    (folder / "orders").write_text("\n".join(map(json.dumps, orders)))
    with simulators(folder / "naive") as agencies:
        url = f"http://127.0.0.1:{agencies['passport'].port}"
        command = [sys.executable, str(HERE / "naive_client.py"), url, str(folder / "orders"), str(folder / "done")]
        for _ in range(kills):
            process = subprocess.Popen(command, cwd=ROOT)
            time.sleep(0.6 + chance.random() * 0.8)
            process.kill()
            process.wait()
        subprocess.run(command, cwd=ROOT, timeout=60, check=True)
        return sum(n > 1 for n in Counter(row["our_ref"] for row in agencies["passport"].filed()).values())


def test_the_naive_client_files_applications_twice_in_this_harness(tmp_path: Path) -> None:
    seen((doubled := naive(tmp_path, 20, 2, seed=7)) > 20 * 0.3, f"{doubled} of 20 were doubled")


def test_killed_at_two_points_nothing_is_lost_and_nothing_is_doubled(tmp_path: Path) -> None:
    points = ["after_t2", "before_t3"]
    city, verdict = storm(tmp_path, points, 6, seed=3)
    assert city.kills >= len(points)
    assert (verdict.lost, verdict.duplicated, verdict.unexplained) == (0, 0, 0)
    assert verdict.settled + verdict.explained == verdict.promised >= 6
    seen(city.reached == set(points), "a point that is never passed proves nothing")


@pytest.mark.slow
@pytest.mark.figure("R1")
def test_killed_at_every_point_and_at_random_before_five_agencies_nothing_is_lost_or_doubled(
    tmp_path: Path, figure: Figure
) -> None:
    doubled = naive(tmp_path / "naive", sized(60, 300), sized(4, 25), seed=7)
    seen(doubled > sized(60, 300) * 0.3, f"the naive one doubled {doubled}")
    figure.control(f"repeat until it says yes: {doubled} of {sized(60, 300)} filed twice or more")
    kills = sized(60, 300)
    city, verdict = storm(
        tmp_path, POINTS, sized(150, 3_600), seed=1, random_kills=kills - len(POINTS), names=SIMULATORS
    )
    stands(verdict)
    assert city.kills >= kills
    seen(set(POINTS) <= city.reached, f"points never passed: {set(POINTS) - city.reached}")
    seen(verdict.with_people > 0, "an opaque doubt must have happened")
    seen(any(one.withdrawal == "answered" for one in city.promises), "an idempotent operation must have happened")
    figure.measured(told(city, verdict), seeds="1")


@pytest.mark.slow
@pytest.mark.figure("R1", "on PostgreSQL")
async def test_killed_at_every_named_point_on_postgresql_nothing_is_lost_or_doubled(
    tmp_path: Path, postgres_url: str, figure: Figure
) -> None:
    submissions = sized(40, 600)
    city, verdict = await asyncio.to_thread(
        storm, tmp_path, POINTS, submissions, 3, sized(0, 60), postgres_url, SIMULATORS
    )
    stands(verdict)
    assert city.kills >= len(POINTS)
    assert verdict.promised >= submissions
    figure.measured(told(city, verdict), seeds="3")


@pytest.mark.slow
@pytest.mark.figure("R1", "around the inbox")
def test_killed_around_the_inbox_a_notice_is_merged_once_and_never_lost(tmp_path: Path, figure: Figure) -> None:
    with simulators(tmp_path, ["bscl"]) as agencies:
        city = City(tmp_path, registry_for_fire(tmp_path), agencies, seed=1, speed=1.0)
        try:
            promise = city.wish()
            promise.mobile = "9000000000"
            city.start()
            wait_for(lambda: city.submit(promise))
            wait_for(lambda: city.case(promise)["status"] == "SUBMITTED")
            city.kill()
            for point, word in zip(INBOX, ("ACKNOWLEDGED", "ASSIGNED", "IN_PROGRESS", "SCHEDULED"), strict=True):
                city.start(point)
                agencies["bscl"].tell(
                    "POST", "/advance", {"ref": agencies["bscl"].filed()[0]["agency_ref"], "to": word}
                )
                wait_for(lambda: not city.alive())
                city.buried()
                city.start()
                wait_for(lambda word=word: city.case(promise)["status"] == word)
                city.kill()
            city.start()
            events = call(city.port, "GET", f"/v1/cases/{promise.case_id}/events?limit=200")[1]["items"]
            told = [event["data"]["status"] for event in events if event["type"] == "case.status-changed"]
            assert city.stop() == 0
        finally:
            city.kill()
    assert told == list(dict.fromkeys(told)), "each word once"
    assert told[-4:] == ["ACKNOWLEDGED", "ASSIGNED", "IN_PROGRESS", "SCHEDULED"]
    figure.measured(f"{len(INBOX)} points, each notice told once, none lost")


def stands(verdict: Verdict) -> None:
    assert (verdict.lost, verdict.duplicated, verdict.unexplained, verdict.opaque_unseen) == (0, 0, 0, 0), verdict
    assert verdict.settled + verdict.explained == verdict.promised


def told(city: City, verdict: Verdict) -> str:
    slowest = sorted(city.restarts_s)[int(len(city.restarts_s) * 0.99)]
    return (
        f"{city.kills} kills, {len(city.reached)} points, {verdict.promised} submissions: {verdict.lost} lost, "
        f"{verdict.duplicated} doubled, {verdict.settled} settled ({verdict.with_people} with people), "
        f"{verdict.explained} explained, 0 unexplained; serving again p99 {slowest:.1f} s, interpreter start included"
    )
