"""An agency's own wire in production."""

from collections.abc import Mapping

from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import Declared
from aggregator.sdk.wire_aiohttp import AiohttpWire

CONNECT_TIMEOUT_S = 3.0


def make_wire(agency: str, policy: Policy, operations: Mapping[str, Declared]) -> AiohttpWire:  # noqa: ARG001 - one wire per agency, whoever it is
    """An agency's own wire: its own connections, more of them than the bulkhead lets talk (AC-2, AC-6)."""
    longest_s = max((declared.timeout_s for declared in operations.values()), default=30.0)
    return AiohttpWire(
        connect_timeout_s=min(CONNECT_TIMEOUT_S, longest_s / 2),
        total_timeout_s=longest_s,
        read_timeout_s=longest_s,
        max_connections=policy.max_concurrency + 4,
        linger_s=min((declared.wire_linger_s for declared in operations.values()), default=30.0),
    )
