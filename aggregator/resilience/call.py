"""One call on its way inwards through the stages of a guarded agency."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any

from aggregator.resilience.breaker import Breaker
from aggregator.resilience.deadline import Deadline
from aggregator.sdk.adapter import Declared
from aggregator.sdk.errors import ConsentMissing
from aggregator.sdk.model import Order
from aggregator.sdk.wire import Trail

Work = Callable[[Order], Awaitable[Any]]


class Call:
    """`trail` is None for a read; `attempts` counts how often the driver was entered."""

    __slots__ = ("attempts", "breaker", "deadline", "declared", "function", "operation", "order", "share", "trail")

    def __init__(self, operation: str, order: Order, deadline: Deadline, share: str, trail: Trail | None) -> None:
        self.operation, self.order, self.deadline = operation, order, deadline
        self.share, self.trail = share, trail
        self.attempts = 0
        self.breaker: Breaker
        self.declared: Declared
        self.function: Work


def functions_of(driver: object, names: Iterable[str], leave: Mapping[str, frozenset[str]]) -> dict[str, Work]:
    """The driver's operations by name. `leave`: operation -> the offers it is called for only with a consent."""
    found: dict[str, Work] = {name: getattr(driver, name) for name in names}
    return found | {name: partial(_allowed, found[name], offers) for name, offers in leave.items() if name in found}


async def _allowed(work: Work, offers: frozenset[str], order: Order) -> Any:
    """The last gate before a driver: whoever forgets the consent further up calls nobody."""
    if order.service in offers and order.consent is None:
        raise ConsentMissing("the citizen's consent is missing")
    return await work(order)
