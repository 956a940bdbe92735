"""The server's own TLS, where no proxy ends it: 1.2 at least; client certificates are asked for, never demanded.

A portal that shows a certificate gets tokens bound to it (RFC 8705). Behind a proxy that ends TLS there is no
certificate to see here: such portals bind their tokens by DPoP.
"""

import ssl
from collections.abc import Mapping
from pathlib import Path

CERTIFICATE, KEY, CLIENTS = "AGGREGATOR_TLS_CERTIFICATE", "AGGREGATOR_TLS_KEY", "AGGREGATOR_TLS_CLIENT_CA"


class TlsRefused(ValueError):
    """The files cannot be used; the message says which variable to look at."""


def server_tls(env: Mapping[str, str]) -> ssl.SSLContext | None:
    """The context the environment names; None where it names none. Raises TlsRefused."""
    if not env.get(CERTIFICATE) and not env.get(KEY):
        return None
    if not env.get(CERTIFICATE) or not env.get(KEY):
        raise TlsRefused(f"{CERTIFICATE} and {KEY} belong together: one of them is missing")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(Path(env[CERTIFICATE]), Path(env[KEY]))
        if env.get(CLIENTS):
            context.load_verify_locations(Path(env[CLIENTS]))
            context.verify_mode = ssl.CERT_OPTIONAL
    except (OSError, ssl.SSLError) as exc:
        raise TlsRefused(f"the files of {CERTIFICATE}, {KEY}, {CLIENTS} cannot be used: {type(exc).__name__}") from exc
    return context
