"""A nominee has nothing before the day, exactly the citizen's data rights after it, and nobody grants that alone.

Controls: with one name for a grant, an officer lets a nominee in alone; without the key beside the name one officer is
two; with the bounds of the routes taken out a nominee opens cases; a token remembered for a minute goes on acting after
the citizen has stopped it; words written into an event are found by the search that finds none.
"""

import asyncio
import json

import pytest
from api_citizens import confirmation, later, logged_in
from api_town import GOOD_FORM, running_town
from canaries import Canaries
from nominee_steps import (
    ASHA,
    DAY_S,
    PAPER,
    RAVI,
    accepted,
    acting,
    asked,
    days,
    decided,
    granted,
    in_force,
    named,
    officers,
    people,
)
from test_authorisation_matrix import verdicts
from test_not_yours_is_not_there import faceless

from aggregator.api import auth, nominee_desk
from aggregator.api.matrix import NOMINEE, allowed
from aggregator.api.table import TABLE
from aggregator.citizens import nominee_claims
from aggregator.citizens.nominee_claims import Officer

OWN, AS = "/citizens/me/nominations", "/citizens/me/nominators"
ABSENT = "nom_01JCZ5QK8V9XW3T6R2M4N7P0AB"
BINA = "9000000099"


@pytest.fixture
async def city(sqlite_store, tmp_path):
    async with running_town(sqlite_store, keys=tmp_path / "keys") as running:
        await people(running)
        await officers(running)
        yield running


@pytest.fixture
async def both_cities(store, tmp_path):
    """On each engine."""
    async with running_town(store, keys=tmp_path / "keys") as running:
        await people(running)
        await officers(running)
        yield running


async def waiting_claim(city):
    nomination_id = (await named(city)).json["nomination_id"]
    await accepted(city, nomination_id)
    return (await asked(city, nomination_id)).json["claim_id"]


@pytest.mark.figure("S2")
async def test_a_stranger_finds_another_s_nomination_as_little_as_one_that_is_none(city, figure):
    nomination_id = await in_force(city)
    await logged_in(city, BINA)
    tries = [
        ("GET", f"{OWN}/%s", None), ("POST", f"{OWN}/%s/withdrawals", {}), ("DELETE", f"{OWN}/%s/claims", None),
        ("POST", f"{AS}/%s/answers", {"accept": True}), ("POST", f"{AS}/%s/answers", {"accept": False}),
        ("POST", f"{AS}/%s/claims", PAPER), ("POST", f"{AS}/%s/sessions", {}),
    ]  # fmt: skip
    for method, path, body in tries:
        foreign, absent = [
            await city.ask(method, path % which, portal=BINA, json=body) for which in (nomination_id, ABSENT)
        ]
        assert foreign.status == 404, path
        assert faceless(foreign) == faceless(absent), path
    assert (await city.ask("GET", AS, portal=BINA)).json["items"] == []
    assert (await acting(city, nomination_id)).status == 201
    figure.measured(f"another's nomination in {len(tries)} places: the bytes of nobody's")


async def test_naming_a_known_and_an_unknown_number_is_the_same_and_makes_nobody(city):
    before = len(await city.store.read("select id from citizen"))
    known, unknown = await named(city), await named(city, mobile="9000000077")
    shape = [
        {**one.json, "nomination_id": "", "named_at": "", "answer_until": "", "mobile": ""} for one in (known, unknown)
    ]
    for one in shape:
        one["explanation"] = one["explanation"][:40]
    assert shape[0] == shape[1]
    assert [text.to for text in city.codes.sent if "named you" in text.text] == [f"+91{RAVI}", "+919000000077"]
    assert len(await city.store.read("select id from citizen")) == before


async def test_an_open_session_is_not_enough_and_a_fresh_number_waits_a_day(city):
    for path, portal, body in (
        (OWN, ASHA, {"name": "Ravi", "mobile": RAVI}),
        (
            OWN,
            ASHA,
            {
                "name": "Ravi",
                "mobile": RAVI,
                "confirmations": [await confirmation(city, RAVI, "CONFIRM", f"+91{RAVI}")],
            },
        ),
    ):
        got = await city.ask("POST", path, portal=portal, json=body)
        assert got.json["code"] == "confirmation-needed"
    nomination_id = (await named(city)).json["nomination_id"]
    got = await city.ask("POST", f"{AS}/{nomination_id}/answers", portal=RAVI, json={"accept": True})
    assert got.json["code"] == "confirmation-needed"
    await accepted(city, nomination_id)
    for what, body in (("claims", PAPER), ("sessions", {})):
        got = await city.ask("POST", f"{AS}/{nomination_id}/{what}", portal=RAVI, json=body)
        assert got.status == 409, what
    await logged_in(city, BINA)
    codes = [await confirmation(city, BINA, "CONFIRM", f"+91{BINA}")]
    codes.append(await confirmation(city, BINA, "NEW_MOBILE", "+919000000098", mobile="9000000098"))
    await named(city, mobile="9000000098")
    moved = {"mobile": "9000000098", "confirmations": codes}
    assert (await city.ask("PATCH", "/citizens/me", portal=BINA, json=moved, If_Match="*")).status == 200
    assert (await city.ask("GET", AS, portal=BINA)).json["items"] == []
    await later(city, DAY_S + 60)
    await logged_in(city, "9000000098")
    assert len((await city.ask("GET", AS, portal="9000000098")).json["items"]) == 1


