"""Citizens' keys, consents, looks and erasure on this city's store; whoever was erased before a restore is so again."""

from aggregator.citizens.accesses import Accesses
from aggregator.citizens.assistance import Assistances
from aggregator.citizens.consents import Consents
from aggregator.citizens.erasure import Erasure
from aggregator.citizens.keyring import KeyRing
from aggregator.citizens.pairwise import Pairwise
from aggregator.citizens.privacy import PrivacyRoom
from aggregator.citizens.vault import Vault
from aggregator.sdk.auth import Signer
from aggregator.sdk.clock import Chance, Clock
from aggregator.settings import Settings
from aggregator.store import Store
from aggregator.store.keyfile import KeyFile, KeyFileRefused
from aggregator.wiring.keys import vault_key


async def key_ring(settings: Settings, store: Store, vault: Vault, clock: Clock, chance: Chance) -> KeyRing:
    """The citizens' keys. Raises KeyFileRefused where the database has citizens and their keys are not there."""
    fresh = not settings.keys.exists()
    file = KeyFile(settings.keys)
    if fresh and await store.read("select 1 from citizen where state <> 'ERASED' limit 1"):
        file.close()
        settings.keys.unlink()
        raise KeyFileRefused(
            f"{settings.keys} is not there, and the database has citizens: put the file of their keys back, or name its"
            " place in AGGREGATOR_KEYS"
        )
    return KeyRing(vault, file, clock, chance)


def consents_of(settings: Settings, store: Store, signer: Signer, clock: Clock, chance: Chance) -> Consents:
    """What citizens allowed. Raises KeyRefused."""
    return Consents(store, signer, clock, chance, Pairwise(vault_key(settings, chance)).of)


def accesses_of(settings: Settings, store: Store, clock: Clock, chance: Chance) -> Accesses:
    """The list of looks. Raises KeyRefused."""
    return Accesses(store, clock, chance, Pairwise(vault_key(settings, chance)).of)


async def privacy_room(  # noqa: PLR0913, PLR0917 - what the room stands on
    settings: Settings, store: Store, vault: Vault, keys: KeyRing, consents: Consents, clock: Clock, chance: Chance
) -> PrivacyRoom:
    erasure = Erasure(store, keys, vault, clock)
    await erasure.reapply()
    return PrivacyRoom(
        consents, accesses_of(settings, store, clock, chance), erasure,
        Assistances(store, keys, clock, chance),
    )  # fmt: skip
