"""Under /v1 the order is fixed: limits of an address, who, method, right, budget, existence, query, body, then work.

Who comes before whether it exists; nothing of a request is decoded for somebody who may not ask.
"""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from aggregator.api.assisted import done_for_citizen
from aggregator.api.auth import Caller, Gate, require, require_token_of
from aggregator.api.bound import Proofs
from aggregator.api.call import Call, Rooms, Waiting
from aggregator.api.decode import reader_of
from aggregator.api.edge import SLIP, Edge, Slip
from aggregator.api.headers import Patience, bearer_of, etag_listed, key_of, patience_of
from aggregator.api.origin import PREFIX
from aggregator.api.problem import Problem
from aggregator.api.query import query_reader_of
from aggregator.api.route import Answer, Found, Route, Router, allowed
from aggregator.api.shapes import ErrorLine
from aggregator.api.upload_read import read_upload
from aggregator.sdk.auth import Unverified

_PREFLIGHT_S = "600"
_REQUEST_HEADERS = (
    "Accept-Language, Authorization, Content-Type, DPoP, Idempotency-Key, If-Match, If-None-Match, Prefer, traceparent"
)
_HEADER_MOST = {"Prefer": 200, "Accept-Language": 300, "If-None-Match": 300, "If-Match": 300, "Idempotency-Key": 300}
MERGE_PATCH = "application/merge-patch+json"


