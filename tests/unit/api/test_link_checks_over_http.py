"""A link is proved by the agency's own second factor; only yes or no leaves, and silence is never a no."""

from dataclasses import replace

import pytest
from api_town import GENEROUS, running_town

from aggregator.api.limits import Quota

PATH = "/services/office.proof/link-checks"
RIGHT = {"account": "A1", "mobile": "9000000000"}
WRONG = {"account": "A1", "mobile": "9000000001"}


async def test_a_record_with_its_second_factor_is_verified_and_nothing_else_is_told(town):
    got = await town.ask("POST", PATH, json={"form": RIGHT})
    assert got.status == 200
    assert got.json == {
        "service_id": "office.proof",
        "agency": "office",
        "verified": True,
        "explanation": "The Office knows this record with these details.",
    }
    assert b"66400" not in got.body


async def test_a_wrong_second_factor_and_no_such_record_are_the_same_no(town):
    wrong = await town.ask("POST", PATH, json={"form": WRONG})
    nothing = await town.ask("POST", PATH, json={"form": RIGHT | {"account": "A9"}})
    assert (wrong.status, wrong.json["verified"]) == (200, False)
    assert wrong.body == nothing.body


async def test_an_agency_that_is_away_proves_nothing_whatever_it_said_before(town):
    assert (await town.ask("POST", PATH, json={"form": RIGHT})).json["verified"] is True
    town.office.down = True
    got = await town.ask("POST", PATH, json={"form": RIGHT}, Prefer="wait=1")
    assert (got.status, got.json["code"]) == (503, "agency-unavailable")


@pytest.mark.parametrize(("service", "why"), [("office.dues", "proves nothing"), ("office.permit", "applied for")])
async def test_what_proves_nothing_is_refused(town, service, why):
    got = await town.ask("POST", f"/services/{service}/link-checks", json={"form": {"account": "A1"}})
    assert (got.status, got.json["code"]) == (409, "action-not-possible")
    assert why in got.json["detail"]


async def test_guessing_a_second_factor_is_given_up_on(sqlite_store):
    limits = replace(GENEROUS, misses=Quota("number-misses", 5, 3600))
    async with running_town(sqlite_store, limits=limits) as town:
        answers = [
            await town.ask("POST", PATH, json={"form": {"account": "A1", "mobile": f"900000{n:04d}"}})
            for n in range(1, 9)
        ]
        assert [got.status for got in answers] == [200] * 5 + [429] * 3
        assert (await town.ask("POST", PATH, portal="two", json={"form": RIGHT})).json["verified"] is True
