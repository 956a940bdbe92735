"""The two keys of a city: the vault's, outside the database, and the one we sign with, sealed inside it."""

from pathlib import Path

from aggregator.citizens.vault import Vault, key_from, load_or_create_key
from aggregator.sdk.auth import Signer
from aggregator.sdk.clock import Chance
from aggregator.settings import Settings
from aggregator.store import Run, Store


def vault_key(settings: Settings, chance: Chance) -> bytes:
    match settings.vault_key:
        case {"file": file}:
            return load_or_create_key(Path(file), chance=chance)
        case reference:
            return key_from(reference, settings.env)


async def signer_of(store: Store, vault: Vault) -> Signer:
    """The key our receipts and tokens are signed with: one per database, sealed in it, made at the first start."""
    fresh = Signer.generate()
    sealed = vault.seal(fresh.pem(), table="setting", row="signing_key", column="value")

    async def first_or_mine(run: Run) -> str:
        await run("insert into setting (name, value) values ('signing_key', $1) on conflict (name) do nothing", sealed)
        return str((await run("select value from setting where name = 'signing_key'"))[0]["value"])

    kept = await store.write(first_or_mine)
    return Signer.from_pem(vault.open(kept, table="setting", row="signing_key", column="value"))
