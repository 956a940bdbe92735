"""What a citizen may know and decide about their own record, put together once."""

from dataclasses import dataclass

from aggregator.citizens.accesses import Accesses
from aggregator.citizens.assistance import Assistances
from aggregator.citizens.belongings import Belongings
from aggregator.citizens.consents import Consents
from aggregator.citizens.envelopes import Envelopes
from aggregator.citizens.erasure import Erasure
from aggregator.citizens.nominations import Nominations
from aggregator.citizens.nominee_claims import NomineeClaims
from aggregator.citizens.notices import Notices, Says
from aggregator.citizens.room import CitizenRoom
from aggregator.citizens.seals import Seals
from aggregator.sdk.clock import Chance, Clock
from aggregator.store import Store


@dataclass(frozen=True, slots=True)
class PrivacyRoom:
    """Consents, the list of looks, being forgotten, and who acts for whom, now and after death."""

    consents: Consents
    accesses: Accesses
    erasure: Erasure
    assistances: Assistances
    nominations: Nominations
    claims: NomineeClaims
    notices: Notices
    belongings: Belongings

    async def tell(self) -> None:
        """Until cancelled: citizens are told what they must know."""
        await self.notices.run(self.claims.words)


@dataclass(frozen=True, slots=True)
class Ground:
    """What the room stands on."""

    store: Store
    seals: Seals
    vault: Envelopes
    citizens: CitizenRoom
    say: Says
    clock: Clock
    chance: Chance


def private_room(on: Ground, consents: Consents, accesses: Accesses, erasure: Erasure) -> PrivacyRoom:
    register, messages = on.citizens.register, on.citizens.messages
    notices = Notices(on.store, register, messages, on.say, on.clock, on.chance)
    return PrivacyRoom(
        consents=consents, accesses=accesses, erasure=erasure,
        assistances=Assistances(on.store, on.seals, on.clock, on.chance),
        nominations=Nominations(on.store, on.seals, on.clock, on.chance),
        claims=NomineeClaims(on.store, on.seals, on.vault.own, notices, on.clock, on.chance),
        notices=notices, belongings=Belongings(on.store, on.seals),
    )  # fmt: skip
