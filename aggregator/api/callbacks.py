"""`POST /callbacks/{agency_id}/...`: the agencies' door, outside /v1. Their driver says who is there.

What came is durable before it is answered; a store that cannot keep it answers 503, so that the agency sends it again.
"""

from typing import Protocol

from aiohttp import web

from aggregator.api.dispatch import read_capped
from aggregator.api.problem import Problem
from aggregator.cases.inbox import Flooded
from aggregator.sdk.callback import Ack, Callback
from aggregator.sdk.clock import Clock

BODY_CAP = 262_144
BODY_S = 20.0


class InboxPort(Protocol):
    """`aggregator.cases.inbox.Inbox`. Raises LookupError for an agency that does not push, and StoreUnavailable."""

    async def receive(self, agency_id: str, callback: Callback) -> Ack: ...


def callback_routes(inbox: InboxPort, clock: Clock) -> list[web.RouteDef]:
    """The routes wiring hands to the API."""

    async def take(request: web.Request) -> web.Response:
        callback = Callback(
            request.match_info.get("tail", ""),
            {name.lower(): value for name, value in request.headers.items()},
            await read_capped(request, BODY_CAP, BODY_S),
            clock.now(),
        )
        try:
            ack = await inbox.receive(request.match_info["agency_id"], callback)
        except LookupError:
            raise Problem("not-found") from None
        except Flooded as exc:
            raise Problem("rate-limited", retry_after_s=exc.retry_after_s) from None
        return web.Response(status=ack.status, body=ack.body, headers={"Content-Type": ack.media_type})

    return [
        web.post("/callbacks/{agency_id:[a-z0-9_]{1,40}}", take),
        web.post("/callbacks/{agency_id:[a-z0-9_]{1,40}}/{tail:.*}", take),
    ]
