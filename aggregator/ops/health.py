"""Is the process alive, and can it take work? Neither question is ever passed on to an agency.

An agency that is down is an agency's trouble: taking the server out of rotation for it would make it the city's.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec
from aiohttp import web

from aggregator.ops.metrics import PrometheusMeter
from aggregator.store import StoreHealth


class Readiness:
    """GET /livez and /readyz. `healthy` is the store's own account; `failed` says that a background task has died."""

    def __init__(
        self,
        healthy: Callable[[], StoreHealth],
        failed: Callable[[], bool] = lambda: False,
        quarantine: Callable[[], Mapping[str, object] | None] = lambda: None,
        looked_through: Callable[[], Mapping[str, object] | None] = lambda: None,
    ) -> None:
        self._healthy = healthy
        self._failed = failed
        self._quarantine = quarantine
        self._looked_through = looked_through

    async def live(self, _request: web.Request) -> web.Response:
        """The loop turns."""
        return _told(200, {"status": "ok"})

    async def ready(self, _request: web.Request) -> web.Response:
        """New work can be stored durably."""
        store = self._healthy()
        good = store.ready and not self._failed()
        status: dict[str, object] = {
            "status": "ok" if good else "not ready",
            "store": {"ready": store.ready, "queue": store.queue, "oldest_ms": round(store.oldest_s * 1000)},
        }
        if store.damage:  # nothing is written, so nothing is accepted and nothing is sent; what is whole is read
            status["damage"] = store.damage
        if (looked := self._looked_through()) is not None:
            status["looked_through"] = looked
        if (quarantine := self._quarantine()) is not None:  # it serves and accepts, and sends nothing
            status["quarantine"] = quarantine
        return _told(200 if good else 503, status)


def ops_routes(readiness: Readiness, meter: PrometheusMeter | None = None) -> Sequence[web.AbstractRouteDef]:
    """The routes outside /v1 that watch the server; wiring hands them to the API."""
    routes = [web.get("/livez", readiness.live), web.get("/readyz", readiness.ready)]
    return [*routes, web.get("/metrics", meter.show)] if meter is not None else routes


def _told(status: int, value: object) -> web.Response:
    headers = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"}
    return web.Response(status=status, body=msgspec.json.encode(value), headers=headers)
