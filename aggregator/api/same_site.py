"""Whether a form was pressed on a page of ours. No cookie and no hidden token: the browser itself says where it was.

`Sec-Fetch-Site` cannot be written by a page; browsers without it (before 2023, or over plain HTTP) tell `Origin` with
a form, because our pages ask for `Referrer-Policy: same-origin`. Who sends neither is no browser, and nobody's hands
are used behind their back.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

_OURS = frozenset({"same-origin", "none"})


def pressed_elsewhere(headers: Mapping[str, str], host: str, origin: str) -> bool:
    """`host`: what the browser asked for; `origin`: the address we are configured with, or that host's."""
    site = headers.get("Sec-Fetch-Site", "")
    if site:
        return site not in _OURS
    told = headers.get("Origin")
    return told is not None and told.partition("://")[2] not in {host, urlsplit(origin).netloc}
