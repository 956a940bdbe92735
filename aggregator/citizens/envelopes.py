"""What belongs to a case is sealed under the key of the citizen whose case it is, and the envelope says which key.

The key goes by the name the row has for the citizen, the pairwise id of its portal: so a form, an agency's answer and a
draft are opened without asking who somebody is, and no envelope joins two portals. Where nobody is named, a case has a
key of its own. Destroying a key erases what is sealed under it from every copy of the database. What belongs to nobody
lies under the vault's own key, as did all of it before: what an older version sealed still opens.
"""

import asyncio
import base64
from collections.abc import Iterable
from typing import Protocol

from cryptography.exceptions import InvalidTag

from aggregator.citizens.keyring import Erased, KeyRing
from aggregator.citizens.vault import Tampered, Vault, decoded, framed
from aggregator.sdk.clock import Chance

__all__ = ["EMPTY", "Envelopes", "Erased", "KeyedEnvelopes", "key_named"]

SPARE = "key_"
EMPTY = SPARE + "empty"
"""Whose key seals that there is nothing: a form of nobody takes the same steps as anybody's."""
_SPARES = 64
"""Keys for what nobody is named for, made in one commit."""
_NAME_BYTES = 15
_NONCE_BYTES = 12
_TAG_BYTES = 16
_MARK = b"\x00"


class Envelopes(Protocol):
    """What the rooms ask of whoever keeps the keys."""

    @property
    def own(self) -> Vault:
        """The vault, for what belongs to no citizen."""
        ...

    async def key_for(self, citizen_id: str) -> str:
        """The name of the key to seal for this citizen under, durable by then; a new one's for "". Raises Erased."""
        ...

    def seal(self, plain: bytes, *, owner: str, table: str, row: str, column: str) -> str:
        """Text for a column, under the key of this name; the vault's own for "". Raises Erased."""
        ...

    def open(self, sealed: str, *, table: str, row: str, column: str, afresh: bool = False) -> bytes:
        """What was sealed at exactly this place. `afresh` takes the same steps every time. Raises Erased, Tampered."""
        ...

    def index(self, value: str, purpose: str) -> str:
        """64 hex digits to look `value` up by; equal only for equal value and purpose."""
        ...

    def named(self, sealed: str) -> str:
        """The name of the key this text is sealed under; "" for the vault's own, and for no text."""
        ...

    def forget(self, owners: Iterable[str]) -> None:
        """Destroys those of the keys that nobody is named for: what was sealed under them is gone."""
        ...


class KeyedEnvelopes:
    """Implements `Envelopes` on the citizens' keys."""

    def __init__(self, vault: Vault, keys: KeyRing, chance: Chance) -> None:
        self._vault = vault
        self._keys = keys
        self._chance = chance
        self._wanted: set[str] = set()
        self._spares: list[str] = []
        self._batch = asyncio.Lock()

    @property
    def own(self) -> Vault:
        return self._vault

    async def key_for(self, citizen_id: str) -> str:
        if not citizen_id:
            return await self._spare()
        if not self._keys.has(citizen_id):
            await self._made(citizen_id)
        return citizen_id

    def seal(self, plain: bytes, *, owner: str, table: str, row: str, column: str) -> str:
        if not owner:
            return self._vault.seal(plain, table=table, row=row, column=column)
        name, nonce = owner.encode(), self._chance.bytes(_NONCE_BYTES)
        body = self._keys.to_seal(owner).encrypt(nonce, plain, _place(owner, table, row, column))
        return base64.urlsafe_b64encode(_MARK + bytes([len(name)]) + name + nonce + body).decode("ascii")

    def open(self, sealed: str, *, table: str, row: str, column: str, afresh: bool = False) -> bytes:
        whole = decoded(sealed)
        if whole[:1] != _MARK:
            return self._vault.open(sealed, table=table, row=row, column=column)
        name, nonce, body = _parts(whole)
        if len(body) < _TAG_BYTES:
            raise Tampered(f"{table}.{column}: no envelope of ours")
        try:
            return self._keys.to_open(name, afresh=afresh).decrypt(nonce, body, _place(name, table, row, column))
        except InvalidTag:
            raise Tampered(f"{table}.{column}: does not open in its row") from None

    def index(self, value: str, purpose: str) -> str:
        return self._vault.index(value, purpose)

    def named(self, sealed: str) -> str:
        return key_named(sealed)

    def forget(self, owners: Iterable[str]) -> None:
        self._keys.drop({name for name in owners if name.startswith(SPARE) and name != EMPTY})

    async def _made(self, name: str) -> None:
        """Whoever comes while a batch waits for the disk is in the next one: many new citizens cost few commits."""
        self._wanted.add(name)
        async with self._batch:
            if name in self._wanted:
                batch, self._wanted = self._wanted, set()
                await asyncio.to_thread(self._keys.make, batch)
        if not self._keys.has(name):
            raise Erased("this citizen was erased")

    async def _spare(self) -> str:
        while not self._spares:
            async with self._batch:
                if not self._spares:
                    fresh = [SPARE + self._chance.bytes(_NAME_BYTES).hex() for _ in range(_SPARES)]
                    await asyncio.to_thread(self._keys.make, fresh)
                    self._spares = fresh
        return self._spares.pop()


def key_named(sealed: str) -> str:
    """The name of the key an envelope is sealed under; "" for the vault's own, and for no text."""
    whole = decoded(sealed)
    return _parts(whole)[0] if whole[:1] == _MARK else ""


def _parts(whole: bytes) -> tuple[str, bytes, bytes]:
    """The key's name, nonce, ciphertext. A name that was tampered with is the name of no key."""
    ends = 2 + (whole[1] if len(whole) > 1 else 0)
    return whole[2:ends].decode("utf-8", "replace"), whole[ends : ends + _NONCE_BYTES], whole[ends + _NONCE_BYTES :]


def _place(name: str, table: str, row: str, column: str) -> bytes:
    return _MARK + framed("envelope", name, table, row, column)
