"""One citizen, a different name for every sector: HMAC-SHA256(sector key, internal id), in base32.

A sector is a portal, a group of portals that registered as one, an agency, or the operations centre. Without the key
two sectors cannot find out that they speak of the same person. The keys come from the vault's master key by HKDF;
after a change of key ids made with an older one go on being read, because the store keeps every id it gave out.
Source: figures S14.
"""

import base64
import hashlib
import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PREFIX = "ctz_"
_LETTERS = 26
"""130 of the 256 bits: among 10^9 ids a collision is less likely than 10^-20."""
OPERATIONS = "operations"


def agency_sector(agency_id: str) -> str:
    """The sector of what one agency is told."""
    return f"agency:{agency_id}"


def portal_sector(sector: str) -> str:
    """The sector of the portals registered under this name."""
    return f"portal:{sector}"


class Pairwise:
    """Makes pairwise ids. `master` is 32 bytes; `version` changes with a change of key."""

    def __init__(self, master: bytes, version: int = 1) -> None:
        info = f"citizen service aggregator pairwise {version}".encode()
        self._key = HKDF(SHA256(), 32, salt=None, info=info).derive(master)

    def of(self, citizen_id: str, sector: str) -> str:
        """`ctz_` and 26 letters: the citizen's name in this sector. `citizen_id` is the internal one."""
        sector_key = hmac.digest(self._key, sector.encode(), hashlib.sha256)
        drawn = hmac.digest(sector_key, citizen_id.encode(), hashlib.sha256)
        return PREFIX + base64.b32encode(drawn).decode("ascii").lower()[:_LETTERS]
