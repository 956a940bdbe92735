"""A citizen with a phone that runs no scripts: fills in, corrects, reads once more, sends, and has one case."""

import re
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import aiohttp
import pytest
from api_town import Town, running_town

from aggregator.store import Store

GOOD = {"name": "Test Citizen", "mobile": "9000000000"}
TYPE = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def town(sqlite_store: Store) -> AsyncIterator[Town]:
    """A sandbox: what its pages open belongs to the sandbox's portal."""
    async with running_town(sqlite_store, sandbox=True) as running:
        yield running


async def pressed(town: Town, step: str, fields: dict[str, str], language: str = "en") -> tuple[int, str]:
    body = urlencode({".language": language, ".step": step, **fields})
    async with town.http.post(f"{town.origin}/forms/office.permit", data=body, headers=TYPE) as answer:
        return answer.status, await answer.text()


def once_of(page: str) -> str:
    found = re.search(r'name="\.once" value="([^"]+)"', page)
    assert found is not None
    return found[1]


async def test_the_page_speaks_the_asked_language_and_allows_nothing_foreign(town: Town) -> None:
    async with town.http.get(f"{town.origin}/forms/office.permit?lang=or") as answer:
        page = await answer.text()
        assert '<html lang="or">' in page
        assert "ନାମ" in page
        assert "<script" not in page
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert answer.headers["Cache-Control"] == "no-store"


async def test_every_mistake_stands_at_the_top_and_beside_its_field(town: Town) -> None:
    status, page = await pressed(town, "check", {"mobile": "12"}, "hi")
    assert status == 400
    assert page.count('href="#f-') == 2
    assert 'aria-describedby="e-mobile"' in page
    assert "दस अंक" in page
    assert 'value="12"' in page, "what was typed stays"


async def test_what_was_typed_is_shown_and_never_run(town: Town) -> None:
    _, page = await pressed(town, "check", {**GOOD, "name": '"><script>alert(1)</script>'})
    assert "<script" not in page
    assert "&lt;script&gt;" in page


async def test_reading_once_more_sends_nothing_and_pressing_twice_sends_once(town: Town) -> None:
    status, review = await pressed(town, "check", GOOD)
    assert status == 200
    assert town.office.acted == []
    once = once_of(review)
    _, first = await pressed(town, "send", {**GOOD, ".once": once})
    _, second = await pressed(town, "send", {**GOOD, ".once": once})
    numbers = [re.findall(r"[0-9]{4}(?:-[0-9]{4}){3}", page) for page in (first, second)]
    assert numbers[0] == numbers[1]
    assert len(numbers[0]) == 1
    assert len(town.office.acted) == 1


async def test_other_answers_from_the_same_page_are_asked_about_not_sent(town: Town) -> None:
    _, review = await pressed(town, "check", GOOD)
    once = once_of(review)
    await pressed(town, "send", {**GOOD, ".once": once})
    status, page = await pressed(town, "send", {**GOOD, "name": "Another Citizen", ".once": once})
    assert status == 409
    assert "Something else was sent" in page


async def test_changing_the_language_keeps_what_was_typed(town: Town) -> None:
    status, page = await pressed(town, "say-or", {"name": "Test Citizen"})
    assert status == 200
    assert '<html lang="or">' in page
    assert 'value="Test Citizen"' in page


async def test_a_question_is_answered_on_the_page_and_stored_nowhere(town: Town) -> None:
    body = urlencode({".language": "en", ".step": "check", "consumer": "12345"})
    async with town.http.post(f"{town.origin}/forms/office.bill", data=body, headers=TYPE) as answer:
        assert answer.status == 200
        assert "The Office" in await answer.text()


@pytest.mark.parametrize("path", ["/forms/office.nothing", "/forms/office.permit/other"])
async def test_there_is_no_form_where_there_is_no_service(town: Town, path: str) -> None:
    async with town.http.get(town.origin + path) as answer:
        assert answer.status == 404


async def test_the_list_and_the_blank_form_are_there(town: Town) -> None:
    async with town.http.get(f"{town.origin}/forms?lang=hi") as answer:
        assert 'href="/forms/office.permit?lang=hi"' in await answer.text()
    async with town.http.get(f"{town.origin}/forms/office.permit/blank?lang=or") as answer:
        page = await answer.text()
    assert "ଦସ୍ତଖତ" in page
    assert 'href="/forms/office.permit/blank?lang=hi"' in page, "another language of the same empty form"


async def test_beside_a_live_agency_pages_check_and_say_where_to_go(sqlite_store: Store) -> None:
    async with running_town(sqlite_store, sandbox=True, livemode=True) as town:
        status, page = await pressed(town, "check", GOOD)
        assert status == 200
        assert "does not send them here" in page
        assert 'value="send"' not in page
        _, sent = await pressed(town, "send", {**GOOD, ".once": "A" * 32})
        assert "does not send them here" in sent
        assert town.office.acted == []


PNG = b"\x89PNG\r\n\x1a\n" + bytes(40) + b"IEND\xaeB`\x82"


async def licence(town: Town, step: str, photo: bytes | str, **fields: str) -> tuple[int, str]:
    form = aiohttp.FormData(quote_fields=False)
    for name, value in {".language": "en", ".step": step, **GOOD, **fields}.items():
        form.add_field(name, value)
    if isinstance(photo, bytes):
        form.add_field("photo", photo, filename="me.png" if photo else "", content_type="application/octet-stream")
    else:
        form.add_field("photo", photo)
    async with town.http.post(f"{town.origin}/forms/office.licence", data=form) as answer:
        return answer.status, await answer.text()


async def test_a_file_chosen_on_the_page_goes_with_the_case(town: Town) -> None:
    async with town.http.get(f"{town.origin}/forms/office.licence") as answer:
        assert 'enctype="multipart/form-data"' in await answer.text()
    status, review = await licence(town, "check", PNG)
    assert (status, "A file is attached" in review) == (200, True)
    found = re.search(r'name="photo" value="(document:doc_[0-9A-Z]+)"', review)
    assert found is not None
    fields = {**GOOD, ".once": once_of(review), ".language": "en", ".step": "send", "photo": found[1]}
    async with town.http.post(f"{town.origin}/forms/office.licence", data=urlencode(fields), headers=TYPE) as answer:
        assert answer.status == 200
    assert town.office.papers == [{"photo": len(PNG)}]


async def test_no_file_chosen_is_no_answer_and_a_wrong_one_is_named_before_anything_is_sent(town: Town) -> None:
    status, review = await licence(town, "check", b"")
    assert (status, "A file is attached" in review) == (200, False)
    _, review = await licence(town, "check", b"not a picture")
    status, page = await licence(town, "send", "document:doc_01JCZ5QK8V9XW3T6R2M4N7P0AB", **{".once": "A" * 32})
    assert status == 400
    assert "We do not have this document" in page
    assert town.office.acted == []
