"""The city's own catalogue over the real server: found, narrowed, counted, explained, in three languages."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from api_town import running_town

from aggregator.discovery.browse import Searched, SearchHit
from aggregator.discovery.catalogue.compose import Offers, compose
from aggregator.discovery.catalogue.load import read as read_facts
from aggregator.registry.agency import Registry, Window
from aggregator.registry.load import Disabled, Parts, guarded, read, registry_of
from aggregator.resilience.pipeline import NullMeter
from aggregator.sdk.clock import SeededChance, SystemClock
from aggregator.sdk.wire import NoWire

ROOT = Path(__file__).parents[3]


def city_of(*, without: tuple[str, ...] = ()) -> Registry:
    """The sandbox city's registry; its guards stand, its drivers were never made and are never called."""
    draft = read(ROOT / "registry.toml", env={})
    parts = Parts(
        clock=SystemClock(), chance=SeededChance(1), meter=NullMeter(), make_wire=lambda *_: NoWire(),
        on_breaker=lambda *_: None,
    )  # fmt: skip
    facts = {name: replace(one, enabled=name not in without) for name, one in draft.facts.items()}
    return registry_of(draft, {name: guarded(one, Disabled(), parts) for name, one in facts.items()})


FACTS = read_facts(ROOT / "catalogue" / "facts").facts
CITY = city_of()
CATALOGUE = compose(FACTS, Offers(CITY.services, CITY.agencies), CITY.digest)


@pytest.fixture
async def city(sqlite_store):
    async with running_town(sqlite_store, registry=lambda: CITY, catalogue=lambda: CATALOGUE) as running:
        yield running


async def all_of(town, path):
    items, page = [], (await town.ask("GET", path)).json
    while True:
        items += page["items"]
        if "next" not in page:
            return items
        page = (await town.raw("GET", page["next"].removeprefix(town.origin), headers=town.headers())).json


async def test_every_service_and_complaint_type_is_listed_once(city):
    ids = [line["id"] for line in await all_of(city, "/services?limit=200")]
    assert len(ids) == len(set(ids))
    assert set(FACTS.entries) <= set(ids)
    assert {"police.stations", "bscl.parking_pass"} <= set(ids)  # offered, without a fact of their own
    assert not set(ids) & set(FACTS.superseded)


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("category=driving_licence", lambda line: line["category"] == "driving_licence"),
        ("department=home", lambda line: line["department"] == "home"),
        ("maturity=INFO", lambda line: line["maturity"] == "INFO"),
        ("kind=COMPLAINT", lambda line: line["kind"] == "COMPLAINT"),
        ("availability=NOT_ONLINE", lambda line: line["availability"] == "NOT_ONLINE"),
        ("agency=passport", lambda line: line["agency"] == "passport"),
    ],
)
async def test_the_list_is_narrowed_by_every_facet(city, query, fits):
    items = await all_of(city, f"/services?limit=200&{query}")
    assert 0 < len(items) < len(CATALOGUE.entries)
    assert all(fits(line) for line in items)


async def test_facets_narrow_together(city):
    items = await all_of(city, "/services?life_event=death_in_family&audience=resident&category=certificate")
    assert "municipal.death_certificate" in {line["id"] for line in items}
    assert "municipal.birth_certificate" not in {line["id"] for line in items}


async def test_facets_are_counted_over_all_pages_and_titled_in_the_callers_language(city):
    got = await city.ask(
        "GET", "/services?limit=1&category=passport&facets=maturity,category,availability", Accept_Language="hi"
    )
    counted = {facet["name"]: facet["values"] for facet in got.json["facets"]}
    assert counted["category"] == [{"value": "passport", "title": "पासपोर्ट", "services": 13}]
    assert sum(one["services"] for one in counted["maturity"]) == 13
    assert {one["title"] for one in counted["maturity"]} >= {"केवल जानकारी"}
    assert sum(one["services"] for one in counted["availability"]) == 13


async def test_an_unknown_facet_is_refused_with_the_known_ones(city):
    got = await city.ask("GET", "/services?facets=colour")
    assert (got.status, got.json["errors"][0]["parameter"]) == (400, "facets")
    assert "life_event" in got.json["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("asked", "parameter", "code", "told"),
    [
        ("/services?category=driving_license", "category", "no_such_word", "/v1/catalogue/categories"),
        ("/services?agency=passprt", "agency", "no_such_word", "/v1/agencies"),
        ("/services?maturity=BEST", "maturity", "choose_one", "FULL, PAY, TRACK, APPLY, INFO"),
        ("/services?kind=complaint", "kind", "choose_one", "COMPLAINT"),
        ("/catalogue/complaint-types?group=no_such", "group", "no_such_word", "/v1/catalogue/complaint-groups"),
        ("/catalogue/offices?organisation=nobody", "organisation", "no_such_word", "/v1/catalogue/offices"),
        ("/catalogue/offices?ward=7a", "ward", "pattern", "07"),
    ],
)
async def test_a_word_nobody_knows_is_refused_with_those_there_are(city, asked, parameter, code, told):
    got = await city.ask("GET", asked)
    (line,) = got.json["errors"]
    assert (got.status, line["parameter"], line["code"]) == (400, parameter, code)
    assert told in line["detail"]


