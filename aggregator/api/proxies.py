"""Whose address a request counts for, where proxies of ours stand before us.

Behind a proxy every connection comes from the proxy: all callers would share one budget. `X-Forwarded-For` is written
by whoever was on the way, so it is read from its end, and only as far as the hops are proxies the operator named. The
first address that is none of them is the caller's, whatever stands before it; a word nobody can read ends the reading.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

FORWARDED = "X-Forwarded-For"
HOPS_MOST = 32
"""Hops that are looked at: a longer list is somebody's joke."""
Address = IPv4Address | IPv6Address


class Proxies:
    """The networks our own proxies are in. Raises ValueError for what is no network; none: every caller is direct."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks: tuple[IPv4Network | IPv6Network, ...] = tuple(ip_network(one.strip()) for one in networks)
        self._ours = lru_cache(maxsize=4096)(self._is_ours)

    def address(self, peer: str, forwarded: Sequence[str]) -> str:
        """The caller's address. `forwarded`: the values of the header, in their order."""
        if not self._networks or not self._ours(peer):
            return peer
        hops = ",".join(forwarded).rsplit(",", HOPS_MOST)
        found = peer
        for hop in reversed(hops[-HOPS_MOST:]):
            read = _read(hop)
            if read is None:
                return found
            found = str(read)
            if not self._ours(found):
                return found
        return found

    def _is_ours(self, text: str) -> bool:
        read = _read(text)
        return read is not None and any(read in network for network in self._networks)


def _read(hop: str) -> Address | None:
    """`192.0.2.7`, `192.0.2.7:41` or `[2001:db8::7]:41`; None for anything else."""
    text = hop.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
