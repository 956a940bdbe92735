"""The catalogue's entries as search sees them: with the editors' sayings, and words of every language they carry."""

from collections.abc import Iterator

from aggregator.discovery.catalogue.model import Catalogue, Entry, Vocabulary
from aggregator.discovery.search.item import Item
from aggregator.discovery.search.lexicon import Lexicon


def items_of(catalogue: Catalogue, lexicon: Lexicon) -> list[Item]:
    """Every entry of the catalogue, services and complaint types."""
    return [_item(entry, catalogue.vocabulary, lexicon) for entry in catalogue.entries.values()]


def _item(entry: Entry, words: Vocabulary, lexicon: Lexicon) -> Item:
    sayings = (*lexicon.sayings.get(entry.id, ()), *lexicon.sayings.get(entry.same_as, ()))
    return Item(
        id=entry.id,
        kind=entry.kind,
        titles=entry.titles,
        descriptions=entry.descriptions,
        sayings=sayings,
        keywords=tuple(_keywords(entry, words)),
        category=entry.category if entry.category in words.categories else "",
        department=_english(words, "departments", entry.department),
        agency=entry.agency,
        life_events=entry.life_events,
        catch_all=entry.catch_all,
        featured=bool(sayings) or bool(entry.offered),
    )


def _keywords(entry: Entry, words: Vocabulary) -> Iterator[str]:
    """Names of the superseded rows, of the group of complaints, and the editors' own words."""
    yield from entry.aliases
    for found in entry.keywords.values():
        yield from found
    group = words.groups.get(entry.group)
    if group is not None:
        yield group.title.get("en", "")


def _english(words: Vocabulary, table: str, name: str) -> str:
    term = getattr(words, table).get(name)
    return term.title.get("en", "") if term is not None else ""
