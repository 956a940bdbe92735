"""The outermost layer: whatever happens inside, one answer leaves, with the same headers and never a stack trace.

aiohttp's own errors and our crashes become problem documents (AS-1); a log line names the class of a crash and where
it was, never its message, which may quote a citizen. Only what aiohttp refuses before any code of ours runs (a broken
request line, AS-3) goes out in its own words.
"""

import logging
from collections.abc import Awaitable, Callable
from math import ceil

import msgspec
from aiohttp import web

from aggregator.api.decode import explained, invalid
from aggregator.api.headers import language_of
from aggregator.api.limits import Limits, Standing
from aggregator.api.origin import origin_of
from aggregator.api.problem import Problem, Progress, Says, Setting, document, retry_after
from aggregator.api.proxies import FORWARDED, Proxies
from aggregator.api.route import PRIVATE
from aggregator.citizens.envelopes import Erased
from aggregator.sdk import fault
from aggregator.sdk.clock import Chance, Clock, new_id
from aggregator.store import StoreUnavailable

log = logging.getLogger("aggregator.api")
SERVER = "citizen-service-aggregator"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_EXPOSED = (
    "Content-Language, ETag, Idempotency-Replayed, Link, Location, Preference-Applied, RateLimit, RateLimit-Policy, "
    "Request-Id, Retry-After, Tus-Resumable, Upload-Expires, Upload-Length, Upload-Offset"
)
_SHED_S = 2.0
_STORE_AGAIN_S = 5.0
Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Slip:
    """What the edge knows of one request before anyone has looked inside; the layers below add to it."""

    __slots__ = (
        "address",
        "allow_origin",
        "cache",
        "keyed",
        "language",
        "origin",
        "progress",
        "request_id",
        "standings",
    )

    def __init__(self, request_id: str, language: str, origin: str, address: str = "") -> None:
        self.address = address
        self.request_id = request_id
        self.language = language
        self.origin = origin
        self.progress = Progress()
        self.standings: list[Standing] = []
        self.allow_origin = ""
        self.cache = PRIVATE
        self.keyed = False


SLIP: web.RequestKey[Slip] = web.RequestKey("slip", Slip)


class Edge:
    """The one middleware."""

    def __init__(  # noqa: PLR0913 - the parts an answer needs
        self,
        *,
        clock: Clock,
        chance: Chance,
        say: Says,
        limits: Limits,
        base_url: str | None,
        arrived: "Arrived",
        proxies: Proxies,
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._say = say
        self._limits = limits
        self._base_url = base_url
        self._arrived = arrived
        self._proxies = proxies
        self.in_flight = 0

    def moved(self, by: int) -> None:
        """A request began or ceased to be work: whoever only waits is not in flight."""
        self.in_flight += by

    async def around(self, request: web.Request, inner: Next) -> web.StreamResponse:
        """One request in, one answer out."""
        self._arrived(request.transport)
        slip = Slip(
            new_id("req", self._clock, self._chance),
            language_of(request.headers.get("Accept-Language", "")),
            origin_of(request, self._base_url),
            self._proxies.address(request.remote or "", request.headers.getall(FORWARDED, ())),
        )
        request[SLIP] = slip
        self.in_flight += 1
        try:
            response = await self._answer(request, inner, slip)
        finally:
            self.in_flight -= 1
        stamp(response, slip)
        return response

    async def _answer(self, request: web.Request, inner: Next, slip: Slip) -> web.StreamResponse:
        try:
            if self.in_flight > self._limits.in_flight:
                raise Problem("overloaded", retry_after_s=_SHED_S, close=True)  # noqa: TRY301 - one way out for all
            return await inner(request)
        except Problem as exc:
            return self._refusal(request, exc, slip)
        except StoreUnavailable:
            return self._refusal(request, Problem("store-unavailable", retry_after_s=_STORE_AGAIN_S), slip)
        except Erased:  # named by a portal that still has the id, or forgotten this moment
            nobody = explained("/citizen_id", "no_such_citizen", {}, self._say, slip.language)
            return self._refusal(request, invalid([nobody]), slip)
        except web.HTTPException as exc:
            return self._refusal(request, _translated(exc), slip)
        except Exception as exc:  # noqa: BLE001 - the last line: a crash becomes a problem document, its place a log line
            _tell(exc, slip)
            return self._refusal(request, Problem("internal"), slip)

    def _refusal(self, request: web.Request, problem: Problem, slip: Slip) -> web.Response:
        setting = Setting(
            origin=slip.origin,
            language=slip.language,
            request_id=slip.request_id,
            effect=slip.progress.effect,
            repeatable=slip.keyed or request.method in SAFE,
            now=self._clock.now(),
        )
        body = msgspec.json.encode(document(problem, setting, self._say))
        response = web.Response(
            status=problem.kind.status,
            body=body,
            headers={"Content-Type": "application/problem+json", **problem.headers},
        )
        seconds = retry_after(problem)
        if seconds is not None:
            response.headers["Retry-After"] = str(seconds)
        slip.cache = PRIVATE
        # Unread bytes of a refused body would be taken for the next request (AS-8).
        if problem.close or (request.body_exists and not request.content.at_eof()):
            response.force_close()
        return response


Arrived = Callable[[object], None]


def stamp(response: web.StreamResponse, slip: Slip) -> None:
    """The headers every answer carries."""
    headers = response.headers
    headers["Server"] = SERVER
    headers["Request-Id"] = slip.request_id
    headers.setdefault("Content-Language", slip.language)
    headers.setdefault("Vary", "Accept-Language, Origin")
    headers.setdefault("Cache-Control", slip.cache)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    if slip.standings:
        headers["RateLimit-Policy"] = ", ".join(standing.quota.policy for standing in slip.standings)
        headers["RateLimit"] = ", ".join(standing.header for standing in slip.standings)
    if slip.allow_origin:
        headers["Access-Control-Allow-Origin"] = slip.allow_origin
        headers["Access-Control-Expose-Headers"] = _EXPOSED


def _translated(exc: web.HTTPException) -> Problem:
    """Aiohttp's refusal as one of ours."""
    if isinstance(exc, web.HTTPMethodNotAllowed):
        return Problem("method-not-allowed", headers={"Allow": exc.headers.get("Allow", "")})
    codes = {404: "not-found", 413: "too-large", 415: "not-supported", 429: "rate-limited"}
    return Problem(codes.get(exc.status, "malformed-request" if exc.status < 500 else "internal"), close=True)


def _tell(exc: BaseException, slip: Slip) -> None:
    of_whom = {"request_id": slip.request_id, "effect": slip.progress.effect}
    log.error("request.crashed", extra=fault.told(exc) | of_whom)


def seconds_up(value: float) -> int:
    """Whole seconds, rounded up, at least one."""
    return max(1, ceil(value))
