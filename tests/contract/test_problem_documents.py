"""Every refusal says what it did, whether to send it again and what to do; every one of them can be provoked."""

import asyncio
import io
from dataclasses import replace

import pytest
from api_town import GENEROUS, GOOD_FORM, begin, give, logged_in, running_town

from aggregator.api.limits import Quota
from aggregator.api.problem import KINDS
from aggregator.store import StoreUnavailable

FIELDS = {"type", "title", "status", "detail", "instance", "code", "request_id", "effect", "safe_to_retry"}
JSON = {"Content-Type": "application/json"}


class Broken:
    """A desk whose store or code fails at one of its uses."""

    def __init__(self, desk, use, error):
        self._desk, self._use, self._error = desk, use, error

    def __getattr__(self, name):
        if name != self._use:
            return getattr(self._desk, name)

        async def fail(*_args, **_named):
            raise self._error

        return fail


async def malformed(town):
    headers = town.headers() | JSON
    return await town.raw("POST", "/v1/services/office.permit/form-checks", data=b'{"form": {', headers=headers)


async def invalid(town):
    return await town.open(form={"name": "x", "mobile": "12"})


async def stale_cursor(town):
    return await town.ask("GET", "/cases?cursor=1.Y2FzZV8x.AAAA")


async def keyless(town):
    return await town.ask("POST", "/cases", json={"service_id": "office.permit", "form": GOOD_FORM})


async def anonymous(town):
    return await town.raw("GET", "/v1/cases")


async def unauthorised(town):
    return await town.ask("GET", "/cases", portal="reader")


async def nowhere(town):
    return await town.ask("GET", "/cases/case_01JCZ5QK8V9XW3T6R2M4N7P0AB")


async def wrong_method(town):
    return await town.ask("DELETE", "/cases")


async def wrong_type(town):
    headers = town.headers(Idempotency_Key="k") | {"Content-Type": "text/plain"}
    return await town.raw("POST", "/v1/cases", data=b"{}", headers=headers)


async def oversize(town):
    headers = town.headers(Idempotency_Key="k") | JSON
    return await town.raw("POST", "/v1/cases", data=io.BytesIO(b" " * 1_100_000), headers=headers)


async def in_progress(town):
    town.office.held = asyncio.Event()
    first = asyncio.create_task(town.open("same"))
    await asyncio.sleep(0.2)
    got = await town.open("same")
    town.office.held.set()
    assert (await first).status == 201
    return got


async def impossible(town):
    case = (await town.open()).json
    return await town.ask("POST", f"/cases/{case['id']}/actions", json={"action": "WITHDRAW"}, Idempotency_Key="w")


async def reused(town):
    await town.open("same")
    return await town.open("same", form={"name": "Another", "mobile": "9000000000"})


async def agency_budget(town):
    body = {"form": {"consumer": "123456"}}
    spent = []
    for _ in range(20):  # a busy machine may be slower than the share grows back
        asked = (town.ask("POST", "/services/office.bill/enquiries", json=body) for _ in range(60))
        spent += [got for got in await asyncio.gather(*asked) if got.status == 429]
        if spent:
            break
    return spent[0]


async def agency_away(town):
    case = (await town.open()).json
    town.office.down = True
    return await town.ask("GET", f"/cases/{case['id']}/document", Prefer="wait=1")


async def portal_for_citizen(town):
    return await town.ask("GET", "/citizens/me")


async def wrong_code(town):
    began = await begin(town, "9000000042")
    code = "000000" if town.codes.code("+919000000042") != "000000" else "000001"
    return await give(town, began.json["session_id"], code)


async def change_of_a_citizen(town, change, **headers):
    await logged_in(town, "9000000042", name="asha")
    return await town.ask("PATCH", "/citizens/me", portal="asha", json=change, **headers)


async def unconfirmed(town):
    return await change_of_a_citizen(town, {"mobile": "9000000077"}, If_Match="*")


async def stale_version(town):
    return await change_of_a_citizen(town, {"gender": "FEMALE"}, If_Match='"77"')


async def versionless(town):
    return await change_of_a_citizen(town, {"gender": "FEMALE"})


async def not_theirs(town):
    await logged_in(town, "9000000042", name="asha")
    body = {"service_id": "office.dues", "form": {"account": "A1"}, "amount": "1.00"}
    return await town.ask("POST", "/citizens/me/links", portal="asha", json=body)


async def behind_their_back(town):
    name = (await logged_in(town, "9000000042"))["citizen_id"]
    return await town.ask("GET", f"/citizens/{name}/bills")


