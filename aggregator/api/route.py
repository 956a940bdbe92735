"""One table says everything of a route; router, rights and the contract are all read from it.

A route without a scope, or one whose path names a parameter without a pattern, does not start: deny by default.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from aggregator.api.shapes import NoQuery
from aggregator.citizens.rights import CITIZEN_SCOPES, SCOPES

if TYPE_CHECKING:
    from aggregator.api.call import Call

PRIVATE = "no-store"
CATALOGUE = "private, max-age=60"
DOCUMENTS = ("citizen", "catalogue", "operations", "feeds")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route's function gives back. `value` is a shape or ready bytes; `etag` without quotes."""

    value: Struct | bytes | Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str = ""
    content_type: str = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A path parameter: its pattern is checked on the raw path before anything else sees it (AS-6)."""

    pattern: str
    about: str
    example: str
    most: int


PARAMETERS: Mapping[str, Parameter] = {
    "service_id": Parameter(
        "^[a-z0-9_]+([.][A-Za-z0-9_]+)+$", "A service of the catalogue.", "rto.transfer_ownership", 120
    ),
    "agency_id": Parameter("^[a-z0-9_]+$", "An agency of the city.", "rto", 40),
    "item_id": Parameter(
        "^[a-z]{2,4}_[0-9A-HJKMNP-TV-Z]{26}$", "What waits for a person.", "op_01JCZ5QK8V9XW3T6R2M4N7P0AB", 40
    ),
    "consent_id": Parameter(
        "^cns_[0-9A-HJKMNP-TV-Z]{26}$", "The consent's machine id.", "cns_01JCZ5QK8V9XW3T6R2M4N7P0AB", 30
    ),
    "event_id": Parameter("^[0-9]{13}-[0-9a-f]{8}$", "An event, as in the feed.", "0000000000042-5f3a9c21", 22),
    "case_id": Parameter(
        "^case_[0-9A-HJKMNP-TV-Z]{26}$", "The case's machine id.", "case_01JCZ5QK8V9XW3T6R2M4N7P0AB", 31
    ),
    "citizen_id": Parameter(
        "^(me|ctz_[a-z0-9]{10,40})$",
        "The citizen's pairwise id for this portal; `me` with a citizen's token.",
        "ctz_mfrggzdfmztwq2lknnwg23tpoa",
        44,
    ),
    "assistance_id": Parameter(
        "^asn_[0-9A-HJKMNP-TV-Z]{26}$", "The assistance's machine id.", "asn_01JCZ5QK8V9XW3T6R2M4N7P0AB", 30
    ),
    "nomination_id": Parameter(
        "^nom_[0-9A-HJKMNP-TV-Z]{26}$", "The nomination's machine id.", "nom_01JCZ5QK8V9XW3T6R2M4N7P0AB", 30
    ),
    "claim_id": Parameter(
        "^ncl_[0-9A-HJKMNP-TV-Z]{26}$", "A nominee's request to act.", "ncl_01JCZ5QK8V9XW3T6R2M4N7P0AB", 30
    ),
    "draft_id": Parameter(
        "^drf_[0-9A-HJKMNP-TV-Z]{26}$", "The draft's machine id.", "drf_01JCZ5QK8V9XW3T6R2M4N7P0AB", 30
    ),
    "document_id": Parameter(
        "^doc_[0-9A-HJKMNP-TV-Z]{26}$", "The document's machine id.", "doc_01JCZ5QK8V9XW3T6R2M4N7P0AB", 30
    ),
    "session_id": Parameter(
        "^ses_[0-9A-HJKMNP-TV-Z]{26}$", "The session's machine id.", "ses_01JCZ5QK8V9XW3T6R2M4N7P0AB", 30
    ),
    "link_id": Parameter(
        "^lnk_[0-9A-HJKMNP-TV-Z]{26}$", "The link's machine id.", "lnk_01JCZ5QK8V9XW3T6R2M4N7P0AB", 30
    ),
    "payment_id": Parameter(
        "^pay_[0-9A-HJKMNP-TV-Z]{26}$", "The payment's machine id.", "pay_01JCZ5QK8V9XW3T6R2M4N7P0AB", 30
    ),
    "number": Parameter("^[0-9-]{1,40}$", "The tracking number, with or without hyphens.", "4071-9936-2185-0345", 40),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row: what is asked where, by whom, in which shapes."""

    method: str
    path: str
    operation_id: str
    summary: str
    about: str
    handle: "Callable[[Call], Awaitable[Answer]]"
    scope: str
    result: type[Struct]
    document: str = "citizen"
    query: type[Struct] = NoQuery
    body: type[Struct] | None = None
    success: tuple[int, ...] = (200,)
    keyed: bool = False
    waits: bool = False
    conditional: bool = False
    browsing: bool = False
    cache: str = PRIVATE
    media_type: str = "application/json"
    a_list: bool = False
    """The answer is a bare array: only the feed's convention says so."""
    for_whom: Literal["either", "portal", "citizen"] = "either"
    """Whose token opens it: a portal's own, a citizen's, or either."""
    matched: bool = False
    """`If-Match` is required: the caller says which version it changes."""
    uploads: bool = False
    """The body is multipart/form-data: one file, and words about it."""
    in_person: bool = False
    """Nobody who acts for the citizen may do it, but whom the next line lets."""
    of_nominee: bool = False
    """A right over the citizen's own data: the nominee's too, once granted. Nothing else is."""
    conflicts: bool = False
    """It can be refused as things stand (409)."""

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"{([a-z_]+)}", self.path)


