"""Where the caller reached us: the configured address, or in a sandbox the Host it asked for.

A Host header is somebody else's text: it is used only if it is a plain host and port, and only without a base_url.
"""

import re

from aiohttp import web

_HOST = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:]{2,45}\])(?::[0-9]{1,5})?")
PREFIX = "/v1"


def origin_of(request: web.Request, base_url: str | None) -> str:
    """Scheme, host and port, without a slash at the end."""
    if base_url:
        return base_url.rstrip("/")
    host = request.host
    return f"{request.scheme}://{host}" if _HOST.fullmatch(host) else "http://localhost"
