"""A citizen allows and withdraws, sees who looked, takes the data along, and is forgotten when asked."""

import re
from datetime import timedelta

import pytest
from api_citizens import later, logged_in
from api_town import running_town

from aggregator.citizens.erasure import _OWNED
from aggregator.store.migrate import packaged

ASHA = "9000000042"
PAST_NOTICE_S = 49 * 3600


@pytest.fixture
async def town(store, tmp_path):
    async with running_town(store, keys=tmp_path / "keys") as running:
        yield running


async def allow(town, **more):
    until = (town.clock.now() + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {"purpose": "ASK_AGENCIES", "agency": "office", "until": until, **more}
    return await town.ask("POST", "/citizens/me/consents", portal=ASHA, json=body)


async def test_a_consent_holds_until_it_is_withdrawn_and_says_so(town):
    await logged_in(town, ASHA)
    given = await allow(town)
    assert (given.status, given.json["holds"]) == (201, True)
    assert "ask agencies about you" in given.json["explanation"]
    paper = town.parts.signer.receipt(given.json["artefact"])
    assert (paper["jti"], paper["purpose"], paper["agency"]) == (given.json["id"], "ASK_AGENCIES", "office")
    path = f"/citizens/me/consents/{given.json['id']}"
    assert (await town.ask("DELETE", path, portal=ASHA)).status == 204
    now = (await town.ask("GET", path, portal=ASHA)).json
    assert (now["holds"], "artefact" in now, "withdrawn_at" in now) == (False, False, True)


async def test_a_consent_ends_by_itself(town):
    await logged_in(town, ASHA)
    until = (town.clock.now() + timedelta(seconds=90)).strftime("%Y-%m-%dT%H:%M:%SZ")
    await allow(town, until=until)
    town.clock.push(100)
    [one] = (await town.ask("GET", "/citizens/me/consents", portal=ASHA)).json["items"]
    assert (one["holds"], "ended" in one["explanation"]) == (False, True)


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"purpose": "SELL"}, "/purpose"),
        ({"agency": "nobody"}, "/agency"),
        ({"until": "2020-01-01T00:00:00Z"}, "/until"),
    ],
)
async def test_what_cannot_be_allowed_is_said_field_by_field(town, wrong, pointer):
    await logged_in(town, ASHA)
    got = await allow(town, **wrong)
    assert (got.status, [line["pointer"] for line in got.json["errors"]]) == (400, [pointer])


async def test_another_citizen_s_consents_are_not_there(town):
    await logged_in(town, ASHA)
    given = (await allow(town)).json
    await logged_in(town, "9000000043")
    path = f"/citizens/me/consents/{given['id']}"
    for method in ("GET", "DELETE"):
        assert (await town.ask(method, path, portal="9000000043")).status == 404
    assert (await town.ask("GET", path, portal=ASHA)).json["holds"]


async def test_the_citizen_sees_who_looked_and_a_look_repeated_is_one_line(town):
    await logged_in(town, ASHA)
    for _ in range(3):
        await town.ask("GET", "/citizens/me", portal=ASHA)
    looks = (await town.ask("GET", "/citizens/me/access-records", portal=ASHA)).json["items"]
    assert [(one["what"], one["by_whom"]) for one in looks] == [("PROFILE", "CITIZEN")]
    logged = await town.ask("GET", "/feeds/all")
    assert any(event["type"].endswith("access.recorded.v1") for event in logged.json)


async def test_everything_of_mine_comes_as_data(town):
    await logged_in(town, ASHA)
    await allow(town)
    got = await town.ask("GET", "/citizens/me/export", portal=ASHA)
    assert got.json["profile"]["mobile"] == f"+91{ASHA}"
    assert [one["purpose"] for one in got.json["consents"]] == ["ASK_AGENCIES"]
    assert got.json["citizen_id"].startswith("ctz_")


