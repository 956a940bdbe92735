"""A cursor is opaque, versioned, signed and bound to its filter, so that it can be nothing but a bookmark.

Somebody else's, an edited one, or one taken to another filter: 400 cursor-stale, and paging starts again.
"""

import base64
import hashlib
import hmac

import msgspec

from aggregator.api.problem import Problem

VERSION = "1"


class Cursors:
    """Makes and reads cursors. `key` is derived from the server's signing key, so that it survives a restart."""

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.sha256(b"cursor\x00" + secret).digest()

    def make(self, listing: str, after: str) -> str:
        """`listing` is the filter and its owner in one text; `after` the last id of the page."""
        payload = base64.urlsafe_b64encode(after.encode()).rstrip(b"=").decode()
        return f"{VERSION}.{payload}.{self._mark(listing, after)}"

    def read(self, listing: str, cursor: str) -> str:
        """The id the next page starts after. Raises Problem cursor-stale."""
        version, _, rest = cursor.partition(".")
        payload, _, mark = rest.partition(".")
        try:
            after = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode()
        except ValueError as exc:
            raise Problem("cursor-stale") from exc
        if version != VERSION or not hmac.compare_digest(mark, self._mark(listing, after)):
            raise Problem("cursor-stale")
        return after

    def _mark(self, listing: str, after: str) -> str:
        text = msgspec.json.encode([VERSION, listing, after])
        digest = hmac.new(self._key, text, hashlib.sha256).digest()[:15]
        return base64.urlsafe_b64encode(digest).decode()