async def test_after_acceptance_it_is_the_person_s_and_not_the_number_s(city):
    nomination_id = (await named(city)).json["nomination_id"]
    await accepted(city, nomination_id)
    gone = "update citizen set mobile_index = '' where id in (select nominee_id from nomination)"
    await city.store.write(lambda run: run(gone))
    await logged_in(city, RAVI, name="the number's next holder")
    assert (await city.ask("GET", AS, portal="the number's next holder")).json["items"] == []
    assert len((await city.ask("GET", AS, portal=RAVI)).json["items"]) == 1


@pytest.mark.figure("S20")
async def test_nobody_grants_alone_under_two_names_or_with_two_keys(both_cities, figure):
    city = both_cities
    claim_id = await waiting_claim(city)
    assert (await decided(city, claim_id, "first", "A. Sahu")).json["outcome"] == "PROPOSED"
    for by, name in (("first", "A. Sahu"), ("first", "B. Nayak"), ("second", "sahu a"), ("second", "A SAHU")):
        got = await decided(city, claim_id, by, name)
        assert (got.status, got.json["code"]) == (409, "action-not-possible"), (by, name)
    [row] = await city.store.read("select state, consent_id from nominee_claim")
    assert (row["state"], row["consent_id"]) == ("ASKED", "")
    both = await asyncio.gather(*(decided(city, claim_id, "second", "B. Nayak") for _ in range(4)))
    assert sorted(one.status for one in both) == [201, 409, 409, 409]
    assert len(await city.store.read("select id from consent where purpose = 'NOMINEE'")) == 1
    figure.measured("a nominee's grant by one officer under two names, or with two keys: refused each time")


@pytest.mark.figure("S20")
async def test_the_control_with_one_name_or_without_the_key_an_officer_lets_a_nominee_in_alone(
    city, monkeypatch, figure
):
    claim_id = await waiting_claim(city)
    with monkeypatch.context() as patched:
        patched.setattr(nominee_desk, "_officer", lambda _call, name: Officer(name, name))
        await decided(city, claim_id, "first", "A. Sahu")
        assert (await decided(city, claim_id, "first", "B. Nayak")).json["outcome"] == "GRANTED"
    monkeypatch.setitem(nominee_claims.NAMES, "GRANT", 1)
    assert (await city.ask("DELETE", f"{OWN}/{(await only(city))}/claims", portal=ASHA)).status == 204
    claim_id = (await asked(city, await only(city))).json["claim_id"]
    assert (await decided(city, claim_id, "first", "A. Sahu")).json["outcome"] == "GRANTED"
    figure.control("with one name for a grant, or names without keys, one officer grants")


async def only(city):
    [row] = await city.store.read("select id from nomination")
    return row["id"]


async def test_before_the_grant_and_before_its_time_nothing_is_shown(city):
    nomination_id = (await named(city)).json["nomination_id"]
    await accepted(city, nomination_id)
    await asked(city, nomination_id)
    assert (await acting(city, nomination_id)).status == 409
    [seen] = (await city.ask("GET", AS, portal=RAVI)).json["items"]
    assert seen.keys() == {"nomination_id", "named_by", "state", "named_at", "answer_until", "claim", "explanation"}
    assert seen["claim"].keys() == {"claim_id", "why", "phase", "asked_at", "explanation"}
    looks = (await city.ask("GET", "/citizens/me/access-records", portal=ASHA)).json["items"]
    assert {one["by_whom"] for one in looks} <= {"CITIZEN"}


async def test_a_nominee_reaches_the_rights_over_the_data_and_nothing_else(city):
    nomination_id = await in_force(city)
    await acting(city, nomination_id)
    got = await verdicts(city, city.tokens["nominee"])
    assert got == {route.operation_id: allowed(route, NOMINEE) for route in TABLE}
    assert {name for name, reached in got.items() if reached} == {
        "getCitizen", "changeCitizen", "listCitizenChanges", "exportCitizen", "listAccessRecords", "listConsents",
        "getConsent", "withdrawConsent", "forgetCitizen", "getErasure", "listAssistances", "takeEverythingAlong",
    }  # fmt: skip


