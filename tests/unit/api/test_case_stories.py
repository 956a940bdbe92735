"""A citizen's case over HTTP: accepted once, honest about what is known, changed only where that is possible."""

import asyncio

import pytest
from api_town import GOOD_FORM


async def test_a_case_the_agency_takes_in_time_is_created_and_says_so(town):
    got = await town.open()
    assert got.status == 201
    case = got.json
    assert case["status"] == "SUBMITTED"
    assert got.headers["Location"] == f"/v1/cases/{case['id']}"
    assert got.headers["Preference-Applied"] == "wait=5"
    assert case["legs"][0]["reference"] == "N1"
    assert case["effect"] == "done"
    assert len(case["number"]) == 19


async def test_with_the_agency_down_the_case_is_accepted_and_held_with_the_next_try(town):
    town.office.down = True
    got = await town.open()
    assert got.status == 202
    assert got.json["status"] == "HELD"
    assert got.json["effect"] == "none"
    assert "We have not sent it to The Office yet" in got.json["explanation"]
    assert "next_check_at" in got.json
    assert int(got.headers["Retry-After"]) >= 1


async def test_a_lost_answer_says_not_to_apply_again(town):
    town.office.script = ["silence"]
    got = await town.open(Prefer="wait=1")
    assert got.status in {201, 202}
    assert got.json["status"] == "UNCONFIRMED"
    assert got.json["effect"] == "unknown"
    assert "Do not apply again" in got.json["explanation"]


async def test_a_refusal_is_a_case_and_not_an_error(town):
    town.office.script = ["refuse"]
    got = await town.open()
    assert got.status == 201
    assert got.json["status"] == "REJECTED"
    assert "said no" in got.json["explanation"]


async def test_the_words_are_in_the_asked_language(town):
    got = await town.open(Accept_Language="fr, or;q=0.9, en;q=0.1")
    assert got.headers["Content-Language"] == "or"
    assert got.json["legs"][0]["agency_title"] == "କାର୍ଯ୍ୟାଳୟ"
    assert "କାର୍ଯ୍ୟାଳୟ" in got.json["explanation"]


async def test_nobody_waits_longer_than_they_asked(town):
    town.office.held = asyncio.Event()
    got = await town.open(Prefer="respond-async")
    assert got.status == 202
    assert got.json["status"] == "ACCEPTED"
    town.office.held.set()


async def test_a_long_poll_answers_when_the_case_changes(town):
    town.office.held = asyncio.Event()
    opened = await town.open(Prefer="wait=0")
    path = f"/cases/{opened.json['id']}"
    for _ in range(50):
        seen = await town.ask("GET", path)
        if seen.json["effect"] == "unknown":
            break
        await asyncio.sleep(0.02)
    waiting = asyncio.create_task(town.ask("GET", path + "?wait=20", If_None_Match=seen.headers["ETag"]))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    town.office.held.set()
    got = await asyncio.wait_for(waiting, 5)
    assert got.status == 200
    assert got.json["status"] == "SUBMITTED"


async def test_a_long_poll_without_news_ends_as_not_modified(town):
    opened = await town.open()
    path = f"/cases/{opened.json['id']}"
    seen = await town.ask("GET", path)
    got = await town.ask("GET", path + "?wait=1", If_None_Match=seen.headers["ETag"])
    assert (got.status, got.body) == (304, b"")
    assert got.headers["ETag"] == seen.headers["ETag"]


async def test_another_language_is_another_representation(town):
    path = f"/cases/{(await town.open()).json['id']}"
    english = await town.ask("GET", path)
    hindi = await town.ask("GET", path, Accept_Language="hi", If_None_Match=english.headers["ETag"])
    assert hindi.status == 200
    assert english.headers["ETag"] != hindi.headers["ETag"]
    assert hindi.headers["Cache-Control"] == "no-store"


