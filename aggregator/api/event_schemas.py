"""`/schemas/events/{type}.v1.json`: what each event's `dataschema` leads to. Public: it describes, it tells nothing."""

import msgspec
from aiohttp import web

from aggregator.api.problem import Problem
from aggregator.feed.schemas import schema_of


async def _show(request: web.Request) -> web.Response:
    schema = schema_of(request.match_info["type"])
    if schema is None:
        raise Problem("not-found")
    headers = {"Content-Type": "application/schema+json; charset=utf-8", "Cache-Control": "public, max-age=86400"}
    return web.Response(body=msgspec.json.encode(schema), headers=headers)


EVENT_SCHEMA_ROUTES = [web.get("/schemas/events/{type:[a-z.-]{1,60}}.v1.json", _show)]
