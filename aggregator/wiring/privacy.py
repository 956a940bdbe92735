"""Citizens' keys, consents, looks and erasure on this city's store; whoever was erased before a restore is so again."""

from aggregator.citizens.accesses import Accesses
from aggregator.citizens.consents import Consents
from aggregator.citizens.envelopes import key_named
from aggregator.citizens.erasure import Erasure
from aggregator.citizens.keyring import KeyRing
from aggregator.citizens.privacy import Ground, PrivacyRoom, private_room
from aggregator.citizens.vault import Vault
from aggregator.sdk.clock import Chance, Clock
from aggregator.settings import Settings
from aggregator.store import Store
from aggregator.store.keyfile import KeyFile, KeyFileRefused


async def key_ring(settings: Settings, store: Store, vault: Vault, clock: Clock, chance: Chance) -> KeyRing:
    """The citizens' keys. Raises KeyFileRefused where the database has citizens and their keys are not there."""
    fresh = not settings.keys.exists()
    file = KeyFile(settings.keys)
    if fresh and await _needs_keys(store):
        file.close()
        settings.keys.unlink()
        raise KeyFileRefused(
            f"{settings.keys} is not there, and the database has citizens or cases: put the file of their keys back, or"
            " name its place in AGGREGATOR_KEYS"
        )
    return KeyRing(vault, file, clock, chance)


async def _needs_keys(store: Store) -> bool:
    newest = await store.read("select form_sealed from cases order by id desc limit 1")
    if newest and key_named(newest[0]["form_sealed"]):
        return True
    return bool(await store.read("select 1 from citizen where state <> 'ERASED' limit 1"))


async def privacy_room(on: Ground, keys: KeyRing, consents: Consents, accesses: Accesses) -> PrivacyRoom:
    erasure = Erasure(on.store, keys, on.vault, on.clock)
    await erasure.reapply()
    return private_room(on, consents, accesses, erasure)
