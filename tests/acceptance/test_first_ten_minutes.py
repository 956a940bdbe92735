"""The transcripts of docs/api.md section 15, as far as the city is built: what a portal developer sees first."""

import itertools
import json

import httpx
import pytest

from aggregator.cli.story import licence_form, passport_form
from aggregator.sdk.form import check_digit

numbers = itertools.count(1)
PATIENCE_S = 30


def key():
    return {"Idempotency-Key": f'"acceptance-{next(numbers)}"'}


def renewal(mobile="9000000000"):
    return {"service_id": "dl.renewal", "form": licence_form(mobile)}


def follow(portal, case_id, wanted):
    """The case once it is in one of the wanted states, by long poll."""
    got = portal.get(f"/cases/{case_id}")
    for _ in range(PATIENCE_S):
        if got.json()["status"] in wanted:
            return got.json()
        tag = {"If-None-Match": got.headers["etag"]}
        answer = portal.get(f"/cases/{case_id}", params={"wait": 5}, headers=tag)
        got = answer if answer.status_code == 200 else got
    pytest.fail(f"it never became {wanted}: {got.json()['status']}, {got.json()['explanation']}")


def control(city, agency):
    places = json.loads((city.data / "sandbox.json").read_text())
    return httpx.Client(base_url=places[agency]["control_url"], trust_env=False)


def test_a_portal_finds_a_service_and_its_form_in_its_own_language(portal):
    odia = {"Accept-Language": "or"}
    service = portal.get("/services/dl.renewal", headers=odia).json()
    assert service["title"] == "ଡ୍ରାଇଭିଂ ଲାଇସେନ୍ସ ନବୀକରଣ"
    assert service["time_limit"]["amount"] == 5
    english = portal.get("/services/dl.renewal/form").json()
    assert "schema" in json.dumps(english)


def test_an_application_has_its_number_at_once_and_ends_completed(portal, city):
    opened = portal.post("/cases", json=renewal(), headers=key() | {"Prefer": "wait=5"})
    assert opened.status_code in {201, 202}
    case = opened.json()
    assert len(case["number"].replace("-", "")) == 16
    assert opened.headers["location"].endswith(case["id"])

    sent = follow(portal, case["id"], {"SUBMITTED", "AWAITING_PAYMENT"})
    reference = sent["legs"][0]["reference"]
    with control(city, "rto") as office:
        assert office.post("/advance", json={"ref": reference, "to": "DLV"}).status_code == 200
    done = follow(portal, case["id"], {"COMPLETED"})
    assert done["legs"][0]["known_from"] == "AGENCY"
    assert done["legs"][0]["agency_code"] == "DLV"
    timeline = portal.get(f"/cases/{case['id']}/events").json()["items"]
    assert timeline[0]["at"] <= timeline[-1]["at"]
    assert all(event["text"] for event in timeline)


def test_the_same_request_again_gets_the_same_bytes(portal):
    once = key()
    first = portal.post("/cases", json=renewal(), headers=once)
    again = portal.post("/cases", json=renewal(), headers=once)
    assert again.content == first.content
    assert again.status_code == first.status_code
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers


def test_the_same_key_for_another_form_is_refused_without_effect(portal):
    once = key()
    portal.post("/cases", json=renewal(), headers=once)
    other = portal.post("/cases", json=renewal("9000000001"), headers=once)
    assert other.status_code == 422
    assert other.headers["content-type"] == "application/problem+json"
    assert other.json()["code"] == "idempotency-key-reused"
    assert other.json()["effect"] == "none"


def test_a_wrong_form_is_told_every_mistake_and_nothing_is_opened(portal):
    before = len(portal.get("/cases", params={"limit": 200}).json()["items"])
    wrong = portal.post(
        "/cases", json={"service_id": "dl.renewal", "form": {"mobile": "12", "colour": "red"}}, headers=key()
    )
    assert wrong.status_code == 400
    assert wrong.json()["effect"] == "none"
    assert len(wrong.json()["errors"]) >= 3
    assert len(portal.get("/cases", params={"limit": 200}).json()["items"]) == before


