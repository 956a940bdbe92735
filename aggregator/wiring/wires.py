"""An agency's own wire in production."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from aggregator.ops.certificates import until_of
from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import Declared
from aggregator.sdk.wire_aiohttp import AiohttpWire

CONNECT_TIMEOUT_S = 3.0


def make_wire(
    agency: str,
    policy: Policy,
    operations: Mapping[str, Declared],
    seen: Callable[[str, datetime], None] | None = None,
) -> AiohttpWire:
    """An agency's own wire: its own connections, more of them than the bulkhead lets talk (AC-2, AC-6).

    `seen` is told until when the certificate it shows is good.
    """
    longest_s = max((declared.timeout_s for declared in operations.values()), default=30.0)

    def shown(certificate: Mapping[str, Any]) -> None:
        until = until_of(certificate)
        if seen is not None and until is not None:
            seen(agency, until)

    return AiohttpWire(
        connect_timeout_s=min(CONNECT_TIMEOUT_S, longest_s / 2),
        total_timeout_s=longest_s,
        read_timeout_s=longest_s,
        max_connections=policy.max_concurrency + 4,
        shown=shown if seen is not None else None,
        linger_s=min((declared.wire_linger_s for declared in operations.values()), default=30.0),
    )
