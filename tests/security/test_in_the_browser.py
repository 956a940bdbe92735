"""S17. What another site can do with a citizen's browser here: press, read and frame nothing, lead nowhere.

There is no cookie to ride on; what is left is that a page elsewhere fills in a form of ours and presses it. Control:
without asking where it was pressed, a case is opened that nobody meant.
"""

import re
from collections import Counter
from urllib.parse import urlencode

import pytest
from api_town import running_town

from aggregator.api import form_pages
from aggregator.api.app import make_app
from aggregator.api.table import TABLE

GOOD = {"name": "Test Citizen", "mobile": "9000000000", ".step": "send", ".once": "A" * 32, ".language": "en"}
ELSEWHERE = [
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "Same-Origin, cross-site"},
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": ""}, {"Origin": "https://[evil"}, {"Origin": "https://127.0.0.1.evil.example"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Referer": "http://127.0.0.1/forms"},
]  # fmt: skip
WRITES_OUTSIDE = {
    "/oauth/token": "needs the portal's secret", "/callbacks": "needs the agency's signature",
    "/uploads": "needs a token",
    "/payments": "reads nothing of what is brought", "/forms": "asks where it was pressed",
    "/catalogue/search": "changes nothing; by POST so that what is asked stands in no address",
    "/files": "needs an address of 256 random bits", "/documents": "needs an address of 256 random bits",
}  # fmt: skip
ADDRESSES = (
    "https://evil.example/", "https://one.example@evil.example/", "https://one.example.evil.example/",
    "https://one.example\\@evil.example/", "https://one.example:444/", "http://one.example/", "//one.example/",
    "javascript:alert(1)//https://one.example", "data:text/html,x", "https://ONE.example\t.evil.example/",
    "/\\evil.example",
    "https://one.example%2eevil.example/", "https:one.example", "https://[one.example]/",
    "https://evil.example/https://one.example",
)  # fmt: skip


@pytest.fixture
async def open_town(sqlite_store):
    """A sandbox: its pages open cases."""
    async with running_town(sqlite_store, sandbox=True) as running:
        yield running


async def pressed(town, headers, form=None):
    """Presses send, from wherever the headers say."""
    form = form or GOOD
    sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    return await town.raw("POST", "/forms/office.permit", data=urlencode(form), headers=sent)


async def cases(town):
    return (await town.store.read("select count(*) as n from cases"))[0]["n"]


@pytest.mark.figure("S17")
async def test_nothing_pressed_on_another_site_is_sent(open_town, figure):
    for headers in ELSEWHERE:
        got = await pressed(open_town, headers)
        assert got.status == 200, "the citizen reads once more what would be sent"
        assert b'name=".once"' in got.body
    paper = {"Content-Type": "multipart/form-data; boundary=x", "Sec-Fetch-Site": "cross-site"}
    assert (await open_town.raw("POST", "/forms/office.permit", data=b"--x--\r\n", headers=paper)).status == 415
    assert await cases(open_town) == 0
    for n, headers in enumerate(({"Sec-Fetch-Site": "same-origin"}, {"Origin": open_town.origin}, {})):
        await pressed(open_town, headers, GOOD | {".once": str(n) * 32})
    assert await cases(open_town) == 3, "pressed here it is sent"
    figure.measured(f"{len(ELSEWHERE) + 1} forms pressed elsewhere: 0 cases")


@pytest.mark.figure("S17")
async def test_the_control_a_form_that_does_not_ask_where_it_was_pressed(open_town, monkeypatch, figure):
    monkeypatch.setattr(form_pages, "pressed_elsewhere", lambda *_: False)
    for n, headers in enumerate(ELSEWHERE):
        await pressed(open_town, headers, GOOD | {".once": str(n) * 32})
    assert await cases(open_town) == len(ELSEWHERE)
    figure.control(f"a form that does not ask where it was pressed: {len(ELSEWHERE)} of {len(ELSEWHERE)} opened a case")


