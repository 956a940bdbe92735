"""The summary of a citizen: counted from the store over all agencies, never waiting for one, nobody else's in it."""

import asyncio

import pytest
from api_citizens import later, logged_in
from api_town import CITIZEN, GOOD_FORM

from aggregator.sdk.clock import SystemChance, new_id


@pytest.fixture
async def asha(both_towns):
    await logged_in(both_towns, "9000000000", name="asha")
    return both_towns


async def opened(town, key, portal="asha"):
    body = {"service_id": "office.permit", "form": GOOD_FORM}
    got = await town.ask("POST", "/cases", portal=portal, json=body, Idempotency_Key=key, Prefer="wait=5")
    assert got.status == 201, got.body
    return got.json


async def summary(town, portal="asha", citizen="me"):
    return await town.ask("GET", f"/citizens/{citizen}/summary", portal=portal)


async def becomes(town, case, status, agency=""):
    """As a poll would leave it; with an agency, its part there."""

    async def work(run):
        await run("update cases set status = $1 where id = $2", status, case["id"])
        await run("update leg set status = $1 where case_id = $2", status, case["id"])
        if agency:
            await run("update leg set agency = $1 where case_id = $2", agency, case["id"])

    await town.store.write(work)


async def test_cases_are_counted_by_status_and_by_agency(asha):
    nothing = (await summary(asha)).json
    assert (nothing["cases"], nothing["by_status"], nothing["agencies"]) == (0, [], [])
    cases = [await opened(asha, f"k-{at}") for at in range(5)]
    for case, status, agency in zip(
        cases,
        ("COMPLETED", "AWAITING_CITIZEN", "IN_PROGRESS", "IN_PROGRESS", "REJECTED"),
        ("", "", "", "water", "water"),
        strict=True,
    ):
        await becomes(asha, case, status, agency)
    got = (await summary(asha)).json
    assert (got["cases"], got["open"], got["waiting_for_citizen"]) == (5, 3, 1)
    assert [(line["status"], line["count"]) for line in got["by_status"]] == [
        ("IN_PROGRESS", 2), ("AWAITING_CITIZEN", 1), ("COMPLETED", 1), ("REJECTED", 1),
    ]  # fmt: skip
    assert [(line["agency"], line["parts"], line["open"]) for line in got["agencies"]] == [
        ("office", 3, 2), ("water", 2, 1),
    ]  # fmt: skip
    assert "1 wait for you" in got["explanation"]


async def test_an_agency_that_is_away_or_hangs_costs_nothing(asha):
    await opened(asha, "k")
    asha.office.down, asha.office.held = True, asyncio.Event()
    before = list(asha.office.asked)
    got = await summary(asha)
    assert (got.status, got.json["cases"]) == (200, 1)
    assert asha.office.asked == before


async def test_what_is_known_for_a_day_only_is_said_to_be_old(asha):
    case = await opened(asha, "k")
    await becomes(asha, case, "IN_PROGRESS")
    assert (await summary(asha)).json["agencies"][0]["stale"] is False
    await asha.store.write(lambda run: run("update leg set as_of_ms = as_of_ms - 100000000, checked_ms = null"))
    line = (await summary(asha)).json["agencies"][0]
    assert line["stale"] is True
    assert line["as_of"] < case["as_of"]


async def test_a_portal_sees_what_came_through_it_and_another_s_citizen_is_nobody(asha):
    mine = (await asha.ask("GET", "/citizens/me", portal="asha")).json["citizen_id"]
    await opened(asha, "k")
    assert (await summary(asha, portal="one", citizen=mine)).json["cases"] == 1
    await logged_in(asha, "9000000001", name="bina")
    nobody = f"ctz_{new_id('x', asha.clock, SystemChance())[2:].lower()}"
    for portal, citizen in (("bina", mine), ("two", mine), ("two", nobody), ("bina", nobody), ("one", "me")):
        assert (await summary(asha, portal=portal, citizen=citizen)).status == 404, (portal, citizen)
    assert (await summary(asha, portal="bina")).json["cases"] == 0


async def test_the_same_citizen_through_another_portal_has_other_counts_there(asha):
    await opened(asha, "k")
    await later(asha, 60)
    await logged_in(asha, "9000000000", portal="two", name="asha at two")
    assert (await summary(asha, portal="asha at two")).json["cases"] == 0


async def test_a_sample_citizen_has_a_summary_too(asha):
    await asha.open("s", citizen_id=CITIZEN)
    got = await summary(asha, portal="one", citizen=CITIZEN)
    assert (got.status, got.json["cases"], got.json["citizen_id"]) == (200, 1, CITIZEN)