async def test_only_my_cases_come_along(town):
    name = (await logged_in(town, ASHA))["citizen_id"]
    other = (await logged_in(town, "9000000043"))["citizen_id"]
    mine = [(await town.open(f"k-{at}", citizen_id=name)).json["number"] for at in range(2)]
    await town.open("k-9", citizen_id=other)
    await town.open("k-10")
    got = await town.ask("GET", "/citizens/me/export", portal=ASHA)
    assert [one["number"] for one in got.json["cases"]] == mine[::-1]


async def test_forgetting_waits_for_its_notice_and_can_be_taken_back(town):
    await logged_in(town, ASHA)
    asked = await town.ask("DELETE", "/citizens/me", portal=ASHA)
    assert (asked.status, asked.json["held_by"]) == (202, [])
    assert "Until then you can take this back" in asked.json["explanation"]
    assert (await town.ask("DELETE", "/citizens/me/erasure", portal=ASHA)).status == 204
    town.clock.push(PAST_NOTICE_S)
    assert await town.parts.privacy.erasure.carry_out() == 0


async def test_a_forgotten_citizen_is_nobody_and_the_number_begins_anew(town):
    before = await logged_in(town, ASHA)
    await town.ask("PATCH", "/citizens/me", portal=ASHA, json={"name": "Asha Das"}, If_Match="*")
    await town.ask("DELETE", "/citizens/me", portal=ASHA)
    await later(town, PAST_NOTICE_S)
    assert await town.parts.privacy.erasure.carry_out() == 1
    assert (await town.ask("GET", "/citizens/me", portal=ASHA)).status in {401, 404}
    [row] = await town.store.read("select * from citizen")
    assert (row["state"], row["profile_sealed"], row["mobile_index"], row["number_sealed"]) == ("ERASED", "", "", "")
    again = await logged_in(town, ASHA)
    assert again["citizen_id"] != before["citizen_id"]


async def test_a_citizen_with_an_open_case_is_told_which_one_holds_it_up(town):
    name = (await logged_in(town, ASHA))["citizen_id"]
    case = (await town.open(citizen_id=name)).json
    asked = await town.ask("DELETE", "/citizens/me", portal=ASHA)
    assert asked.json["held_by"] == [case["number"]]
    await later(town, PAST_NOTICE_S)
    assert await town.parts.privacy.erasure.carry_out() == 0
    await town.store.write(lambda run: run("update cases set status = 'COMPLETED'"))
    assert await town.parts.privacy.erasure.carry_out() == 1
    [row] = await town.store.read("select citizen_id, form_sealed from cases")
    assert row["citizen_id"] == ""


async def test_every_table_that_names_a_citizen_is_thought_of_at_erasure(town):
    """A table that comes later and is forgotten there would keep somebody who asked to be forgotten."""
    naming = set()
    for step in packaged():
        for statement in step.statements:
            if statement.startswith("create table") and re.search(r"\bcitizen_id text", statement):
                naming.add(statement.split()[2])
    stays = {"cases", "payment", "access_record", "erasure"}  # emptied of the person, or the list of who looked
    assert naming - stays == set(_OWNED)


PROOF = {"service_id": "office.dues", "form": {"account": "A1"}, "amount": "664.00"}


async def test_a_portal_asks_without_the_citizen_only_as_long_as_it_is_allowed(town):
    name = (await logged_in(town, ASHA))["citizen_id"]
    linked = await town.ask("POST", "/citizens/me/links", portal=ASHA, json=PROOF)
    assert linked.json["state"] == "VERIFIED", linked.body
    path = f"/citizens/{name}/bills"
    assert (await town.ask("GET", path)).json["code"] == "consent-required"
    given = (await allow(town)).json
    got = await town.ask("GET", path)
    assert {line["amount"]["amount"] for line in got.json["lines"]} == {"664.00"}
    looks = (await town.ask("GET", "/citizens/me/access-records", portal=ASHA)).json["items"]
    assert [(one["what"], one["by_whom"], one["consent_id"]) for one in looks] == [("BILLS", "PORTAL", given["id"])]
    await town.ask("DELETE", f"/citizens/me/consents/{given['id']}", portal=ASHA)
    assert (await town.ask("GET", path)).json["code"] == "consent-required"
    assert (await town.ask("GET", path, portal="two")).status == 404
