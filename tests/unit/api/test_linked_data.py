"""Linked data as other people's reader sees it: rdflib turns every node into triples, and the triples are held against
what CPSV-AP and schema.org ask for. The control shows that a node without an authority is caught."""

import xml.etree.ElementTree as ET

import msgspec
import pytest
from api_town import running_town
from rdflib import Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCTERMS, RDF, XSD
from test_catalogue_over_http import CATALOGUE, CITY

from aggregator.discovery.linked import Graph as Linked

CPSV, CV = Namespace("http://purl.org/vocab/cpsv#"), Namespace("http://data.europa.eu/m8g/")
SCHEMA = Namespace("https://schema.org/")
ORIGIN = "https://city.example"
LD = "application/ld+json"
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")  # rdflib's own reader still uses it


def triples(node):
    return Graph().parse(data=msgspec.json.encode(node), format="json-ld")


def lacking(graph, service):
    """What CPSV-AP makes mandatory of a public service and of its authority, and schema.org's readers ask for."""
    needed = (DCTERMS.identifier, DCTERMS.title, DCTERMS.description, CV.hasCompetentAuthority)
    absent = [str(one) for one in needed if (service, one, None) not in graph]
    absent += [str(one) for one in (SCHEMA.name, SCHEMA.provider) if (service, one, None) not in graph]
    for kind in (CPSV.PublicService, SCHEMA.GovernmentService):
        absent += [] if (service, RDF.type, kind) in graph else [str(kind)]
    for authority in graph.objects(service, CV.hasCompetentAuthority):
        for one in (DCTERMS.identifier, DCTERMS.title, DCTERMS.spatial):
            absent += [] if (authority, one, None) in graph else [f"authority {one}"]
    for cost in graph.objects(service, CV.hasCost):
        absent += [] if (cost, DCTERMS.identifier, None) in graph else ["cost identifier"]
    return absent


@pytest.fixture(scope="module")
def whole():
    """One graph of every entry."""
    linked, graph = Linked(CATALOGUE, ORIGIN, "Bhubaneswar"), Graph()
    for entry in CATALOGUE.entries.values():
        graph.parse(data=msgspec.json.encode(linked.service(entry)), format="json-ld")
    return graph


def address(id_):
    return URIRef(f"{ORIGIN}/catalogue/{id_}")


def test_every_entry_has_what_both_vocabularies_make_mandatory(whole):
    assert {id_: what for id_ in CATALOGUE.entries if (what := lacking(whole, address(id_)))} == {}


def test_a_node_without_an_authority_is_caught():
    node = Linked(CATALOGUE, ORIGIN, "Bhubaneswar").service(CATALOGUE.entries["dl.renewal"])
    del node["cv:hasCompetentAuthority"]
    assert lacking(triples(node), address("dl.renewal")) == [str(CV.hasCompetentAuthority)]


def test_titles_are_told_in_the_languages_they_are_in(whole):
    told = {one.language for one in whole.objects(address("dl.renewal"), DCTERMS.title)}
    assert told == {"en", "or", "hi"}


def test_limits_fees_and_papers_are_typed_values(whole):
    service = address("dl.renewal")
    assert list(whole.objects(service, CV.processingTime)) == [Literal("P5D", datatype=XSD.duration)]
    values = {value for cost in whole.objects(service, CV.hasCost) for value in whole.objects(cost, CV.value)}
    assert values == {Literal("200.00", datatype=XSD.decimal), Literal("300.00", datatype=XSD.decimal)}
    assert len(list(whole.objects(service, CPSV.hasInput))) == 4


def test_working_hours_have_no_duration_of_the_standard_and_none_is_made_up(whole):
    ids = [one.id for one in CATALOGUE.entries.values() if one.time_limit and one.time_limit.unit == "WORKING_HOUR"]
    assert ids
    assert not [id_ for id_ in ids if (address(id_), CV.processingTime, None) in whole]


def test_services_of_one_life_event_meet_in_one_node(whole):
    event = URIRef(f"{ORIGIN}/catalogue#life_events-death_in_family")
    services = set(whole.subjects(CV.isGroupedBy, event))
    assert {address("municipal.death_certificate"), address("rto.transfer_succession")} <= services


