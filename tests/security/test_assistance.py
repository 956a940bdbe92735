"""A counter acts for a citizen with the citizen's code: bounded, written down, seen by the citizen, over at once.

Controls: a token remembered for a minute goes on acting after the withdrawal; with the tasks' bounds taken out an
assistant reaches what is the citizen's alone; a record that is only noted is missing when the act is done.
"""

from dataclasses import replace

import pytest
from api_citizens import DEVICE, later, logged_in
from api_town import GOOD_FORM, Town, running_town
from test_authorisation_matrix import verdicts

from aggregator.api import auth
from aggregator.api.matrix import ASSISTANT, allowed
from aggregator.api.table import TABLE
from aggregator.citizens.accesses import Accesses, Look
from aggregator.citizens.assistance import AT_A_COUNTER
from aggregator.citizens.pairwise import Pairwise
from aggregator.citizens.rights import CITIZEN_SCOPES, KINDS
from aggregator.sdk.clock import SystemChance
from aggregator.store import StoreUnavailable

ASHA = "9000000042"
STAFF = "counter-4/117"


@pytest.fixture
async def city(sqlite_store, tmp_path):
    """A town with a service centre."""
    async with running_town(sqlite_store, keys=tmp_path / "keys") as running:
        await opened(running)
        yield running


@pytest.fixture
async def both_cities(store, tmp_path):
    """On each engine."""
    async with running_town(store, keys=tmp_path / "keys") as running:
        await opened(running)
        yield running


async def opened(town: Town) -> None:
    scopes = KINDS["COUNTER"]
    seba = await town.parts.portals.add("Mo Seba Kendra", contact="a@seba.example", scopes=scopes, kind="COUNTER")
    town.secrets["seba"] = seba
    town.tokens["seba"] = (await town.token("seba")).json["access_token"]


async def asked(town, *tasks, mobile=ASHA, **more):
    body = {"mobile": mobile, "device": DEVICE, "assistant": STAFF, "tasks": tasks or ["APPLY"], **more}
    return await town.ask("POST", "/assistances", portal="seba", json=body)


async def given(town, assistance_id, code=""):
    body = {"code": code or town.codes.code(f"+91{ASHA}"), "device": DEVICE}
    return await town.ask("POST", f"/assistances/{assistance_id}/verifications", portal="seba", json=body)


async def assisted(town, *tasks, **more):
    """An assistance the citizen agreed to; its token is `helper`."""
    began = (await asked(town, *tasks, **more)).json
    got = await given(town, began["assistance_id"])
    assert got.status == 200, got.body
    town.tokens["helper"] = got.json["access_token"]
    return got.json


async def case_by(town, key="k-1"):
    body = {"service_id": "office.permit", "form": GOOD_FORM}
    return await town.ask("POST", "/cases", portal="helper", json=body, Idempotency_Key=key, Prefer="wait=5")


async def looks_of(town):
    return (await town.ask("GET", "/citizens/me/access-records", portal=ASHA)).json["items"]


async def test_the_code_says_to_whom_and_what_for_and_what_was_done_stands_in_the_citizens_record(both_cities):
    city = both_cities
    began = await asked(city, "APPLY", "FOLLOW")
    assert (began.status, began.json["state"]) == (201, "WAITING"), began.body
    message = city.codes.sent[-1].text
    assert "Mo Seba Kendra" in message
    assert "apply for something, look up how your cases stand" in message
    got = (await given(city, began.json["assistance_id"])).json
    city.tokens["helper"] = got["access_token"]
    assert "Mo Seba Kendra acts for you until" in city.codes.sent[-1].text
    case = await case_by(city)
    assert case.status == 201, case.body

    await logged_in(city, ASHA)
    [seen] = (await city.ask("GET", "/citizens/me/assistances", portal=ASHA)).json["items"]
    assert (seen["holds"], seen["tasks"], seen["assistant"]) == (True, ["APPLY", "FOLLOW"], got["assistant"])
    lines = [one for one in await looks_of(city) if one["by_whom"] == "ASSISTANT"]
    assert [(one["what"], one["purpose"], one["assistant"], one["consent_id"]) for one in lines] == [
        ("OPEN_CASE", "ASSISTANCE", got["assistant"], got["consent_id"])
    ]
    told = (await city.ask("GET", f"/cases/{case.json['id']}/events", portal="helper")).json["items"]
    [act] = [one for one in told if one["type"] == "assistance.acted"]
    assert act["data"] == {"assistance": got["assistance_id"], "assistant": got["assistant"], "act": "OPEN_CASE"}
    assert act["text"] == "Done by an assistant, for the citizen and with the citizen's code."


