"""A citizen's password is kept as scrypt with its own salt, computed off the event loop; nobody waits for another.

A wrong user name costs the same as a wrong password: a hash of nothing is computed then. Source: api.md section 11.
"""

import asyncio
import base64
import hashlib
import hmac
import unicodedata

from aggregator.sdk.clock import Chance

LEAST, MOST = 10, 200
_N, _R, _P, _BYTES = 2**14, 8, 5, 32
_MEMORY = 64 * 1024 * 1024
_AT_ONCE = 2
NOBODY = "scrypt$AAAAAAAAAAAAAAAAAAAAAA==$" + base64.b64encode(bytes(_BYTES)).decode()


class Passwords:
    """Makes and checks them, two at a time: a flood of log-ins must not take the machine."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def made(self, password: str) -> str:
        """Text for the column."""
        salt = self._chance.bytes(16)
        return _kept(salt, await self._drawn(password, salt))

    async def agrees(self, password: str, kept: str) -> bool:
        """Whether this is the password; takes as long for a citizen without one (`kept` empty)."""
        _, salt, drawn = (kept or NOBODY).split("$")
        got = await self._drawn(password, base64.b64decode(salt))
        return hmac.compare_digest(got, base64.b64decode(drawn)) and bool(kept)

    async def _drawn(self, password: str, salt: bytes) -> bytes:
        async with self._turns:
            return await asyncio.to_thread(_scrypt, password, salt)


def too_weak(password: str, *others: str) -> bool:
    """Too short, too long, one sign repeated, or what everybody knows of the citizen (`others`) with a tail."""
    plain = password.casefold()
    known = any(other and len(plain) - len(other) < 4 and other.casefold() in plain for other in others)
    return not LEAST <= len(password) <= MOST or len(set(plain)) < 4 or known


def _scrypt(password: str, salt: bytes) -> bytes:
    text = unicodedata.normalize("NFKC", password).encode()
    return hashlib.scrypt(text, salt=salt, n=_N, r=_R, p=_P, maxmem=_MEMORY, dklen=_BYTES)


def _kept(salt: bytes, drawn: bytes) -> str:
    return f"scrypt${base64.b64encode(salt).decode()}${base64.b64encode(drawn).decode()}"
