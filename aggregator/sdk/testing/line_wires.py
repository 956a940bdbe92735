"""The wires of the bad line: the production one inside a deadline, and a name service that knows nobody."""

from typing import Any

from aiohttp.abc import AbstractResolver

from aggregator.sdk.wire_aiohttp import AiohttpWire


def production_wire(limit_s: float, *, connections: int = 4, **tls_and_names: Any) -> AiohttpWire:
    """The wire the city uses, with its timeouts inside a deadline of `limit_s`."""
    return AiohttpWire(
        connect_timeout_s=limit_s * 0.4,
        total_timeout_s=limit_s * 0.9,
        read_timeout_s=limit_s * 0.9,
        max_connections=connections,
        **tls_and_names,
    )


class Nobody(AbstractResolver):
    """A name service that knows no name, at once and without leaving the machine."""

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> Any:  # noqa: ARG002 - the port's parts
        raise OSError(-2, f"{host}: name or service not known")

    async def close(self) -> None: ...
