"""Whether a request may use its token: one that is bound to a key or a certificate only beside that key or certificate.

A proof is good once (RFC 9449 section 11.1), in whichever process: the store remembers it while it is fresh, without
waiting for the disk. A dead process forgets nothing; what a power loss may have taken from the memory is refused. This
process refuses what it has seen itself without asking, and takes only so many in two minutes: a flood makes new ones
wait to be forgotten, never an old one usable again.
"""

from collections import OrderedDict

from aiohttp import web

from aggregator.citizens.allowances import Allowances
from aggregator.sdk.auth import Unverified, same
from aggregator.sdk.clock import Clock
from aggregator.sdk.proof import FRESH_S, Proof, certificate_thumbprint, proof_key

_SEEN_MOST = 200_000


class Proofs:
    """Checks what a request proves about itself."""

    def __init__(self, clock: Clock, once: Allowances, most: int = _SEEN_MOST) -> None:
        self._clock = clock
        self._once_anywhere = once
        self._most = most
        self._seen: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def key(self, request: web.Request, url: str, token: str = "") -> str:
        """The thumbprint of the key the request proves; "" without a proof. Raises Unverified."""
        given = request.headers.getall("DPoP", [])
        if not given:
            return ""
        if len(given) > 1:
            raise Unverified("one proof is enough")
        proof = proof_key(given[0], method=request.method, url=url, now=self._clock.now(), token=token)
        await self._once(proof)
        return proof.key

    async def check(self, confirmation: dict[str, str] | None, request: web.Request, url: str, token: str) -> None:
        """Raises Unverified where the token is bound and the request does not prove what it is bound to."""
        bound = confirmation or {}
        proved = await self.key(request, url, token)
        if bound.get("jkt", "") != proved and not same(bound.get("jkt", ""), proved):
            raise Unverified("the token is bound to another key, or the proof to none")
        if "x5t#S256" in bound and not same(bound["x5t#S256"], certificate_of(request)):
            raise Unverified("the token is bound to another certificate")

    async def _once(self, proof: Proof) -> None:
        now, shown = self._clock.monotonic(), (proof.key, proof.number)
        while self._seen and next(iter(self._seen.values())) < now - 2 * FRESH_S:
            self._seen.popitem(last=False)
        if shown in self._seen or len(self._seen) >= self._most:
            raise Unverified("the proof was used already")
        self._seen[shown] = now
        name = f"{proof.key}/{proof.number}"
        if not await self._once_anywhere.fresh_use("proof", name, made_s=proof.made_s, fresh_s=FRESH_S):
            raise Unverified("the proof was used already")


def certificate_of(request: web.Request) -> str:
    """The thumbprint of the client certificate of this connection; "" without one."""
    tls = request.transport.get_extra_info("ssl_object") if request.transport is not None else None
    der = tls.getpeercert(binary_form=True) if tls is not None else None
    return certificate_thumbprint(der) if der else ""
