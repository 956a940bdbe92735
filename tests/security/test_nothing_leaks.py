"""S10. What citizens type, and every secret given out, is in no log, error, metric, event, page or file.

A whole city at DEBUG is told of a citizen nobody else resembles, in every room and by every mistake, is killed, comes
back and is stopped; then everything it wrote is searched for that citizen in every dress. Excluded: the agencies' own
folders, for theirs it is, and the answers to the citizen's own questions. Controls: one body logged at DEBUG is found,
and so is every dress.
"""

import io
import logging
import subprocess
from dataclasses import replace

import pytest
from api_town import running_town
from canaries import Canaries, dresses, files_of
from running_city import city_at_debug
from talkative_city import Citizen, the_story

from aggregator.api.table import TABLE
from aggregator.ops import logs


@pytest.fixture
def log():
    """All logging at DEBUG, as the server renders it."""
    root, before = logging.getLogger(), (logging.getLogger().handlers[:], logging.getLogger().level)
    stream = io.StringIO()
    logs.configure(stream, level="DEBUG")
    yield stream
    root.handlers[:], root.level = before[0], before[1]
    root.setLevel(before[1])


@pytest.mark.figure("S10")
def test_the_control_a_canary_is_found_in_every_dress(figure):
    canaries, worn = Canaries(), 0
    canaries.codes.append("047193")
    for what, text in canaries.known.items():
        for dress, as_told in dresses(text):
            assert any(told.startswith(f"{what} ") for told in canaries.seen_in(b"..." + as_told + b"...")), dress
            worn += 1
    assert canaries.seen_in(b"code 047193.") == {"a code"}
    assert canaries.seen_in(b"digest 1a047193f, at 12:00:01.047193") == set()
    assert canaries.seen_in(b"nobody") == set()
    figure.control(f"{worn} of {worn} dresses of a canary found")


@pytest.mark.figure("S10")
async def test_the_control_one_body_logged_at_debug_is_found(sqlite_store, log, figure):
    async with running_town(sqlite_store) as town:
        canaries = Canaries()
        form = {"name": canaries.known["name"], "mobile": canaries.mobile()}
        await town.open(form=form)
        assert canaries.seen_in(log.getvalue().encode()) == set()
        logging.getLogger("aggregator.api").debug("request.body", extra={"body": form})
        assert {"name (as it is)", "mobile ..000 (as it is)"} <= canaries.seen_in(log.getvalue().encode())
    figure.control("one body logged at DEBUG: found")


async def test_a_crash_says_where_it_was_and_quotes_nobody(sqlite_store, log):
    canaries = Canaries()

    async def fall(call):
        raise ValueError(f"cannot read {canaries.known['name']} of {canaries.known['aadhaar']}")

    table = [replace(route, handle=fall) if route.operation_id == "checkServiceForm" else route for route in TABLE]
    async with running_town(sqlite_store, table=table) as town:
        got = await town.ask(
            "POST", "/services/office.permit/form-checks", json={"form": {"name": canaries.known["name"]}}
        )
    assert got.status == 500
    told = log.getvalue().encode()
    assert b"request.crashed" in told
    assert canaries.seen_in(told + got.body) == set()


@pytest.mark.slow
@pytest.mark.figure("S10")
def test_nothing_of_a_citizen_is_anywhere_outside_the_vault(tmp_path, figure):
    canaries = Canaries()
    with city_at_debug(tmp_path) as city:
        citizen = Citizen(city, canaries)
        the_story(citizen)
        city.die()
        dead = files_of([tmp_path], city.of_the_agencies())
        city.start()
        citizen.comes_back()
        others = citizen.what_others_are_told()
        commands = {words: told_by(city, words) for words in COMMANDS}
    assert citizen.done > 40, "a story that mostly failed proves nothing"
    places = {f"answer: {what}": told for what, told in (others | citizen.refusals).items()}
    places |= {f"aggregator {words}": told for words, told in commands.items()}
    places |= {f"killed: {where}": told for where, told in dead.items()}
    places |= files_of([tmp_path], city.of_the_agencies())
    leaks = {where: seen for where, told in places.items() if (seen := canaries.seen_in(told))}
    assert leaks == {}
    assert b"request" in b"".join(places.values())
    figure.measured(
        f"{len(canaries.known) + len(canaries.codes)} canaries in {len(list(dresses('x')))} dresses over "
        f"{citizen.done} requests, a kill and a restart: 0 in {len(places)} logs, files, answers and commands "
        f"({sum(map(len, places.values())) // 1_000_000} MB)"
    )


COMMANDS = (
    "cases list", "feed tail --once --lines 500", "worklist list", "portal list", "payments list",
    "search unanswered", "sandbox status", "doctor", "backup",
)  # fmt: skip


def told_by(city, words: str) -> bytes:
    ran = subprocess.run(
        city.command(*words.split()), env=city.env, capture_output=True, cwd=city.folder, timeout=300, check=False
    )
    return ran.stdout + ran.stderr
