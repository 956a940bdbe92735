"""Every refusal is one document that says what it did, whether to repeat it, and what to do."""

import pytest
from api_town import GOOD_FORM
from provoked import ELSEWHERE, PROVOKED, malformed, shaped

from aggregator.api.problem import KINDS


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
