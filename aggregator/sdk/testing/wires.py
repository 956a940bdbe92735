"""The production door without sockets: the same port, trail and hooks, answered from a respx router.

Nothing is patched; the router is an argument. httpx is here only because respx speaks it.
"""

from collections.abc import Mapping

import httpx
import respx

from aggregator.sdk.wire import CAP, Reply, Sent, WireError, effect_trail

NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class RespxWire:
    """Answers from a respx router; keeps every request it was asked to send, in order."""

    def __init__(self, router: respx.Router) -> None:
        self._router = router
        self.requests: list[httpx.Request] = []

    async def send(  # noqa: PLR0913 - the port's parts
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        effect: bool = True,
        cap: int = CAP,
    ) -> Reply:
        with effect_trail(effect=effect) as trail:
            await trail.journal(method, url, headers, body or b"")
            request = httpx.Request(method, url, headers=dict(headers), content=body)
            trail.recheck()
            try:
                got = await self._answer(request)
            except WireError as exc:
                trail.sent = exc.sent
                raise
            trail.sent = Sent.MAYBE
            if len(got.content) > cap:
                raise WireError(Sent.MAYBE, "TooBig", too_big=True)
            reply = Reply(got.status_code, {name.lower(): value for name, value in got.headers.items()}, got.content)
            trail.answered = True
            trail.reply = reply
            return reply

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        try:
            return await self._router.async_handler(request)
        except NEVER_SENT as exc:
            raise WireError(Sent.NO, type(exc).__name__) from exc
        except httpx.TransportError as exc:
            raise WireError(Sent.MAYBE, type(exc).__name__) from exc