async def test_a_word_nearly_right_is_told_as_it_is_written(city):
    assert (await city.ask("GET", "/services?category=driving_license")).json["did_you_mean"] == "driving_licence"
    assert (await city.ask("GET", "/services?agency=passprt")).json["did_you_mean"] == "passport"


async def test_what_is_out_today_may_still_be_asked_for(city):
    for word in ("DOWN", "PLANNED_PAUSE", "CLOSED"):
        assert (await city.ask("GET", f"/services?availability={word}")).status == 200


async def test_a_page_of_a_search_goes_on_in_the_searchs_own_order(sqlite_store):
    order = ["rto.noc", "dl.renewal", "police.fir_copy"]

    async def search(_catalogue, words, language):
        assert (words, language) == ("anything", "or")
        return Searched([SearchHit(id_, "TITLE", f"because {id_}") for id_ in order])

    changes = {"registry": lambda: CITY, "catalogue": lambda: CATALOGUE, "search": search}
    async with running_town(sqlite_store, **changes) as town:
        first = (await town.ask("GET", "/services?q=anything&limit=2", Accept_Language="or")).json
        rest = first["next"].removeprefix(town.origin)
        second = (await town.raw("GET", rest, headers=town.headers(Accept_Language="or"))).json
    assert [line["id"] for line in first["items"] + second["items"]] == order
    assert first["items"][0]["why"] == "because rto.noc"


async def test_a_service_nobody_is_connected_for_is_told_with_law_ladder_and_sources(city):
    got = (await city.ask("GET", "/services/revenue.residence")).json
    assert (got["maturity"], got["availability"], got["agencies"]) == ("INFO", "NOT_ONLINE", [])
    assert got["time_limit"]["amount"] == 15
    assert got["appeal"]["appeal_within_days"] == 30
    assert {"ORTPSA", "RESCERT"} <= {one["source"] for one in got["sources"]}
    assert [fee["amount"]["amount"] for fee in got["fees"]] == ["30.00", "10.00", "10.00", "8.00"]


async def test_a_replaced_limit_is_told_as_replaced(city):
    got = (await city.ask("GET", "/services/rto.registration_new")).json
    assert got["time_limit"]["amount"] == 5
    assert [one["superseded_by"] for one in got["sources"] if "superseded_by" in one] == ["ORTPSA2020"]


async def test_a_service_goes_by_the_catalogues_id_and_by_the_registrys(city):
    one = (await city.ask("GET", "/services/rto.rc_address_change")).json
    other = (await city.ask("GET", "/services/rto.change_of_address")).json
    assert one == other
    assert one["offered_as"] == ["rto.change_of_address"]
    form = await city.ask("GET", "/services/rto.rc_address_change/form")
    assert form.json["service_id"] == "rto.change_of_address"


async def test_a_superseded_row_names_what_replaces_it(city):
    got = (await city.ask("GET", "/services/ortps.hous.26")).json
    assert got["superseded_by"] == ["municipal.birth_certificate", "municipal.death_certificate"]


async def test_maturity_follows_the_drivers_and_falls_when_the_agency_is_switched_off(sqlite_store):
    shut = city_of(without=("rto",))
    dark = compose(FACTS, Offers(shut.services, shut.agencies))
    assert CATALOGUE.entries["rto.transfer_ownership"].maturity == "FULL"
    assert dark.entries["rto.transfer_ownership"].maturity == "INFO"
    async with running_town(sqlite_store, registry=lambda: shut, catalogue=lambda: dark) as town:
        got = (await town.ask("GET", "/services/rto.transfer_ownership")).json
    assert got["availability"] == "CLOSED"


async def test_planned_work_is_told_while_it_lasts_and_announced_before(sqlite_store):
    now = SystemClock().now()
    reason = {"en": "The server moves.", "or": "ସର୍ଭର ସ୍ଥାନାନ୍ତର।", "hi": "सर्वर बदल रहा है।"}
    present = Window(now - timedelta(hours=1), now + timedelta(hours=1), reason)
    coming = Window(now + timedelta(days=1), now + timedelta(days=2), reason)
    agencies = {**CITY.agencies, "rto": replace(CITY.agencies["rto"], maintenance=(present, coming))}
    async with running_town(
        sqlite_store, registry=lambda: replace(CITY, agencies=agencies), catalogue=lambda: CATALOGUE
    ) as town:
        service = (await town.ask("GET", "/services/dl.renewal")).json
        agency = (await town.ask("GET", "/agencies/rto")).json
    assert service["availability"] == "PLANNED_PAUSE"
    assert "The server moves." in service["agencies"][0]["availability"]
    assert len(agency["maintenance"]) == 2


