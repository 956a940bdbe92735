"""A service as linked data: schema.org's GovernmentService and CPSV-AP's PublicService in one node, context inline.

Search engines read the one, government catalogues the other; nobody has to fetch a context to read either. What is not
known is left out, never guessed. Sources: schema.org/GovernmentService; CPSV-AP 3.2.0, its mandatory properties.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from aggregator.discovery.catalogue.model import Catalogue, CatalogueFeeRow, Entry, StatutoryLimit, Term
from aggregator.registry.agency import Words

Node = dict[str, Any]
MEDIA_TYPE = "application/ld+json"
CONTEXT: Mapping[str, Any] = {
    "schema": "https://schema.org/",
    "cpsv": "http://purl.org/vocab/cpsv#",
    "cv": "http://data.europa.eu/m8g/",
    "dct": "http://purl.org/dc/terms/",
    "eli": "http://data.europa.eu/eli/ontology#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_LANGUAGE = "http://publications.europa.eu/resource/authority/language/"
_LANGUAGES = {"en": "ENG", "or": "ORI", "hi": "HIN"}
_DURATION = {"HOUR": "PT{}H", "DAY": "P{}D", "MONTH": "P{}M"}
"""Units that ISO 8601 can say; working days and hours it cannot, so they stay words."""


class Graph:
    """Nodes of one catalogue. `origin` is our address, `city` the place that is served."""

    def __init__(self, catalogue: Catalogue, origin: str, city: str) -> None:
        self._catalogue = catalogue
        self._words = catalogue.vocabulary
        self._origin = origin
        self._city = city

    def service(self, entry: Entry) -> Node:
        """The whole node of a service, with its context."""
        return {"@context": dict(CONTEXT), **self._node(entry)}

    def index(self, entries: Iterable[Entry]) -> Node:
        """All services by address and name, as a schema.org DataCatalog's list."""
        listed = [{"@id": self.address(one.id), "@type": _TYPES, "schema:name": _texts(one.titles)} for one in entries]
        return {
            "@context": dict(CONTEXT),
            "@id": f"{self._origin}/catalogue",
            "@type": "schema:ItemList",
            "schema:name": self._city,
            "schema:itemListElement": listed,
        }

    def address(self, id_: str) -> str:
        return f"{self._origin}/catalogue/{id_}"

    def _node(self, entry: Entry) -> Node:
        names, about = _texts(entry.titles), _texts(entry.descriptions or entry.titles)
        authority = self._authority(entry)
        node: Node = {
            "@id": self.address(entry.id),
            "@type": _TYPES,
            "dct:identifier": entry.id,
            "dct:title": names,
            "schema:name": names,
            "dct:description": about,
            "schema:description": about,
            "schema:url": {"@id": self.address(entry.id)},
            "cv:hasCompetentAuthority": authority,
            "schema:provider": {"@id": authority["@id"]},
            "schema:areaServed": {"@type": "schema:City", "schema:name": self._city},
            "dct:language": [{"@id": _LANGUAGE + _LANGUAGES[code]} for code in entry.titles if code in _LANGUAGES],
            "schema:alternateName": list(entry.aliases),
            "schema:serviceType": self._texts_of(self._words.categories, [entry.category]),
            "cv:thematicArea": self._concepts("categories", [entry.category]),
            "cv:isGroupedBy": self._events(entry),
            "schema:audience": self._audiences(entry),
            "cv:hasChannel": self._channels(entry),
            "cpsv:hasInput": self._inputs(entry),
            "cv:hasCost": self._costs(entry),
            "cv:processingTime": _duration(entry.time_limit),
            "cv:hasLegalResource": self._laws(entry),
            "dct:isReplacedBy": [{"@id": self.address(id_)} for id_ in entry.superseded_by],
            "dct:source": self._sources(entry),
        }
        return {key: value for key, value in node.items() if value not in (None, [], {}, "")}

    def _authority(self, entry: Entry) -> Node:
        term = self._words.organisations.get(entry.organisation) or self._words.departments.get(entry.department)
        id_ = entry.organisation or entry.department or entry.agency
        titles = term.title if term is not None else {"en": id_}
        return {
            "@id": f"{self._origin}/catalogue#organisation-{id_}",
            "@type": ["cv:PublicOrganisation", "schema:GovernmentOrganization"],
            "dct:identifier": id_,
            "dct:title": _texts(titles),
            "schema:name": _texts(titles),
            "dct:spatial": {"@type": "dct:Location", "schema:name": self._city},
        }

    def _concepts(self, table: str, ids: Iterable[str]) -> list[Node]:
        terms: Mapping[str, Term] = getattr(self._words, table)
        return [
            {
                "@id": f"{self._origin}/catalogue#{table}-{id_}",
                "@type": "skos:Concept",
                "skos:prefLabel": _texts(terms[id_].title),
            }
            for id_ in ids
            if id_ in terms
        ]

    def _texts_of(self, terms: Mapping[str, Term], ids: Iterable[str]) -> list[Node]:
        return [text for id_ in ids if id_ in terms for text in _texts(terms[id_].title)]

    def _events(self, entry: Entry) -> list[Node]:
        kind = {"business": "cv:BusinessEvent"}
        return [
            {
                "@id": f"{self._origin}/catalogue#life_events-{id_}",
                "@type": kind.get(id_, "cv:LifeEvent"),
                "dct:identifier": id_,
                "dct:title": _texts(self._words.life_events[id_].title),
            }
            for id_ in entry.life_events
            if id_ in self._words.life_events
        ]

    def _audiences(self, entry: Entry) -> list[Node]:
        return [
            {"@type": "schema:Audience", "schema:audienceType": _texts(self._words.audiences[id_].title)}
            for id_ in entry.audiences
            if id_ in self._words.audiences
        ]

    def _channels(self, entry: Entry) -> list[Node]:
        found: list[Node] = [
            {
                "@type": ["cv:Channel", "schema:ServiceChannel"],
                "dct:identifier": id_,
                "dct:title": _texts(self._words.channels[id_].title),
            }
            for id_ in entry.channels
            if id_ in self._words.channels
        ]
        if entry.own is not None and entry.maturity != "INFO":
            address = f"{self._origin}/forms/{entry.own.id}"
            ours = {"@type": ["cv:Channel", "schema:ServiceChannel"], "dct:identifier": address}
            found.append({**ours, "schema:serviceUrl": {"@id": address}})
        return found

    def _inputs(self, entry: Entry) -> list[Node]:
        known = self._words.documents
        titles = [known[id_].title for id_ in entry.documents if id_ in known]
        own = entry.own
        ids = list(entry.documents)
        if own is not None and own.documents:
            titles, ids = list(own.documents), [f"{entry.id}-{number}" for number in range(len(own.documents))]
        return [
            {"@type": "cv:Evidence", "dct:identifier": id_, "dct:title": _texts(title)}
            for id_, title in zip(ids, titles, strict=False)
        ]

    def _costs(self, entry: Entry) -> list[Node]:
        own = entry.own
        if own is not None and own.fee is not None:
            rows = tuple(CatalogueFeeRow(row.title, row.amount_paise) for row in own.fee.rows)
            return [_cost(f"{entry.id}-cost-{place}", row, own.fee.currency) for place, row in enumerate(rows)]
        if entry.fee is None:
            return []
        return [_cost(f"{entry.id}-cost-{place}", row, entry.fee.currency) for place, row in enumerate(entry.fee.rows)]

    def _laws(self, entry: Entry) -> list[Node]:
        if entry.time_limit is None or not entry.provenance:
            return []
        return [
            {
                "@id": f"{self._origin}/catalogue#act",
                "@type": "eli:LegalResource",
                "dct:title": [{"@language": "en", "@value": "Odisha Right to Public Services Act, 2012"}],
            }
        ]

    def _sources(self, entry: Entry) -> list[str]:
        known = self._words.sources
        return list(dict.fromkeys(known[one.source].title for one in entry.provenance if one.source in known))


_TYPES = ["cpsv:PublicService", "schema:GovernmentService"]


def _texts(words: Words) -> list[Node]:
    return [{"@language": language, "@value": text} for language, text in words.items()]


def _duration(limit: StatutoryLimit | None) -> Node | None:
    if limit is None or limit.unit not in _DURATION:
        return None
    return {"@type": "xsd:duration", "@value": _DURATION[limit.unit].format(limit.amount)}


def _cost(id_: str, row: CatalogueFeeRow, currency: str) -> Node:
    made: Node = {
        "@type": ["cv:Cost", "schema:PriceSpecification"],
        "dct:identifier": id_,
        "dct:description": _texts(row.title if row.amount_paise is not None else row.rule),
    }
    if row.amount_paise is None:
        return made
    amount = f"{row.amount_paise // 100}.{row.amount_paise % 100:02d}"
    return {
        **made,
        "cv:value": {"@type": "xsd:decimal", "@value": amount},
        "cv:currency": {"@id": f"http://publications.europa.eu/resource/authority/currency/{currency}"},
        "schema:price": amount,
        "schema:priceCurrency": currency,
    }
