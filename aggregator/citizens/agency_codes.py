"""An agency is asked to send its own code, and whether a code is the one it sent: one attempt each, never repeated.

A message too many is harmless, a try too many is not: both are counted by whoever asks (`link_codes`), and what came of
it is one of the four outcomes of every write. The code stands in one order, in memory, and nowhere else.
"""

from collections.abc import Callable, Mapping
from typing import Any

from aggregator.registry.agency import Registry
from aggregator.resilience.outcome import Outcome
from aggregator.sdk.clock import Chance, Clock, new_id
from aggregator.sdk.model import Order
from aggregator.sdk.wire import Trail

CODE = "code"


class AgencyCodes:
    """The city's agencies that prove records by their own code."""

    def __init__(self, registry: Callable[[], Registry], clock: Clock, chance: Chance) -> None:
        self._registry = registry
        self._clock = clock
        self._chance = chance

    async def send(self, agency: str, offer: str, form: Mapping[str, Any]) -> Outcome:
        """Asks for a code. A receipt names the sending and says where it went."""
        return await self._attempt(agency, "send_code", self._order(offer, form))

    async def check(self, agency: str, offer: str, form: Mapping[str, Any], handle: str, code: str) -> Outcome:
        """Passes on the code that was typed."""
        return await self._attempt(agency, "check_code", self._order(offer, {**form, CODE: code}, handle))

    async def _attempt(self, agency: str, operation: str, order: Order) -> Outcome:
        # The operation's own patience: cut short by ours, a sending would only be one more doubt.
        return await self._registry().agencies[agency].guarded.attempt(operation, order, Trail())

    def _order(self, offer: str, form: Mapping[str, Any], handle: str = "") -> Order:
        reference = new_id("lc", self._clock, self._chance).replace("_", "-")
        return Order(reference, offer, dict(form), handle, self._clock.now())
