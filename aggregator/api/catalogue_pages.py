"""The catalogue's public pages outside /v1: a page for people and linked data for machines at one address.

No key is needed, because there is nothing here but public facts. `Accept: application/ld+json` gets the data, all
else a page without scripts, with the same data inside, in the reader's language; `?lang=` decides before the header.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote

import msgspec
from aiohttp import web
from markupsafe import Markup

from aggregator.api.dispatch import read_capped
from aggregator.api.edge import SLIP
from aggregator.api.headers import LANGUAGES, etag_listed
from aggregator.api.limits import Buckets, Limits
from aggregator.api.openapi_words import INFO
from aggregator.api.page_frame import Frame, language_of_page, wants_page
from aggregator.api.problem import Problem, Says
from aggregator.api.search_view import why
from aggregator.api.service_page import Line, ServicePage, said
from aggregator.discovery.browse import Now, counted, fitting
from aggregator.discovery.catalogue.model import Catalogue, Entry
from aggregator.discovery.linked import MEDIA_TYPE, Graph, Node
from aggregator.discovery.linked_site import LINKSET, PROFILE, api_catalog, robots, sitemap
from aggregator.discovery.search.answer import Found
from aggregator.discovery.search.desk import Finder

FRESH = "public, max-age=300"
MOST_SEARCHED, MOST_SEARCHED_BYTES, MOST_FOUND = 300, 8192, 10
"""Letters of a search that are read, bytes of its request, and services in its answer."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a search page shows: a sentence, and groups of lines."""

    answer: str
    groups: Sequence[Mapping[str, Any]] = ()
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CataloguePages:
    """/catalogue, /catalogue/{service_id}, /catalogue/search, /sitemap.xml, /robots.txt, /.well-known/api-catalog."""

    catalogue: Callable[[], Catalogue]
    city: Callable[[], str]
    say: Says
    finder: Finder
    frame: Frame
    buckets: Buckets
    limits: Limits
    contracts: Mapping[str, str]
    """Path of each contract document by its name."""

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/", self.home),
            web.get("/catalogue", self.index),
            web.get("/catalogue/search", self.home),
            web.post("/catalogue/search", self.search),
            web.get("/catalogue/{service_id}", self.show),
            web.get("/sitemap.xml", self.sitemap),
            web.get("/robots.txt", self.robots),
            web.get("/.well-known/api-catalog", self.interfaces),
        ]

    async def index(self, request: web.Request) -> web.StreamResponse:
        """The front door: search, life events, subjects; with `life_event` or `category`, the entries of one."""
        catalogue = self.catalogue()
        asked = {name: request.query[name] for name in ("life_event", "category") if name in request.query}
        entries = fitting(catalogue.entries.values(), asked, Now({}))
        if _wants_data(request):
            return self._data(request, self._graph(request).index(entries))
        language, words = language_of_page(request), catalogue.vocabulary
        terms = {"life_event": words.life_events, "category": words.categories}
        title = " · ".join(said(terms[name][id_].title, language) for name, id_ in asked.items() if id_ in terms[name])
        if asked and not (entries and title):
            return self.frame.lost(language, self.city())
        if asked or "all" in request.query:
            title = title or self.say("catalogue.page.all", language)
            return self._page(request, "list.html", title=title, groups=self._groups(entries, language))
        page = ServicePage(catalogue, language, self.say)
        used = counted(entries, ("life_event", "category"), Now({}))
        known = {name: [id_ for id_ in used[name] if id_ in terms[name]] for name in terms}
        return self._page(
            request, "home.html", title=self.say("catalogue.page.home", language),
            events=page.named(words.life_events, "life_event", known["life_event"]),
            subjects=page.named(words.categories, "category", known["category"]),
        )  # fmt: skip

    async def show(self, request: web.Request) -> web.StreamResponse:
        """One entry: its page, or its node. An id of the registry leads to the entry's own address."""
        asked = request.match_info["service_id"]
        entry = self.catalogue().entry(asked)
        if entry is None:
            if wants_page(request):
                return self.frame.lost(language_of_page(request), self.city())
            raise Problem("not-found")
        if entry.id != asked:
            return web.Response(status=301, headers={"Location": f"/catalogue/{entry.id}"})
        node = self._graph(request).service(entry)
        if _wants_data(request):
            return self._data(request, node)
        page = ServicePage(self.catalogue(), language_of_page(request), self.say)
        return self._page(request, "service.html", **page.values(entry), data=_embedded(node))

    async def search(self, request: web.Request) -> web.StreamResponse:
        """What somebody's words find. A POST, because people type numbers; nothing of it is in an address."""
        raw = await read_capped(request, MOST_SEARCHED_BYTES, self.limits.body_s)
        try:
            sent = dict(parse_qsl(raw.decode(), max_num_fields=4, errors="strict"))
        except ValueError as exc:
            raise Problem("malformed-request", close=True) from exc
        language = sent.get("lang", "")
        language = language if language in LANGUAGES else request[SLIP].language
        typed = sent.get("words", "").strip()[:MOST_SEARCHED]
        if self.buckets.take(self.limits.address, request[SLIP].address).wait_s > 0:
            return self._found(language, typed, Shown(self.say("form.busy", language), status=429))
        if not typed:
            return self._found(language, typed, Shown(self.say("catalogue.page.search_empty", language)))
        found = await self.finder.ask(typed, language, MOST_FOUND)
        return self._found(language, typed, Shown(self._answer_of(found, language), self._hits(found, language)))

    async def home(self, _request: web.Request) -> web.StreamResponse:
        """Whoever types the city's address alone, or reloads a search, comes to the front door."""
        return web.Response(status=303, headers={"Location": "/catalogue"})

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

    def _page(self, request: web.Request, template: str, **values: Any) -> web.Response:
        language = language_of_page(request)
        query = "&".join(f"{name}={quote(value)}" for name, value in request.query.items() if name != "lang")
        html = self.frame.made(
            template, language, city=self.city(), here=f"{request.path}?{query}&" if query else f"{request.path}?",
            switchable=True, **values,
        )  # fmt: skip
        response = self._answer(request, html.encode(), "text/html")
        response.headers["Content-Security-Policy"] = self.frame.policy
        response.headers["Content-Language"] = language
        return response

    def _found(self, language: str, typed: str, shown: "Shown") -> web.Response:
        html = self.frame.made(
            "found.html", language, title=self.say("catalogue.page.results", language), city=self.city(),
            here="/catalogue/search", switchable=False, typed=typed, answer=shown.answer, groups=shown.groups,
        )  # fmt: skip
        headers = {
            "Content-Security-Policy": self.frame.policy, "Content-Language": language, "Cache-Control": "no-store",
        }  # fmt: skip
        return web.Response(text=html, status=shown.status, content_type="text/html", headers=headers)

    def _answer_of(self, found: Found, language: str) -> str:
        """The sentence above the hits: what is asked back, or that nothing fits."""
        if found.none:
            return self.say("search.none", language)
        if not found.between:
            return ""
        first, second = (said(hit.item.titles, language) for hit in found.between)
        return self.say("search.which", language, first=first, second=second)

    def _hits(self, found: Found, language: str) -> list[dict[str, Any]]:
        """Hits by what the citizen wants done, with the reason for each; then what the same life event needs."""
        catalogue = self.catalogue()
        page = ServicePage(catalogue, language, self.say)
        groups = [
            {
                "title": self.say(f"search.intent.{intent}", language),
                "lines": [
                    page.link(catalogue.entries[hit.item.id], why(hit.reason, self.say, language))
                    for hit in hits
                    if hit.item.id in catalogue.entries
                ],
            }
            for intent, hits in found.groups.items()
        ]
        event = catalogue.vocabulary.life_events.get(found.life_event)
        if event is not None and found.related:
            related = [page.link(catalogue.entries[one.id]) for one in found.related if one.id in catalogue.entries]
            title = self.say("catalogue.page.related", language, event=said(event.title, language))
            groups.append({"title": title, "lines": related})
        return [group for group in groups if group["lines"]]

    def _groups(self, entries: Sequence[Entry], language: str) -> list[dict[str, Any]]:
        """What can be done here first, then what an office does, then complaints by what they are about."""
        catalogue = self.catalogue()
        page, groups = ServicePage(catalogue, language, self.say), catalogue.vocabulary.groups
        found: dict[tuple[int, str], list[Line]] = defaultdict(list)
        for entry in entries:
            line = page.link(entry)
            if line.here:
                place = (0, self.say("catalogue.page.here", language))
            elif entry.group in groups:
                place = (2, said(groups[entry.group].title, language))
            else:
                place = (1, self.say("catalogue.page.office", language))
            # Under its heading "here" is said already; only what stops half-way says how far it goes.
            found[place].append(replace(line, here="") if entry.maturity == "FULL" else line)
        return [
            {"title": title, "lines": sorted(lines, key=lambda line: line.title)}
            for (_, title), lines in sorted(found.items())
        ]

    def _answer(self, request: web.Request, body: bytes, media_type: str) -> web.Response:
        tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
        headers = {"ETag": tag, "Cache-Control": FRESH, "Vary": "Accept, Accept-Language, Origin"}
        if etag_listed(request.headers.get("If-None-Match", ""), tag):
            return web.Response(status=304, headers=headers)
        charset = None if media_type == MEDIA_TYPE else "utf-8"
        return web.Response(body=body, headers=headers, content_type=media_type, charset=charset)


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


def _embedded(node: Node) -> Markup:
    """The node inside the page; `<` is written so that no text can end the element."""
    text = msgspec.json.encode(node).decode().replace("<", "\\u003c")
    return Markup(f'<script type="{MEDIA_TYPE}">{text}</script>')  # noqa: S704 - JSON without a `<` cannot end it
