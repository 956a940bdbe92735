"""Puts the server together: one table of routes, one way through, one edge around everything.

`make_app` is all that wiring needs to know; what it hands in are ports, so that tests hand in what they like.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from aggregator.api.auth import SANDBOX_PORTAL, Gate, names_of
from aggregator.api.bound import Proofs
from aggregator.api.call import Rooms, Shelf, nobody
from aggregator.api.catalogue_pages import CataloguePages
from aggregator.api.citizen_tokens import CitizenTokens
from aggregator.api.client_assertions import ClientAssertions
from aggregator.api.cursor import Cursors
from aggregator.api.dispatch import Dispatch
from aggregator.api.documents import CONTRACTS, Documents
from aggregator.api.door import Door
from aggregator.api.downloads import Downloads
from aggregator.api.edge import SERVER, Edge
from aggregator.api.form_pages import FormPages, PageParts
from aggregator.api.limits import Buckets, Limits
from aggregator.api.oauth import Tokens
from aggregator.api.oauth_grants import Grants
from aggregator.api.oauth_metadata import METADATA, metadata
from aggregator.api.origin import PREFIX
from aggregator.api.page_frame import Frame
from aggregator.api.pages import ProblemPages
from aggregator.api.ports import (
    DeskPort,
    Enquire,
    Everything,
    Meter,
    PaymentsPort,
    PortalRegister,
    ReceiptsPort,
    StreamPort,
    SwitchPort,
    WorklistPort,
)
from aggregator.api.problem import Problem, Says
from aggregator.api.proxies import Proxies
from aggregator.api.route import Route, Router, allowed
from aggregator.api.table import TABLE
from aggregator.api.told_limits import ToldLimits
from aggregator.api.upload_tus import TusUploads
from aggregator.cases import everything
from aggregator.citizens.documents.lockers import Lockers
from aggregator.citizens.documents.shelf import DocumentShelf
from aggregator.citizens.links import Links, SandboxLinks
from aggregator.citizens.privacy import PrivacyRoom
from aggregator.citizens.room import CitizenRoom
from aggregator.discovery.browse import Search, containing
from aggregator.discovery.catalogue.live import bare
from aggregator.discovery.catalogue.model import Catalogue
from aggregator.discovery.drafts import Drafts
from aggregator.discovery.search.desk import Finder, SearchDesk
from aggregator.discovery.search.live import NO_LEXICON, LiveSearch
from aggregator.feed.audit import Audit
from aggregator.registry.agency import Registry
from aggregator.sdk.auth import Signer
from aggregator.sdk.clock import Chance, Clock

CASES_SEEN = 2048
DOOR: web.AppKey[Door] = web.AppKey("door", Door)


@dataclass(frozen=True, kw_only=True)
class ApiParts:
    """What the API is made of. `registry` gives the registry as it is now; `base_url` None means a sandbox's own."""

    desk: DeskPort
    enquire: Enquire
    registry: Callable[[], Registry]
    stream: StreamPort
    portals: PortalRegister
    citizens: CitizenRoom
    documents: DocumentShelf
    drafts: Drafts
    signer: Signer
    clock: Clock
    chance: Chance
    say: Says
    meter: Meter
    everything: Everything = everything
    catalogue: Callable[[], Catalogue] | None = None
    """Facts and registry as one; None: what the registry alone offers."""
    search: Search = containing
    finder: Finder | None = None
    """None: by the catalogue's own words, without an editors' lexicon."""
    checking: Callable[[str], bool] = nobody
    """Whether what we know of an agency is being checked, after a restore."""
    links: Links = field(default_factory=lambda: SandboxLinks({}))
    worklist: WorklistPort | None = None
    switches: SwitchPort | None = None
    audit: Audit | None = None
    privacy: PrivacyRoom | None = None
    receipts: ReceiptsPort | None = None
    limits: Limits = field(default_factory=Limits)
    payments: PaymentsPort | None = None
    sandbox: bool = False
    base_url: str | None = None
    proxies: Proxies = field(default_factory=Proxies)
    """Our own proxies, whose word on a caller's address counts."""
    plain_routes: Sequence[web.AbstractRouteDef] = ()
    """Routes outside /v1 that other rooms bring: /metrics, /livez, /readyz."""
    pages_portal: str = ""
    """The portal under which the pages at /forms open cases; empty: they check and print, and say so."""
    table: Sequence[Route] = TABLE