async def test_the_control_without_the_bounds_a_nominee_opens_cases(city, monkeypatch):
    monkeypatch.setattr(auth, "rights_of", lambda _tasks: auth.CITIZEN_SCOPES)
    monkeypatch.setattr("aggregator.api.nominees.rights_of", lambda _tasks: auth.CITIZEN_SCOPES)
    monkeypatch.setattr("aggregator.api.dispatch.require_token_of", lambda *_, **__: None)
    nomination_id = await in_force(city)
    await acting(city, nomination_id)
    body = {"service_id": "office.permit", "form": GOOD_FORM}
    got = await city.ask("POST", "/cases", portal="nominee", json=body, Idempotency_Key="k", Prefer="wait=5")
    assert got.status == 201


@pytest.mark.parametrize("change", [{"mobile": "9000000098"}, {"email": "r@x.example"}, {"username": "ravi.das"}])
async def test_what_logs_in_is_not_a_nominee_s_to_change(city, change):
    await acting(city, await in_force(city))
    got = await city.ask("PATCH", "/citizens/me", portal="nominee", json=change, If_Match="*")
    assert (got.status, got.json["code"]) == (403, "wrong-token")


@pytest.mark.parametrize(("remembered_s", "status"), [(auth.REMEMBERED_S, 401), (60.0, 200)])
@pytest.mark.parametrize("way", ["stop", "consent"])
async def test_whoever_is_alive_stops_it_within_five_seconds(city, monkeypatch, remembered_s, status, way):
    """The control remembers a checked token for a minute."""
    monkeypatch.setattr(auth, "REMEMBERED_S", remembered_s)
    nomination_id = await in_force(city)
    await acting(city, nomination_id)
    assert (await city.ask("GET", "/citizens/me", portal="nominee")).status == 200
    [consent] = [
        one for one in (await city.ask("GET", "/citizens/me/consents", portal=ASHA)).json["items"] if one["holds"]
    ]
    path = f"{OWN}/{nomination_id}/claims" if way == "stop" else f"/citizens/me/consents/{consent['id']}"
    assert (await city.ask("DELETE", path, portal=ASHA)).status == 204
    city.clock.push(5.1)
    assert (await city.ask("GET", "/citizens/me", portal="nominee")).status == status
    if status == 401:
        assert (await acting(city, nomination_id)).status == 409


async def test_a_counter_cannot_ask_for_what_a_nominee_has(city):
    body = {"mobile": ASHA, "device": "device-of-this-citizen-01", "assistant": "counter-4", "tasks": ["RIGHTS"]}
    got = await city.ask("POST", "/assistances", portal="one", json=body)
    assert (got.status, got.json["errors"][0]["pointer"]) == (400, "/tasks")


@pytest.mark.figure("S10")
async def test_names_numbers_and_papers_are_in_no_column_event_or_log(city, caplog, figure):
    caplog.set_level("DEBUG")
    canaries = Canaries()
    paper = canaries.learn("paper", "ZQ-77310/ZYQQ")
    mobile = canaries.mobile("055")
    nomination_id = (await named(city, mobile=mobile, name=canaries.known["name"])).json["nomination_id"]
    await logged_in(city, mobile)
    await accepted(city, nomination_id, who=mobile)
    claim_id = (await asked(city, nomination_id, who=mobile, certificate_number=paper)).json["claim_id"]
    await decided(city, claim_id, "first", canaries.known["a decider's name"])
    await decided(city, claim_id, "second", "B. Nayak")
    await days(city, 3.1)
    await logged_in(city, mobile)
    assert (await acting(city, nomination_id, who=mobile)).status == 201
    assert (await city.ask("GET", "/citizens/me/export", portal="nominee")).status == 200
    kept = await everything(city)
    assert canaries.seen_in(kept + caplog.text.encode()) == set()
    assert canaries.seen_in((await city.ask("GET", "/feeds/all?timeout=0")).body) == set()
    await city.store.write(lambda run: run("update nomination set portal_id = $1", paper))
    assert canaries.seen_in(await everything(city)) >= {"paper (as it is)"}
    figure.measured("a nominee's name, number and paper in no column, event or log")


async def everything(city):
    tables = await city.store.read("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
    found = [[dict(row) for row in await city.store.read(f"select * from {one['name']}")] for one in tables]  # noqa: S608 - of the catalogue
    return json.dumps(found, default=str).encode()


async def test_a_use_that_cannot_be_recorded_does_not_happen(city, monkeypatch):
    from aggregator.store import StoreUnavailable  # noqa: PLC0415 - of this test alone

    await acting(city, await in_force(city))

    async def full(_look):
        raise StoreUnavailable("full")

    monkeypatch.setattr(city.parts.privacy.accesses, "record", full)
    assert (await city.ask("GET", "/citizens/me/export", portal="nominee")).status == 503


async def test_a_granted_claim_is_granted_once_and_one_that_is_stopped_never(city):
    _, claim_id = await granted(city)
    assert (await decided(city, claim_id, "first", "A. Sahu")).status == 409
    assert (await decided(city, claim_id, "first", "A. Sahu", "REFUSE")).status == 409
    assert (await decided(city, "ncl_01JCZ5QK8V9XW3T6R2M4N7P0AB", "first", "A. Sahu")).status == 404