PROVOKED = {
    "link-not-verified": not_theirs,
    "wrong-token": portal_for_citizen,
    "code-not-accepted": wrong_code,
    "confirmation-needed": unconfirmed,
    "precondition-failed": stale_version,
    "precondition-required": versionless,
    "malformed-request": malformed,
    "validation-failed": invalid,
    "cursor-stale": stale_cursor,
    "idempotency-key-missing": keyless,
    "not-authenticated": anonymous,
    "insufficient-scope": unauthorised,
    "consent-required": behind_their_back,
    "not-found": nowhere,
    "method-not-allowed": wrong_method,
    "not-supported": wrong_type,
    "too-large": oversize,
    "request-in-progress": in_progress,
    "action-not-possible": impossible,
    "idempotency-key-reused": reused,
    "agency-budget-spent": agency_budget,
    "agency-unavailable": agency_away,
}
ELSEWHERE = {"payment-in-doubt", "rate-limited", "overloaded", "store-unavailable", "internal"}


def shaped(got, code, effect="none"):
    """The problem, after checking what every problem must have."""
    assert got.headers["Content-Type"] == "application/problem+json"
    problem = got.json
    assert problem.keys() >= FIELDS
    assert problem["code"] == code
    assert problem["status"] == got.status == KINDS[code].status
    assert problem["effect"] == effect
    assert problem["request_id"] == got.headers["Request-Id"]
    assert problem["what_you_should_do"]
    assert problem["type"].endswith(f"/problems/{code}")
    if "Retry-After" in got.headers:
        assert "next_check_at" in problem
    return problem


def test_every_code_has_its_provocation():
    assert PROVOKED.keys() | ELSEWHERE == KINDS.keys()


@pytest.mark.parametrize("code", PROVOKED)
async def test_a_problem_says_what_it_did_and_what_to_do(town, code):
    got = await PROVOKED[code](town)
    effect = "unknown" if code == "request-in-progress" else "none"
    problem = shaped(got, code, effect)
    assert problem["safe_to_retry"] is KINDS[code].safe_to_retry
    if effect == "none":
        assert "Nothing was stored and nothing was sent." in problem["detail"]
    page = await town.raw("GET", problem["type"].removeprefix(town.origin))
    assert page.status == 200
    for language in ("en", "or", "hi"):
        assert f'lang="{language}"' in page.body.decode()


async def test_the_pages_behind_problems_have_no_script_and_no_gap(town):
    for code in KINDS:
        page = (await town.raw("GET", f"/problems/{code}")).body.decode()
        assert "<script" not in page
        assert "{" not in page.partition("</style>")[2]
        assert "\N{EM DASH}" not in page


@pytest.mark.parametrize("code", ["malformed-request", "validation-failed", "not-found"])
async def test_a_problem_speaks_the_caller_s_language(town, code):
    english = (await PROVOKED[code](town)).json
    got = await town.raw("GET", "/v1/nothing/here", headers=town.headers(Accept_Language="or"))
    assert got.headers["Content-Language"] == "or"
    assert got.json["title"] != english["title"]


async def test_all_mistakes_of_a_body_are_named_at_once(town):
    body = {"service_id": "Office Permit", "form": 5, "chanel": "WEB", "agency": ""}
    got = await town.ask("POST", "/cases", json=body, Idempotency_Key="k")
    problem = shaped(got, "validation-failed")
    assert {error["pointer"] for error in problem["errors"]} >= {"/service_id", "/form", "/chanel", "/agency"}


async def test_the_form_s_mistakes_name_their_field_and_never_quote_it(town):
    got = await town.open(form={"name": "Asha Secret", "mobile": "0123456789"})
    problem = shaped(got, "validation-failed")
    assert problem["errors"] == [{"pointer": "/form/mobile", "code": "pattern", "detail": "Ten digits"}]
    assert b"0123456789" not in got.body


async def test_broken_json_is_told_by_its_position_and_never_repeated(town):
    got = await malformed(town)
    assert "position 10" in got.json["detail"]
    assert b'{"form"' not in got.body


async def test_an_unknown_service_and_an_enquiry_are_told_apart(town):
    for service, code in (("no.such", "no_such_service"), ("office.bill", "only_enquiries")):
        body = {"service_id": service, "form": GOOD_FORM}
        got = await town.ask("POST", "/cases", json=body, Idempotency_Key="k-" + service)
        assert [(e["pointer"], e["code"]) for e in shaped(got, "validation-failed")["errors"]] == [
            ("/service_id", code)
        ]


async def test_an_agency_that_does_not_offer_the_service_is_refused_before_anything_is_stored(town):
    body = {"service_id": "office.permit", "form": GOOD_FORM, "agency": "police"}
    got = await town.ask("POST", "/cases", json=body, Idempotency_Key="k")
    assert shaped(got, "validation-failed")["errors"][0]["pointer"] == "/agency"
    assert (await town.ask("GET", "/cases")).json["items"] == []


@pytest.mark.parametrize(
    ("number", "code"),
    [("4071-9936-2185-0340", "number_check_digit"), ("4071-9936", "number_length")],
)
async def test_a_slip_of_the_fingers_in_a_tracking_number_is_told_as_such(town, number, code):
    got = await town.ask("GET", f"/track/{number}")
    problem = shaped(got, "validation-failed")
    assert "slip of the fingers" in problem["detail"]
    assert problem["errors"][0]["code"] == code


