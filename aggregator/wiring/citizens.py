"""The citizens' room on this city's store, vault and registry."""

from collections.abc import Callable

from aggregator.citizens.keyring import KeyRing
from aggregator.citizens.pairwise import Pairwise
from aggregator.citizens.room import CitizenRoom, furnished
from aggregator.registry.agency import Registry
from aggregator.sdk.clock import Chance, Clock
from aggregator.settings import Settings
from aggregator.store import Store
from aggregator.wiring.keys import vault_key


def citizen_room(  # noqa: PLR0913, PLR0917 - what the room stands on
    settings: Settings, store: Store, keys: KeyRing, registry: Callable[[], Registry], clock: Clock, chance: Chance
) -> CitizenRoom:
    """The room. Raises KeyRefused."""
    pairwise = Pairwise(vault_key(settings, chance))
    return furnished(store, keys, pairwise, registry, clock=clock, chance=chance)
