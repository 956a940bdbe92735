"""A citizen's words over HTTP: grouped, explained, asked back, or turned away; never kept with a name in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from api_town import Town, running_town

from aggregator.api.search_view import ListedBySearch
from aggregator.discovery.catalogue.compose import Offers, compose
from aggregator.discovery.catalogue.load import read
from aggregator.discovery.search.desk import SearchDesk
from aggregator.discovery.search.live import LiveSearch
from aggregator.discovery.search.unanswered import FILE, Queue
from aggregator.sdk.clock import SystemClock
from aggregator.texts import say

ROOT = Path(__file__).parents[3]
CATALOGUE = compose(read(ROOT / "catalogue" / "facts").facts, Offers({}, {}))


@pytest.fixture
async def city(sqlite_store, tmp_path) -> AsyncIterator[Town]:
    live = LiveSearch(lambda: CATALOGUE, ROOT / "catalogue" / "lexicon")
    desk = SearchDesk(live, SystemClock(), Queue(tmp_path))
    changes = {"catalogue": lambda: CATALOGUE, "finder": desk, "search": ListedBySearch(desk, say)}
    async with running_town(sqlite_store, **changes) as town:
        yield town
    live.close()


async def found(city: Town, words: str, language: str = "en"):
    got = await city.ask("POST", "/services/searches", json={"words": words}, Accept_Language=language)
    assert got.status == 200, got.json
    return got.json


async def test_a_vehicle_bought_used_is_found_in_romanised_odia_and_explained_in_odia(city):
    answer = await found(city, "mo gadi ra malikana badala", "or")
    first = answer["groups"][0]
    assert (first["intent"], first["hits"][0]["id"]) == ("CORRECT", "rto.transfer_ownership")
    assert first["title"] == "ସଂଶୋଧନ ବା ପରିବର୍ତ୍ତନ"
    assert "gadi" in first["hits"][0]["why"]
    assert "ଲୋକେ" in first["hits"][0]["why"] or "ନାମ" in first["hits"][0]["why"]


async def test_hits_are_grouped_by_what_is_wanted(city):
    answer = await found(city, "birth certificate")
    intents = [group["intent"] for group in answer["groups"]]
    assert answer["groups"][0]["hits"][0]["id"] == "municipal.birth_certificate"
    assert {"APPLY", "CORRECT"} <= set(intents)
    assert len(intents) == len(set(intents))


async def test_two_services_that_fit_equally_are_asked_about_once(city):
    answer = await found(city, "migration certificate")
    assert answer["outcome"] == "WHICH"
    options = [option["title"] for option in answer["question"]["options"]]
    assert len(options) == 2
    assert all(title in answer["question"]["sentence"] for title in options)


async def test_what_no_agency_does_is_turned_away_in_the_readers_language(city):
    answer = await found(city, "train ticket to Puri", "hi")
    assert (answer["outcome"], answer["groups"]) == ("NONE", [])
    assert "सेवा" in answer["question"]["sentence"]


async def test_a_death_in_the_family_tells_what_else_is_needed(city):
    answer = await found(city, "father died need death certificate")
    assert answer["related"]["life_event"] == "death_in_family"
    assert answer["related"]["title"] == "A death in the family"
    assert "revenue.legal_heir" in [one["id"] for one in answer["related"]["services"]]


async def test_a_misspelt_word_says_how_it_was_read(city):
    hit = (await found(city, "drivng lisens renwal"))["groups"][0]["hits"][0]
    assert (hit["id"], hit["understood"]) == ("dl.renewal", "SPELLING")
    assert "renwal" in hit["why"]


async def test_the_list_of_services_is_searched_the_same_way(city):
    got = (await city.ask("GET", "/services?q=paani+ka+bill")).json
    assert got["items"][0]["id"] == "water.bill_payment"
    assert got["items"][0]["why"]


async def test_what_was_asked_in_vain_is_kept_for_the_editors_without_the_person(city, tmp_path):
    await found(city, "gas cylinder for Sanjukta 9437012345")
    kept = (tmp_path / FILE).read_text("utf-8")
    assert "gas cylinder" in kept
    assert "anjukta" not in kept.casefold()
    assert "9437" not in kept


async def test_a_found_query_is_not_kept(city, tmp_path):
    await found(city, "electricity bill payment")
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize("words", ["", "   ", "!!!", "12345", "\U0001f697"])
async def test_words_that_say_nothing_find_nothing(city, words):
    assert (await found(city, words))["outcome"] == "NONE"


async def test_a_limit_out_of_bounds_is_told_as_such(city):
    got = await city.ask("POST", "/services/searches", json={"words": "passport", "limit": 500})
    assert (got.status, got.json["errors"][0]["pointer"]) == (400, "/limit")
