"""A citizen with a cheap phone and no name for what is needed: searches, browses, reads, and comes to the form."""

import re
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
from api_town import Reply_, Town, running_town
from test_catalogue_over_http import CATALOGUE, CITY

from aggregator.store import Store

PAGE = {"Accept": "text/html"}
LANGUAGES = ("en", "or", "hi")


@pytest.fixture
async def city(sqlite_store: Store) -> AsyncIterator[Town]:
    async with running_town(sqlite_store, registry=lambda: CITY, catalogue=lambda: CATALOGUE) as running:
        yield running


async def searched(city: Town, words: str, language: str) -> Reply_:
    headers = {**PAGE, "Content-Type": "application/x-www-form-urlencoded"}
    return await city.raw(
        "POST", "/catalogue/search", data=urlencode({"words": words, "lang": language}), headers=headers
    )


def links(page: str) -> list[str]:
    return [one.replace("&amp;", "&") for one in re.findall(r'href="(/[^"]+)"', page)]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_from_the_front_door_every_life_event_and_subject_leads_on_to_services(city: Town, language: str) -> None:
    home = (await city.raw("GET", f"/catalogue?lang={language}", headers=PAGE)).body.decode()
    entries = CATALOGUE.entries.values()
    used = {event for entry in entries for event in entry.life_events}
    subjects = {entry.category for entry in entries} & CATALOGUE.vocabulary.categories.keys()
    lists = [one for one in links(home) if "life_event=" in one or "category=" in one]
    assert len(set(lists)) == len(used) + len(subjects)
    for one in sorted(set(lists))[::9]:
        listed = await city.raw("GET", one, headers=PAGE)
        assert listed.status == 200
        assert f'<html lang="{language}">' in listed.body.decode()
        assert [link for link in links(listed.body.decode()) if re.match(r"/catalogue/[a-z]", link)], one


async def test_a_service_that_can_be_done_here_begins_with_its_form_and_one_that_cannot_says_where_to_go(
    city: Town,
) -> None:
    here = (await city.raw("GET", "/catalogue/dl.renewal?lang=hi", headers=PAGE)).body.decode()
    assert "/forms/dl.renewal?lang=hi" in links(here)
    assert "5 दिन" in here
    assert "30 दिन के भीतर" in here
    office = (await city.raw("GET", "/catalogue/ortps.fore.04?lang=or", headers=PAGE)).body.decode()
    assert "କାର୍ଯ୍ୟାଳୟକୁ ଯାଆନ୍ତୁ" in office
    assert "ମେସିନ ଦ୍ୱାରା ଅନୁବାଦ" in office
    assert not [one for one in links(office) if re.match(r"/forms/", one)]


async def test_whoever_does_not_know_the_name_finds_the_service_and_reads_why(city: Town) -> None:
    found = await searched(city, "driving licence renewal", "or")
    page = found.body.decode()
    assert found.status == 200
    assert found.headers["Cache-Control"] == "no-store"
    assert '<html lang="or">' in page
    assert "/catalogue/dl.renewal?lang=or" in links(page)
    assert 'value="driving licence renewal"' in page, "what was typed stays"


async def test_what_was_searched_is_in_no_address_and_is_never_run(city: Town) -> None:
    page = (await searched(city, '"><script>alert(1)</script>', "en")).body.decode()
    assert "<script" not in page
    assert not [one for one in links(page) if "alert" in one]
    again = await city.raw("GET", "/catalogue/search", headers=PAGE)
    assert (again.status, again.headers["Location"]) == (303, "/catalogue")


@pytest.mark.parametrize(("words", "said"), [("", "ऊपर के खाने"), ("zzqx vvkpt", "कोई सेवा मेल नहीं")])
async def test_an_empty_search_and_one_that_fits_nothing_say_what_to_do(city: Town, words: str, said: str) -> None:
    got = await searched(city, words, "hi")
    assert got.status == 200
    assert said in got.body.decode()


@pytest.mark.parametrize(
    "path", ["/catalogue/no.such", "/catalogue?life_event=nothing", "/catalogue?category=", "/forms/no.such"]
)
async def test_a_person_on_a_dead_link_gets_a_page_with_the_search_and_a_machine_a_problem(
    city: Town, path: str
) -> None:
    page = await city.raw("GET", path, headers={**PAGE, "Accept-Language": "or"})
    assert page.status == 404
    assert "ଏହି ପୃଷ୍ଠା ନାହିଁ" in page.body.decode()
    assert 'action="/catalogue/search"' in page.body.decode()


async def test_a_machine_on_a_dead_link_gets_a_problem_document(city: Town) -> None:
    got = await city.raw("GET", "/catalogue/no.such", headers={"Accept": "application/json"})
    assert (got.status, got.headers["Content-Type"]) == (404, "application/problem+json")


async def test_the_citys_bare_address_leads_to_the_front_door(city: Town) -> None:
    got = await city.raw("GET", "/", headers=PAGE)
    assert (got.status, got.headers["Location"]) == (303, "/catalogue")


async def test_the_language_changes_in_place_and_keeps_the_list(city: Town) -> None:
    page = (await city.raw("GET", "/catalogue?life_event=vehicle&lang=en", headers=PAGE)).body.decode()
    assert "/catalogue?life_event=vehicle&lang=hi" in links(page)
