"""Every personal value of a citizen is sealed and opened here and nowhere else, under the citizen's id.

The place a value is bound to is (citizen, table, row, column): what lies in another citizen's row does not open.
One door, so that keys can become per citizen without touching what goes through it.
"""

from typing import Any, Protocol

import orjson

from aggregator.citizens.vault import Vault


class Seals(Protocol):
    """What the room asks of whoever keeps the keys."""

    def seal(self, citizen_id: str, value: Any, *, table: str, row: str, column: str) -> str:
        """Text for a column. `value` is anything JSON can say."""
        ...

    def open(self, citizen_id: str, sealed: str, *, table: str, row: str, column: str) -> Any:
        """What was sealed at exactly this place; None for an empty column. Raises Tampered."""
        ...

    def index(self, value: str, purpose: str) -> str:
        """A keyed index of a normalised value; "" for "" so that an absent value matches nothing."""
        ...


class VaultSeals:
    """Seals under the vault's one key, with the citizen in the associated data."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def seal(self, citizen_id: str, value: Any, *, table: str, row: str, column: str) -> str:
        return self._vault.seal(orjson.dumps(value), table=table, row=f"{citizen_id}/{row}", column=column)

    def open(self, citizen_id: str, sealed: str, *, table: str, row: str, column: str) -> Any:
        if not sealed:
            return None
        return orjson.loads(self._vault.open(sealed, table=table, row=f"{citizen_id}/{row}", column=column))

    def index(self, value: str, purpose: str) -> str:
        return self._vault.index(value, f"citizen.{purpose}") if value else ""
