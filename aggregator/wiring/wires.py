"""An agency's own wire in production."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from aggregator.ops.certificates import until_of
from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import Declared
from aggregator.sdk.trust import Trust, refuse_unpinned, shown_pin
from aggregator.sdk.wire import WireError
from aggregator.sdk.wire_aiohttp import AiohttpWire

CONNECT_TIMEOUT_S = 3.0


def make_wire(  # noqa: PLR0913 - what an agency is called with, and who is told
    agency: str,
    policy: Policy,
    operations: Mapping[str, Declared],
    trust: Trust,
    *,
    seen: Callable[[str, datetime], None] | None = None,
    refused: Callable[[str, str], None] | None = None,
) -> AiohttpWire:
    """An agency's own wire: its own connections, more of them than the bulkhead lets talk (AC-2, AC-6).

    `seen` is told until when the certificate it shows is good, `refused` a key that is not among the pinned.
    """
    longest_s = max((declared.timeout_s for declared in operations.values()), default=30.0)

    def shown(certificate: Mapping[str, Any]) -> None:
        until = until_of(certificate)
        if seen is not None and until is not None:
            seen(agency, until)

    def accept(transport: asyncio.Transport | None) -> None:
        try:
            refuse_unpinned(transport, trust.pins)
        except WireError:
            if refused is not None:
                refused(agency, shown_pin(transport))
            raise

    return AiohttpWire(
        connect_timeout_s=min(CONNECT_TIMEOUT_S, longest_s / 2),
        total_timeout_s=longest_s,
        read_timeout_s=longest_s,
        max_connections=policy.max_concurrency + 4,
        ssl_context=trust.context() if trust.ca_pem else None,
        accept=accept if trust.pins else None,
        shown=shown if seen is not None else None,
        linger_s=min((declared.wire_linger_s for declared in operations.values()), default=30.0),
    )
