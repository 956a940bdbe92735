"""Sealing in tests as in a city: under keys in a file; and as it was before there were keys of citizens, as a control.

The towns of one run share one file, as the processes of one city do.
"""

import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from aggregator.citizens.envelopes import KeyedEnvelopes
from aggregator.citizens.keyring import KeyRing
from aggregator.citizens.vault import Vault
from aggregator.sdk.clock import Clock, SystemChance, SystemClock
from aggregator.store.keyfile import KeyFile

MASTER = bytes(32)


@cache
def shared_folder() -> tempfile.TemporaryDirectory[str]:
    """Gone with the process."""
    return tempfile.TemporaryDirectory(prefix="aggregator-test-")


@cache
def shared_keys() -> KeyFile:
    """The file of the towns' keys."""
    return KeyFile(Path(shared_folder().name) / "city.keys")


def sealing(clock: Clock | None = None, keys: KeyRing | None = None) -> KeyedEnvelopes:
    """Envelopes under the towns' vault key; `keys` where the town has a file of its own."""
    vault = Vault(MASTER)
    ring = keys or KeyRing(vault, shared_keys(), clock or SystemClock(), SystemChance())
    return KeyedEnvelopes(vault, ring, SystemChance())


class OneKey:
    """Everything under the vault's one key: what decision 009 left for case data, and what a simulation needs."""

    def __init__(self, vault: Vault) -> None:
        self.own = vault

    async def key_for(self, citizen_id: str) -> str:
        return citizen_id

    def seal(self, plain: bytes, *, owner: str, table: str, row: str, column: str) -> str:
        return self.own.seal(plain, table=table, row=row, column=column)

    def open(self, sealed: str, *, table: str, row: str, column: str, afresh: bool = False) -> bytes:
        return self.own.open(sealed, table=table, row=row, column=column)

    def index(self, value: str, purpose: str) -> str:
        return self.own.index(value, purpose)

    def named(self, sealed: str) -> str:
        return ""

    def forget(self, owners: Iterable[str]) -> None:
        """There is nothing to destroy."""