async def test_a_mistyped_parameter_is_refused_with_the_nearest_name(town):
    got = await town.ask("GET", "/cases?stauts=HELD")
    problem = shaped(got, "validation-failed")
    assert problem["did_you_mean"] == "status"
    got = await town.ask("GET", "/servces")
    assert shaped(got, "not-found")["did_you_mean"] == "/v1/services"


async def test_a_limit_that_is_met_says_when_to_come_back(sqlite_store):
    limits = replace(GENEROUS, number=Quota("number", 3, 300))
    async with running_town(sqlite_store, limits=limits) as town:
        number = (await town.open()).json["number"]
        for _ in range(3):
            assert (await town.ask("GET", f"/track/{number}")).status == 200
        got = await town.ask("GET", f"/track/{number}")
        problem = shaped(got, "rate-limited")
        assert problem["safe_to_retry"] is True
        wait_s = int(got.headers["Retry-After"])
        assert 90 <= wait_s <= 100
        town.clock.push(wait_s)
        assert (await town.ask("GET", f"/track/{number}")).status == 200


async def test_browsing_is_shed_before_cases_are(sqlite_store):
    async with running_town(sqlite_store, limits=replace(GENEROUS, browsing_in_flight=0)) as town:
        shaped(await town.ask("GET", "/services"), "overloaded")
        assert (await town.open()).status == 201


@pytest.mark.parametrize("kept", ["none", "unknown"])
async def test_a_store_that_cannot_store_refuses_and_says_whether_it_may_have(sqlite_store, kept):
    error = StoreUnavailable("full", kept)
    async with running_town(sqlite_store, around=lambda desk: Broken(desk, "open", error)) as town:
        problem = shaped(await town.open(), "store-unavailable", kept)
        assert problem["safe_to_retry"] is True
        assert "next_check_at" in problem


@pytest.mark.parametrize(("use", "effect"), [("open", "unknown"), ("settled", "done"), ("case", "none")])
async def test_a_crash_of_ours_reports_the_effect_as_computed_and_not_as_hoped(sqlite_store, use, effect):
    error = ValueError("Asha's secret")
    async with running_town(sqlite_store, around=lambda desk: Broken(desk, use, error)) as town:
        if use == "settled":
            town.office.held = asyncio.Event()
        path = "/cases/case_01JCZ5QK8V9XW3T6R2M4N7P0AB"
        got = await town.ask("GET", path) if use == "case" else await town.open()
        problem = shaped(got, "internal", effect)
        assert problem["safe_to_retry"] is True
        assert b"Asha" not in got.body
        if use == "settled":
            town.office.held.set()


async def test_an_answer_that_cannot_be_kept_is_given_all_the_same(sqlite_store):
    error = StoreUnavailable("full", "none")
    async with running_town(sqlite_store, around=lambda desk: Broken(desk, "answered", error)) as town:
        got = await town.open()
        assert got.status == 201
        assert got.json["status"] == "SUBMITTED"


async def test_a_store_that_cannot_be_read_is_no_crash(sqlite_store):
    error = StoreUnavailable("locked", "none")
    async with running_town(sqlite_store, around=lambda desk: Broken(desk, "case", error)) as town:
        shaped(await town.ask("GET", "/cases/case_01JCZ5QK8V9XW3T6R2M4N7P0AB"), "store-unavailable")


async def test_callers_who_only_wait_take_nobody_s_place(sqlite_store):
    async with running_town(sqlite_store, limits=replace(GENEROUS, in_flight=4, browsing_in_flight=4)) as town:
        waiting = [asyncio.create_task(town.ask("GET", "/feeds/all?timeout=20000")) for _ in range(12)]
        await asyncio.sleep(0.2)
        assert (await town.ask("GET", "/services")).status == 200
        assert (await town.open()).status == 201
        answers = await asyncio.wait_for(asyncio.gather(*waiting), 5)
    # The twelve arrived at once, and a burst beyond four is shed before it waits; nobody was left hanging.
    assert {got.status for got in answers} <= {200, 503}


async def test_who_finds_no_room_to_wait_is_answered_at_once_with_what_is_known(sqlite_store):
    async with running_town(sqlite_store, limits=replace(GENEROUS, waiting=0)) as town:
        town.office.held = asyncio.Event()
        async with asyncio.timeout(3):
            assert (await town.ask("GET", "/feeds/all?timeout=20000")).json == []
            got = await town.open(Prefer="wait=30")
            assert (got.status, got.json["status"]) == (202, "ACCEPTED")
            enquiry = {"form": {"consumer": "123456"}}
            shaped(await town.ask("POST", "/services/office.bill/enquiries", json=enquiry), "overloaded")
        town.office.held.set()
