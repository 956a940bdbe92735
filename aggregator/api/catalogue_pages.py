"""The catalogue's public pages outside /v1: a page for people and linked data for machines at one address.

No key is needed, because there is nothing here but public facts. `Accept: application/ld+json` gets the data, all
else a page without scripts, with the same data inside, in the reader's language; `?lang=` decides before the header.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

import msgspec
from aiohttp import web

from aggregator.api.edge import SLIP
from aggregator.api.headers import LANGUAGES, etag_listed
from aggregator.api.openapi_words import INFO
from aggregator.api.problem import Problem, Says
from aggregator.discovery.catalogue.model import Catalogue, Entry
from aggregator.discovery.linked import MEDIA_TYPE, Graph, Node
from aggregator.discovery.linked_site import LINKSET, PROFILE, api_catalog, robots, sitemap
from aggregator.registry.agency import Words

FRESH = "public, max-age=300"
_CSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
_STYLE = "body{max-width:44rem;margin:1rem auto;padding:0 1rem;font:1rem/1.5 sans-serif}dt{font-weight:bold}"
_NAMES = {"en": "English", "or": "ଓଡ଼ିଆ", "hi": "हिन्दी"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CataloguePages:
    """GET /catalogue, /catalogue/{service_id}, /sitemap.xml, /robots.txt, /.well-known/api-catalog."""

    catalogue: Callable[[], Catalogue]
    city: Callable[[], str]
    say: Says
    contracts: Mapping[str, str]
    """Path of each contract document by its name."""

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/catalogue", self.index),
            web.get("/catalogue/{service_id}", self.show),
            web.get("/sitemap.xml", self.sitemap),
            web.get("/robots.txt", self.robots),
            web.get("/.well-known/api-catalog", self.interfaces),
        ]

    async def index(self, request: web.Request) -> web.StreamResponse:
        """Every service and complaint type by name."""
        catalogue = self.catalogue()
        if _wants_data(request):
            return self._data(request, self._graph(request).index(catalogue.entries.values()))
        language = _language(request)
        rows = "".join(
            f'<li><a href="/catalogue/{escape(entry.id)}?lang={language}">{_text(entry.titles, language)}</a></li>'
            for entry in sorted(catalogue.entries.values(), key=lambda one: _said(one.titles, language))
        )
        return self._page(request, self.city(), f"<ul>{rows}</ul>", "")

    async def show(self, request: web.Request) -> web.StreamResponse:
        """One entry: its page, or its node. An id of the registry leads to the entry's own address."""
        asked = request.match_info["service_id"]
        entry = self.catalogue().entry(asked)
        if entry is None:
            raise Problem("not-found")
        if entry.id != asked:
            return web.Response(status=301, headers={"Location": f"/catalogue/{entry.id}"})
        node = self._graph(request).service(entry)
        if _wants_data(request):
            return self._data(request, node)
        body = self._body(entry, _language(request))
        return self._page(request, _said(entry.titles, _language(request)), body, _embedded(node))

    async def sitemap(self, request: web.Request) -> web.StreamResponse:
        """Every page of the catalogue."""
        graph = self._graph(request)
        text = sitemap(graph.address(id_) for id_ in self.catalogue().entries)
        return self._answer(request, text.encode(), "application/xml")

    async def robots(self, request: web.Request) -> web.StreamResponse:
        """What crawlers may read."""
        return self._answer(request, robots(request[SLIP].origin).encode(), "text/plain")

    async def interfaces(self, request: web.Request) -> web.StreamResponse:
        """RFC 9727."""
        titles = {path: str(INFO[name]["title"]) for path, name in self.contracts.items()}
        body = msgspec.json.encode(api_catalog(request[SLIP].origin, titles))
        response = self._answer(request, body, LINKSET)
        response.headers["Content-Type"] = f'{LINKSET}; profile="{PROFILE}"'
        response.headers["Link"] = f'<{request[SLIP].origin}/.well-known/api-catalog>; rel="api-catalog"'
        return response

    def _graph(self, request: web.Request) -> Graph:
        return Graph(self.catalogue(), request[SLIP].origin, self.city())

    def _data(self, request: web.Request, node: Node) -> web.Response:
        return self._answer(request, msgspec.json.encode(node), MEDIA_TYPE)

    def _page(self, request: web.Request, title: str, body: str, embedded: str) -> web.Response:
        language = _language(request)
        links = " ".join(
            f'<a href="{escape(request.path)}?lang={code}" lang="{code}" hreflang="{code}">{name}</a>'
            for code, name in _NAMES.items()
        )
        html = (
            f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style>'
            f'<link rel="alternate" type="{MEDIA_TYPE}" href="{escape(request.path)}">{embedded}</head>'
            f'<body><nav aria-label="{escape(self.say("catalogue.page.language", language))}">{links}</nav>'
            f"<main><h1>{escape(title)}</h1>{body}</main></body></html>"
        )
        response = self._answer(request, html.encode(), "text/html")
        response.headers["Content-Security-Policy"] = _CSP
        response.headers["Content-Language"] = language
        return response

    def _answer(self, request: web.Request, body: bytes, media_type: str) -> web.Response:
        tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
        headers = {"ETag": tag, "Cache-Control": FRESH, "Vary": "Accept, Accept-Language, Origin"}
        if etag_listed(request.headers.get("If-None-Match", ""), tag):
            return web.Response(status=304, headers=headers)
        charset = None if media_type == MEDIA_TYPE else "utf-8"
        return web.Response(body=body, headers=headers, content_type=media_type, charset=charset)

    def _body(self, entry: Entry, language: str) -> str:
        facts = [*self._offer(entry, language), *self._facts(entry, language)]
        about = _text(entry.descriptions, language)
        rows = "".join(f"<dt>{escape(name)}</dt>" + "".join(f"<dd>{one}</dd>" for one in told) for name, told in facts)
        return (f"<p>{about}</p>" if about else "") + f"<dl>{rows}</dl>"

    def _offer(self, entry: Entry, language: str) -> list[tuple[str, list[str]]]:
        how = self.say("catalogue.page.how", language)
        if entry.superseded_by:
            links = [
                f'<a href="/catalogue/{escape(id_)}?lang={language}">{escape(id_)}</a>' for id_ in entry.superseded_by
            ]
            return [(self.say("catalogue.page.superseded", language), links)]
        if entry.own is None or entry.maturity == "INFO":
            return [(how, [escape(self.say("catalogue.availability.not_online", language))])]
        here = escape(self.say("catalogue.page.online", language))
        form, blank = f"/forms/{escape(entry.own.id)}", escape(self.say("catalogue.page.blank", language))
        return [
            (
                how,
                [f'<a href="{form}?lang={language}">{here}</a>', f'<a href="{form}/blank?lang={language}">{blank}</a>'],
            )
        ]

    def _facts(self, entry: Entry, language: str) -> list[tuple[str, list[str]]]:
        words = self.catalogue().vocabulary
        found: list[tuple[str, list[str]]] = []

        def tell(name: str, told: list[str]) -> None:
            if told:
                found.append((self.say(f"catalogue.page.{name}", language), told))

        organisation = words.organisations.get(entry.organisation)
        department = words.departments.get(entry.department)
        tell("who", [_text(one.title, language) for one in (organisation, department) if one is not None])
        own = entry.own
        documents = [words.documents[id_].title for id_ in entry.documents]
        documents = list(own.documents) if own is not None and own.documents else documents
        tell("documents", [_text(one, language) for one in documents])
        limit = entry.time_limit
        if limit is not None and limit.text:
            tell("limit", [escape(limit.text)])
        ladder = (entry.officers.designated, entry.officers.appeal, entry.officers.revision)
        tell("officers", [escape(one) for one in ladder if one])
        known = words.sources
        tell("sources", list(dict.fromkeys(escape(known[one.source].title) for one in entry.provenance)))
        return found


def _wants_data(request: web.Request) -> bool:
    """Whether linked data is preferred to a page; a tie goes to the page."""
    best = {"data": 0.0, "page": 0.0}
    for part in request.headers.get("Accept", "").split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        kind = "data" if name in {MEDIA_TYPE, "application/json"} else "page" if name in {"text/html", "*/*"} else ""
        if kind and quality.replace(".", "", 1).isdigit():
            best[kind] = max(best[kind], float(quality))
    return best["data"] > best["page"]


def _language(request: web.Request) -> str:
    asked = request.query.get("lang", "")
    return asked if asked in LANGUAGES else request[SLIP].language


def _said(words: Words, language: str) -> str:
    return words.get(language) or words.get("en", "")


def _text(words: Words, language: str) -> str:
    return escape(_said(words, language))


def _embedded(node: Node) -> str:
    """The node inside the page; `<` is written so that no text can end the element."""
    text = msgspec.json.encode(node).decode().replace("<", "\\u003c")
    return f'<script type="{MEDIA_TYPE}">{text}</script>'