def make_app(parts: ApiParts) -> web.Application:
    """The whole server. Raises Unguarded for an incomplete route table."""
    names = names_of(parts.base_url)
    buckets = Buckets(parts.clock)
    router = Router(parts.table)
    gate = Gate(
        signer=parts.signer, portals=parts.portals, clock=parts.clock, names=names, quota=parts.limits.sandbox,
        sandbox_open=lambda: _sandbox_open(parts), sessions=parts.citizens.sessions,
    )  # fmt: skip
    citizen_tokens = CitizenTokens(signer=parts.signer, clock=parts.clock, chance=parts.chance, names=names)
    rooms = _rooms(parts, buckets, citizen_tokens)
    door = Door(parts.limits)
    edge = Edge(
        clock=parts.clock, chance=parts.chance, say=parts.say, limits=parts.limits, base_url=parts.base_url,
        arrived=door.arrived, proxies=parts.proxies,
    )  # fmt: skip
    once = parts.citizens.allowances
    proofs = Proofs(parts.clock, once)
    grants = Grants(
        portals=parts.portals, citizens=parts.citizens, citizen_tokens=citizen_tokens, signer=parts.signer,
        clock=parts.clock, chance=parts.chance, names=names,
    )  # fmt: skip
    tokens = Tokens(
        portals=parts.portals, assertions=ClientAssertions(parts.portals, once, parts.clock, names), grants=grants,
        proofs=proofs, signer=parts.signer, buckets=buckets, limits=parts.limits,
    )  # fmt: skip
    documents = Documents(parts.table)
    app = web.Application(middlewares=[_middleware(edge)], client_max_size=parts.limits.body_bytes)
    app[DOOR] = door
    app.cleanup_ctx.append(ToldLimits(buckets, once, parts.clock).beside)
    app.on_response_prepare.append(_name_ourselves)
    app.add_routes(
        [
            web.post("/oauth/token", tokens.issue),
            web.get("/oauth/jwks.json", tokens.keys),
            web.get(METADATA, metadata),
            web.get("/problems/{code}", ProblemPages(parts.say).show),
            *(web.get(path, documents.serve) for path in documents.paths),
            *rooms.downloads.routes(),
            *_form_pages(parts, buckets).routes(),
            *TusUploads(parts.documents, gate, buckets, parts.limits).routes(),
            *_catalogue_pages(parts, rooms).routes(),
            *parts.plain_routes,
        ]
    )
    app.router.add_route(
        "*", PREFIX + "{tail:(/.*)?}", Dispatch(router, gate, rooms, edge, proofs).serve, expect_handler=_expected
    )
    app.router.add_route("*", "/{tail:.*}", _nothing_here, expect_handler=_expected)
    return app


def _form_pages(parts: ApiParts, buckets: Buckets) -> FormPages:
    """The pages without scripts; in a sandbox what they open belongs to the sandbox's portal."""
    return FormPages(
        PageParts(
            desk=parts.desk, enquire=parts.enquire, registry=parts.registry, say=parts.say, clock=parts.clock,
            chance=parts.chance, buckets=buckets, limits=parts.limits, documents=parts.documents,
            portal=lambda: parts.pages_portal or (SANDBOX_PORTAL if _sandbox_open(parts) else ""),
        )
    )  # fmt: skip


def _catalogue_pages(parts: ApiParts, rooms: Rooms) -> CataloguePages:
    return CataloguePages(
        catalogue=rooms.catalogue, city=lambda: parts.registry().city.name, say=parts.say, contracts=CONTRACTS,
        finder=rooms.finder, frame=Frame(parts.say), buckets=rooms.buckets, limits=parts.limits,
    )  # fmt: skip


def _rooms(parts: ApiParts, buckets: Buckets, citizen_tokens: CitizenTokens) -> Rooms:
    catalogue = parts.catalogue or bare(parts.registry)
    return Rooms(
        desk=parts.desk,
        enquire=parts.enquire,
        registry=parts.registry,
        catalogue=catalogue,
        search=parts.search,
        finder=parts.finder or SearchDesk(LiveSearch(catalogue, NO_LEXICON), parts.clock),
        stream=parts.stream,
        clock=parts.clock,
        say=parts.say,
        meter=parts.meter,
        cursors=Cursors(parts.signer.pem()),
        buckets=buckets,
        limits=parts.limits,
        seen=Shelf(CASES_SEEN),
        everything=parts.everything,
        links=parts.links,
        payments=parts.payments,
        checking=parts.checking,
        downloads=Downloads(parts.clock, parts.chance),
        documents=parts.documents,
        lockers=Lockers(parts.registry, parts.clock, parts.chance),
        drafts=parts.drafts,
        worklist=parts.worklist,
        switches=parts.switches,
        audit=parts.audit,
        privacy=parts.privacy,
        receipts=parts.receipts,
        citizens=parts.citizens,
        citizen_tokens=citizen_tokens,
    )


def _sandbox_open(parts: ApiParts) -> bool:
    """The published key counts only while not one live agency is configured."""
    return parts.sandbox and not any(agency.livemode for agency in parts.registry().agencies.values())


def _middleware(edge: Edge) -> Any:
    @web.middleware
    async def around(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        return await edge.around(request, handler)

    return around


async def _name_ourselves(_request: web.Request, response: web.StreamResponse) -> None:
    """Not the library and its version (AS-4)."""
    response.headers["Server"] = SERVER


async def _nothing_here(request: web.Request) -> web.StreamResponse:
    """404, or 405 where the path exists for another method."""
    methods: set[str] = set()
    for resource in request.app.router.resources():
        if "{tail" not in resource.canonical:
            methods |= (await resource.resolve(request))[1]
    if methods:
        raise Problem("method-not-allowed", headers={"Allow": allowed(methods)}, close=True)
    raise Problem("not-found", close=True)


async def _expected(request: web.Request) -> None:
    """`Expect: 100-continue` is honoured; any other expectation is met with an ordinary answer."""
    transport = request.transport
    if request.headers.get("Expect", "").lower() == "100-continue" and transport is not None:
        transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
