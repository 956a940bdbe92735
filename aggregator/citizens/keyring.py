"""Every citizen has a key of their own, wrapped by the vault's; destroying it erases them from every copy there is.

A value sealed under a citizen's key begins with a zero byte where the vault writes its key's version, so that values
sealed before there were such keys still open. Keys are kept in memory for a few seconds only: that is how long another
process may still open what was erased.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

import orjson
from cachetools import TTLCache
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aggregator.citizens.vault import KEY_BYTES, Tampered, Vault, framed
from aggregator.sdk.clock import Chance, Clock, epoch_ms
from aggregator.store.keyfile import KeyFile

KEPT_S = 4.0
_KEPT = 10_000
_NONCE_BYTES = 12
_MARK = b"\x00"


class Erased(Tampered):
    """It was sealed under a key that was destroyed, as the citizen asked."""


class KeyRing:
    """Implements `aggregator.citizens.seals.Seals` with a key per citizen."""

    def __init__(self, vault: Vault, file: KeyFile, clock: Clock, chance: Chance) -> None:
        self._vault = vault
        self._file = file
        self._clock = clock
        self._chance = chance
        self._kept: TTLCache[str, AESGCM] = TTLCache(_KEPT, KEPT_S, timer=clock.monotonic)

    def seal(self, citizen_id: str, value: Any, *, table: str, row: str, column: str) -> str:
        """Raises Erased for a citizen whose key was destroyed."""
        plain = orjson.dumps(value)
        if not citizen_id:
            return self._vault.seal(plain, table=table, row=f"{citizen_id}/{row}", column=column)
        nonce = self._chance.bytes(_NONCE_BYTES)
        body = (self._key(citizen_id) or self._new(citizen_id)).encrypt(
            nonce, plain, _place(citizen_id, table, row, column)
        )
        return base64.urlsafe_b64encode(_MARK + nonce + body).decode("ascii")

    def open(self, citizen_id: str, sealed: str, *, table: str, row: str, column: str) -> Any:
        """Raises Erased, Tampered."""
        if not sealed:
            return None
        whole = _decoded(sealed)
        if whole[:1] != _MARK:
            return orjson.loads(self._vault.open(sealed, table=table, row=f"{citizen_id}/{row}", column=column))
        key = self._key(citizen_id)
        if key is None:
            raise Erased(f"{table}.{column}: its key was destroyed")
        nonce, body = whole[1 : 1 + _NONCE_BYTES], whole[1 + _NONCE_BYTES :]
        try:
            return orjson.loads(key.decrypt(nonce, body, _place(citizen_id, table, row, column)))
        except InvalidTag:
            raise Tampered(f"{table}.{column}: does not open in its row") from None

    def index(self, value: str, purpose: str) -> str:
        return self._vault.index(value, f"citizen.{purpose}") if value else ""

    def destroy(self, citizen_id: str) -> None:
        """Nothing sealed for this citizen opens again, from whatever copy. May be repeated."""
        self._kept.pop(citizen_id, None)
        self._file.destroy(citizen_id, epoch_ms(self._clock.now()))

    def was_destroyed(self, citizen_id: str) -> bool:
        return self._file.was_destroyed(citizen_id)

    def destroyed(self) -> Iterator[str]:
        """Whose key was destroyed."""
        return self._file.destroyed()

    def _key(self, citizen_id: str) -> AESGCM | None:
        kept = self._kept.get(citizen_id)
        if kept is not None:
            return kept
        wrapped = self._file.wrapped(citizen_id)
        if wrapped is None:
            return None
        return self._remembered(citizen_id, unwrapped(self._vault, citizen_id, wrapped))

    def _new(self, citizen_id: str) -> AESGCM:
        if self._file.was_destroyed(citizen_id):
            raise Erased("this citizen was erased")
        fresh = wrapped_key(self._vault, citizen_id, self._chance.bytes(KEY_BYTES))
        return self._remembered(citizen_id, unwrapped(self._vault, citizen_id, self._file.keep(citizen_id, fresh)))

    def _remembered(self, citizen_id: str, key: bytes) -> AESGCM:
        made = self._kept[citizen_id] = AESGCM(key)
        return made


def wrapped_key(vault: Vault, citizen_id: str, key: bytes) -> str:
    return vault.seal(key, table="citizen_key", row=citizen_id, column="wrapped")


def unwrapped(vault: Vault, citizen_id: str, wrapped: str) -> bytes:
    """Raises Tampered."""
    return vault.open(wrapped, table="citizen_key", row=citizen_id, column="wrapped")


def rotated(file: KeyFile, old_and_new: Vault, told: Any = lambda _done: None) -> int:
    """Wraps every citizen's key under the vault's newest key; the city works on. How many."""

    def anew(citizen_id: str, wrapped: str) -> str:
        if old_and_new.is_current(wrapped):
            return wrapped
        return wrapped_key(old_and_new, citizen_id, unwrapped(old_and_new, citizen_id, wrapped))

    return file.rewrap(anew, told)


def _place(citizen_id: str, table: str, row: str, column: str) -> bytes:
    return _MARK + framed(citizen_id, table, row, column)


def _decoded(sealed: str) -> bytes:
    """The bytes, or none when this is not the one spelling `seal` writes."""
    text = sealed.encode("ascii", "replace")
    try:
        whole = base64.urlsafe_b64decode(text)
    except binascii.Error:
        return b""
    return whole if base64.urlsafe_b64encode(whole) == text else b""
