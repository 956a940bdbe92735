"""One call on its way inwards through the stages of a guarded agency."""

from collections.abc import Awaitable, Callable
from typing import Any

from aggregator.resilience.breaker import Breaker
from aggregator.resilience.deadline import Deadline
from aggregator.sdk.adapter import Declared
from aggregator.sdk.model import Order
from aggregator.sdk.wire import Trail


class Call:
    """`trail` is None for a read; `attempts` counts how often the driver was entered."""

    __slots__ = ("attempts", "breaker", "deadline", "declared", "function", "operation", "order", "share", "trail")

    def __init__(self, operation: str, order: Order, deadline: Deadline, share: str, trail: Trail | None) -> None:
        self.operation, self.order, self.deadline = operation, order, deadline
        self.share, self.trail = share, trail
        self.attempts = 0
        self.breaker: Breaker
        self.declared: Declared
        self.function: Callable[[Order], Awaitable[Any]]