async def test_the_timeline_the_legs_and_a_verifiable_receipt_belong_to_a_case(town):
    case = (await town.open()).json
    events = (await town.ask("GET", case["links"]["events"].removeprefix("/v1"))).json["items"]
    assert events[0]["type"].startswith("case.")
    assert all(event["text"] for event in events)
    legs = (await town.ask("GET", case["links"]["legs"].removeprefix("/v1"))).json["items"]
    assert legs == case["legs"]
    receipt = (await town.ask("GET", case["links"]["receipt"].removeprefix("/v1"))).json
    assert town.parts.signer.receipt(receipt["receipt"])["number"] == case["number"]


async def test_cases_are_paged_by_signed_links_that_other_people_s_parsers_can_read(town):
    for n in range(5):
        await town.open(f"k-{n}")
    first = await town.ask("GET", "/cases?limit=2")
    assert len(first.json["items"]) == 2
    import requests.utils  # noqa: PLC0415 - somebody else's parser of Link

    [link] = requests.utils.parse_header_links(first.headers["Link"])
    assert link["rel"] == "next"
    assert link["url"] == first.json["next"]
    seen = [case["id"] for case in first.json["items"]]
    page = first
    while "next" in page.json:
        page = await town.raw("GET", page.json["next"].removeprefix(town.origin), headers=town.headers())
        seen += [case["id"] for case in page.json["items"]]
    assert len(seen) == len(set(seen)) == 5
    assert "Link" not in page.headers


async def test_a_held_case_can_be_withdrawn_and_a_second_time_changes_nothing(town):
    town.office.down = True
    case = (await town.open()).json
    assert case["actions"] == [{"action": "WITHDRAW", "title": "Withdraw"}]
    path = f"/cases/{case['id']}/actions"
    first = await town.ask("POST", path, json={"action": "WITHDRAW"}, Idempotency_Key="w-1")
    assert (first.status, first.json["status"]) == (200, "WITHDRAWN")
    again = await town.ask("POST", path, json={"action": "WITHDRAW"}, Idempotency_Key="w-1")
    assert (again.status, again.body) == (200, first.body)


async def test_what_the_agency_has_and_cannot_cancel_stays_and_the_reason_is_told(town):
    case = (await town.open()).json
    assert "offers no way" in case["actions"][0]["why_not"]
    path = f"/cases/{case['id']}/actions"
    got = await town.ask("POST", path, json={"action": "WITHDRAW"}, Idempotency_Key="w-1")
    assert (got.status, got.json["code"]) == (409, "action-not-possible")
    assert "The Office has it" in got.json["detail"]
    assert got.json["effect"] == "none"
    assert got.json["number"] == case["number"]


async def test_a_withdrawal_in_doubt_is_remembered_not_promised(town):
    town.office.script = ["silence"]
    case = (await town.open(Prefer="wait=1")).json
    path = f"/cases/{case['id']}/actions"
    got = await town.ask("POST", path, json={"action": "WITHDRAW"}, Idempotency_Key="w-1")
    assert got.status == 202
    assert got.json["status"] == "UNCONFIRMED"


async def test_a_tracking_number_shows_status_and_dates_and_nothing_of_the_person(town):
    case = (await town.open()).json
    for number in (case["number"], case["number"].replace("-", "")):
        got = await town.ask("GET", f"/track/{number}")
        assert got.status == 200
        assert got.json["status"] == "SUBMITTED"
        assert b"Test Citizen" not in got.body
        assert "legs" not in got.json
        assert '"number"' in got.headers["RateLimit"]


async def test_an_enquiry_answers_one_line_per_agency(town):
    got = await town.ask("POST", "/services/office.bill/enquiries", json={"form": {"consumer": "123456"}})
    assert got.status == 200
    [line] = got.json["lines"]
    assert (line["result"], line["agency"], line["stale"]) == ("VALUE", "office", False)
    assert line["values"] == [{"name": "amount_due", "label": "amount due", "value": "RCVD", "masked": False}]


async def test_a_dead_agency_is_a_line_of_an_enquiry_and_not_an_error(town):
    town.office.down = True
    got = await town.ask("POST", "/services/office.bill/enquiries", json={"form": {"consumer": "123456"}})
    assert got.status == 200
    assert got.json["lines"][0]["result"] == "UNAVAILABLE"
    assert "cannot be asked now" in got.json["lines"][0]["explanation"]