@pytest.mark.figure("S17")
async def test_whatever_else_can_be_written_to_without_a_token_is_known(town, figure):
    found = {
        resource.canonical
        for resource in make_app(town.parts).router.resources()
        for route in resource
        if route.method not in {"GET", "HEAD", "OPTIONS", "*"}
    }
    unknown = [path for path in found if not path.startswith(tuple(WRITES_OUTSIDE))]
    assert unknown == []
    figure.measured(f"{len(found)} doors outside /v1 take something, each for a reason")


@pytest.mark.figure("S17")
async def test_no_answer_may_be_read_by_another_site_or_sets_a_cookie(town, figure):
    seen = Counter()
    for route in TABLE:
        for method in {route.method, "OPTIONS"}:
            path = "/v1" + re.sub(r"\{\w+\}", "me", route.path)
            headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": route.method}
            for more in ({}, town.headers("one")):
                got = await town.raw(method, path, headers=headers | more)
                assert not {"Access-Control-Allow-Origin", "Set-Cookie"} & got.headers.keys(), path
                assert "Access-Control-Allow-Credentials" not in got.headers
                assert got.headers["X-Content-Type-Options"] == "nosniff"
                seen[method] += 1
    mine = await town.raw("GET", "/v1/cases", headers=town.headers("one") | {"Origin": "https://one.example"})
    assert mine.headers["Access-Control-Allow-Origin"] == "https://one.example"
    theirs = await town.raw("GET", "/v1/cases", headers=town.headers("two") | {"Origin": "https://one.example"})
    assert "Access-Control-Allow-Origin" not in theirs.headers
    figure.measured(f"{seen.total()} answers to a foreign site: 0 may be read, 0 cookies")


@pytest.mark.figure("S17")
async def test_what_is_a_citizens_is_kept_by_no_cache(town, figure):
    case = (await town.open()).json
    told = 0
    for route in TABLE:
        if route.scope != "services.read" and route.method == "GET":
            path = "/v1" + re.sub(r"\{\w+\}", case["id"], route.path)
            got = await town.raw("GET", path, headers=town.headers("one"))
            assert got.headers["Cache-Control"] == "no-store", path
            told += 1
    figure.measured(f"{told} routes with a right over somebody: none cached")


@pytest.mark.figure("S17")
async def test_every_page_allows_no_script_no_frame_and_no_other_host(open_town, figure):
    pages = ["/forms", "/forms/office.permit", "/forms/office.permit/blank", "/problems/not-found"]
    pages += ["/catalogue/office.permit"]
    for path in pages:
        got = await open_town.raw("GET", path, headers={"Accept": "text/html"})
        assert (got.status, got.headers["Content-Type"].partition(";")[0]) == (200, "text/html"), path
        policy = got.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, path
        assert "frame-ancestors 'none'" in policy, path
        assert not re.search(r"script-src|unsafe-eval|https?:|\*", policy), path
        assert b"<script" not in got.body.replace(b'<script type="application/ld+json"', b""), path
        assert not re.search(rb"\son\w+\s*=", got.body), path
        if b"<form" in got.body:
            assert "form-action 'self'" in policy, path
    typed = await pressed(open_town, {}, GOOD | {".step": "check", "name": '"><img src=x onerror=alert(1)>'})
    assert b"<img" not in typed.body
    figure.measured(f"{len(pages)} kinds of page: no script, no frame")


@pytest.mark.figure("S17")
async def test_a_payer_is_led_back_to_the_portals_own_address_and_nowhere_else(sqlite_store, figure):
    async with running_town(sqlite_store, payments=object()) as town:
        for n, address in enumerate(ADDRESSES):
            asked = {"service_id": "office.bill", "form": {"consumer": "1234"}, "return_url": address}
            got = await town.ask("POST", "/payments", json=asked, Idempotency_Key=f"p-{n}")
            assert got.status == 400, address
    figure.measured(f"{len(ADDRESSES)} addresses to be led to: 0 taken")
