"""The two keys of a city: the vault's, outside the database, and the one we sign with, sealed inside it."""

from functools import partial
from pathlib import Path

from aggregator.citizens.vault import Keys, Vault, keys_from, load_or_create_keys
from aggregator.sdk.auth import Signer
from aggregator.sdk.clock import Chance
from aggregator.settings import Settings
from aggregator.store import Run, Store


def vault_keys(settings: Settings, chance: Chance) -> Keys:
    """The vault's keys; a city that has none yet gets one. Raises KeyRefused."""
    match settings.vault_key:
        case {"file": file}:
            return load_or_create_keys(Path(file), chance=chance)
        case reference:
            return keys_from(reference, settings.env)


def vault_of(settings: Settings, keys: Keys) -> Vault:
    """The vault of these keys; it hears of one that is added while it works."""
    return Vault.of(keys, again=partial(keys_from, settings.vault_key, settings.env))


async def signer_of(store: Store, vault: Vault) -> Signer:
    """The key our receipts and tokens are signed with: one per database, sealed in it, made at the first start."""
    fresh = Signer.generate()
    sealed = vault.seal(fresh.pem(), table="setting", row="signing_key", column="value")

    async def first_or_mine(run: Run) -> str:
        await run("insert into setting (name, value) values ('signing_key', $1) on conflict (name) do nothing", sealed)
        return str((await run("select value from setting where name = 'signing_key'"))[0]["value"])

    kept = await store.write(first_or_mine)
    return Signer.from_pem(vault.open(kept, table="setting", row="signing_key", column="value"))
