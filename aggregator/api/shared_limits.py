"""Limits that all processes share, as the API speaks of limits: a quota and who, a standing and its headers."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from aggregator.api.limits import Quota, Standing
from aggregator.citizens.allowances import Allowance, Left

_NETWORK_BITS = {4: 24, 6: 48}
"""Who has one address of such a network can have them all."""


def allowance(quota: Quota, who: str) -> Allowance:
    """The quota, for one of those it counts."""
    return Allowance(quota.name, who, quota.limit, quota.window_s)


def standing(left: Left) -> Standing:
    """What is left, for the headers."""
    one = left.allowance
    return Standing(Quota(one.name, one.limit, one.window_s), max(0, int(left.left)), left.reset_s, left.wait_s)


def refusal(found: Sequence[Left]) -> Left | None:
    """The one that was not granted: it is the last."""
    return found[-1] if found and found[-1].wait_s > 0 else None


def network_of(address: str) -> str:
    """The network an address lies in; an address nobody can read is a network of its own."""
    try:
        bits = _NETWORK_BITS[ip_address(address).version]
    except ValueError:
        return address
    return str(ip_network(f"{address}/{bits}", strict=False))