@pytest.mark.parametrize("way", ["assistance", "consent", "counter", "log-out"])
async def test_when_the_citizen_says_so_the_counter_is_out_within_five_seconds(city, way):
    got = await assisted(city)
    assert (await case_by(city)).status == 201
    here = await logged_in(city, ASHA)
    path, portal = {
        "assistance": (f"/citizens/me/assistances/{got['assistance_id']}", ASHA),
        "consent": (f"/citizens/me/consents/{got['consent_id']}", ASHA),
        "counter": (f"/assistances/{got['assistance_id']}", "seba"),
        "log-out": (f"/sessions/{here['session_id']}?all=true", ASHA),
    }[way]
    assert (await city.ask("DELETE", path, portal=portal)).status == 204
    city.clock.push(5.1)
    refused = await case_by(city, key="k-2")
    assert (refused.status, refused.json["code"]) == (401, "not-authenticated")
    assert len(await city.store.read("select id from cases")) == 1


async def test_the_control_a_token_remembered_for_a_minute_goes_on_acting(city, monkeypatch):
    monkeypatch.setattr(auth, "REMEMBERED_S", 60.0)
    got = await assisted(city)
    assert (await case_by(city)).status == 201
    await logged_in(city, ASHA)
    await city.ask("DELETE", f"/citizens/me/assistances/{got['assistance_id']}", portal=ASHA)
    city.clock.push(5.1)
    assert (await case_by(city, key="k-2")).status == 201


async def test_it_ends_by_itself_and_nothing_makes_it_longer(city):
    got = await assisted(city, minutes=10)
    assert "refresh_token" not in got
    assert got["expires_in"] == 600
    await later(city, 601)
    assert (await case_by(city)).status == 401
    await logged_in(city, ASHA)
    [seen] = (await city.ask("GET", "/citizens/me/assistances", portal=ASHA)).json["items"]
    assert (seen["holds"], "This ended" in seen["explanation"]) == (False, True)


async def test_the_code_opens_no_log_in_and_a_session_without_its_consent_nothing(city):
    """The code of an assistance is worth an assistance, whichever door it is brought to."""
    scopes = KINDS["PORTAL"]
    city.secrets["seba"] = await city.parts.portals.add("Grand", contact="a@seba.example", scopes=scopes)
    city.tokens["seba"] = (await city.token("seba")).json["access_token"]
    began = (await asked(city)).json
    [row] = await city.store.read("select session_id from assistance")
    path = f"/sessions/{row['session_id']}/verifications"
    body = {"code": city.codes.code(f"+91{ASHA}"), "device": DEVICE}
    assert (await city.ask("POST", path, portal="seba", json=body)).status == 404
    got = (await given(city, began["assistance_id"])).json
    await city.store.write(lambda run: run("update assistance set consent_id = '', citizen_id = ''"))
    city.tokens["helper"] = got["access_token"]
    assert (await case_by(city)).status == 401


async def test_an_assistant_reaches_what_the_tasks_need_and_nothing_else(city):
    await assisted(city, *AT_A_COUNTER)
    got = await verdicts(city, city.tokens["helper"])
    assert got == {route.operation_id: allowed(route, ASSISTANT) for route in TABLE}
    assert not any(
        got[name] for name in ("changeCitizen", "giveConsent", "exportCitizen", "forgetCitizen", "endSession")
    )


