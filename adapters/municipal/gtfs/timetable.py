"""The archive is kept between questions and asked for again by its ETag; an old one outlives a short outage.

Whoever finds it due has it loaded; who comes meanwhile waits for that one load and shares its end. While a new one
cannot be had, the one in hand serves for `kept_s` more: stops and routes change by the month, an outage lasts an hour.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.municipal.gtfs.labels import refuse_label
from adapters.municipal.gtfs.network import Network, read_network
from aggregator.sdk.clock import Clock
from aggregator.sdk.dialect import judge_redirect, judge_status, refuse_html
from aggregator.sdk.errors import AgencyError, ContractBroken
from aggregator.sdk.rest import RestClient
from aggregator.sdk.wire import Reply

PATH = "/gtfs.zip"
PAUSE_S = 60.0
"""After a failure that the archive in hand covers: until it is tried again."""
_LABELS = frozenset({"", "application/zip", "application/x-zip-compressed", "application/octet-stream"})


@dataclass(frozen=True, slots=True)
class _Held:
    network: Network
    asked_by: Mapping[str, str]
    at_s: float


class Timetable:
    """The network as the agency last published it. `ttl_s`: unasked for so long; `kept_s`: see above."""

    def __init__(self, api: RestClient, clock: Clock, *, ttl_s: float, kept_s: float) -> None:
        self._api = api
        self._clock = clock
        self._ttl_s = ttl_s
        self._kept_s = kept_s
        self._held: _Held | None = None
        self._due_s = float("-inf")
        self._loading: asyncio.Task[_Held] | None = None

    async def network(self) -> Network:
        """Raises AgencyError when there is none and none can be had."""
        if self._held is None or self._clock.monotonic() >= self._due_s:
            if self._loading is None or self._loading.done():
                self._loading = asyncio.create_task(self._fetched())
                self._loading.add_done_callback(_heard)
            await self._loaded(self._loading)
        if self._held is None:  # pragma: no cover - _loaded sets it or raises
            raise ContractBroken("no archive")
        return self._held.network

    async def _loaded(self, loading: "asyncio.Task[_Held]") -> None:
        """Whoever gives up does not end the load: impatient callers would else never get an archive at all."""
        try:
            self._held = await asyncio.shield(loading)
        except AgencyError:
            now = self._clock.monotonic()
            if self._held is None or now >= self._held.at_s + self._ttl_s + self._kept_s:
                raise
            self._due_s = now + PAUSE_S
        else:
            self._due_s = self._held.at_s + self._ttl_s

    async def _fetched(self) -> _Held:
        headers = self._held.asked_by if self._held else {}
        reply = await self._api.fetch("GET", PATH, headers={"Accept": "application/zip", **headers})
        now = self._clock.monotonic()
        if reply.status == 304 and self._held is not None and headers:
            return _Held(self._held.network, headers, now)
        judge_redirect(reply)
        judge_status(reply, effect=False)
        refuse_html(reply)
        refuse_label(reply, _LABELS)
        return _Held(await asyncio.to_thread(read_network, reply.body), _conditions(reply), now)


def _heard(loading: "asyncio.Task[_Held]") -> None:
    """A failure nobody waited for is no news: the next question asks again."""
    if not loading.cancelled():
        loading.exception()


def _conditions(reply: Reply) -> dict[str, str]:
    """What makes the next request a question for news only."""
    told = {"If-None-Match": reply.headers.get("etag"), "If-Modified-Since": reply.headers.get("last-modified")}
    return {name: value for name, value in told.items() if value}