async def test_a_form_comes_without_a_dialect_and_in_the_language_asked(town):
    got = await town.ask("GET", "/services/office.permit/form", Accept_Language="hi")
    assert got.json["data_schema"]["properties"]["name"]["title"] == "नाम"
    assert "$schema" not in got.json["data_schema"]
    assert got.json["ui_schema"]["elements"][2]["options"] == {"multi": True}
    rjsf = await town.ask("GET", "/services/office.permit/form?renderer=rjsf")
    assert rjsf.json["ui_schema"]["ui:order"] == ["name", "mobile", "remarks"]


async def test_a_dry_run_names_every_mistake_at_once_in_the_form_s_own_words(town):
    body = {"form": {"mobile": "12", "nick": "x"}}
    got = await town.ask("POST", "/services/office.permit/form-checks", json=body)
    assert got.json["valid"] is False
    told = {error["pointer"]: error["detail"] for error in got.json["errors"]}
    assert told["/form/mobile"] == "Ten digits"
    assert told["/form/name"] == "This is needed."
    assert "/form/nick" in told
    good = await town.ask("POST", "/services/office.permit/form-checks", json={"form": GOOD_FORM})
    assert good.json == {"valid": True, "errors": []}


async def test_a_service_says_what_it_promises_and_whether_its_agency_answers(town):
    got = await town.ask("GET", "/services/office.permit")
    assert got.json["delivery_guarantee"]["effect"] == "exactly_once"
    assert got.json["delivery_guarantee"]["by"] == "lookup"
    assert got.json["agencies"][0]["availability"] == "The Office is answering."
    again = await town.ask("GET", "/services/office.permit", If_None_Match=got.headers["ETag"])
    assert again.status == 304


@pytest.mark.parametrize(("words", "matched"), [("permit", "TITLE"), ("अनुमति", "TITLE"), ("office.per", "ID")])
async def test_services_are_found_by_words_of_any_language_and_say_why(town, words, matched):
    got = await town.raw("GET", "/v1/services", params={"q": words}, headers=town.headers())
    assert [(hit["id"], hit["matched"]) for hit in got.json["items"]] == [("office.permit", matched)]


async def test_a_search_without_a_hit_asks_back(town):
    got = await town.ask("GET", "/services?q=zebra")
    assert got.json["items"] == []
    assert got.json["question"].endswith("?")


async def test_the_feed_is_read_by_position_and_shows_no_person(town):
    await town.open()
    got = await town.ask("GET", "/feeds/all")
    assert got.headers["Content-Type"] == "application/cloudevents-batch+json"
    assert got.json[0]["specversion"] == "1.0"
    assert b"Test Citizen" not in got.body
    rest = await town.ask("GET", f"/feeds/all?lastEventId={got.json[-1]['id']}")
    assert rest.json == []


async def test_a_waiting_reader_of_the_feed_is_woken_by_the_next_event(town):
    waiting = asyncio.create_task(town.ask("GET", "/feeds/all?timeout=20000"))
    await asyncio.sleep(0.05)
    await town.open()
    got = await asyncio.wait_for(waiting, 5)
    assert got.json


async def test_health_is_told_from_our_own_calls(town):
    await town.open()
    [line] = (await town.ask("GET", "/health")).json["items"]
    assert (line["agency"], line["state"], line["calls"]) == ("office", "UP", 1)
    assert (await town.ask("GET", "/health/office")).json["explanation"] == "The Office is answering."


async def test_livez_readyz_and_metrics_need_nobody_s_agency(town):
    town.office.down = True
    await town.open()
    assert (await town.raw("GET", "/livez")).json == {"status": "ok"}
    assert (await town.raw("GET", "/readyz")).status == 200
    metrics = (await town.raw("GET", "/metrics")).body.decode()
    assert 'aggregator_agency_calls_total{agency="office",operation="submit"' in metrics
    assert "case_" not in metrics