def test_an_agency_that_is_down_costs_a_citizen_nothing(portal, city):
    assert city.shell("sandbox", "stop", "rto").returncode == 0
    try:
        opened = portal.post("/cases", json=renewal(), headers=key())
        assert opened.status_code == 202
        held = follow(portal, opened.json()["id"], {"HELD"})
        assert held["effect"] == "none"
        assert "next_check_at" in held
        assert "they are not answering at the moment" in held["explanation"]
        assert "Your number is valid from now" in held["explanation"]
        hindi = portal.get(f"/cases/{held['id']}", headers={"Accept-Language": "hi"}).json()
        assert "वे अभी उत्तर नहीं दे रहे हैं" in hindi["explanation"]

        passport = {"service_id": "passport.fresh", "form": passport_form("9000000000")}
        other = portal.post("/cases", json=passport, headers=key() | {"Prefer": "wait=10"})
        assert other.status_code == 201
    finally:
        assert city.shell("sandbox", "start", "rto").returncode == 0
    assert follow(portal, held["id"], {"SUBMITTED", "AWAITING_PAYMENT"})["legs"][0]["reference"]


def test_a_silent_agency_is_settled_and_nothing_is_done_twice(portal, city):
    opened = portal.post("/cases", json=renewal("9000000408"), headers=key())
    assert opened.status_code == 202
    doubtful = follow(portal, opened.json()["id"], {"UNCONFIRMED"})
    assert doubtful["effect"] == "unknown"
    assert "Do not apply again" in doubtful["explanation"]
    settled = follow(portal, opened.json()["id"], {"SUBMITTED", "AWAITING_PAYMENT"})
    reference = settled["legs"][0]["reference"]

    ledger = city.shell("sandbox", "ledger", "rto")
    rows = [line.split() for line in ledger.stdout.splitlines() if reference in line]
    assert sum(int(row[-1]) for row in rows) == 1
    assert "duplicates 0" in ledger.stdout


def test_the_receipt_can_be_kept_and_the_number_tracked(portal):
    case = portal.post("/cases", json=renewal(), headers=key()).json()
    assert portal.get(f"/cases/{case['id']}/receipt").json()["receipt"].count(".") == 2
    tracked = portal.get(f"/track/{case['number']}").json()
    assert tracked["number"] == case["number"]
    assert "name" not in tracked
    nobody_s = "4" * 15 + check_digit("4" * 15)
    assert portal.get(f"/track/{nobody_s}").status_code == 404
    assert portal.get("/track/0000-0000-0000-0000").json()["code"] == "validation-failed"


def test_the_operations_centre_reads_everything_from_its_last_position(portal, city):
    batch = portal.get("/feeds/all", params={"limit": 5}).json()
    assert [event["specversion"] for event in batch] == ["1.0"] * 5
    more = portal.get("/feeds/all", params={"lastEventId": batch[2]["id"], "limit": 2}).json()
    assert [event["id"] for event in more] == [event["id"] for event in batch[3:5]]
    tail = city.shell("feed", "tail", "--once", "--lines", "3")
    assert tail.returncode == 0
    assert len(tail.stdout.splitlines()) == 3


def test_the_terminal_shows_what_the_portal_sees(portal, city):
    case = portal.post("/cases", json=renewal(), headers=key() | {"Prefer": "wait=5"}).json()
    listed = city.shell("cases", "list")
    assert case["number"] in listed.stdout
    shown = city.shell("cases", "show", case["number"])
    assert shown.returncode == 0
    assert case["legs"][0]["agency"] in shown.stdout
    missing = city.shell("cases", "show", "1111-1111-1111-1111")
    assert missing.returncode == 1
    assert "has no case" in missing.stderr
