"""A list asked for by a word nobody knows is refused with the nearest that exists: an empty list would be believed."""

from difflib import get_close_matches

from aggregator.api.call import Call
from aggregator.api.decode import invalid
from aggregator.api.shapes import ErrorLine
from aggregator.discovery.browse import Now, counted

TABLES = {
    "category": "categories", "department": "departments", "life_event": "life_events", "audience": "audiences",
    "group": "groups", "organisation": "organisations",
}  # fmt: skip
"""Which table of the vocabulary a facet's words are from."""
_LISTS = {
    "category": "/v1/catalogue/categories", "department": "/v1/catalogue/departments", "agency": "/v1/agencies",
    "life_event": "/v1/catalogue/life-events", "audience": "/v1/catalogue/audiences",
    "group": "/v1/catalogue/complaint-groups", "organisation": "/v1/catalogue/offices",
}  # fmt: skip
"""Where each facet's words are listed; facets with a closed vocabulary are judged by the contract alone."""


def expect_known(call: Call, facet: str, word: str) -> None:
    """Raises Problem validation-failed for a word that no entry, no table and no agency has."""
    known = {} if facet not in _LISTS else _known(call, facet)
    if not known or word in known:
        return
    detail = call.say("problem.violation.no_such_word", list=_LISTS[facet])
    problem = invalid([ErrorLine(parameter=facet, code="no_such_word", detail=detail)])
    problem.members["did_you_mean"] = next(iter(get_close_matches(word, known, 1)), "")
    raise problem


def _known(call: Call, facet: str) -> dict[str, None]:
    catalogue = call.rooms.catalogue()
    words = catalogue.vocabulary
    if facet == "organisation":
        return dict.fromkeys([*words.organisations, *(one.organisation for one in catalogue.facts.offices.values())])
    used = counted(catalogue.entries.values(), (facet,), Now({}))[facet]
    if facet == "agency":
        return dict.fromkeys([*used, *call.rooms.registry().agencies, *words.departments, *words.organisations])
    return dict.fromkeys([*used, *getattr(words, TABLES[facet])])
