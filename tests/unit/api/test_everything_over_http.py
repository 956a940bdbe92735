"""What do I owe, and what do you hold of mine: one call over all links, one deadline, no error for a dead agency."""

import pytest
from api_town import CITIZEN, running_town

from aggregator.citizens.links import Link, LinksWhile, SandboxLinks

BILLS = f"/citizens/{CITIZEN}/bills"
EVERYTHING = f"/citizens/{CITIZEN}/enquiries"


async def test_what_is_owed_everywhere_is_one_line_per_bill_and_a_sum(town):
    town.office.dues = {"A1": "66400", "A2": "100"}
    got = await town.ask("GET", BILLS)
    assert got.status == 200
    assert [line["amount"] for line in got.json["lines"]] == [
        {"amount": "664.00", "currency": "INR"},
        {"amount": "1.00", "currency": "INR"},
    ]
    line = got.json["lines"][0]
    assert (line["service_id"], line["service_title"], line["agency"]) == ("office.dues", "Dues", "office")
    assert (line["result"], line["due_date"], line["stale"]) == ("VALUE", "2026-12-01", False)
    assert line["explanation"] == "The Office: 664.00 rupees are due by 2026-12-01."
    assert got.json["total"] == {"amount": "665.00", "currency": "INR"}
    assert got.json["complete"] is True
    assert got.headers["Cache-Control"] == "no-store"


async def test_nothing_due_is_a_line_that_says_so(town):
    got = (await town.ask("GET", BILLS)).json
    assert [line["result"] for line in got["lines"]] == ["VALUE", "ABSENT"]
    assert got["lines"][1]["explanation"] == "The Office: nothing is due."
    assert "amount" not in got["lines"][1]


async def test_a_dead_agency_is_the_last_good_answer_with_its_age_or_a_sentence_and_never_an_error(town):
    await town.ask("GET", BILLS)
    town.office.down = True
    town.clock.push(120)
    got = await town.ask("GET", BILLS, Prefer="wait=5")
    assert (got.status, got.headers["Preference-Applied"]) == (200, "wait=5")
    old, unknown = got.json["lines"]
    assert (old["result"], old["stale"], old["amount"]["amount"]) == ("VALUE", True, "664.00")
    assert "is not answering" in old["explanation"]
    assert (unknown["result"], "amount" in unknown) == ("UNAVAILABLE", False)
    assert got.json["complete"] is False
    assert got.json["explanation"].startswith("At least 664.00 rupees are due.")


async def test_everything_of_mine_asks_what_the_links_can_answer(town):
    got = await town.ask("POST", EVERYTHING, json={})
    assert got.status == 200
    [line] = got.json["lines"]
    assert (line["service_id"], line["result"], line["values"][0]["name"]) == ("office.bill", "VALUE", "amount_due")
    assert got.headers["Cache-Control"] == "no-store"
    other = await town.ask("POST", EVERYTHING, json={"agency": "police"})
    assert other.json["lines"] == []


async def test_a_citizen_without_links_owes_nothing_anybody_told_us_of(town):
    got = await town.ask("GET", "/citizens/ctz_sample00000000000002/bills")
    assert (got.json["lines"], got.json["total"]["amount"]) == ([], "0.00")
    assert "nobody was asked" in got.json["explanation"]


async def test_an_unknown_citizen_is_as_absent_as_anything_else(town):
    nobody = await town.ask("GET", "/citizens/ctz_nobody00000000000001/bills")
    nothing = await town.ask("GET", "/cases/case_01JCZ5QK8V9XW3T6R2M4N7P0AB")
    assert nobody.status == nothing.status == 404
    same = ("type", "title", "detail", "effect", "what_you_should_do")
    assert [nobody.json[name] for name in same] == [nothing.json[name] for name in same]


@pytest.mark.parametrize("name", ["ctz_UPPER0000000000001", "ctz_short", "9437012345", "ctz_" + "a" * 41])
async def test_what_is_no_citizen_s_id_leads_nowhere(town, name):
    assert (await town.ask("GET", f"/citizens/{name}/bills")).status == 404


async def test_one_citizen_s_answers_are_never_kept_for_another(sqlite_store):
    links = {"ctz_first0000000001": (Link("office", {"account": "A1"}),), "ctz_other0000000001": ()}
    async with running_town(sqlite_store, links=SandboxLinks(links)) as town:
        await town.ask("GET", "/citizens/ctz_first0000000001/bills")
        town.office.down = True
        again = (await town.ask("GET", "/citizens/ctz_first0000000001/bills", portal="two")).json
        assert again["lines"][0]["result"] == "UNAVAILABLE", "another portal's citizen is another citizen"


async def test_who_asks_more_than_the_agency_takes_is_told_whose_limit_it_is(town):
    answers = [await town.ask("GET", BILLS) for _ in range(60)]
    refused = [got for got in answers if got.status == 429]
    assert not refused or refused[0].json["code"] == "agency-budget-spent"


async def test_sample_citizens_do_not_stand_beside_a_live_agency():
    holds = [True]
    links = LinksWhile(SandboxLinks({CITIZEN: ()}), lambda: holds[0])
    assert links.of(CITIZEN) == ()
    holds[0] = False
    assert links.of(CITIZEN) is None