class Unguarded(Exception):
    """A row of the table is incomplete; the server does not start."""


class Found:
    """What the path names: the methods it answers, and its parameters."""

    __slots__ = ("methods", "params")

    def __init__(self, methods: Mapping[str, Route], params: Mapping[str, str]) -> None:
        self.methods = methods
        self.params = params


class Router:
    """From a raw path to its routes. Literal paths first, then patterns; a parameter never spans a slash."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._literal: dict[str, dict[str, Route]] = {}
        self._shaped: list[tuple[re.Pattern[str], dict[str, Route]]] = []
        by_path: dict[str, dict[str, Route]] = {}
        for route in self.routes:
            _check(route)
            by_path.setdefault(route.path, {})[route.method] = route
        for path, methods in by_path.items():
            if "{" in path:
                self._shaped.append((_compiled(path), methods))
            else:
                self._literal[path] = methods

    def find(self, path: str) -> Found | None:
        """`path` as it came over the wire, without the query; None when nothing is there."""
        methods = self._literal.get(path)
        if methods is not None:
            return Found(methods, {})
        for shape, candidate in self._shaped:
            match = shape.fullmatch(path)
            if match:
                return Found(candidate, match.groupdict())
        return None

    def paths(self) -> list[str]:
        return sorted({route.path for route in self.routes})


def allowed(methods: Iterable[str]) -> str:
    """The value of `Allow`: HEAD wherever GET is."""
    names = set(methods)
    return ", ".join(sorted(names | ({"HEAD"} if "GET" in names else set())))


def _compiled(path: str) -> re.Pattern[str]:
    def group(match: re.Match[str]) -> str:
        name = match[1]
        return f"(?P<{name}>{PARAMETERS[name].pattern.removeprefix('^').removesuffix('$')})"

    return re.compile(re.sub(r"{([a-z_]+)}", group, path.replace(".", "[.]")))


def _check(route: Route) -> None:
    if route.scope not in SCOPES:
        raise Unguarded(f"{route.method} {route.path} has no scope that a portal can hold")
    for name in route.parameters:
        if name not in PARAMETERS:
            raise Unguarded(f"{route.method} {route.path}: no pattern for {name}")
    if route.document not in DOCUMENTS:
        raise Unguarded(f"{route.method} {route.path} is in no contract document")
    if route.for_whom == "citizen" and route.scope not in CITIZEN_SCOPES:
        raise Unguarded(f"{route.method} {route.path}: no citizen can hold {route.scope}")
    if route.keyed and route.method != "POST":
        raise Unguarded(f"{route.method} {route.path}: only a POST takes an Idempotency-Key")
