"""The words, places and days people browse by. Each list comes whole, but for complaint types, which come in pages."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from msgspec import UNSET, UnsetType

from aggregator.api.browse_shapes import (
    ActRuleLine,
    ActRuleList,
    ComplaintType,
    ComplaintTypeList,
    ComplaintTypesQuery,
    HolidayLine,
    HolidayList,
    HolidaysQuery,
    LocalityLine,
    OfficeLine,
    OfficeList,
    OfficesQuery,
    PlaceList,
    Position,
    Shelf,
    ShelfList,
)
from aggregator.api.call import Call
from aggregator.api.catalogue_shapes import Named
from aggregator.api.catalogue_view import named, title_of
from aggregator.api.catalogue_words import expect_known
from aggregator.api.decode import invalid
from aggregator.api.paging import asked_from, page, plain
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.api.shapes import ErrorLine
from aggregator.api.tags import tagged
from aggregator.discovery.browse_offices import Found, serving
from aggregator.discovery.catalogue.model import Entry, Term, Vocabulary
from aggregator.discovery.catalogue.places import Office

Of = Callable[[Entry], Iterable[str]]
FARTHEST = 90, 180


async def categories(call: Call) -> Answer:
    """GET /catalogue/categories."""
    return _shelves(call, lambda words: words.categories, lambda entry: (entry.category,))


async def life_events(call: Call) -> Answer:
    """GET /catalogue/life-events."""
    return _shelves(call, lambda words: words.life_events, lambda entry: entry.life_events)


async def departments(call: Call) -> Answer:
    """GET /catalogue/departments."""
    return _shelves(call, lambda words: words.departments, lambda entry: (entry.department,))


async def audiences(call: Call) -> Answer:
    """GET /catalogue/audiences."""
    return _shelves(call, lambda words: words.audiences, lambda entry: entry.audiences)


async def groups(call: Call) -> Answer:
    """GET /catalogue/complaint-groups."""
    return _shelves(call, lambda words: words.groups, lambda entry: (entry.group,))


async def complaint_types(call: Call) -> Answer:
    """GET /catalogue/complaint-types."""
    query: ComplaintTypesQuery = call.query
    after = asked_from(call)
    group, department = plain(query.group), plain(query.department)
    for facet, word in (("group", group), ("department", department)):
        if word is not None:
            expect_known(call, facet, word)
    found = [
        entry
        for entry in call.rooms.catalogue().complaint_types()
        if entry.id > after and group in {None, entry.group} and department in {None, entry.department}
    ]
    items, link, headers = page(call, found[: query.limit + 1], query.limit, lambda entry: entry.id)
    value = ComplaintTypeList(items=tuple(_complaint(call, entry) for entry in items), next=link)
    return Answer(value, headers=headers)


async def offices(call: Call) -> Answer:
    """GET /catalogue/offices."""
    query: OfficesQuery = call.query
    catalogue = call.rooms.catalogue()
    organisation = plain(query.organisation) or ""
    if organisation:
        expect_known(call, "organisation", organisation)
    if query.service is not UNSET:
        entry = catalogue.entry(query.service)
        if entry is None:
            raise Problem("not-found")
        organisation = entry.organisation
    ward = plain(query.ward) or ""
    if ward and ward not in catalogue.facts.wards:
        raise _refused(call, "ward", "no_such_ward")
    found = serving(catalogue.facts.offices.values(), ward=ward, organisation=organisation, near=_near(call, query))
    return Answer(OfficeList(items=tuple(_office(call, one) for one in found[: query.limit])))


async def places(call: Call) -> Answer:
    """GET /catalogue/places."""
    facts = call.rooms.catalogue().facts
    localities = tuple(LocalityLine(id=one.id, name=one.name, in_the_city=one.city) for one in facts.localities)
    return tagged(PlaceList(wards=facts.wards, localities=localities), call.language)


async def holidays(call: Call) -> Answer:
    """GET /catalogue/holidays."""
    query: HolidaysQuery = call.query
    year = plain(query.year)
    items = tuple(
        HolidayLine(
            day=one.day,
            title=call.titled(one.titles),
            moon_dependent=one.moon_dependent,
            verified=one.verified.upper(),
        )
        for one in call.rooms.catalogue().facts.holidays
        if year in {None, one.day.year}
    )
    return tagged(HolidayList(items=items), call.language)


async def rules(call: Call) -> Answer:
    """GET /catalogue/rules."""
    found = call.rooms.catalogue().facts.rules.values()
    items = tuple(
        ActRuleLine(
            id=one.id,
            text=one.text,
            days=UNSET if one.days is None else one.days,
            most_days=UNSET if one.most_days is None else one.most_days,
        )
        for one in found
    )
    return tagged(ActRuleList(items=items), call.language)


def _shelves(call: Call, table: Callable[[Vocabulary], Mapping[str, Term]], of: Of) -> Answer:
    """The words of a table; one that only the registry uses stands under its own id."""
    catalogue = call.rooms.catalogue()
    terms = table(catalogue.vocabulary)
    counts = Counter(word for entry in catalogue.entries.values() for word in of(entry) if word)
    found = [
        Shelf(id=id_, title=title_of(call, terms, id_), services=counts[id_])
        for id_ in dict.fromkeys([*counts, *terms])
    ]
    return tagged(ShelfList(items=tuple(sorted(found, key=lambda one: (-one.services, one.id)))), call.language)


def _complaint(call: Call, entry: Entry) -> ComplaintType:
    words = call.rooms.catalogue().vocabulary
    return ComplaintType(
        id=entry.id,
        title=call.titled(entry.titles),
        group=named(call, words.groups, entry.group),
        department=named(call, words.departments, entry.department),
        offered_as=tuple(service.id for service in entry.offered),
        anything_else=entry.catch_all,
    )


def _near(call: Call, query: OfficesQuery) -> tuple[float, float] | None:
    if query.near is UNSET:
        return None
    latitude, longitude = (float(part) for part in query.near.split(","))
    if abs(latitude) > FARTHEST[0] or abs(longitude) > FARTHEST[1]:
        raise _refused(call, "near", "no_such_place")
    return latitude, longitude


def _office(call: Call, found: Found) -> OfficeLine:
    office = found.office
    words = call.rooms.catalogue().vocabulary
    return OfficeLine(
        id=office.id,
        title=call.titled(office.title),
        organisation=Named(id=office.organisation, title=title_of(call, words.organisations, office.organisation)),
        address=office.address or UNSET,
        position=_position(office),
        distance_m=UNSET if found.distance_m is None else found.distance_m,
        whole_city=not office.wards,
        wards=office.wards,
        verified=office.verified.upper(),
    )


def _position(office: Office) -> Position | UnsetType:
    if office.latitude is None or office.longitude is None:
        return UNSET
    return Position(
        latitude=f"{office.latitude:.6f}", longitude=f"{office.longitude:.6f}", accuracy_m=office.accuracy_m
    )


def _refused(call: Call, parameter: str, rule: str) -> Problem:
    return invalid([ErrorLine(parameter=parameter, code=rule, detail=call.say(f"problem.violation.{rule}"))])
