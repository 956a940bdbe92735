"""Deployments differ in their states, so each is asked for its own: kept for a day per (tenant, module).

What it gives is which state an application status stands for; what a state *means* stays ours (`vocabulary`), and a
state nobody published is UNKNOWN. Where the service cannot be asked, the published table stands in.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.municipal.digit.gateway import Platform
from adapters.municipal.digit.vocabulary import PGR, PGR_STATES, STATE_OF, meaning_of
from aggregator.sdk.errors import AgencyError
from aggregator.sdk.model import Order, Reading
from aggregator.sdk.reading import Word, clean, read_status
from aggregator.sdk.status import Status

log = logging.getLogger("adapters.municipal.digit")

_PATH = "/egov-workflow-v2/egov-wf/businessservice/_search"
_KEPT_S = 86_400.0
_TRIED_AGAIN_S = 300.0


@dataclass(frozen=True, slots=True)
class States:
    """What a deployment has: application status -> state, both as it spells them. `told` by its own service."""

    state_of: Mapping[str, str]
    asked_at: float
    told: bool


class Vocabulary:
    """The words of one tenant's modules."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._kept: dict[tuple[str, str], States] = {}

    async def meaning(self, business: str, word: str, *, grants: bool = False) -> Word | None:
        """What `word` means in this deployment; None where neither it nor the published tables know.

        An unlisted word refreshes the vocabulary once, at most every five minutes.
        """
        states = await self._states(business)
        if word not in states.state_of:
            states = await self._states(business, at_most_s=_TRIED_AGAIN_S)
        return _meaning(business, states.state_of.get(word, word), word, grants=grants)

    async def reading(  # noqa: PLR0913 - the fields of a Reading
        self,
        business: str,
        word: Any,
        *,
        grants: bool = False,
        at: datetime | None = None,
        remark: Any = "",
        facts: Mapping[str, str] | None = None,
    ) -> Reading:
        """A reading of an application status or state. None is a record nobody has touched yet; blank is UNKNOWN."""
        if word is None:
            return Reading(Status.SUBMITTED, "", at=at, remark=clean(remark), facts=facts or {})
        plain = str(word).strip().upper()
        meaning = await self.meaning(business, plain, grants=grants) if plain else None
        table = {plain: meaning} if meaning is not None else {}
        return read_status(table, word, at=at, remark=remark, facts=facts)

    async def _states(self, business: str, at_most_s: float = _KEPT_S) -> States:
        key = (self._platform.tenant, business)
        now = self._platform.clock.monotonic()
        kept = self._kept.get(key)
        age_max_s = at_most_s if kept is None or kept.told else _TRIED_AGAIN_S
        if kept is not None and now - kept.asked_at <= age_max_s:
            return kept
        # Stands in from now on: a service that hangs until our time is over costs one call, not every call.
        self._kept[key] = States(kept.state_of if kept else STATE_OF, now, told=False)
        self._kept[key] = await self._asked(business, self._kept[key])
        return self._kept[key]

    async def _asked(self, business: str, standing_in: States) -> States:
        query: dict[str, Any] = {"tenantId": self._platform.tenant, "businessServices": business}
        try:
            found = _state_of(await self._platform.ask(Order("", business, {}), _PATH, **query))
        except AgencyError:
            return standing_in
        if not found:
            return standing_in
        strange = [state for word, state in found.items() if _meaning(business, state, word, grants=True) is None]
        if strange:
            log.warning("digit.states_nobody_published", extra={"business": business, "states": sorted(strange)})
        return States(STATE_OF | found, standing_in.asked_at, told=True)


def _meaning(business: str, state: str, word: str, *, grants: bool) -> Word | None:
    if business == PGR:
        return PGR_STATES.get(word) or PGR_STATES.get(state)
    return meaning_of(state, grants=grants)


def _state_of(reply: Mapping[str, object]) -> dict[str, str]:
    """From BusinessServices (live) or BusinessService (published), one or a list; states without a word are skipped."""
    given = reply.get("BusinessServices") or reply.get("BusinessService") or []
    services = given if isinstance(given, list) else [given]
    found: dict[str, str] = {}
    for service in services:
        states = service.get("states") if isinstance(service, Mapping) else None
        for state in states if isinstance(states, list) else []:
            if isinstance(state, Mapping) and isinstance(state.get("applicationStatus"), str):
                word = state["applicationStatus"].strip().upper()
                found[word] = str(state.get("state") or word).strip().upper()
    return found
