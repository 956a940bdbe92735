"""The contract as served: the committed snapshot with the caller's own address put in."""

from collections.abc import Sequence

import msgspec
from aiohttp import web

from aggregator.api.call import Shelf
from aggregator.api.edge import SLIP
from aggregator.api.openapi import contract
from aggregator.api.route import DOCUMENTS, Route

CONTRACTS = {
    "/openapi.json": "citizen",
    "/catalogue.openapi.json": "catalogue",
    "/operations.openapi.json": "operations",
    "/feeds.openapi.json": "feeds",
}
assert set(CONTRACTS.values()) == set(DOCUMENTS)  # noqa: S101 - every document has a path


class Documents:
    """GET /openapi.json and its three siblings."""

    paths = tuple(CONTRACTS)

    def __init__(self, table: Sequence[Route]) -> None:
        self._table = table
        self._made: Shelf[bytes] = Shelf(64)

    async def serve(self, request: web.Request) -> web.Response:
        slip = request[SLIP]
        slip.cache = "public, max-age=300"
        key = (request.path, slip.origin)
        body = self._made.get(key)
        if body is None:
            document = contract(CONTRACTS[request.path], self._table, slip.origin)
            body = self._made.put(key, msgspec.json.encode(document))
        return web.Response(body=body, headers={"Content-Type": "application/json; charset=utf-8"})