class Dispatch:
    """Everything under /v1."""

    def __init__(self, router: Router, gate: Gate, rooms: Rooms, edge: Edge, proofs: Proofs) -> None:
        self._router = router
        self._gate = gate
        self._rooms = rooms
        self._edge = edge
        self._proofs = proofs
        read = (route.body for route in router.routes if not route.uploads)
        self._bodies = {body: reader_of(body) for body in read if body is not None}
        self._queries = {route.query: query_reader_of(route.query) for route in router.routes}
        self._waiting = Waiting(rooms.limits.waiting, edge.moved)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One request under /v1."""
        slip = request[SLIP]
        found = self._router.find(request.rel_url.raw_path.removeprefix(PREFIX))
        origin = request.headers.get("Origin", "")
        if request.method == "OPTIONS" and origin and await self._gate.registered(origin):
            return _preflight(slip, origin, found)
        caller = await self._caller(request, slip, origin)
        route = _route_of(request.method, found, self._router, request.rel_url.raw_path)
        require(caller, route.scope)
        require_token_of(caller, route.for_whom, in_person=route.in_person, of_nominee=route.of_nominee)
        slip.standings.append(standing := self._rooms.buckets.take(caller.quota, caller.portal_id))
        if standing.wait_s > 0:
            raise Problem("rate-limited", retry_after_s=standing.wait_s, close=True)
        if caller.citizen_id:
            slip.standings.append(standing := self._rooms.buckets.take(self._rooms.limits.citizen, caller.citizen_id))
            if standing.wait_s > 0:
                raise Problem("rate-limited", retry_after_s=standing.wait_s, close=True)
        if route.browsing and self._edge.in_flight > self._rooms.limits.browsing_in_flight:
            raise Problem("overloaded", retry_after_s=2.0, close=True)
        slip.cache = route.cache
        call = await self._decoded(request, slip, route, found, caller)
        answer = await (done_for_citizen(call) if caller.assistance_id else route.handle(call))
        return _response(answer, call, slip)

    async def _caller(self, request: web.Request, slip: Slip, origin: str) -> Caller:
        try:
            caller = await self._known(request, slip)
        except Problem:
            if origin and await self._gate.registered(origin):
                slip.allow_origin = origin
            raise
        if origin in caller.origins:
            slip.allow_origin = origin
        return caller

    async def _known(self, request: web.Request, slip: Slip) -> Caller:
        """The caller. Being wrong counts against the address, so that guessing is not free; being right does not."""
        try:
            token = bearer_of(request.headers.get("Authorization", ""))
            caller = await self._gate.caller(token)
            if caller.confirmation or "DPoP" in request.headers:
                await self._bound(request, slip, caller, token)
            return caller  # noqa: TRY300 - a refusal of either is counted below
        except Problem as exc:
            standing = self._rooms.buckets.take(self._rooms.limits.address, slip.address)
            slip.standings.append(standing)
            if standing.wait_s > 0:
                raise Problem("rate-limited", retry_after_s=standing.wait_s, close=True) from exc
            raise

    async def _bound(self, request: web.Request, slip: Slip, caller: Caller, token: str) -> None:
        """Raises Problem unless the request proves what its token is bound to."""
        try:
            await self._proofs.check(caller.confirmation, request, slip.origin + request.rel_url.raw_path, token)
        except Unverified as exc:
            challenge = 'DPoP realm="citizen service aggregator", error="invalid_token", algs="ES256"'
            raise Problem(
                "not-authenticated", variant="bound", headers={"WWW-Authenticate": challenge}, close=True
            ) from exc

    async def _decoded(
        self, request: web.Request, slip: Slip, route: Route, found: Found | None, caller: Caller
    ) -> Call:
        headers = request.headers
        _check_headers(headers, self._rooms, slip)
        raw_query = request.rel_url.raw_query_string
        pairs = parse_qsl(raw_query, keep_blank_values=True, errors="replace") if raw_query else []
        query = self._queries[route.query].read(pairs, self._rooms.say, slip.language)
        key = _key(headers, route, self._rooms, slip)
        body = None if route.body is None else await self._body(request, route, slip)
        transport = request.transport
        return Call(
            rooms=self._rooms,
            route=route,
            params=found.params if found is not None else {},
            query=query,
            body=body,
            caller=caller,
            language=slip.language,
            origin=slip.origin,
            key=key,
            patience=patience_of(headers["Prefer"]) if "Prefer" in headers else Patience(),
            if_none_match=headers.get("If-None-Match", ""),
            if_match=_matched(headers, route),
            address=slip.address,
            progress=slip.progress,
            gone=lambda: transport is None or transport.is_closing(),
            standings=slip.standings,
            waiting=self._waiting,
        )

    async def _body(self, request: web.Request, route: Route, slip: Slip) -> Any:
        if route.uploads:
            return await read_upload(request, self._rooms.limits)
        charset = (request.charset or "utf-8").lower()
        if request.content_type not in _media_types(route) or charset not in {"utf-8", "utf8"}:
            raise Problem("not-supported", close=True)
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Problem("not-supported", close=True)
        raw = await read_capped(request, self._rooms.limits.body_bytes, self._rooms.limits.body_s)
        assert route.body is not None  # noqa: S101 - the caller looked
        return self._bodies[route.body].read(raw, self._rooms.say, slip.language)


def _media_types(route: Route) -> set[str]:
    return {"application/json", MERGE_PATCH} if route.method == "PATCH" else {"application/json"}


def _matched(headers: Mapping[str, str], route: Route) -> str:
    """The version the caller changes. Raises Problem precondition-required where the route needs to know."""
    given = headers.get("If-Match", "")
    if route.matched and not given:
        raise Problem("precondition-required")
    return given


async def read_capped(request: web.Request, most: int, patience_s: float) -> bytes:
    """The body, if it is no longer than `most` bytes and arrives within `patience_s`. Raises Problem."""
    if (request.content_length or 0) > most:
        raise Problem("too-large", about={"limit": str(most)}, close=True)
    parts, size = [], 0
    try:
        async with asyncio.timeout(patience_s):
            while chunk := await request.content.readany():
                size += len(chunk)
                if size > most:
                    raise Problem("too-large", about={"limit": str(most)}, close=True)
                parts.append(chunk)
    except TimeoutError as exc:
        raise Problem("malformed-request", variant="slow", close=True) from exc
    except web.RequestPayloadError as exc:
        raise Problem("malformed-request", close=True) from exc
    return b"".join(parts)


def _route_of(method: str, found: Found | None, router: Router, path: str) -> Route:
    if found is None:
        raise Problem("not-found", did_you_mean=_nearest(path, router))
    route = found.methods.get("GET" if method == "HEAD" else method)
    if route is None:
        raise Problem("method-not-allowed", headers={"Allow": allowed(found.methods)})
    return route


def _nearest(path: str, router: Router) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistyped path pays for it

    close = get_close_matches(path.removeprefix(PREFIX)[:100], [p for p in router.paths() if "{" not in p], 1, 0.75)
    return PREFIX + close[0] if close else ""


def _key(headers: Mapping[str, str], route: Route, rooms: Rooms, slip: Slip) -> str:
    if not route.keyed:
        return ""
    given = headers.get("Idempotency-Key")
    if given is None:
        raise Problem("idempotency-key-missing")
    key = key_of(given)
    if key is None:
        detail = rooms.say("problem.violation.idempotency_key", slip.language)
        raise Problem(
            "validation-failed", errors=[ErrorLine(parameter="Idempotency-Key", code="pattern", detail=detail)]
        )
    slip.keyed = True
    return key


def _check_headers(headers: Mapping[str, str], rooms: Rooms, slip: Slip) -> None:
    for name, most in _HEADER_MOST.items():
        value = headers.get(name)
        if value is not None and (len(value) > most or not (value.isascii() and value.isprintable())):
            detail = rooms.say("problem.violation.header", slip.language, limit=str(most))
            raise Problem("validation-failed", errors=[ErrorLine(parameter=name, code="too_long", detail=detail)])


def _preflight(slip: Slip, origin: str, found: Found | None) -> web.Response:
    """The answer to a registered page's question whether it may ask (AS-9)."""
    slip.allow_origin = origin
    headers = {
        "Access-Control-Allow-Methods": allowed(found.methods) if found is not None else "GET",
        "Access-Control-Allow-Headers": _REQUEST_HEADERS,
        "Access-Control-Max-Age": _PREFLIGHT_S,
    }
    return web.Response(status=204, headers=headers)


def _response(answer: Answer, call: Call, slip: Slip) -> web.Response:
    headers = dict(answer.headers)
    if answer.etag:
        headers["ETag"] = answer.etag
        if call.if_none_match and answer.status == 200 and etag_listed(call.if_none_match, answer.etag):
            return web.Response(status=304, headers=headers)
    if call.patience.asked and call.route.waits:
        headers["Preference-Applied"] = f"wait={call.patience.seconds}"
    slip.standings = call.standings
    if answer.status == 204:
        return web.Response(status=204, headers=headers)
    body = answer.value if isinstance(answer.value, bytes) else msgspec.json.encode(answer.value)
    headers.setdefault("Content-Type", answer.content_type)
    return web.Response(status=answer.status, body=body, headers=headers)
