"""Where machines begin: the sitemap of the catalogue's pages and the catalogue of our interfaces (RFC 9727)."""

from collections.abc import Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape

LINKSET = "application/linkset+json"
PROFILE = "https://www.rfc-editor.org/info/rfc9727"
MOST_ADDRESSES = 50_000
"""More are not allowed in one sitemap (sitemaps.org, protocol 0.9)."""


def sitemap(addresses: Iterable[str]) -> str:
    """The addresses as sitemaps.org wants them; no dates, because a fact's date is not its page's."""
    rows = "".join(f"<url><loc>{escape(address)}</loc></url>" for address in list(addresses)[:MOST_ADDRESSES])
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>\n'
    )


def robots(origin: str) -> str:
    """What crawlers may read: the catalogue. Forms and cases are for people."""
    return f"User-agent: *\nAllow: /catalogue\nDisallow: /\nSitemap: {origin}/sitemap.xml\n"


def api_catalog(origin: str, contracts: Mapping[str, str]) -> dict[str, Any]:
    """The linkset of RFC 9727: one item, our interface, with its contracts by title and path, guide data and status."""
    api = f"{origin}/v1"
    return {
        "linkset": [
            {"anchor": f"{origin}/.well-known/api-catalog", "item": [{"href": api}]},
            {
                "anchor": api,
                "service-desc": [
                    {"href": f"{origin}{path}", "type": "application/json", "title": title}
                    for path, title in contracts.items()
                ],
                "service-meta": [{"href": f"{origin}/catalogue", "type": "application/ld+json"}],
                "status": [{"href": f"{origin}/readyz", "type": "application/json"}],
            },
        ]
    }