@pytest.mark.parametrize("language", ["en", "or", "hi"])
@pytest.mark.parametrize("name", ["categories", "life-events", "departments", "audiences", "complaint-groups"])
async def test_shelves_are_titled_in_every_language_and_counted(city, name, language):
    got = await city.ask("GET", f"/catalogue/{name}", Accept_Language=language)
    assert got.headers["Content-Language"] == language
    assert all(one["title"] for one in got.json["items"])
    counts = [one["services"] for one in got.json["items"]]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 0


async def test_complaint_types_are_paged_by_group_and_department(city):
    items = await all_of(city, "/catalogue/complaint-types?limit=100")
    assert len([one for one in items if one["id"].startswith("pgr.")]) == 303
    lights = await all_of(city, "/catalogue/complaint-types?group=street_lights&limit=4")
    assert len(lights) == 11
    assert sum(one["anything_else"] for one in lights) == 1


async def test_offices_come_nearest_first_and_those_without_a_position_last(city):
    got = (await city.ask("GET", "/catalogue/offices?near=20.2955,85.8335")).json["items"]
    distances = [one["distance_m"] for one in got if "distance_m" in one]
    assert got[0]["id"] == "rto_office"
    assert distances == sorted(distances)
    assert "position" not in got[-1]
    assert all(one["verified"] == "NO" for one in got)


async def test_the_offices_of_a_service_are_those_of_whoever_is_responsible(city):
    got = (await city.ask("GET", "/catalogue/offices?service=dl.renewal&ward=07")).json["items"]
    assert [one["id"] for one in got] == ["rto_office"]


@pytest.mark.parametrize("query", ["ward=99", "near=95.0,85.0", "near=here"])
async def test_a_place_that_is_none_is_refused(city, query):
    assert (await city.ask("GET", f"/catalogue/offices?{query}")).status == 400


async def test_wards_localities_holidays_and_the_rules_of_the_act_are_told(city):
    places = (await city.ask("GET", "/catalogue/places")).json
    assert (len(places["wards"]), len([one for one in places["localities"] if one["in_the_city"]])) == (67, 66)
    days = (await city.ask("GET", "/catalogue/holidays?year=2026")).json["items"]
    assert days[0]["day"] == "2026-01-14"
    assert [one for one in days if one["moon_dependent"]] != []
    assert (await city.ask("GET", "/catalogue/holidays?year=2027")).json["items"] == []
    rules = {one["id"]: one for one in (await city.ask("GET", "/catalogue/rules")).json["items"]}
    assert (rules["appeal_window"]["days"], rules["appeal_window"]["most_days"]) == (30, 90)


async def test_what_you_will_need_names_documents_fees_and_what_the_form_asks(city):
    got = (await city.ask("GET", "/services/dl.renewal/needs", Accept_Language="or")).json
    assert "ଫର୍ମ ୯" in got["documents"]
    assert got["fees"][0]["amount"]["amount"] == "200.00"
    assert got["questions"]
    assert {one["fact"] for one in got["sources"]} >= {"fee", "time_limit"}


async def test_eligibility_is_asked_question_by_question_and_answered_with_the_rule(city):
    path = "/services/passport.minor"
    asked = (await city.ask("GET", f"{path}/eligibility")).json
    assert asked["outcome"] == "MORE_NEEDED"
    assert [one["id"] for one in asked["questions"]] == ["nationality", "applicant_age_years"]
    check = f"{path}/eligibility-checks"
    one = await city.ask("POST", check, json={"answers": {"nationality": "indian"}})
    assert [question["id"] for question in one.json["questions"]] == ["applicant_age_years"]
    yes = await city.ask("POST", check, json={"answers": {"nationality": "indian", "applicant_age_years": 17}})
    assert yes.json["outcome"] == "ELIGIBLE"
    no = await city.ask("POST", check, json={"answers": {"applicant_age_years": 18}})
    assert (no.json["outcome"], no.json["because"]) == ("NOT_ELIGIBLE", ["This is for persons below 18."])


async def test_answers_that_are_none_are_all_told(city):
    answers = {"nationality": "martian", "applicant_age_years": "young", "colour": 1}
    got = await city.ask("POST", "/services/passport.minor/eligibility-checks", json={"answers": answers})
    assert got.status == 400
    assert [(one["pointer"], one["code"]) for one in got.json["errors"]] == [
        ("/answers/nationality", "not_fitting"),
        ("/answers/applicant_age_years", "not_a_whole_number"),
        ("/answers/colour", "unknown_question"),
    ]


async def test_a_service_without_rules_says_so_and_promises_nothing(city):
    got = (await city.ask("GET", "/services/municipal.hall_booking/eligibility")).json
    assert got["outcome"] == "NO_RULES"
    assert "questions" not in got