@pytest.fixture
async def city(sqlite_store):
    async with running_town(sqlite_store, registry=lambda: CITY, catalogue=lambda: CATALOGUE) as running:
        yield running


async def test_data_and_page_stand_at_one_address_and_need_no_key(city):
    data = await city.raw("GET", "/catalogue/dl.renewal", headers={"Accept": LD})
    page = await city.raw("GET", "/catalogue/dl.renewal", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (data.headers["Content-Type"], page.headers["Content-Type"]) == (LD, "text/html; charset=utf-8")
    assert "Accept" in data.headers["Vary"]
    graph = Graph().parse(data=data.body, format="json-ld")
    assert lacking(graph, URIRef(f"{city.origin}/catalogue/dl.renewal")) == []
    embedded = page.body.decode().partition(f'<script type="{LD}">')[2].partition("</script>")[0]
    assert msgspec.json.decode(embedded) == data.json


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text/html"), ("*/*", "text/html"), ("application/ld+json;q=0.2, text/html;q=0.9", "text/html"),
        ("application/ld+json;q=0.9, text/html;q=0.2", LD), ("application/json", LD), ("image/png", "text/html"),
    ],
)  # fmt: skip
async def test_the_better_of_two_wishes_is_granted(city, accept, kind):
    got = await city.raw("GET", "/catalogue/rto.noc", headers={"Accept": accept})
    assert got.headers["Content-Type"].startswith(kind)


async def test_a_page_speaks_the_readers_language_and_has_no_script_to_run(city):
    got = await city.raw("GET", "/catalogue/dl.renewal?lang=or", headers={"Accept-Language": "hi"})
    assert got.headers["Content-Language"] == "or"
    assert "ଡ୍ରାଇଭିଂ ଲାଇସେନ୍ସ ନବୀକରଣ" in got.body.decode()
    assert "default-src 'none'" in got.headers["Content-Security-Policy"]


async def test_another_id_of_the_same_service_leads_to_its_one_address(city):
    got = await city.raw("GET", "/catalogue/rto.change_of_address")
    assert (got.status, got.headers["Location"]) == (301, "/catalogue/rto.rc_address_change")
    assert (await city.raw("GET", "/catalogue/no.such")).status == 404


async def test_what_has_not_changed_is_not_sent_again(city):
    first = await city.raw("GET", "/catalogue/rto.noc", headers={"Accept": LD})
    again = await city.raw("GET", "/catalogue/rto.noc", headers={"Accept": LD, "If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")


async def test_the_sitemap_names_every_page_and_the_pages_are_there(city):
    got = await city.raw("GET", "/sitemap.xml")
    named = [one.text for one in ET.fromstring(got.body).iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]  # noqa: S314 - our own
    assert len(named) == len(CATALOGUE.entries)
    for address_ in named[::150]:
        assert (await city.raw("GET", address_.removeprefix(city.origin))).status == 200
    assert f"Sitemap: {city.origin}/sitemap.xml" in (await city.raw("GET", "/robots.txt")).body.decode()


async def test_the_index_lists_every_entry_as_data_too(city):
    got = await city.raw("GET", "/catalogue", headers={"Accept": LD})
    graph = Graph().parse(data=got.body, format="json-ld")
    assert len(set(graph.subjects(RDF.type, CPSV.PublicService))) == len(CATALOGUE.entries)


async def test_the_catalogue_of_interfaces_leads_to_contracts_that_are_there(city):
    got = await city.raw("GET", "/.well-known/api-catalog")
    assert got.headers["Content-Type"].startswith("application/linkset+json; profile=")
    assert 'rel="api-catalog"' in got.headers["Link"]
    own, api = got.json["linkset"]
    assert own["item"] == [{"href": api["anchor"]}]
    for one in [*api["service-desc"], *api["service-meta"], *api["status"]]:
        assert (await city.raw("GET", one["href"].removeprefix(city.origin))).status == 200
    assert len(api["service-desc"]) == 4
