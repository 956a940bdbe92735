"""Begun in a chat, gone on with at a counter: what was typed is kept sealed, and one question is asked at a time."""

from typing import Any

from api_citizens import logged_in
from api_town import CITIZEN, Town

from aggregator.discovery.drafts import Drafts

PERMIT = "/services/office.permit/drafts"


async def begun(town: Town, service: str = "office.permit", **body: Any) -> Any:
    got = await town.ask("POST", f"/services/{service}/drafts", json=body)
    assert got.status == 201, got.body
    return got.json


async def said(town: Town, draft: str, **turn: Any) -> Any:
    got = await town.ask("POST", f"{PERMIT}/{draft}/turns", json=turn, Accept_Language=turn.pop("language", "en"))
    assert got.status == 200, got.body
    return got.json


async def test_a_draft_may_be_wrong_and_says_what_is_still_missing(town: Town) -> None:
    draft = await begun(town, form={"mobile": "12"})
    assert not draft["complete"]
    assert {(one["pointer"], one["code"]) for one in draft["errors"]} == {
        ("/form/name", "required"), ("/form/mobile", "pattern"),
    }  # fmt: skip
    place = f"{PERMIT}/{draft['id']}"
    changed = await town.ask(
        "PATCH", place, json={"form": {"mobile": "9000000000", "name": "Test Citizen"}}, If_Match='"1"'
    )
    assert changed.json["complete"]
    assert (await town.ask("GET", place)).json["form"] == {"mobile": "9000000000", "name": "Test Citizen"}


async def test_two_phones_do_not_overwrite_each_other(town: Town) -> None:
    draft = await begun(town)
    place = f"{PERMIT}/{draft['id']}"
    first = await town.ask("PATCH", place, json={"form": {"name": "A"}}, If_Match='"1"')
    second = await town.ask("PATCH", place, json={"form": {"name": "B"}}, If_Match='"1"')
    assert (first.status, second.status) == (200, 412)
    assert (await town.ask("PATCH", place, json={"form": {}})).status == 428


async def test_a_draft_lies_sealed_is_nobody_elses_and_goes_by_itself(town: Town) -> None:
    draft = await begun(town, form={"name": "Ravi Kumar"})
    rows = await town.store.read("select * from draft")
    assert "Ravi" not in str(tuple(rows[0]))
    assert (await town.ask("GET", f"{PERMIT}/{draft['id']}", portal="two")).status == 404
    town.clock.push(31 * 86_400)
    assert (await town.ask("GET", f"{PERMIT}/{draft['id']}")).status in {401, 404}
    drafts: Drafts = town.parts.drafts
    assert await drafts.tidy() == 1
    assert await town.store.read("select id from draft") == []


async def test_a_citizens_links_fill_the_form_and_say_that_they_did(town: Town) -> None:
    draft = await begun(town, "office.bill", citizen_id=CITIZEN, prefilled=True)
    assert draft["form"] == {"consumer": "1234"}
    assert draft["filled_in"] == {"consumer": "LINK"}
    stranger = await begun(town, "office.bill", citizen_id="ctz_sample00000000000009", prefilled=True)
    assert stranger["form"] == {}


async def test_one_question_at_a_time_until_nothing_is_left_to_ask(town: Town) -> None:
    draft = (await begun(town))["id"]
    turn = await said(town, draft)
    assert (turn["question"]["field"], turn["question"]["position"], turn["question"]["count"]) == ("name", 1, 3)
    assert (await said(town, draft, language="or"))["question"]["title"] == "ନାମ"
    turn = await said(town, draft, step="ANSWER", answer="Test Citizen")
    assert turn["question"]["field"] == "mobile"
    wrong = await said(town, draft, step="ANSWER", answer="12")
    assert wrong["errors"][0]["detail"] == "Ten digits"
    assert wrong["question"]["field"] == "mobile"
    turn = await said(town, draft, step="ANSWER", answer="୯୦୦୦୦୦୦୦୦୦")
    assert turn["question"]["field"] == "remarks"
    done = await said(town, draft, step="PASS")
    assert done["done"]
    assert [(line["title"], line["shown"]) for line in done["summary"]] == [
        ("Name", "Test Citizen"), ("Mobile", "9000000000"), ("Remarks", "Not answered"),
    ]  # fmt: skip


async def test_going_back_asks_the_question_before_again(town: Town) -> None:
    draft = (await begun(town))["id"]
    await said(town, draft, step="ANSWER", answer="Tset Citizen")
    back = await said(town, draft, step="BACK")
    assert back["question"]["field"] == "name"
    assert (await said(town, draft, step="BACK"))["question"]["field"] == "name", "before the first there is nothing"
    turn = await said(town, draft, step="ANSWER", answer="Test Citizen")
    assert turn["question"]["field"] == "mobile"


async def test_what_is_needed_cannot_be_passed_over(town: Town) -> None:
    draft = (await begun(town))["id"]
    turn = await said(town, draft, step="PASS")
    assert (turn["question"]["field"], turn["errors"][0]["code"]) == ("name", "required")


async def test_an_erased_citizen_leaves_no_draft(town: Town) -> None:
    await begun(town, citizen_id=CITIZEN, form={"name": "Ravi"})
    assert await town.parts.drafts.erase(town.secrets["one"].portal_id, CITIZEN) == 1
    assert await town.store.read("select id from draft") == []


async def test_a_citizens_own_token_brings_the_profile_along_and_a_portals_does_not(town: Town) -> None:
    session = await logged_in(town, "9437000001")
    own = {"Authorization": f"Bearer {session['access_token']}"}
    got = await town.raw("POST", f"/v1{PERMIT}", json={"prefilled": True}, headers=own)
    assert got.status == 201, got.body
    assert got.json["form"] == {"mobile": "9437000001"}
    assert set(got.json["filled_in"].values()) == {"PROFILE"}
    portals = await begun(town, citizen_id=session["citizen_id"], prefilled=True)
    assert portals["form"] == {}
