"""POST /services/searches: a citizen's words answered in the reader's language. A POST, because people type numbers."""

from msgspec import UNSET, UnsetType

from aggregator.api.call import Call
from aggregator.api.problem import Says
from aggregator.api.route import Answer
from aggregator.api.search_shapes import (
    RelatedServices,
    SearchAnswer,
    SearchAsked,
    SearchGroup,
    SearchHit,
    SearchOption,
    SearchQuestion,
)
from aggregator.discovery.browse import Searched
from aggregator.discovery.browse import SearchHit as ListHit
from aggregator.discovery.catalogue.model import Catalogue
from aggregator.discovery.search.answer import Found, Hit, Reason
from aggregator.discovery.search.desk import Finder
from aggregator.discovery.search.item import Item

LISTED = 20


async def search(call: Call) -> Answer:
    """POST /services/searches."""
    asked: SearchAsked = call.body
    found = await call.rooms.finder.ask(asked.words, call.language, asked.limit)
    value = SearchAnswer(
        outcome="NONE" if found.none else "WHICH" if found.between else "FOUND",
        groups=tuple(
            SearchGroup(
                intent=intent,
                title=call.say(f"search.intent.{intent}"),
                hits=tuple(_hit(call, hit) for hit in hits),
            )
            for intent, hits in found.groups.items()
        ),
        question=_question(call, found),
        related=_related(call, found),
    )
    return Answer(value)


class ListedBySearch:
    """The same search, for the list of services."""

    def __init__(self, finder: Finder, say: Says) -> None:
        self._finder = finder
        self._say = say

    async def __call__(self, catalogue: Catalogue, words: str, language: str) -> Searched:
        found = await self._finder.ask(words, language, LISTED)
        hits = [ListHit(hit.item.id, hit.reason.place, why(hit.reason, self._say, language)) for hit in found.hits]
        titles = [_title(hit.item, language) for hit in found.between]
        asks = self._say("search.which", language, first=titles[0], second=titles[1]) if titles else ""
        return Searched([hit for hit in hits if hit.id in catalogue.entries], asks)


def why(reason: Reason, say: Says, language: str) -> str:
    """The reason as a sentence: by the name that fits, and by how the words were read."""
    place = reason.place.casefold()
    known = reason.how in {"EXACT", "ACRONYM", "MEANING"}
    return say(
        f"search.why.{place}" if known else f"search.why.{place}_read", language, said=reason.said, name=reason.name
    )


def _hit(call: Call, hit: Hit) -> SearchHit:
    return SearchHit(
        id=hit.item.id,
        title=call.titled(hit.item.titles),
        kind=hit.item.kind.upper(),
        intent=hit.intent,
        matched=hit.reason.place,
        understood=hit.reason.how,
        why=why(hit.reason, call.rooms.say, call.language),
    )


def _question(call: Call, found: Found) -> SearchQuestion | UnsetType:
    if found.none:
        return SearchQuestion(sentence=call.say("search.none"), options=())
    if not found.between:
        return UNSET
    options = tuple(_option(call, hit.item) for hit in found.between)
    sentence = call.say("search.which", first=options[0].title, second=options[1].title)
    return SearchQuestion(sentence=sentence, options=options)


def _related(call: Call, found: Found) -> RelatedServices | UnsetType:
    event = call.rooms.catalogue().vocabulary.life_events.get(found.life_event)
    if event is None or not found.related:
        return UNSET
    return RelatedServices(
        life_event=found.life_event,
        title=call.titled(event.title),
        services=tuple(_option(call, item) for item in found.related),
    )


def _option(call: Call, item: Item) -> SearchOption:
    return SearchOption(id=item.id, title=call.titled(item.titles))


def _title(item: Item, language: str) -> str:
    return item.titles.get(language) or item.titles.get("en", "")
