"""Who is at the other end of the line: TLS endpoints that are expired, somebody else, self-made, or too old.

Certificates are made on the spot by trustme, which is a development tool: where it is not installed there are no
TLS endpoints, and whoever runs the kit is told so in a sentence.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.util import find_spec

from aggregator.sdk.testing.proxy import LOOPBACK

NEEDS = "trustme is not installed: the TLS faults F04 to F06 were not played"
_LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC), datetime(2002, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Ends:
    """Both ends of a TLS connection that must not come about."""

    server: ssl.SSLContext
    client: ssl.SSLContext


def available() -> bool:
    return find_spec("trustme") is not None


@cache
def ends(variant: str) -> Ends:
    """The two ends of a variant of F04 or F06. Raises KeyError for another name."""
    return _MAKERS[variant]()


def trusting() -> ssl.SSLContext:
    """A client that trusts nobody in particular, for servers that never get as far as a certificate."""
    return ssl.create_default_context()


def _expired() -> Ends:
    import trustme  # noqa: PLC0415 - a development tool, see above

    ca = trustme.CA()
    issued = ca.issue_cert(LOOPBACK, not_before=_LONG_AGO[0], not_after=_LONG_AGO[1])
    return _ends(ca.configure_trust, issued.configure_cert)


def _wrong_host() -> Ends:
    import trustme  # noqa: PLC0415

    ca = trustme.CA()
    return _ends(ca.configure_trust, ca.issue_cert("another-agency.example").configure_cert)


def _self_signed() -> Ends:
    import trustme  # noqa: PLC0415

    return _ends(trustme.CA().configure_trust, trustme.CA().issue_cert(LOOPBACK).configure_cert)


def _client_rejected(version: ssl.TLSVersion) -> Callable[[], Ends]:
    def make() -> Ends:
        import trustme  # noqa: PLC0415

        ca = trustme.CA()
        made = _ends(ca.configure_trust, ca.issue_cert(LOOPBACK).configure_cert)
        made.server.verify_mode = ssl.CERT_REQUIRED
        ca.configure_trust(made.server)
        made.server.minimum_version = made.server.maximum_version = version
        trustme.CA().issue_cert("client@portal.example").configure_cert(made.client)
        return made

    return make


def _ends(trust: Callable[[ssl.SSLContext], None], show: Callable[[ssl.SSLContext], None]) -> Ends:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    show(server)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust(client)
    return Ends(server, client)


_MAKERS: dict[str, Callable[[], Ends]] = {
    "expired": _expired,
    "wrong_host": _wrong_host,
    "self_signed": _self_signed,
    "client_rejected_1_2": _client_rejected(ssl.TLSVersion.TLSv1_2),
    "client_rejected_1_3": _client_rejected(ssl.TLSVersion.TLSv1_3),
}
