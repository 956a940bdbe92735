"""The list of services and one service: facts and offers as one, in the asked order, with counts of each facet."""

from collections.abc import Iterable

import msgspec
from msgspec import UNSET

from aggregator.api.call import Call
from aggregator.api.catalogue_shapes import Facet, FacetValue, ServiceList, ServicesQuery
from aggregator.api.catalogue_view import detail_of, line_of, now_of, title_of
from aggregator.api.catalogue_words import TABLES, expect_known
from aggregator.api.decode import invalid
from aggregator.api.paging import asked_from, page, plain
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.api.shapes import ErrorLine
from aggregator.api.tags import tagged
from aggregator.discovery.browse import FACETS, Now, Searched, SearchHit, counted, fitting
from aggregator.discovery.catalogue.model import Catalogue, Entry


async def listing(call: Call) -> Answer:
    """GET /services."""
    query: ServicesQuery = call.query
    names = _facets(call, query)
    asked = _asked(call, query)
    catalogue, now = call.rooms.catalogue(), now_of(call)
    searched = await _searched(call, catalogue, query)
    hits = {} if searched is None else {hit.id: hit for hit in searched.hits}
    known = catalogue.entries
    ordered = known.values() if searched is None else (known[id_] for id_ in hits if id_ in known)
    found = fitting(ordered, asked, now)
    rest = _after(found, after := asked_from(call))
    items, link, headers = page(call, rest[: query.limit + 1], query.limit, lambda entry: entry.id)
    asked_back = "" if searched is None else searched.question
    question = asked_back or ("" if found or after else call.say("problem.question.no_service"))
    value = ServiceList(
        items=tuple(line_of(call, entry, hits.get(entry.id) or SearchHit(entry.id, "ALL"), now) for entry in items),
        question=question or UNSET,
        facets=_counts(call, found, names, now),
        next=link,
    )
    return Answer(value, headers=headers)


async def show(call: Call) -> Answer:
    """GET /services/{service_id}."""
    return tagged(detail_of(call, entry_of(call)), call.language)


def entry_of(call: Call) -> Entry:
    """The entry of the path. Raises Problem not-found."""
    entry = call.rooms.catalogue().entry(call.params["service_id"])
    if entry is None:
        raise Problem("not-found")
    return entry


async def _searched(call: Call, catalogue: Catalogue, query: ServicesQuery) -> Searched | None:
    """What the words found; None when there are no words, and the list is in the order of ids."""
    words = plain(query.q)
    if words is None or not words.strip():
        return None
    return await call.rooms.search(catalogue, words, call.language)


def _asked(call: Call, query: ServicesQuery) -> dict[str, str]:
    given = msgspec.to_builtins(query)
    asked = {name: given[name] for name in FACETS if given.get(name) is not None}
    for name, word in asked.items():
        expect_known(call, name, word)
    return asked


def _after(found: list[Entry], after: str) -> list[Entry]:
    """What follows the bookmark in the order of the list. Raises Problem cursor-stale when the mark has gone."""
    if not after:
        return found
    for place, entry in enumerate(found):
        if entry.id == after:
            return found[place + 1 :]
    raise Problem("cursor-stale")


def _facets(call: Call, query: ServicesQuery) -> list[str]:
    names = [] if query.facets is UNSET else query.facets.split(",")
    unknown = [name for name in names if name not in FACETS]
    if unknown:
        detail = call.say("problem.violation.unknown_facet", known=", ".join(FACETS))
        raise invalid([ErrorLine(parameter="facets", code="unknown_facet", detail=detail)])
    return list(dict.fromkeys(names))


def _counts(call: Call, found: Iterable[Entry], names: list[str], now: Now) -> tuple[Facet, ...]:
    if not names:
        return ()
    return tuple(
        Facet(
            name=name,
            values=tuple(
                FacetValue(value=value, title=_title(call, name, value), services=number)
                for value, number in list(values.items())[:200]
            ),
        )
        for name, values in counted(found, names, now).items()
    )


def _title(call: Call, name: str, value: str) -> str:
    words = call.rooms.catalogue().vocabulary
    if name in TABLES:
        return title_of(call, getattr(words, TABLES[name]), value)
    if name == "agency":
        agency = call.rooms.registry().agencies.get(value)
        if agency is not None:
            return call.titled(agency.title)
        return title_of(call, {**words.departments, **words.organisations}, value)
    return call.say(f"catalogue.{name}.{value}")
