"""Every citizen has keys of their own, wrapped by the vault's; destroying them erases them from every copy there is.

A value sealed under a citizen's key begins with a zero byte where the vault writes its key's version, so that values
sealed before there were such keys still open. Keys are kept in memory for a few seconds only: that is how long another
process may still open what was erased.
"""

import base64
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from cachetools import TTLCache
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aggregator.citizens.vault import KEY_BYTES, Tampered, Vault, decoded, framed
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
        self._one_at_a_time = threading.RLock()

    def seal(self, citizen_id: str, value: Any, *, table: str, row: str, column: str) -> str:
        """Raises Erased for a citizen whose key was destroyed."""
        plain = orjson.dumps(value)
        if not citizen_id:
            return self._vault.seal(plain, table=table, row=f"{citizen_id}/{row}", column=column)
        nonce = self._chance.bytes(_NONCE_BYTES)
        body = self.to_seal(citizen_id).encrypt(nonce, plain, _place(citizen_id, table, row, column))
        return base64.urlsafe_b64encode(_MARK + nonce + body).decode("ascii")

    def open(self, citizen_id: str, sealed: str, *, table: str, row: str, column: str) -> Any:
        """Raises Erased, Tampered."""
        if not sealed:
            return None
        whole = decoded(sealed)
        if whole[:1] != _MARK:
            return orjson.loads(self._vault.open(sealed, table=table, row=f"{citizen_id}/{row}", column=column))
        nonce, body = whole[1 : 1 + _NONCE_BYTES], whole[1 + _NONCE_BYTES :]
        try:
            return orjson.loads(self.to_open(citizen_id).decrypt(nonce, body, _place(citizen_id, table, row, column)))
        except InvalidTag:
            raise Tampered(f"{table}.{column}: does not open in its row") from None

    def index(self, value: str, purpose: str) -> str:
        return self._vault.index(value, f"citizen.{purpose}") if value else ""

    def to_seal(self, key_id: str) -> AESGCM:
        """The key of this name, made if there is none. Raises Erased."""
        with self._one_at_a_time:
            return self._key(key_id) or self._new(key_id)

    def to_open(self, key_id: str, *, afresh: bool = False) -> AESGCM:
        """The key of this name; `afresh` looks into the file even where it is known. Raises Erased, Tampered."""
        with self._one_at_a_time:
            if afresh:
                self._kept.pop(key_id, None)
            key = self._key(key_id)
            if key is not None:
                return key
            if self._file.was_destroyed(key_id):
                raise Erased("its key was destroyed")
            raise Tampered(f"its key is not in {self._file.path}")

    def has(self, key_id: str) -> bool:
        """Whether there is a key of this name now."""
        with self._one_at_a_time:
            return self._key(key_id) is not None

    def make(self, key_ids: Iterable[str]) -> None:
        """Keys of these names in one commit, none for the destroyed; waits for the disk, so from a thread."""
        fresh = {key_id: wrapped_key(self._vault, key_id, self._chance.bytes(KEY_BYTES)) for key_id in key_ids}
        self._file.keep_all(fresh)

    def destroy(self, *key_ids: str) -> None:
        """Nothing sealed under these opens again, from whatever copy. May be repeated."""
        with self._one_at_a_time:
            self._file.destroy(key_ids, epoch_ms(self._clock.now()))
            for key_id in key_ids:
                self._kept.pop(key_id, None)

    def drop(self, key_ids: Iterable[str]) -> None:
        """The same for keys no citizen has a name for: nobody will ask whether they were destroyed."""
        gone = list(key_ids)
        with self._one_at_a_time:
            if gone:
                self._file.drop(gone)
            for key_id in gone:
                self._kept.pop(key_id, None)

    def was_destroyed(self, key_id: str) -> bool:
        return self._file.was_destroyed(key_id)

    def destroyed(self) -> Iterator[str]:
        """Whose key was destroyed."""
        return self._file.destroyed()

    def _key(self, key_id: str) -> AESGCM | None:
        kept = self._kept.get(key_id)
        if kept is not None:
            return kept
        wrapped = self._file.wrapped(key_id)
        if wrapped is None:
            return None
        return self._remembered(key_id, unwrapped(self._vault, key_id, wrapped))

    def _new(self, key_id: str) -> AESGCM:
        if self._file.was_destroyed(key_id):
            raise Erased("this citizen was erased")
        fresh = wrapped_key(self._vault, key_id, self._chance.bytes(KEY_BYTES))
        return self._remembered(key_id, unwrapped(self._vault, key_id, self._file.keep(key_id, fresh)))

    def _remembered(self, key_id: str, key: bytes) -> AESGCM:
        made = self._kept[key_id] = AESGCM(key)
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