async def test_the_control_without_the_bounds_of_the_tasks_an_assistant_reaches_what_is_the_citizens_alone(
    city, monkeypatch
):
    monkeypatch.setattr(auth, "rights_of", lambda _tasks: CITIZEN_SCOPES)
    monkeypatch.setattr("aggregator.api.assistances.rights_of", lambda _tasks: CITIZEN_SCOPES)
    await opened_wide(city)
    await assisted(city, "FOLLOW")
    got = await verdicts(city, city.tokens["helper"])
    assert got["openCase"]
    assert got["changeCitizen"]


async def opened_wide(town):
    """The same service centre with every right a portal can have."""
    wide = KINDS["PORTAL"]
    town.secrets["seba"] = await town.parts.portals.add("Mo Seba Kendra", contact="a@seba.example", scopes=wide)
    town.tokens["seba"] = (await town.token("seba")).json["access_token"]


async def test_one_task_does_not_give_what_another_needs(city):
    await assisted(city, "FOLLOW")
    assert (await case_by(city)).json["code"] == "insufficient-scope"
    assert (await city.ask("GET", "/citizens/me", portal="helper")).json["code"] == "insufficient-scope"
    assert (await city.ask("GET", "/cases", portal="helper")).status == 200


async def test_known_and_unknown_numbers_are_answered_alike_and_nobody_is_made_without_the_code(city):
    await logged_in(city, ASHA)
    known, unknown = await asked(city), await asked(city, mobile="9000000077")
    assert known.json.keys() == unknown.json.keys()
    assert known.json["explanation"] == unknown.json["explanation"]
    assert len(await city.store.read("select id from citizen")) == 1
    wrong = await given(city, known.json["assistance_id"], "000000")
    assert (wrong.status, wrong.json["code"]) == (409, "code-not-accepted")


async def test_another_portal_and_another_citizen_find_nothing_there(city):
    got = await assisted(city)
    await logged_in(city, "9000000043")
    for method, path, portal in (
        ("GET", f"/assistances/{got['assistance_id']}", "one"),
        ("DELETE", f"/assistances/{got['assistance_id']}", "one"),
        ("DELETE", f"/citizens/me/assistances/{got['assistance_id']}", "9000000043"),
    ):
        assert (await city.ask(method, path, portal=portal)).status in {403, 404}
    assert (await case_by(city)).status == 201


async def test_who_acts_is_a_pseudonym_and_what_the_portal_calls_them_is_kept_nowhere(city):
    first = await assisted(city)
    again = await assisted(city)
    assert first["assistant"] == again["assistant"] != STAFF
    await opened_wide(city)
    assert (await assisted(city))["assistant"] != first["assistant"]
    for rows in (await city.store.read("select * from assistance"), await city.store.read("select * from event")):
        assert STAFF not in str([dict(row) for row in rows])


class Deaf(Accesses):
    """A list of looks whose disk is full."""

    async def record(self, look: Look) -> None:
        raise StoreUnavailable("full")


class Noting(Accesses):
    """The control: notes what it should record."""

    async def record(self, look: Look) -> None:
        self.note(look)


@pytest.mark.parametrize(("kind", "status", "cases"), [(Deaf, 503, 0), (Noting, 201, 1)])
async def test_nothing_is_done_for_a_citizen_that_is_not_on_record_first(sqlite_store, tmp_path, kind, status, cases):
    async with running_town(sqlite_store, keys=tmp_path / "keys") as town:
        room = replace(
            town.parts.privacy, accesses=kind(sqlite_store, town.clock, SystemChance(), Pairwise(bytes(32)).of)
        )
    async with running_town(sqlite_store, privacy=room, keys=tmp_path / "keys") as town:
        await opened(town)
        await assisted(town)
        assert (await case_by(town)).status == status
        assert len(await town.store.read("select id from cases")) == cases
        assert await town.store.read("select id from access_record") == []


async def test_a_citizen_cannot_be_made_to_allow_assistance_without_a_code(city):
    await logged_in(city, ASHA)
    body = {"purpose": "ASSISTANCE", "until": "2099-01-01T00:00:00Z"}
    got = await city.ask("POST", "/citizens/me/consents", portal=ASHA, json=body)
    assert (got.status, got.json["errors"][0]["pointer"]) == (400, "/purpose")
